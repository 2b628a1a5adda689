"""Unusual readings: each kind is found, an ordinary one is not, and a review stays."""

from datetime import timedelta

import pytest
from django.utils import timezone

from analytics.auditing import anomalies
from analytics.auditing.anomalies import anomalies_since
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.audit.models import OutboxEvent, Topic
from patients.models import BreakGlass
from patients.tests.factories import EncounterFactory, PatientFactory

pytestmark = pytest.mark.django_db
PAGE = "/audit/anomalies/"


@pytest.fixture
def doctor():
    return user(Role.DOCTOR, first_name="Ada", last_name="Okoro")


@pytest.fixture
def noon():
    """Yesterday, at noon of the clinic's clock."""
    return timezone.localtime().replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)


def read(who, patient, at):
    document = {"user": {"role": ",".join(who.roles)}, "timestamp": at.isoformat()}
    columns = {"actor": who, "patient_id": patient.public_id, "occurred_at": at, "document": document}
    OutboxEvent.objects.create(topic=Topic.AUDIT, action="patients.chart.read", **columns)


def found() -> list[tuple]:
    return [(one.kind, one.username, one.mrn, one.number) for one in anomalies_since(timezone.localdate() - timedelta(days=7))]


def test_an_ordinary_reading_is_none(doctor, noon):
    read(doctor, PatientFactory(last_name="Lund"), noon)

    assert found() == []


def test_many_charts_in_one_hour(doctor, noon, monkeypatch):
    monkeypatch.setattr(anomalies, "MANY_CHARTS", 3)
    patients = [PatientFactory(last_name="Lund") for _ in range(3)]
    for patient in patients[:2]:
        read(doctor, patient, noon)
        read(doctor, patient, noon + timedelta(minutes=5))
    read(doctor, patients[2], noon + timedelta(hours=2))
    assert found() == []

    read(doctor, patients[2], noon + timedelta(minutes=50))

    assert found() == [("many_charts", doctor.username, "", 3)]


def test_a_patient_of_the_own_family_name_whatever_its_accents(doctor, noon):
    patient = PatientFactory(last_name="OKÓRO")
    read(doctor, patient, noon)
    read(doctor, patient, noon + timedelta(minutes=1))

    assert found() == [("family_name", doctor.username, patient.mrn, 2)]


def test_at_night(doctor, noon):
    read(doctor, PatientFactory(last_name="Lund"), noon.replace(hour=22))
    read(doctor, PatientFactory(last_name="Lund"), noon.replace(hour=21, minute=59))
    read(doctor, PatientFactory(last_name="Lund"), noon.replace(hour=6))

    assert found() == [("after_hours", doctor.username, "", 1)]


def test_a_patient_who_reads_the_own_chart_is_none(noon):
    own = user(Role.PATIENT, last_name="Lund")
    read(own, PatientFactory(last_name="Lund", user=own), noon.replace(hour=3))

    assert found() == []


def test_a_restricted_chart_opened_without_appointment_or_visit(doctor, noon):
    opening = {"user": doctor, "reason": "asked", "granted_at": noon, "expires_at": noon + timedelta(minutes=60)}
    stranger, visitor = PatientFactory(is_restricted=True), EncounterFactory(started_at=noon).patient
    for patient in (stranger, visitor):
        BreakGlass.objects.create(patient=patient, **opening)

    assert found() == [("break_glass", doctor.username, stranger.mrn, 1)]


@pytest.mark.parametrize("role", Role)
def test_managers_and_administrators_only(role, client_as):
    allowed = role in {Role.MANAGER, Role.ADMIN}

    assert client_as(user(role)).get(PAGE).status_code == (200 if allowed else 403)
    assert client_as(user(role)).post(PAGE).status_code == (302 if allowed else 403)


@pytest.mark.parametrize("days", ["", "0", "91", "-1", "x", "\0", "²", "9" * 50])
def test_a_number_of_days_that_is_none_is_a_week(days, client_as):
    assert client_as(user(Role.MANAGER)).get(PAGE, {"days": days}).context["days"] == 7


def test_a_review_stays_and_is_itself_in_the_log(doctor, noon, client_as):
    read(doctor, PatientFactory(last_name="Okoro"), noon)
    someone = user(Role.MANAGER)
    manager = client_as(someone)
    [one] = manager.get(PAGE).context["anomalies"]
    assert one.reviewed_by == ""

    for _ in range(2):
        assert manager.post(PAGE, {"anomaly": one.key}).status_code == 302

    [one] = manager.get(PAGE).context["anomalies"]
    assert one.reviewed_by == str(someone)
    assert OutboxEvent.objects.filter(action=anomalies.REVIEWED, actor=someone).count() == 1


def test_a_review_is_found_however_many_days_are_asked_for(doctor, noon, client_as, monkeypatch):
    """The last day asked for is a whole one, whatever the time is: none of its readings is left out as too old."""
    now = noon + timedelta(days=1)
    for hour in (3, 23):
        read(doctor, PatientFactory(last_name="Lund"), noon.replace(hour=hour))
    monkeypatch.setattr(timezone, "now", lambda: now)
    manager = client_as(user(Role.MANAGER))
    [seen] = manager.get(PAGE, {"days": "30"}).context["anomalies"]
    manager.post(f"{PAGE}?days=30", {"anomaly": seen.key})

    [one] = manager.get(PAGE, {"days": "1"}).context["anomalies"]

    assert (one.key, one.number) == (seen.key, 2)
    assert one.reviewed_by


def test_a_mark_for_nothing_writes_nothing(client_as):
    client_as(user(Role.MANAGER)).post(PAGE, {"anomaly": "x\0"})

    assert not OutboxEvent.objects.filter(action=anomalies.REVIEWED).exists()


def test_queries_stay_the_same_at_more_rows(doctor, noon, client_as, django_assert_max_num_queries):
    manager = client_as(user(Role.MANAGER))
    for n in range(30):
        read(doctor, PatientFactory(last_name="Okoro"), noon + timedelta(minutes=n))

    with django_assert_max_num_queries(8):
        assert len(manager.get(PAGE).context["anomalies"]) == 30
