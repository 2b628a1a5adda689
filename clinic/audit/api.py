"""Idempotency keys, for endpoints that make money, stock, appointments or tokens."""

import functools

import orjson
from rest_framework.exceptions import APIException
from rest_framework.response import Response

from clinic.audit.http import problem_handler
from clinic.audit.services import idempotency
from clinic.audit.services.idempotency import Answer
from clinic.core.api import encode_json
from clinic.core.errors import DomainError

_NOT_KEPT = {401, 429}


def idempotent(action):
    """Decorate a view's POST method: with an `Idempotency-Key`, the same request has one effect and one answer.

    Sets `request.request_id` for the services: the same UUID for the same user and key, else a new one.
    """

    @functools.wraps(action)
    def run(view, request, *args, **kwargs):
        key = request.headers.get("Idempotency-Key")
        if key is not None:
            idempotency.check_key(key)
        request.request_id = idempotency.request_id_of(request.user, key)
        if key is None:
            return action(view, request, *args, **kwargs)
        answer = idempotency.answer_once(
            user=request.user,
            key=key,
            fingerprint=idempotency.fingerprint_of(request.method, request.path, request.data),
            run=lambda: _answer_of(action(view, request, *args, **kwargs)),
            refusal_of=lambda error: _refusal_of(error, request),
        )
        response = Response(orjson.loads(answer.body), status=answer.status, headers={"ETag": answer.etag} if answer.etag else None)
        response.is_problem = answer.status >= 400
        return response

    run.is_idempotent = True  # the API's description says so
    return run


def keyed(action):
    """Decorate a view's POST method whose service repeats a request by its `request_id` alone.

    For a service of several transactions: `idempotent` would put them into one.
    """

    @functools.wraps(action)
    def run(view, request, *args, **kwargs):
        key = request.headers.get("Idempotency-Key")
        if key is not None:
            idempotency.check_key(key)
        request.request_id = idempotency.request_id_of(request.user, key)
        return action(view, request, *args, **kwargs)

    run.is_idempotent = True  # the API's description says so
    return run


def _answer_of(response: Response) -> Answer:
    return Answer(response.status_code, encode_json(response.data).decode(), response.headers.get("ETag", ""))


def _refusal_of(error: Exception, request) -> Answer | None:
    response = problem_handler(error, {"request": request}) if isinstance(error, DomainError | APIException) else None
    if response is None or response.status_code >= 500 or response.status_code in _NOT_KEPT:
        return None
    return _answer_of(response)
