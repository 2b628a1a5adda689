import pytest
from django.urls import reverse

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DoctorFactory, user
from clinic.audit.models import OutboxEvent
from patients.services.codes import load_codes
from patients.tests.factories import (
    AllergyFactory,
    AttachmentFactory,
    ClinicalNoteFactory,
    DiagnosisFactory,
    EncounterFactory,
    PatientFactory,
    ProblemFactory,
    TreatmentFactory,
    TreatmentTypeFactory,
    VitalsFactory,
)
from pharmacy.models import Favourite
from pharmacy.tests.factories import MedicineFactory, drafted, line_of, signed

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


def full_visit(doctor, patient, *, rows: int, draft: bool):
    """A visit with that many rows of everything on its page, the safety checks of a draft included."""
    for _ in range(rows):
        earlier = EncounterFactory(doctor=doctor, patient=patient)
        DiagnosisFactory(encounter=earlier, code="J20.9")
    signed(*(line_of(MedicineFactory(), duration_days=30) for _ in range(rows)), encounter=earlier, reason="Agreed")
    AllergyFactory.create_batch(rows, patient=patient)
    ProblemFactory.create_batch(rows, patient=patient)
    TreatmentTypeFactory.create_batch(rows)
    for line in [line_of(MedicineFactory()) for _ in range(rows)]:
        Favourite.objects.create(doctor=doctor, **line)
    visit = EncounterFactory(doctor=doctor, patient=patient)
    for factory in (VitalsFactory, ClinicalNoteFactory, AttachmentFactory, TreatmentFactory):
        factory.create_batch(rows, encounter=visit)
    DiagnosisFactory.create_batch(rows, encounter=visit, rank="secondary", code="J06.9")
    if draft:
        drafted(*(line_of(MedicineFactory()) for _ in range(rows)), encounter=visit)
    return visit


@pytest.mark.parametrize("rows", [1, 30])
@pytest.mark.parametrize("draft", [False, True], ids=["nothing prescribed", "with a draft"])
@pytest.mark.parametrize("restricted", [False, True], ids=["open", "restricted"])
def test_page_takes_ten_queries_at_most(client_as, django_assert_max_num_queries, rows, draft, restricted):
    load_codes(titles=[("J06.9", "Cold"), ("J20.9", "Acute bronchitis")], synonyms=[])
    visit = full_visit(DoctorFactory(), PatientFactory(is_restricted=restricted), rows=rows, draft=draft)
    client = client_as(visit.doctor.user)

    with django_assert_max_num_queries(10):
        page = client.get(url_of(visit)).content.decode()

    assert page.count("Remove Common cold") == rows
    assert page.count("<p>Cough for three days</p>") == rows
    assert ("Sign the prescription" in page) == draft


def test_nurses_page_takes_ten_queries_at_most(client_as, django_assert_max_num_queries):
    visit = full_visit(DoctorFactory(), PatientFactory(), rows=30, draft=False)
    client = client_as(user(Role.NURSE))

    with django_assert_max_num_queries(10):
        client.get(url_of(visit))
