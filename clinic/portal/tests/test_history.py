from uuid import uuid4

import pytest
from django.utils import timezone

from billing.tests.factories import issued_for
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.audit.models import OutboxEvent
from patients.services.encounters import complete_visit
from patients.tests.factories import (
    AddendumFactory,
    ClinicalNoteFactory,
    DiagnosisFactory,
    EncounterFactory,
    PatientFactory,
    TreatmentFactory,
    VitalsFactory,
)
from pharmacy.tests.factories import drafted, signed

pytestmark = pytest.mark.django_db


def url_of(patient) -> str:
    return f"/api/v1/patients/{patient.public_id}/history/"


def full_visit(patient=None):
    encounter = EncounterFactory(patient=patient or PatientFactory())
    VitalsFactory(encounter=encounter)
    DiagnosisFactory(encounter=encounter)
    TreatmentFactory(encounter=encounter)
    ClinicalNoteFactory(encounter=encounter)
    signed(encounter=encounter)
    return encounter


@pytest.fixture
def doctor(api_as):
    return api_as(user(Role.DOCTOR))


def test_each_visit_comes_with_all_that_belongs_to_it(doctor):
    encounter = full_visit()
    complete_visit(encounter_id=encounter.pk, by=encounter.doctor.user)
    AddendumFactory(encounter=encounter, text="The left one.")

    [visit] = doctor.get(url_of(encounter.patient)).json()["results"]

    assert visit["id"] == str(encounter.public_id)
    assert visit["vitals"][0]["pulse_bpm"] == 72
    assert visit["diagnoses"][0]["text"] == "Common cold"
    assert visit["notes"][0]["text"] == "Cough for three days"
    assert visit["prescriptions"][0]["items"][0]["dose"] == "1 tablet"
    assert visit["treatments"][0]["cost"] == "12.50"
    assert visit["addenda"][0]["text"] == "The left one."
    assert visit["costs"] == {"treatments": "12.50", "invoiced": None, "paid": None}


def test_one_reading_is_on_record(doctor):
    patient = full_visit().patient
    full_visit(patient)

    doctor.get(url_of(patient))

    assert OutboxEvent.objects.get(action="patients.chart.read").patient_id == patient.public_id


def test_patient_sees_the_own_history_with_its_costs_and_no_drafts(api_as):
    me = user(Role.PATIENT)
    encounter = full_visit(PatientFactory(user=me))
    drafted(encounter=encounter)
    invoice = issued_for(encounter, user(Role.RECEPTION))

    [visit] = api_as(me).get(url_of(encounter.patient)).json()["results"]

    assert [each["status"] for each in visit["prescriptions"]] == ["signed"]
    assert visit["costs"]["invoiced"] == f"{invoice.total:.2f}"
    assert visit["costs"]["paid"] == "0.00"


def test_stranger_gets_the_answer_of_a_missing_one(api_as):
    me = user(Role.PATIENT)
    PatientFactory(user=me)
    stranger = full_visit().patient

    asked, missing = (api_as(me).get(url) for url in (url_of(stranger), f"/api/v1/patients/{uuid4()}/history/"))

    assert (asked.status_code, asked.content) == (missing.status_code, missing.content)
    assert asked.status_code == 404
    assert not OutboxEvent.objects.filter(action="patients.chart.read").exists()


@pytest.mark.parametrize("role", [Role.RECEPTION, Role.PHARMACIST, Role.MANAGER])
def test_only_those_who_care_may(api_as, role):
    assert api_as(user(role)).get(url_of(full_visit().patient)).status_code == 403


def test_it_comes_in_pages_the_newest_first(doctor):
    patient = PatientFactory()
    visits = [EncounterFactory(patient=patient, started_at=timezone.now()) for _ in range(3)]

    first = doctor.get(url_of(patient), {"page_size": 2}).json()
    second = doctor.get(first["next"]).json()

    assert [row["id"] for row in first["results"] + second["results"]] == [str(visit.public_id) for visit in reversed(visits)]


@pytest.mark.parametrize("visits", [2, 12])
def test_it_is_flat_in_queries(doctor, django_assert_max_num_queries, visits):
    patient = PatientFactory()
    for _ in range(visits):
        full_visit(patient)

    with django_assert_max_num_queries(20):
        doctor.get(url_of(patient))


def test_notes_say_that_they_cannot_be_read_while_mongodb_is_down(doctor, mongodb_down):
    note = ClinicalNoteFactory(body=None, stored_at=timezone.now(), sha256="0" * 64)

    [visit] = doctor.get(url_of(note.patient)).json()["results"]

    assert (visit["notes"][0]["state"], visit["notes"][0]["text"]) == ("unavailable", None)
