"""The requests that the API's description allows, with placeholders for ids: replayed with one patient's ids by another.

A request is JSON in which `{visits}` stands for the id of a visit, whether in the path, the query or deep in the body.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from uuid import uuid4

# What the rows of a patient are called: the part of the path before the id, or the name of the field that holds it.
OWN = frozenset({
    "patients", "patient", "other", "visits", "visit", "record_uuid", "clinical-notes", "amends", "attachment", "attachments",
    "appointments", "appointment", "recurring", "queue", "token", "prescriptions", "prescription", "item", "dispensings", "dispensing",
    "invoices", "invoice", "line", "id", "payments", "credit-notes", "claims", "deposits",
})  # fmt: skip
# Rows of the clinic: whose they are is no secret, or they are nobody's.
OTHERS = frozenset({
    "doctors", "doctor", "departments", "department", "facilities", "facility", "specializations", "specialization", "medicines",
    "medicine", "batches", "batch", "suppliers", "supplier", "favourites", "packages", "purchase-orders", "shifts", "stock-movements",
    "stock-takes", "stock-transfers", "stores", "store", "treatment-types", "treatment_type", "equivalents", "to", "user", "reference",
})  # fmt: skip
_SAMPLES = {"date": "2027-03-01", "email": "someone@example.org", "decimal": "1.00", "uri": "https://example.org/"}
_PLACEHOLDER = re.compile(r"\{([\w-]+)\}")
_WRITES = ("post", "put", "patch")


class UnknownKind(Exception):
    """An id of the description of which nobody said whether it is a patient's."""


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    body: dict | None = None

    @property
    def kinds(self) -> list[str]:
        return sorted(set(_PLACEHOLDER.findall(self.path + json.dumps(self.body))))

    def filled(self, ids: Mapping[str, str]) -> "Request":
        def fill(text: str) -> str:
            return _PLACEHOLDER.sub(lambda match: ids[match[1]], text)

        return Request(self.method, fill(self.path), json.loads(fill(json.dumps(self.body))))


def requests_of(description: dict, *, start: str) -> Iterator[Request]:
    """One for each operation, and one more for each filter by an id. `start` is the time that they ask for.

    Raises UnknownKind.
    """
    for template, methods in description["paths"].items():
        path = re.sub(r"([\w-]+)/\{\w+\}", r"\1/{\1}", template)
        for method, operation in methods.items():
            body = _body_of(operation, description, start) if method in _WRITES else None
            filters = [parameter["name"] for parameter in operation.get("parameters", ()) if _is_filter_by_id(parameter)]
            for query in ("", *(f"?{name}={{{name}}}" for name in filters)):
                request = Request(method.upper(), path + query, body)
                if unknown := set(request.kinds) - OWN - OTHERS:
                    raise UnknownKind(f"{request.method} {request.path}: {', '.join(sorted(unknown))}")
                yield request


def variants(request: Request, own: Mapping[str, str], theirs: Mapping[str, str]) -> Iterator[tuple[Request, Request, dict, dict]]:
    """(with their ids, with ids that nobody has, those ids of each): all at once, and each among the caller's own."""
    base = {kind: own.get(kind) or str(uuid4()) for kind in request.kinds}
    foreign = [kind for kind in request.kinds if kind in theirs]
    for group in [foreign, *([kind] for kind in foreign if len(foreign) > 1)] if foreign else []:
        missing = {kind: str(uuid4()) for kind in group}
        held = {kind: theirs[kind] for kind in group}
        yield request.filled(base | held), request.filled(base | missing), held, missing


def masked(content: bytes, ids: Mapping[str, str]) -> bytes:
    """The answer, with a word in place of each id that was asked for, and of what is new in every answer."""
    for kind, value in ids.items():
        content = content.replace(value.encode(), kind.encode())
    return re.sub(
        rb'name="(csrfmiddlewaretoken|request_id)" value="[^"]*"|"X-CSRFToken": ?"[^"]*"|csrf-token" content="[^"]*"', b"", content
    )


def _is_filter_by_id(parameter: dict) -> bool:
    return parameter["in"] == "query" and parameter["schema"].get("format") == "uuid"


def _body_of(operation: dict, description: dict, start: str) -> dict | None:
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    return _sample("", schema, description, _SAMPLES | {"date-time": start}) if schema else None


def _sample(name: str, schema: dict, description: dict, texts: Mapping[str, str]):
    """A value of this shape: what is required and what holds ids."""
    if "$ref" in schema:
        return _sample(name, description["components"]["schemas"][schema["$ref"].split("/")[-1]], description, texts)
    for choice in ("allOf", "oneOf", "anyOf"):
        if choice in schema:
            return _sample(name, schema[choice][0], description, texts)
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "object")
    kind = next(each for each in kind if each != "null") if isinstance(kind, list) else kind
    if kind == "array":
        return [_sample(name, schema["items"], description, texts)]
    if kind == "object":
        fields = {key: each for key, each in schema.get("properties", {}).items() if not each.get("readOnly")}
        values = {key: _sample(key, each, description, texts) for key, each in fields.items()}
        return {key: value for key, value in values.items() if key in schema.get("required", ()) or _PLACEHOLDER.search(json.dumps(value))}
    if schema.get("format") == "uuid":
        return f"{{{name}}}"
    if kind == "string":
        return texts.get(schema.get("format", ""), "1.00" if "pattern" in schema else "text")
    return {"integer": schema.get("minimum", 1), "number": 1, "boolean": True}[kind]
