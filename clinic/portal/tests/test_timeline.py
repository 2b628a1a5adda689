from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DoctorFactory, user
from clinic.audit.models import OutboxEvent
from clinic.portal import timeline
from patients.services.registration import update_patient
from patients.tests.factories import (
    AttachmentFactory,
    ClinicalNoteFactory,
    DiagnosisFactory,
    EncounterFactory,
    PatientFactory,
    VitalsFactory,
)
from pharmacy.tests.factories import dispensed, drafted, line_of, signed, stocked
from scheduling.models import Appointment

pytestmark = pytest.mark.django_db
ALL = {"visit", "vitals", "diagnosis", "note", "document", "prescription", "dispensing", "appointment"}


def api_url(patient) -> str:
    return f"/api/v1/patients/{patient.public_id}/history/events/"


def page_url(patient) -> str:
    return reverse("portal:timeline", args=[patient.public_id])


def full_history(rows: int = 1, patient=None):
    visit = EncounterFactory(patient=patient or PatientFactory(), reason="Cough")
    VitalsFactory.create_batch(rows, encounter=visit)
    DiagnosisFactory.create_batch(rows, encounter=visit, rank="secondary")
    ClinicalNoteFactory.create_batch(rows, encounter=visit)
    AttachmentFactory.create_batch(rows, encounter=visit)
    for day in range(1, rows + 1):
        batch = stocked(10)
        dispensed(signed(line_of(batch.medicine), encounter=visit, reason="Agreed"))
        start = timezone.now().replace(microsecond=0) + timedelta(days=day)
        Appointment.objects.create(patient=visit.patient, doctor=visit.doctor, during=(start, start + timedelta(minutes=15)))
    return visit


@pytest.fixture
def doctor(api_as):
    return api_as(DoctorFactory().user)


def all_pages(client, patient, **query):
    url, found = api_url(patient), []
    while url:
        answer = client.get(url, query).json()
        found += answer["results"]
        url, query = answer["next"], {}
    return found


def test_every_kind_stands_in_one_order_and_the_reading_is_audited(doctor):
    visit = full_history()
    full_history()  # another patient's
    drafted(encounter=visit)  # not signed: not yet something that happened

    answer = doctor.get(api_url(visit.patient))

    rows = answer.json()["results"]
    assert {row["kind"] for row in rows} == ALL
    assert len(rows) == len(ALL)
    assert [row["at"] for row in rows] == sorted((row["at"] for row in rows), reverse=True)
    assert {row["visit"] for row in rows if row["kind"] != "appointment"} == {str(visit.public_id)}
    assert OutboxEvent.objects.filter(action="patients.chart.read", patient_id=visit.patient.public_id).count() == 1


def test_pages_go_on_where_the_last_one_ended_whatever_was_added_meanwhile(doctor, monkeypatch):
    monkeypatch.setattr(timeline, "PAGE_SIZE", 3)
    at = timezone.now()
    visit = EncounterFactory(started_at=at)
    for _ in range(7):
        VitalsFactory(encounter=visit, recorded_at=at)  # all at one time: the order among them has to hold too
    whole = all_pages(doctor, visit.patient)
    assert len(whole) == len({row["id"] for row in whole}) == 8

    first = doctor.get(api_url(visit.patient)).json()
    VitalsFactory(encounter=visit, recorded_at=at + timedelta(minutes=1))
    second = doctor.get(first["next"]).json()

    assert [row["id"] for row in first["results"] + second["results"]] == [row["id"] for row in whole[:6]]


def test_kinds_filter_and_stay_on_the_next_page(doctor, monkeypatch):
    monkeypatch.setattr(timeline, "PAGE_SIZE", 2)
    visit = full_history(3)

    rows = all_pages(doctor, visit.patient, kind=["vitals", "document"])

    assert sorted(row["kind"] for row in rows) == ["document"] * 3 + ["vitals"] * 3


def test_what_was_entered_in_error_is_named_and_its_content_left_out(doctor):
    visit = full_history()
    visit.patient.encounters.update(status="entered_in_error", entered_in_error_reason="wrong person")

    rows = doctor.get(api_url(visit.patient)).json()["results"]

    kinds = {row["kind"]: row["title"] for row in rows}
    assert kinds["visit"] == "Visit, entered in error"
    assert not {"vitals", "diagnosis", "note", "document"} & set(kinds)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"kind": "secrets"}, "kind"),
        ({"kind": ["vitals", "\0"]}, "kind"),
        ({"before": "yesterday"}, "before"),
        ({"before": "2026-01-01T00:00:00+00:00"}, "before"),
        ({"before": f"2026-01-01T00:00:00~{uuid4()}"}, "before"),
        ({"before": f"\0~{uuid4()}"}, "before"),
        ({"before": "2026-01-01T00:00:00+00:00~1"}, "before"),
        ({"before": "99999-01-01T00:00:00+00:00~" + str(uuid4())}, "before"),
    ],
)
def test_bad_parameters_are_refused_on_both_ways(doctor, client_as, query, field):
    patient = PatientFactory()
    assert doctor.get(api_url(patient), query).status_code == 400
    assert field in doctor.get(api_url(patient), query).json()["errors"]
    page = client_as(user(Role.DOCTOR)).get(page_url(patient), query)
    assert page.status_code == 400
    assert 'role="alert"' in page.content.decode()


@pytest.mark.parametrize("year", [1, 9999])
def test_the_ends_of_time_are_places_too(doctor, year):
    place = f"{datetime(year, 1, 1, tzinfo=UTC).isoformat()}~{uuid4()}"
    assert doctor.get(api_url(full_history().patient), {"before": place}).status_code == 200


def test_each_sees_the_kinds_that_they_may(api_as, client_as):
    visit = full_history()
    patient_user = user(Role.PATIENT)
    visit.patient.user = patient_user
    visit.patient.save(update_fields=["user"])
    other = full_history()

    assert {row["kind"] for row in api_as(user(Role.NURSE)).get(api_url(visit.patient)).json()["results"]} == ALL
    assert {row["kind"] for row in api_as(patient_user).get(api_url(visit.patient)).json()["results"]} == ALL
    assert api_as(patient_user).get(api_url(other.patient)).status_code == 404
    for role in (Role.RECEPTION, Role.PHARMACIST, Role.MANAGER):
        assert api_as(user(role)).get(api_url(visit.patient)).status_code == 403
        assert client_as(user(role)).get(page_url(visit.patient)).status_code == 403
    assert api_as(None).get(api_url(visit.patient)).status_code == 401


def test_a_restricted_chart_stays_closed_and_nothing_is_told(api_as, client_as):
    visit = full_history(patient=PatientFactory(is_restricted=True))
    visit.patient.encounters.update(status="entered_in_error", entered_in_error_reason="so that no visit is in progress")
    stranger = DoctorFactory().user

    answer = api_as(stranger).get(api_url(visit.patient))

    assert answer.status_code == 403
    assert "results" not in answer.json()
    assert client_as(stranger).get(page_url(visit.patient)).status_code == 403


@pytest.mark.parametrize("rows", [1, 30])
def test_page_and_api_take_ten_queries_at_most(doctor, client_as, django_assert_max_num_queries, rows):
    visit = full_history(rows)
    client = client_as(DoctorFactory().user)

    with django_assert_max_num_queries(10):
        doctor.get(api_url(visit.patient))
    with django_assert_max_num_queries(10):
        assert client.get(page_url(visit.patient)).status_code == 200


def test_page_filters_leads_on_and_gives_htmx_only_the_list(client_as, monkeypatch):
    monkeypatch.setattr(timeline, "PAGE_SIZE", 2)
    visit = full_history(3)
    update_patient(patient_id=visit.patient_id, changes={"allergies": [{"substance": "Penicillin"}]}, by=visit.doctor.user)
    client = client_as(visit.doctor.user)

    page = client.get(page_url(visit.patient), {"kind": "vitals"}).content.decode()
    part = client.get(page_url(visit.patient), {"kind": "vitals"}, headers={"HX-Request": "true"}).content.decode()

    assert "Penicillin" in page
    assert page.count("Pulse 72 /min") == 2
    assert "kind=vitals&amp;before=" in page
    assert 'value="vitals" checked' in page
    assert reverse("portal:consultation", args=[visit.public_id]) in page
    assert "<html" not in part
    assert part.count("Pulse 72 /min") == 2


def test_a_diagnosis_stands_no_later_than_the_signature_of_its_visit(doctor):
    signed_at = timezone.now() - timedelta(days=3)
    visit = EncounterFactory(started_at=signed_at - timedelta(minutes=10))
    DiagnosisFactory(encounter=visit)  # its row is of now, as after an import
    visit.save_changes(status="completed", signed_at=signed_at, signed_by=visit.doctor.user, content_sha256="0" * 64)

    [row] = all_pages(doctor, visit.patient, kind="diagnosis")

    assert datetime.fromisoformat(row["at"]) == signed_at
