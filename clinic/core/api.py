"""What every endpoint shares: rendering, paging, the permission of an action, ETags."""

from collections.abc import Mapping

import orjson
from django.utils.functional import Promise
from rest_framework.exceptions import NotFound, ParseError
from rest_framework.pagination import PageNumberPagination
from rest_framework.parsers import JSONParser
from rest_framework.permissions import BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from clinic.core.http import PROBLEM_TYPE, etag_of
from clinic.core.policy import SIGNED_IN, Policy, needs


def encode_other(value):
    if isinstance(value, Promise):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)  # Decimal, ErrorDetail


def encode_json(data) -> bytes:
    """JSON of what a view answers. DRF names the rows of a list by number: keys need not be text."""
    return orjson.dumps(data, default=encode_other, option=orjson.OPT_NON_STR_KEYS)


class ORJSONRenderer(JSONRenderer):
    """JSON by orjson; a refusal is `application/problem+json`."""

    def render(self, data, accepted_media_type=None, renderer_context=None):
        if data is None:
            return b""
        response = (renderer_context or {}).get("response")
        if response is not None and getattr(response, "is_problem", False):
            response["Content-Type"] = PROBLEM_TYPE
        return encode_json(data)


class ClinicJSONParser(JSONParser):
    """JSON, and a clear refusal of what Python or PostgreSQL cannot hold: endless nesting, half of a surrogate pair."""

    def parse(self, stream, media_type=None, parser_context=None):
        try:
            data = super().parse(stream, media_type, parser_context)
            orjson.dumps(data)
        except RecursionError as error:
            raise ParseError("This JSON is nested too deeply.") from error
        except TypeError as error:  # orjson: invalid text, a number beyond 64 bits, more than 254 levels
            raise ParseError("This JSON has text or numbers that cannot be stored, or is nested too deeply.") from error
        if not isinstance(data, dict):
            raise ParseError("Send a JSON object.")
        return data


class Pagination(PageNumberPagination):
    """{count, next, previous, results}; `?page_size=` up to 200."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200

    def get_paginated_response(self, data):
        return Response(
            {"count": self.page.paginator.count, "next": self.get_next_link(), "previous": self.get_previous_link(), "results": data}
        )

    def get_paginated_response_schema(self, schema):
        link = {"type": ["string", "null"], "format": "uri"}
        fields = {"count": {"type": "integer", "minimum": 0}, "next": link, "previous": link, "results": schema}
        return {"type": "object", "required": list(fields), "properties": fields}

    def paginate_queryset(self, queryset, request, view=None):
        try:
            return super().paginate_queryset(queryset, request, view)
        except NotFound as error:
            raise NotFound("There is no such page.") from error


def whole_list(rows: list) -> dict:
    """A list that is short by nature, in the shape of every list: all of it on one page."""
    return {"count": len(rows), "next": None, "previous": None, "results": rows}


ANY_SIGNED_IN = object()


class HasActionPermission(BasePermission):
    """Default deny: the view names a codename for the action, and the user's roles grant it.

    `action_permissions` maps a viewset's action (or a plain view's lower-case method) to a codename, a
    tuple of codenames of which one is enough, ANY_SIGNED_IN, or a Policy. What is not named is refused.
    """

    def has_permission(self, request, view):
        if not request.user.is_authenticated:
            return False
        if request.method not in view.allowed_methods:
            return True  # the view answers 405
        action = getattr(view, "action", None) or request.method.lower().replace("head", "get")
        if action in {"options", "metadata"}:
            return True
        policy = policy_of_action(view, action)
        return policy is not None and policy.lets_in(request.user)


def policy_of_action(view, action: str) -> Policy | None:
    """What the view (or its class) declares for the action; None when it declares nothing."""
    declared = getattr(view, "action_permissions", {}).get(action)
    if declared is None or isinstance(declared, Policy):
        return declared
    if declared is ANY_SIGNED_IN:
        return SIGNED_IN
    return needs(*([declared] if isinstance(declared, str) else declared))


class EtagMixin:
    """Answer a retrieve or an update with the row's version as its ETag; 304 for If-None-Match."""

    def retrieve(self, request, *args, **kwargs):
        row = self.get_object()
        etag = etag_of(row.version)
        if request.headers.get("If-None-Match") == etag:
            return Response(status=304, headers={"ETag": etag})
        return Response(self.get_serializer(row).data, headers={"ETag": etag})

    def versioned_response(self, row, status: int = 200) -> Response:
        return Response(self.get_serializer(row).data, status=status, headers={"ETag": etag_of(row.version)})
