"""A patient sees the own data only: what belongs to another answers as what does not exist, byte for byte."""

import json
import re
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from functools import cache
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import connection
from django.urls import get_resolver
from django.utils import timezone

from billing.models import Claim, CreditNote, Deposit, Invoice, InvoiceLine, OnlinePayment, Payment
from billing.services.claiming import submit_claim
from billing.services.crediting import credit_invoice
from billing.tests.factories import cashier, issued
from clinic.accounts.roles import Role
from clinic.core.policy import Audience
from clinic.ops.describe.doors import Door, doors
from clinic.ops.prove.replay import OWN, Request, masked, requests_of, variants
from clinic.tests.test_schema import description
from clinic.tests.world import make_world, parameters
from patients.models import Attachment, ClinicalNote, Diagnosis, Encounter, Patient, Treatment, Vitals
from patients.tests.factories import DiagnosisFactory
from patients.tests.test_merging import full_record
from pharmacy.models import Dispense, DispenseLine, Prescription, PrescriptionItem
from scheduling.models import Appointment, AppointmentSeries, Token, WaitlistEntry, WaitlistOffer
from scheduling.tests.factories import at, working_doctor

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("mid_morning")]
MODELS = {
    "patient": Patient, "patients": Patient, "other": Patient, "encounter": Encounter, "visits": Encounter, "visit": Encounter,
    "record_uuid": Encounter, "clinical-notes": Encounter, "amends": ClinicalNote, "vitals": Vitals, "diagnosis": Diagnosis,
    "attachment": Attachment, "attachments": Attachment, "treatment": Treatment,
    "appointment": Appointment, "appointments": Appointment, "series": AppointmentSeries, "recurring": AppointmentSeries,
    "entry": WaitlistEntry, "offer": WaitlistOffer, "token": Token, "queue": Token,
    "prescription": Prescription, "prescriptions": Prescription, "item": PrescriptionItem,
    "dispense": Dispense, "dispensing": Dispense, "dispensings": Dispense, "line": DispenseLine,
    "invoice": Invoice, "invoices": Invoice, "id": InvoiceLine,
    "payment": Payment, "payments": Payment, "online": OnlinePayment,
    "note": CreditNote, "credit-notes": CreditNote, "claim": Claim, "claims": Claim,
    "deposit": Deposit, "deposits": Deposit,
}  # fmt: skip
# In a page's address, but of the clinic and not of a patient.
CLINICS = {"doctor", "medicine", "batch", "shift", "order", "line", "take", "favourite", "session", "exception", "package", "sign_up"}
CLINICS |= {"pair"}
# A word of the page itself: which dashboard, which of its figures, which list, as which file, of which month.
CLINICS |= {"key", "figure", "kind", "form", "year", "month"}
# Who has these has the paper or the message that they stand on: that is their whole right.
SECRETS = {"key", "code"}
# Headers that no two answers share: the number of the request, the time, and the length of what is masked.
UNSTEADY = {"X-Request-ID", "Expires", "Content-Length"}
OURS = ("patients", "scheduling", "pharmacy", "billing")


@cache
def page_requests() -> list[Request]:
    """GET and POST of every page whose address holds an id of a patient's."""
    found = []

    def walk(patterns, prefix=""):
        for pattern in patterns:
            route = prefix + str(pattern.pattern)
            if hasattr(pattern, "url_patterns"):
                if not route.startswith(("admin/", "api/")):
                    walk(pattern.url_patterns, route)
            elif kinds := [kind for _, kind in re.findall(r"<(\w+):(\w+)>", route) if kind not in SECRETS]:
                path = re.sub(r"<batch_state:\w+>", "recalled", route)
                path = "/" + re.sub(r"<\w+:(\w+)>", r"{\1}", path)
                found.extend(
                    Request(method, path) for method in ("GET", "POST") if set(kinds) - CLINICS - {"token"} or "uuid:token" in route
                )

    walk(get_resolver().url_patterns)
    return found


def personal_doors() -> list[Door]:
    """Those to an object, of any method, which a patient may come through because they signed in."""
    found = [door for door in doors() if parameters(door.path) and door.lets_in(Role.PATIENT)]
    return [door for door in found if door.policies[0].audience is not Audience.PUBLIC]


def shape(path: str) -> str:
    """A route, as the URL conf or the API's description spells it, without the names of its parameters."""
    return re.sub(r"<\w+:\w+>|\(\?P<\w+>[^)]*\)|\{[\w-]+\}", "*", path.strip("/"))


def rows_of(patient: Patient) -> dict[type, set[int]]:
    """The primary keys of all rows that belong to this patient, found from the foreign keys."""
    found = defaultdict(set, {Patient: {patient.pk}})
    models = [model for model in apps.get_models() if model._meta.app_label in OURS]
    grown = True
    while grown:
        grown = False
        for model in models:
            for field in model._meta.concrete_fields:
                if field.is_relation and found.get(field.related_model) and field.name != "merged_into":
                    keys = set(model._base_manager.filter(**{f"{field.name}__in": found[field.related_model]}).values_list("pk", flat=True))
                    grown |= not keys <= found[model]
                    found[model] |= keys
    return found


def content_of(rows: dict[type, set[int]]) -> dict[str, list]:
    content = {}
    with connection.cursor() as cursor:
        for model, keys in rows.items():
            table = model._meta.db_table
            cursor.execute(f"SELECT to_jsonb(t) FROM {table} t WHERE {model._meta.pk.column} = ANY(%s) ORDER BY 1", [list(keys)])
            content[table] = [row for (row,) in cursor.fetchall()]
    return content


def whole_record(by) -> Patient:
    """A patient with an account, and a row of each kind that an address can name."""
    patient = full_record()
    encounter = Encounter.objects.create(patient=patient, doctor=working_doctor())
    DiagnosisFactory(encounter=encounter)
    Patient.objects.filter(pk=patient.pk).update(
        insurance_payer="Northern Mutual", insurance_policy_number="N-1", insurance_cover_percent=80
    )
    submit_claim(invoice_id=issued(by, patient=Patient.objects.get(pk=patient.pk)).pk, by=by)
    credited = issued(by, patient=patient)
    credit_invoice(
        invoice_id=credited.pk, reason="Billed twice", by=by, on=timezone.localdate(), request_id=uuid4(), amount=Decimal("1.00")
    )
    OnlinePayment.objects.create(
        invoice=credited, provider="test", amount=Decimal("1.00"), currency="EUR", opened_by=by, request_id=uuid4()
    )
    entry = WaitlistEntry.objects.get(patient=patient)
    start = at(10)
    WaitlistOffer.objects.create(
        entry=entry,
        doctor=entry.doctor,
        starts_at=start,
        ends_at=start + timedelta(minutes=15),
        expires_at=timezone.now() + timedelta(hours=1),
    )
    return patient


def ids_of(patient: Patient) -> dict[str, str]:
    rows = rows_of(patient)
    return {kind: str(model._base_manager.filter(pk__in=rows[model]).earliest("pk").public_id) for kind, model in MODELS.items()}


@pytest.fixture
def theirs():
    return whole_record(cashier())


@pytest.fixture
def own():
    return whole_record(cashier())


@pytest.fixture
def caller(own, client_as):
    return client_as(own.user)


@pytest.fixture
def clinics_ids(own) -> dict[str, str]:
    """Ids of the clinic's own rows, real where a patient may name them."""
    doctor = working_doctor()
    known = {"doctor": doctor, "doctors": doctor, "department": doctor.department, "departments": doctor.department}
    return {kind: str(row.public_id) for kind, row in known.items()}


def ask(client, request: Request):
    answer = client.generic(request.method, request.path, json.dumps(request.body), content_type="application/json")
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    headers = {name: value for name, value in answer.items() if name not in UNSTEADY}
    return answer.status_code, headers, content


def differing(client, requests, own: dict, theirs: dict) -> list:
    """Requests that are answered otherwise for another patient's id than for one that nobody has."""
    found = []
    for request in requests:
        for named, unnamed, held, missing in variants(request, own, theirs):
            (status, headers, body), (status_of_none, headers_of_none, body_of_none) = ask(client, named), ask(client, unnamed)
            body, body_of_none = masked(body, held), masked(body_of_none, missing)
            headers, headers_of_none = masked(str(headers).encode(), held), masked(str(headers_of_none).encode(), missing)
            if (status, headers, body) != (status_of_none, headers_of_none, body_of_none):
                found.append((request.method, request.path, sorted(held), status, status_of_none, _first_difference(body, body_of_none)))
    return found


def _first_difference(one: bytes, other: bytes) -> tuple[bytes, bytes]:
    at = next((at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), min(len(one), len(other)))
    return one[at : at + 80], other[at : at + 80]


class TestAnothersIds:
    def test_every_id_in_a_page_address_is_known_as_a_patients_or_the_clinics(self):
        assert {kind for request in page_requests() for kind in re.findall(r"\{(\w+)\}", request.path)} <= set(MODELS) | CLINICS

    def test_there_is_a_row_of_each_kind_that_the_api_names(self):
        assert set(MODELS) >= OWN

    def test_api_answers_as_for_ids_that_do_not_exist(self, caller, own, theirs, clinics_ids):
        before = content_of(rows_of(theirs))
        requests = list(requests_of(description(), start=at(10, 30).isoformat()))

        assert differing(caller, requests, clinics_ids | ids_of(own), ids_of(theirs)) == []
        assert sum(bool(OWN & set(request.kinds)) for request in requests) > 100
        assert content_of(rows_of(theirs)) == before

    def test_pages_answer_as_for_ids_that_do_not_exist(self, caller, own, theirs, clinics_ids):
        before = content_of(rows_of(theirs))

        assert differing(caller, page_requests(), clinics_ids | ids_of(own), ids_of(theirs)) == []
        assert len(page_requests()) > 100
        assert content_of(rows_of(theirs)) == before

    def test_every_door_to_an_object_that_patients_may_come_through_is_asked(self):
        """Whoever adds one: name what its ids mean in MODELS, or in OWN or OTHERS of the replay."""
        asked = {
            (request.method, shape(request.path.partition("?")[0])) for request in [*requests_of(description(), start=""), *page_requests()]
        }

        assert [f"{door.method} {door.path}" for door in personal_doors() if (door.method, shape(door.path)) not in asked] == []

    def test_the_own_objects_are_shown(self, client_as, settings):
        """Else the answers would be equal because the doors are shut to everyone."""
        settings.PAYMENT_PROVIDER, settings.PAYMENT_WEBHOOK_SECRET = "billing.providers.TestProvider", "only-for-tests" * 3
        world = make_world()
        client = client_as(world.people[Role.PATIENT])

        answers = {door.path: client.get(world.address(door.path)).status_code for door in personal_doors() if door.method == "GET"}

        assert {path: status for path, status in answers.items() if status not in {200, 302}} == {}
        assert len(answers) > 40

    @pytest.mark.parametrize("model", [Patient, Encounter, Invoice])
    def test_a_query_that_is_not_scoped_is_noticed(self, caller, own, theirs, model, monkeypatch):
        """The control: without the guard the replay finds it."""
        monkeypatch.setattr(type(model.objects.all()), "visible_to", lambda rows, user: rows)
        reads = [request for request in requests_of(description(), start="") if request.method == "GET"]

        assert differing(caller, reads, ids_of(own), ids_of(theirs)) != []


# They change with each doctor or treatment that the clinic adds, with each reading of the own chart, or with the time.
NOT_ABOUT_OTHERS = re.compile(
    r"/(doctors|departments|facilities|specializations|treatment-types|access-log|export)/(\?|$)|/scheduling/|/receipt/|/record\.json$"
)


class TestLists:
    """What a patient reads does not change when another patient comes, with all that belongs to them."""

    def reads(self, own: Patient) -> list[Request]:
        ids = ids_of(own)
        requests = [request for request in [*requests_of(description(), start=""), *page_requests()] if request.method == "GET"]
        requests += [Request("GET", f"{request.path}?{name}=Bell") for request in requests for name in ("search", "q") if not request.kinds]
        return [request.filled({kind: ids.get(kind) or str(uuid4()) for kind in request.kinds}) for request in requests]

    def test_lists_counts_and_searches_stay_as_they_were(self, caller, own):
        reads = [request for request in self.reads(own) if not NOT_ABOUT_OTHERS.search(request.path)]
        pages = [
            Request("GET", path) for path in ("/home/", "/patients/access-log/", "/patients/", "/patients/suggest/?q=Bell", "/billing/")
        ]
        former = {request.path: ask(caller, request) for request in [*reads, *pages]}

        other = whole_record(cashier())

        changed = []
        known = [*ids_of(other).values(), other.mrn, other.last_name]
        for request in reads:
            status, _, content = ask(caller, request)
            former_status, _, former_content = former[request.path]
            assert not [word for word in known if word.encode() in content], request.path
            one, two = masked(former_content, {}), masked(content, {})
            steady = not NOT_ABOUT_OTHERS.search(request.path) and not content.startswith(b"%PDF")
            if status != former_status or (steady and one != two):
                changed.append((request.path, former_status, status, _first_difference(one, two)))
        assert changed == [], "\n".join(map(str, changed))
        assert sum(status == 200 for status, _, _ in former.values()) > 30

    def test_an_idempotency_key_of_another_is_only_a_word(self, own, theirs, client_as):
        """The same key and body from two patients: each has the own effect, and neither the other's answer."""
        doctor, key = working_doctor(), {"Idempotency-Key": "k-1"}
        answers = []
        for patient, hour in ((theirs, 11), (own, 12)):
            body = {"patient": str(patient.public_id), "doctor": str(doctor.public_id), "start": at(hour).isoformat()}
            answers.append(client_as(patient.user).post("/api/v1/appointments/", body, content_type="application/json", headers=key))

        assert [answer.status_code for answer in answers] == [201, 201]
        assert answers[0].json()["id"] != answers[1].json()["id"]
        assert Appointment.objects.filter(doctor=doctor).count() == 2
