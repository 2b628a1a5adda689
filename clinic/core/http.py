"""Answers in the form of problem details (RFC 9457), and what a request asked for."""

import re
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.http import content_disposition_header

from clinic.core.errors import DomainError, StaleVersion

PROBLEM_TYPE = "application/problem+json"
_ETAG = re.compile(r'^(?:W/)?"([0-9]{1,18})"$')


def problem(*, status: int, code: str, detail: str, errors: dict | None = None, **extra) -> dict:
    """The body of a refusal. `title` is the status in words, `code` what programs switch on."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "code": code, "detail": detail}
    if errors:
        body["errors"] = errors
    return body | extra


def problem_of(error: DomainError) -> dict:
    return problem(status=error.status, code=error.code, detail=error.detail, errors=error.errors, **error.extra)


def problem_response(error: DomainError) -> JsonResponse:
    """A problem outside DRF, e.g. from a middleware."""
    response = JsonResponse(problem_of(error), status=error.status, content_type=PROBLEM_TYPE)
    if error.status == HTTPStatus.SERVICE_UNAVAILABLE:
        response["Retry-After"] = "2"
    return response


def wants_json(request: HttpRequest) -> bool:
    return request.path.startswith(("/api/", "/fhir/"))


def download(name: str, content: bytes, content_type: str) -> HttpResponse:
    """A file that someone brought: to save, never to show or run."""
    headers = {
        "Content-Disposition": content_disposition_header(True, name),
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    return HttpResponse(content, content_type=content_type, headers=headers)


def etag_of(version: int) -> str:
    return f'"{version}"'


def expected_version(request) -> int | None:
    """The version that If-Match names; None without the header or with `*`.

    A header that names no version of ours can match nothing: StaleVersion.
    """
    header = request.headers.get("If-Match")
    if header is None or header.strip() == "*":
        return None
    if match := _ETAG.match(header.strip()):
        return int(match[1])
    raise StaleVersion


def check_version(row, expected: int | None) -> None:
    """Refuse an edit that was made on an older state. The caller holds the row's lock."""
    if expected is not None and row.version != expected:
        raise StaleVersion
