"""Reports over MongoDB: who may read them, what they may be asked for, and that they say so when MongoDB is away."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from analytics import stores
from analytics.services.summaries import summary_of, write_summaries
from billing.selectors.ledger import day_report
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.audit.services.recording import record
from clinic.audit.services.relay import relay_outbox
from clinic.core import mongo
from patients.services.encounters import complete_visit
from patients.tests.factories import EncounterFactory
from pharmacy.services.stock import adjust_batch
from pharmacy.tests.factories import pharmacist, stocked

pytestmark = pytest.mark.django_db

REPORTS = {
    "audit-logs": {Role.MANAGER, Role.ADMIN},
    "visit-history": {Role.MANAGER, Role.ADMIN},
    "stock-movements": {Role.MANAGER, Role.ADMIN, Role.PHARMACIST},
    "daily-summary": {Role.MANAGER, Role.ADMIN},
    "symptoms": {Role.MANAGER, Role.ADMIN, Role.DOCTOR},
}


@pytest.fixture(autouse=True)
def _empty(settings):
    url = settings.MONGODB_URL
    empty()
    yield
    settings.MONGODB_URL = url
    empty()


def empty():
    mongo.breaker.reset()
    for name in (stores.AUDIT, stores.VISITS, stores.STOCK, stores.NOTES, stores.SUMMARIES):
        mongo.database()[name].delete_many({})


@pytest.fixture
def manager(api_as):
    return api_as(user(Role.MANAGER))


def url(report: str) -> str:
    return f"/api/v1/reports/{report}/"


def note(*symptoms: str, thread=None, number=1, author="a", **more) -> dict:
    """As `clinical_notes` holds it, as far as the report reads it."""
    body = {"thread": thread or str(uuid4()), "number": number, "author": author, "observations": {"symptoms": list(symptoms)}}
    shape = {"_id": str(uuid4()), "record_uuid": str(uuid4()), "patient": str(uuid4()), "text": "x", "tags": [], "sha256": "0" * 64}
    document = shape | body | {"written_at": timezone.now()} | more
    mongo.database()[stores.NOTES].insert_one(document, bypass_document_validation=True)
    return document


@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize("role", Role)
def test_each_role_reaches_its_reports_only(report, role, api_as):
    answer = api_as(user(role)).get(url(report))

    assert answer.status_code == (200 if role in REPORTS[report] else 403)


@pytest.mark.parametrize("report", REPORTS)
def test_a_stranger_is_asked_to_sign_in(report, api_as):
    assert api_as().get(url(report)).status_code == 401


@pytest.mark.parametrize("report", REPORTS)
def test_mongodb_down_is_said_and_no_empty_list_shown(report, manager, mongodb_down):
    answer = manager.get(url(report))

    assert (answer.status_code, answer.json()["code"]) == (503, "reports_unavailable")
    assert answer["Retry-After"]
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("date_from=yesterday", "date_from"),
        ("date_to=2026-02-30", "date_to"),
        ("date_to=9999-12-31", "date_to"),
        ("date_from=0001-01-01", "date_from"),
        ("date_from=2026-03-02&date_to=2026-03-01", "date_to"),
        ("date_from=%00", "date_from"),
        ("colour=red", "colour"),
        ("$where=1", "$where"),
    ],
)
def test_a_filter_that_makes_no_sense_is_named(report, query, field, manager):
    answer = manager.get(f"{url(report)}?{query}")

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]


@pytest.mark.parametrize(
    ("report", "query"),
    [
        ("audit-logs", "user=me"),
        ("audit-logs", "action=%00"),
        ("audit-logs", f"action={'x' * 81}"),
        ("audit-logs", "patient=1"),
        ("audit-logs", "resource=%00"),
        ("visit-history", "patient=[$ne]"),
        ("stock-movements", "medicine=aspirin"),
        ("stock-movements", "batch=%00"),
        ("stock-movements", "type=SOLD"),
    ],
)
def test_a_value_of_the_wrong_kind_is_named(report, query, manager):
    answer = manager.get(f"{url(report)}?{query}")

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [query.split("=")[0]]


@pytest.mark.parametrize("page", ["0", "99", "x", "99999999999999999999999"])
def test_a_page_that_is_not_there_is_not_found(page, manager):
    assert manager.get(f"{url('audit-logs')}?page={page}").status_code == 404


def test_audit_log_by_each_filter(manager):
    someone, patient, chart = user(Role.RECEPTION), uuid4(), user(Role.PATIENT)
    wanted = record(action="test.thing.done", actor=someone, subject=chart, patient=patient, changes={"status": "new"})
    record(action="test.thing.other", actor=user(Role.NURSE))
    relay_outbox()
    today = timezone.localdate().isoformat()

    for query in (
        f"user={someone.public_id}",
        "action=test.thing.done",
        f"resource={chart.public_id}",
        "resource=User&action=test.thing.done",
        f"patient={patient}",
        f"patient={patient}&date_from={today}&date_to={today}",
    ):
        results = manager.get(f"{url('audit-logs')}?{query}").json()["results"]
        assert [row["id"] for row in results] == [str(wanted.event_id)], query

    [row] = results
    assert row["user"] == {"id": str(someone.public_id), "name": str(someone), "role": "RECEPTION"}
    assert row["resource"] == {"type": "user", "id": str(chart.public_id)}
    assert (row["action"], row["patient"], row["changes"]) == ("test.thing.done", str(patient), {"status": "new"})
    assert set(row) == {"id", "timestamp", "user", "action", "resource", "patient", "changes", "request_id"}
    yesterday = (timezone.localdate() - timedelta(days=1)).isoformat()
    assert manager.get(f"{url('audit-logs')}?date_to={yesterday}").json()["results"] == []


def test_visit_history_by_each_filter(manager):
    wanted, other = EncounterFactory(), EncounterFactory()
    for visit in (wanted, other):
        complete_visit(encounter_id=visit.pk, by=visit.doctor.user)
    relay_outbox()

    assert manager.get(url("visit-history")).json()["count"] == 2
    for query in (f"patient={wanted.patient.public_id}", f"doctor={wanted.doctor.public_id}"):
        results = manager.get(f"{url('visit-history')}?{query}").json()["results"]
        assert [row["visit_id"] for row in results] == [str(wanted.public_id)], query


def test_stock_movements_by_each_filter(manager):
    clerk, other = pharmacist(), pharmacist()
    batch = stocked(quantity=7, by=clerk)
    stocked(quantity=5, by=other)
    adjust_batch(batch_id=batch.pk, quantity=-3, reason="Broken", by=other)
    relay_outbox()

    for query, quantities in (
        (f"medicine={batch.medicine.public_id}", [-3, 7]),
        (f"batch={batch.lot}", [-3, 7]),
        (f"user={clerk.public_id}", [7]),
        ("type=ADJUSTMENT", [-3]),
    ):
        results = manager.get(f"{url('stock-movements')}?{query}").json()["results"]
        assert sorted(row["quantity"] for row in results) == quantities, query


@pytest.mark.parametrize("collection", [stores.AUDIT, stores.VISITS, stores.STOCK, stores.SUMMARIES])
def test_a_page_of_a_long_collection_is_read_in_the_order_of_an_index(collection):
    stores.ensure_indexes()
    order = "date" if collection == stores.SUMMARIES else "timestamp"

    plan = mongo.database()[collection].find().sort([(order, -1), ("_id", -1)]).explain()["queryPlanner"]["winningPlan"]

    assert "IXSCAN" in str(plan)
    assert "SORT" not in str(plan)


def test_pages_are_whole_and_in_order(manager):
    for n in range(7):
        record(action="test.thing.done", actor=None, changes={"n": n})
    relay_outbox()

    first = manager.get(f"{url('audit-logs')}?action=test.thing.done&page_size=3").json()
    second = manager.get(first["next"]).json()
    third = manager.get(second["next"]).json()

    assert first["count"] == 7
    rows = [row for page in (first, second, third) for row in page["results"]]
    assert sorted(row["changes"]["n"] for row in rows) == [0, 1, 2, 3, 4, 5, 6]
    # MongoDB's times are of whole milliseconds: within one the ids decide.
    assert rows == sorted(rows, key=lambda row: (row["timestamp"], row["id"]), reverse=True)
    assert third["next"] is None


def test_symptoms_are_counted_once_a_note_by_its_last_version(manager):
    note("Cough", "fever")
    note("cough", "COUGH")
    thread = str(uuid4())
    note("headache", thread=thread, number=1)
    note("fever", thread=thread, number=2)

    assert manager.get(url("symptoms")).json()["results"] == [{"symptom": "cough", "notes": 2}, {"symptom": "fever", "notes": 2}]


def test_symptoms_of_other_days_are_left_out(manager):
    note("cough")
    note("fever", written_at=timezone.now() - timedelta(days=9))
    today = timezone.localdate().isoformat()

    assert manager.get(f"{url('symptoms')}?date_from={today}").json()["results"] == [{"symptom": "cough", "notes": 1}]


def test_a_doctor_counts_the_own_notes_only(api_as):
    doctor = user(Role.DOCTOR)
    note("cough", author=str(doctor.public_id))
    note("fever")

    assert api_as(doctor).get(url("symptoms")).json()["results"] == [{"symptom": "cough", "notes": 1}]


def test_days_are_written_once_and_then_kept_up(manager):
    today, now = timezone.localdate(), timezone.now()

    assert write_summaries(today=today, now=now) == 31
    assert write_summaries(today=today, now=now) == 2
    assert write_summaries(today=today, now=now, anew=True) == 31

    answer = manager.get(f"{url('daily-summary')}?page_size=200").json()
    assert [row["date"] for row in answer["results"]] == [(today - timedelta(days=back)).isoformat() for back in range(31)]
    [only] = manager.get(f"{url('daily-summary')}?date_from={today}&date_to={today}").json()["results"]
    assert only["date"] == today.isoformat()


def test_a_days_money_is_that_of_the_ledger(monkeypatch):
    on = timezone.localdate()
    report = day_report(on)
    report.billed, report.invoices = report.billed + 12, 3
    report.methods["cash"].taken += 7
    monkeypatch.setattr("analytics.services.summaries.day_report", lambda day: report)

    summary = summary_of(on=on, now=timezone.now())

    assert (summary["billed"], summary["invoices"], summary["taken"], summary["net"]) == ("12.00", 3, "7.00", "7.00")
    assert summary["methods"]["cash"] == {"taken": "7.00", "given_back": "0.00"}


def test_summaries_wait_while_mongodb_is_down(mongodb_down):
    assert write_summaries(today=timezone.localdate(), now=timezone.now()) == 0
