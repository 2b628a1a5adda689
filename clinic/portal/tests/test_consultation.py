import pytest
from django.urls import reverse

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DoctorFactory, user
from clinic.audit.models import OutboxEvent
from patients.tests.factories import (
    AllergyFactory,
    ClinicalNoteFactory,
    DiagnosisFactory,
    EncounterFactory,
    PatientFactory,
    VitalsFactory,
)

pytestmark = pytest.mark.django_db


def url_of(encounter) -> str:
    return reverse("portal:consultation", args=[encounter.public_id])


@pytest.fixture
def encounter():
    encounter = EncounterFactory(reason="Cough since Tuesday")
    AllergyFactory(patient=encounter.patient, substance="Penicillin")
    VitalsFactory(encounter=encounter, temperature_c="38.6")
    DiagnosisFactory(encounter=encounter, text="Acute bronchitis")
    ClinicalNoteFactory(encounter=encounter)
    return encounter


def test_doctor_sees_the_whole_visit_and_the_reading_is_audited(client_as, encounter):
    page = client_as(encounter.doctor.user).get(url_of(encounter)).content.decode()

    for words in (
        "Penicillin",
        "Cough since Tuesday",
        "38.6",
        "Acute bronchitis",
        "Cough for three days",
        "Sign visit",
        'id="prescribing"',
    ):
        assert words in page
    assert page.count("<h1") == 1
    [event] = OutboxEvent.objects.filter(action="patients.chart.read")
    assert (event.patient_id, event.resource_id) == (encounter.patient.public_id, encounter.public_id)


def test_nurse_sees_the_vitals_and_no_more(client_as, encounter):
    page = client_as(user(Role.NURSE)).get(url_of(encounter)).content.decode()

    assert "38.6" in page
    assert "Penicillin" in page
    for words in ("Acute bronchitis", "Cough for three days", "Sign visit", 'id="prescribing"'):
        assert words not in page


@pytest.mark.parametrize("role", [Role.RECEPTION, Role.PHARMACIST, Role.MANAGER, Role.PATIENT])
def test_others_are_refused(client_as, encounter, role):
    assert client_as(user(role)).get(url_of(encounter)).status_code == 403


def test_signed_visit_is_read_only_and_takes_addenda(client_as):
    encounter = EncounterFactory(signed=True)

    page = client_as(encounter.doctor.user).get(url_of(encounter)).content.decode()

    assert "Add addendum" in page
    for words in ("Sign visit", "Save note", "Add diagnosis", "Save vitals"):
        assert words not in page


def test_ids_of_inputs_are_unique(client_as, encounter):
    page = client_as(encounter.doctor.user).get(url_of(encounter)).content.decode()

    ids = [part.split('"')[0] for part in page.split(' id="')[1:]]
    assert sorted(ids) == sorted(set(ids))


def test_queries_do_not_follow_the_content(client_as, django_assert_max_num_queries):
    doctor = DoctorFactory()
    patient = PatientFactory()
    client = client_as(doctor.user)
    for count in (1, 10):
        encounter = EncounterFactory(doctor=doctor, patient=patient)
        VitalsFactory.create_batch(count, encounter=encounter)
        ClinicalNoteFactory.create_batch(count, encounter=encounter)
        DiagnosisFactory.create_batch(count, encounter=encounter, rank="secondary")
        with django_assert_max_num_queries(26):
            client.get(url_of(encounter))
