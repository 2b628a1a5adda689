"""The audit log as a page and a file: who may read it, what it is narrowed to, and that reading it is audited."""

import csv
import io
from datetime import timedelta

import pytest
from django.utils import timezone

from analytics.auditing import selectors
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.audit.models import OutboxEvent
from clinic.audit.services.recording import record
from patients.tests.factories import PatientFactory

pytestmark = pytest.mark.django_db
PAGE, FILE = "/audit/", "/audit/export.csv"


@pytest.fixture
def manager(client_as):
    return client_as(user(Role.MANAGER))


def actions(answer) -> list[str]:
    return [row.action for row in answer.context["rows"]]


@pytest.mark.parametrize("path", [PAGE, FILE])
@pytest.mark.parametrize("role", Role)
def test_managers_and_administrators_only(path, role, client_as):
    answer = client_as(user(role)).get(path)

    assert answer.status_code == (200 if role in {Role.MANAGER, Role.ADMIN} else 403)


def test_reading_the_log_is_in_the_log(manager):
    patient = PatientFactory()

    manager.get(PAGE, {"patient": patient.mrn, "date_from": "2026-01-02"})
    manager.get(FILE)

    read, exported = OutboxEvent.objects.filter(action__startswith="audit.log.").order_by("pk")
    assert (read.action, read.patient_id) == ("audit.log.read", patient.public_id)
    assert read.document["changes"] == {"patient": str(patient.public_id), "date_from": "2026-01-02"}
    assert exported.action == "audit.log.exported"


def test_who_read_this_chart_and_what_did_this_user_do(manager):
    someone, patient = user(Role.DOCTOR), PatientFactory()
    record(action="patients.chart.read", actor=someone, subject=patient, patient=patient)
    record(action="test.thing.done", actor=user(Role.NURSE))

    assert actions(manager.get(PAGE, {"patient": patient.mrn.lower(), "action": "patients.chart."})) == ["patients.chart.read"]
    by_user = manager.get(PAGE, {"who": someone.username.upper()})
    assert actions(by_user) == ["patients.chart.read"]
    assert patient.mrn in by_user.content.decode()


def test_by_day(manager):
    record(action="test.thing.done", actor=None)
    yesterday = timezone.localdate() - timedelta(days=1)

    assert "test.thing.done" in actions(manager.get(PAGE, {"date_from": timezone.localdate()}))
    assert actions(manager.get(PAGE, {"date_to": yesterday, "action": "test.thing.done"})) == []


@pytest.mark.parametrize("path", [PAGE, FILE])
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"who": "nobody-of-this-name"}, "who"),
        ({"who": "\0"}, "who"),
        ({"patient": "12"}, "patient"),
        ({"patient": "\0"}, "patient"),
        ({"action": "x" * 81}, "action"),
        ({"date_from": "soon"}, "date_from"),
        ({"date_to": "9999-12-31"}, "date_to"),
        ({"date_from": "2026-02-02", "date_to": "2026-02-01"}, "date_to"),
        ({"before": "1"}, "before"),
    ],
)
def test_a_filter_that_makes_no_sense_is_said_in_place(path, query, field, manager):
    before = OutboxEvent.objects.filter(action__startswith="audit.log.").count()

    answer = manager.get(path, query)

    assert answer.status_code == 400
    assert list(answer.context["search"].errors) == [field]
    assert OutboxEvent.objects.filter(action__startswith="audit.log.").count() == before


def test_pages_follow_each_other_without_gap_or_repetition(manager, monkeypatch):
    monkeypatch.setattr(selectors, "PAGE_SIZE", 3)
    for n in range(8):
        record(action=f"test.thing.n{n}", actor=None)
    seen, query = [], {"action": "test.thing."}

    for _ in range(3):
        answer = manager.get(PAGE, query)
        seen += actions(answer)
        query["before"] = answer.context["further"]

    assert seen == [f"test.thing.n{n}" for n in reversed(range(8))]
    assert answer.context["further"] is None


def test_queries_stay_the_same_at_more_rows(manager, django_assert_max_num_queries):
    for _ in range(3):
        record(action="patients.chart.read", actor=user(Role.DOCTOR), patient=PatientFactory())
    with django_assert_max_num_queries(10):
        manager.get(PAGE)
    for _ in range(27):
        record(action="patients.chart.read", actor=user(Role.DOCTOR), patient=PatientFactory())

    with django_assert_max_num_queries(10):
        assert len(manager.get(PAGE).context["rows"]) > 27


def test_the_file_has_the_same_rows_and_no_live_formula(manager):
    record(action="test.thing.done", actor=None, changes={"=cmd": "x"})

    rows = list(csv.reader(io.StringIO(manager.get(FILE, {"action": "test.thing.done"}).content.decode("utf-8-sig"))))

    assert rows[0] == selectors.HEADING
    assert len(rows) == 2
    assert rows[1][3] == "test.thing.done"
    assert rows[1][7] == "'=cmd: x"
