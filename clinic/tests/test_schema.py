"""The API's description is whole, and says what the API does."""

import copy
import json
import re
from functools import cache

import pytest
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from rest_framework.test import APIClient

from clinic.accounts.roles import Role
from clinic.accounts.services.tokens import open_session
from clinic.accounts.tests.factories import user
from clinic.core.http import PROBLEM_TYPE
from clinic.tests import test_day_api

people, medicine = test_day_api.people, test_day_api.medicine


@cache
def description() -> dict:
    return json.loads(OpenApiJsonRenderer().render(SchemaGenerator().get_schema(public=True), renderer_context={}))


@cache
def closed_description() -> dict:
    """The description, in which an object with a key more than described is wrong."""
    closed = copy.deepcopy(description())
    for shape in closed["components"]["schemas"].values():
        if "properties" in shape:
            shape["additionalProperties"] = False
    closed["components"]["schemas"]["ProblemDetails"].pop("additionalProperties")  # a refusal may say more
    return closed


def operations():
    for path, methods in description()["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def operation_of(method: str, path: str) -> dict:
    for template, methods in closed_description()["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) and method.lower() in methods:
            return methods[method.lower()]
    raise AssertionError(f"{method} {path} is not described")


def check_answer(method: str, path: str, answer) -> str:
    """Compare an answer with its description; the operation's id."""
    operation = operation_of(method, path)
    described = operation["responses"].get(str(answer.status_code))
    assert described is not None, f"{operation['operationId']} answers {answer.status_code}"
    if "$ref" in described:
        described = closed_description()["components"]["responses"][described["$ref"].split("/")[-1]]
    if "content" not in described:
        assert answer.content == b""
        return operation["operationId"]
    kind = answer["Content-Type"].split(";")[0]
    assert kind in described["content"], f"{operation['operationId']} answers {kind}"
    if kind in {"application/json", PROBLEM_TYPE}:
        shape = described["content"][kind]["schema"] | {"components": closed_description()["components"]}
        Draft202012Validator(shape, format_checker=FormatChecker()).validate(
            json.loads(answer.getvalue()) if answer.streaming else answer.json()
        )
    return operation["operationId"]


class CheckingClient(APIClient):
    """Compares each answer with its description; `seen` holds the operations."""

    def __init__(self, seen: set[str]):
        super().__init__()
        self.seen = seen

    def generic(self, method, path, *args, **kwargs):
        answer = super().generic(method, path, *args, **kwargs)
        self.seen.add(check_answer(method, path.split("?")[0], answer))
        return answer


@pytest.fixture
def seen() -> set[str]:
    return set()


@pytest.fixture
def api_as(seen):
    """In place of the shared fixture: clients that compare each answer with its description."""

    def make(by=None):
        client = CheckingClient(seen)
        if by is not None:
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {open_session(user=by).access}")
        return client

    return make


def test_description_is_generated_without_a_warning():
    with GENERATOR_STATS.silence():
        schema = SchemaGenerator().get_schema(public=True)
    complaints = [*GENERATOR_STATS._warn_cache, *GENERATOR_STATS._error_cache]

    assert complaints == []
    validate_schema(schema)


def test_every_refusal_is_described_as_problem_details():
    refusals = description()["components"]["responses"]

    assert {"Refused400", "Refused401", "Refused403", "Refused404", "Refused409", "Refused412", "Refused422"} <= set(refusals)
    for refusal in refusals.values():
        assert refusal["content"] == {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
    for path, method, operation in operations():
        for status, answer in operation["responses"].items():
            assert status < "400" or answer == {"$ref": f"#/components/responses/Refused{status}"}, (path, method, status)


def test_every_operation_says_who_is_refused_and_what_a_write_may_meet():
    silent = []
    for _, method, operation in operations():
        is_public = {} in operation.get("security", []) or operation["operationId"] in {"auth_login", "auth_refresh", "payment_event"}
        needed = set() if is_public else {"401"}
        if method != "get" and not is_public:
            needed |= {"403", "409"}
        headers = {parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "header"}
        needed |= {"412"} if "If-Match" in headers else set()
        needed |= {"422"} if "Idempotency-Key" in headers else set()
        if not needed <= set(operation["responses"]):
            silent.append((operation["operationId"], needed - set(operation["responses"])))
    assert silent == []


def test_ids_in_paths_are_uuids():
    others = [
        (path, parameter["name"])
        for path, _, operation in operations()
        for parameter in operation.get("parameters", [])
        if parameter["in"] == "path" and parameter["schema"] != {"type": "string", "format": "uuid"}
    ]
    assert others == []


def test_what_makes_money_stock_appointments_or_tokens_takes_an_idempotency_key():
    takes_one = {
        operation["operationId"]
        for _, _, operation in operations()
        if "Idempotency-Key" in {parameter["name"] for parameter in operation.get("parameters", [])}
    }
    assert takes_one >= {
        "appointments_create", "queue_check_in", "queue_walk_in", "batches_create", "stock_transfers_create", "dispensings_create",
        "invoices_create",
        "invoices_pay", "payments_refund", "shifts_create", "prescriptions_create", "patients_create", "visits_create",
    }  # fmt: skip


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("mid_morning")
def test_a_patients_day_goes_as_described(people, medicine, seen, api_as):
    test_day_api.test_a_patient_goes_from_the_door_to_the_medicine(people, medicine)
    administrator = api_as(user(Role.ADMIN))
    for path, body in {"specializations": {}, "suppliers": {}, "treatment-types": {"base_cost": "5.00"}}.items():
        assert administrator.post(f"/api/v1/{path}/", {"name": "One more"} | body).status_code == 201
    supplier = administrator.get("/api/v1/suppliers/").json()["results"][0]["id"]
    line = {"medicine": medicine["id"], "quantity": 5, "unit_cost": "0.10"}
    assert administrator.post("/api/v1/purchase-orders/", {"supplier": supplier, "lines": [line]}).status_code == 201
    assert administrator.post("/api/v1/stock-takes/", {"which": "all"}).status_code == 201
    store = administrator.post("/api/v1/stores/", {"name": "Reserve", "kind": "storeroom"}).json()["id"]
    batch = administrator.get("/api/v1/batches/").json()["results"][-1]["id"]
    assert administrator.post("/api/v1/stock-transfers/", {"batch": batch, "store": store, "quantity": 1}).status_code == 201
    read_everything(administrator, people)

    unread = {operation["operationId"] for _, method, operation in operations() if method == "get"} - seen
    assert unread <= {
        "credit_notes_retrieve",
        "claims_retrieve",
        "claims_batch_csv",
        "visits_attachment",
        "deposits_retrieve",
        "packages_retrieve",
    }, "there are none of these that day"
    assert {"appointments_create", "queue_check_in", "visits_complete", "prescriptions_sign", "invoices_pay", "dispensings_create"} <= seen


def read_everything(client, people) -> None:
    """Each GET that needs no id, then each that takes one of those found."""
    found = {}
    paths = [path for path, method, _ in operations() if method == "get"]
    for path in (each for each in paths if "{" not in each):
        body = client.get(f"{path}?doctor={people['doctor_id']}" if path.endswith("/slots/") else path).json()
        if body.get("results"):
            found[path.split("/")[3]] = body["results"][0].get("id")
    found["clinical-notes"] = found["visits"]
    for path in (each for each in paths if each.count("{") == 1):
        row = found.get(path.split("/")[3])
        if row:
            client.get(re.sub(r"\{\w+\}", row, path))


@pytest.mark.django_db
def test_refusals_are_as_described(api_as):
    desk, stranger = api_as(user(Role.RECEPTION)), api_as()

    assert stranger.get("/api/v1/patients/").status_code == 401
    assert desk.get("/api/v1/visits/").status_code == 403
    assert desk.get("/api/v1/patients/6c1f0a52-0a6f-4a0c-9a55-1f6f4a3f2d11/").status_code == 404
    assert desk.post("/api/v1/patients/", {}).status_code == 400
    assert desk.post("/api/v1/appointments/", {"reason": "x"}, headers={"Idempotency-Key": "k"}).status_code == 400
    assert desk.post("/api/v1/appointments/", {}, headers={"Idempotency-Key": "k"}).status_code == 422


@pytest.mark.django_db
def test_an_answer_that_says_more_or_less_than_described_is_noticed(api_as):
    answer = api_as(user(Role.DOCTOR)).get("/api/v1/auth/me/")

    for wrong in (answer.json() | {"shoe_size": 43}, {"id": answer.json()["id"]}):
        answer.json = lambda wrong=wrong: wrong
        with pytest.raises(ValidationError):
            check_answer("GET", "/api/v1/auth/me/", answer)
