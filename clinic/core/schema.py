"""How the API describes itself: what holds for every operation. Each app's api/schema.py adds the shapes of its own."""

import copy
from collections.abc import Callable

from drf_spectacular.drainage import isolate_view_method
from drf_spectacular.extensions import OpenApiSerializerFieldExtension, OpenApiViewExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent, build_basic_type, follow_model_field_lookup
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema_serializer
from rest_framework import serializers
from rest_framework.permissions import SAFE_METHODS, AllowAny

from clinic.core.api import ANY_SIGNED_IN
from clinic.core.http import PROBLEM_TYPE

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "pattern": r"^[\x21-\x7e]{1,255}$"},
    OpenApiParameter.HEADER,
    description="Sent again with the same request, it gives the first answer and no second effect. Kept for 48 hours.",
)
IF_MATCH = OpenApiParameter(
    "If-Match",
    {"type": "string", "pattern": r'^(\*|(W/)?"[0-9]+")$'},
    OpenApiParameter.HEADER,
    description="The ETag that the change was made on; refused with 412 when someone else changed it since.",
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match", str, OpenApiParameter.HEADER, description="An ETag that the caller has; 304 while it is current."
)
ETAG = OpenApiParameter("ETag", str, OpenApiParameter.HEADER, response=[200, 201], description="The row's version.")
# Parameters of an operation on a row with a version: read it, read it when it changed, change it.
SHOWS_VERSION, READS_VERSION, CHECKS_VERSION = [ETAG], [ETAG, IF_NONE_MATCH], [ETAG, IF_MATCH]
REASON_IN_QUERY = OpenApiParameter("reason", {"type": "string", "maxLength": 200, "minLength": 1}, required=True, description="Why.")
NOTHING = OpenApiResponse(description="Done; there is nothing to say.")
PDF = {(200, "application/pdf"): OpenApiResponse(OpenApiTypes.BINARY, description="A document to print.")}

_REFUSALS = {
    400: "The request does not make sense; `errors` names the fields.",
    401: "Nobody is signed in.",
    403: "This user may not do this.",
    404: "There is no such thing, or this user may not see it.",
    409: "A rule of the clinic refuses this; `code` says which. Nothing was written.",
    412: "Someone else changed this meanwhile.",
    415: "The body is not JSON.",
    422: "This Idempotency-Key was used before with another request.",
    429: "Too many attempts.",
    503: "The database is away, or many people are changing this right now. Trying again is safe.",
}
_PROBLEM = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string", "description": "The status in words."},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "What programs switch on."},
        "detail": {"type": "string", "description": "A sentence for the person who gets it."},
        "errors": {"type": "object", "description": "Messages by field.", "additionalProperties": {}},
    },
}


def describe(view: type, **operations: Callable) -> None:
    """Describe the methods of a view by `extend_schema(...)`, without touching the view."""

    def view_replacement(extension):
        described = type(view.__name__, (view,), {"__doc__": view.__doc__, "__module__": view.__module__})
        for name, operation in operations.items():
            operation(isolate_view_method(described, name))
        return described

    # Being declared is what registers an extension.
    type(f"{view.__name__}Description", (OpenApiViewExtension,), {"target_class": view, "view_replacement": view_replacement})


def list_of(shape: type[serializers.Serializer], name: str, **more: serializers.Field) -> type[serializers.Serializer]:
    """The shape of a list that the view pages itself: {next, previous, results} and `more`, as {count}."""
    fields = {
        "next": serializers.URLField(allow_null=True),
        "previous": serializers.URLField(allow_null=True),
        "results": shape(many=True),
    }
    return extend_schema_serializer(many=False)(type(name, (serializers.Serializer,), more | fields))


def whole_list_of(shape: type[serializers.Serializer], name: str) -> type[serializers.Serializer]:
    """The shape of `clinic.core.api.whole_list`."""
    return list_of(shape, name, count=serializers.IntegerField(min_value=0))


class ClinicSchema(AutoSchema):
    """Names, refusals and headers that follow from the view; in an answer, every field is there."""

    def get_operation_id(self) -> str:
        action = getattr(self.view, "action", None)
        if action is None:
            return super().get_operation_id()
        return f"{self._tokenize_path()[0].replace('-', '_')}_{action}"

    def get_serializer_name(self, serializer, direction) -> str:
        name = super().get_serializer_name(serializer, direction)
        return name.removesuffix("Input") if direction == "request" else name.removesuffix("Answer")

    def get_override_parameters(self) -> list:
        return [*super().get_override_parameters(), *([IDEMPOTENCY_KEY] if getattr(self._action, "is_idempotent", False) else [])]

    def get_operation(self, *args, **kwargs) -> dict | None:
        operation = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        asked = {(parameter["in"], parameter["name"]) for parameter in operation.get("parameters", [])}
        responses = operation["responses"]
        if ("header", "If-None-Match") in asked:
            responses.setdefault("304", {"description": "What the caller has is current."})
        for status in self._refusals(asked, has_body="requestBody" in operation):
            responses.setdefault(str(status), self._refusal(status).ref)
        operation["responses"] = {code: self._as_refusal(code, responses[code]) for code in sorted(responses)}
        return operation

    @property
    def _action(self):
        return getattr(self.view, getattr(self.view, "action", None) or self.method.lower())

    def _refusals(self, asked: set[tuple[str, str]], *, has_body: bool) -> set[int]:
        found = {503}
        places = {place for place, _ in asked}
        is_unsafe = self.method not in SAFE_METHODS
        if has_body or "query" in places or ("header", "Idempotency-Key") in asked:
            found.add(400)
        if "path" in places or ("query", "page") in asked:
            found.add(404)
        if has_body:
            found.add(415)
        if ("header", "Idempotency-Key") in asked:
            found.add(422)
        if ("header", "If-Match") in asked:
            found.add(412)
        if any(isinstance(permission, AllowAny) for permission in self.view.get_permissions()):
            return found
        found.add(401)
        needed = getattr(self.view, "action_permissions", {}).get(getattr(self.view, "action", None) or self.method.lower())
        if is_unsafe or needed is not ANY_SIGNED_IN:
            found.add(403)
        return found | ({409} if is_unsafe else set())

    def _refusal(self, status: int) -> ResolvedComponent:
        shape = ResolvedComponent("ProblemDetails", ResolvedComponent.SCHEMA, _PROBLEM, object="ProblemDetails")
        self.registry.register_on_missing(shape)
        answer = {"description": _REFUSALS[status], "content": {PROBLEM_TYPE: {"schema": shape.ref}}}
        if status == 503:
            answer["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
        component = ResolvedComponent(f"Refused{status}", ResolvedComponent.RESPONSE, answer, object=str(status))
        self.registry.register_on_missing(component)
        return component

    def _as_refusal(self, code: str, response: dict) -> dict:
        """A refusal that the app only names, as `{429: None}`, in its shared form."""
        is_named_only = int(code) in _REFUSALS and "$ref" not in response and "content" not in response
        return self._refusal(int(code)).ref if is_named_only else response

    def _get_request_for_media_type(self, serializer, direction="request"):
        if getattr(serializer, "is_whole", False):  # a PATCH that needs its required fields
            return self.resolve_serializer(serializer, direction).ref, True
        return super()._get_request_for_media_type(serializer, direction)

    def _map_serializer_field(self, field, direction, bypass_extensions=False):
        if direction == "response" and not field.allow_null and (field.default is None or _is_null_column(field)):
            field = copy.copy(field)
            field.allow_null = True
        schema = super()._map_serializer_field(field, direction, bypass_extensions)
        if isinstance(field, serializers.ListSerializer) and direction == "request":
            fewest, most = field.min_length or int(not field.allow_empty), field.max_length
            schema |= ({"minItems": fewest} if fewest else {}) | ({"maxItems": most} if most else {})
        return schema

    def _map_basic_serializer(self, serializer, direction) -> dict:
        schema = super()._map_basic_serializer(serializer, direction)
        if direction == "response" and schema.get("properties"):
            schema["required"] = sorted(schema["properties"])
        return schema


def _is_null_column(field: serializers.Field) -> bool:
    """Whether a field of a ModelSerializer shows a column that may be null."""
    model = getattr(getattr(field.parent, "Meta", None), "model", None)
    if model is None or not field.source or field.source == "*" or isinstance(field, serializers.ManyRelatedField):
        return False
    names = field.source.split(".")
    columns = {column.name: column for column in model._meta.concrete_fields}
    return names[0] in columns and follow_model_field_lookup(model, names[0]).null


class PublicIdDescription(OpenApiSerializerFieldExtension):
    target_class = "clinic.core.serializers.PublicIdField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema, direction):
        return build_basic_type(OpenApiTypes.UUID)


class DecimalDescription(OpenApiSerializerFieldExtension):
    target_class = "rest_framework.serializers.DecimalField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema, direction):
        field = self.target
        if not getattr(field, "coerce_to_string", True):
            return {"type": "number"}
        sign = "" if field.min_value is not None and field.min_value >= 0 else "-?"
        whole, cents = field.max_digits - field.decimal_places, field.decimal_places
        return {"type": "string", "format": "decimal", "pattern": rf"^{sign}[0-9]{{1,{whole}}}(\.[0-9]{{1,{cents}}})?$"}
