from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DoctorFactory, user
from clinic.audit.models import OutboxEvent
from patients.models import Patient
from patients.tests.factories import (
    AllergyFactory,
    AttachmentFactory,
    DiagnosisFactory,
    EncounterFactory,
    PatientFactory,
    ProblemFactory,
    VitalsFactory,
)

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
ROWS = {f"{name}-{count}": "0" for name in ("allergies", "problems") for count in ("TOTAL_FORMS", "INITIAL_FORMS")}


@pytest.fixture
def reception(client_as):
    return client_as(user(Role.RECEPTION))


@pytest.fixture
def doctor(client_as):
    return client_as(user(Role.DOCTOR))


def form_of(**changes) -> dict:
    return {
        "first_name": "Ann",
        "last_name": "Bell",
        "date_of_birth": "1984-02-29",
        "date_of_birth_precision": "day",
        "sex": "female",
        "request_id": str(uuid4()),
        **ROWS,
        **changes,
    }


class TestFinding:
    def test_list_shows_the_found_and_htmx_gets_only_them(self, reception):
        PatientFactory(last_name="Okafor")
        PatientFactory(last_name="Winter")

        whole = reception.get(reverse("patients:list"), {"q": "okafor"})
        part = reception.get(reverse("patients:list"), {"q": "okafor"}, headers=HTMX)

        assert b"Okafor" in whole.content
        assert b"Winter" not in whole.content
        assert b"<html" in whole.content
        assert b"<html" not in part.content

    def test_suggestions_link_to_the_chart_or_give_the_id(self, reception):
        patient = PatientFactory(last_name="Okafor")

        links = reception.get(reverse("patients:suggest"), {"q": "oka"}).content.decode()
        values = reception.get(reverse("patients:suggest"), {"patient_text": "oka"}).content.decode()

        assert f'data-href="{reverse("patients:chart", args=[patient.public_id])}"' in links
        assert f'data-value="{patient.public_id}"' in values

    def test_list_is_flat_in_queries(self, reception, django_assert_max_num_queries):
        PatientFactory.create_batch(20)

        with django_assert_max_num_queries(4):
            reception.get(reverse("patients:list"))


class TestRegistering:
    url = "/patients/register/"

    def test_registered_patient_is_shown(self, reception):
        allergies = {"allergies-TOTAL_FORMS": "2", "allergies-0-substance": "Latex", "allergies-1-substance": ""}

        answer = reception.post(self.url, form_of(**allergies))

        patient = Patient.objects.get()
        assert answer.status_code == 302
        assert answer.url == reverse("patients:chart", args=[patient.public_id])
        assert [allergy.substance for allergy in patient.allergies.all()] == ["Latex"]
        assert patient.allergies_reviewed_at

    def test_nobody_asked_stays_unknown(self, reception):
        reception.post(self.url, form_of())

        assert Patient.objects.get().allergies_reviewed_at is None

    def test_possible_duplicates_are_shown_before_saving(self, reception):
        twin = PatientFactory(first_name="Ann", last_name="Bell")

        shown = reception.post(self.url, form_of())

        assert shown.status_code == 422
        assert reverse("patients:chart", args=[twin.public_id]) in shown.content.decode()
        assert Patient.objects.count() == 1

        reception.post(self.url, form_of(register_anyway="1"))
        assert Patient.objects.count() == 2

    def test_sent_twice_registers_once(self, reception):
        form = form_of(register_anyway="1")

        first, second = reception.post(self.url, form), reception.post(self.url, form)

        assert first.url == second.url
        assert Patient.objects.count() == 1

    @pytest.mark.parametrize(
        "change",
        [
            {"date_of_birth": "2999-01-01"},
            {"phone": "12"},
            {"first_name": ""},
            {"allergies-TOTAL_FORMS": "x"},
            {"allergies-TOTAL_FORMS": "1", "allergies-0-substance": "Latex", "no_known_allergies": "on"},
            {"request_id": "x"},
        ],
    )
    def test_bad_input_is_shown_and_saves_nothing(self, reception, change):
        answer = reception.post(self.url, form_of(**change))

        assert answer.status_code in {400, 422}
        assert not Patient.objects.exists()

    def test_only_who_registers_may(self, doctor):
        assert doctor.get(self.url).status_code == 403
        assert doctor.post(self.url, form_of()).status_code == 403
        assert not Patient.objects.exists()


class TestChart:
    def test_opening_it_is_audited_once(self, reception):
        patient = PatientFactory()

        assert reception.get(reverse("patients:chart", args=[patient.public_id])).status_code == 200

        event = OutboxEvent.objects.get(action="patients.chart.read")
        assert event.patient_id == patient.public_id

    def test_clinical_parts_are_for_those_who_care(self, reception, doctor):
        encounter = EncounterFactory(reason="CANARY")
        url = reverse("patients:chart", args=[encounter.patient.public_id])

        assert b"CANARY" not in reception.get(url).content
        assert b"CANARY" in doctor.get(url).content

    def test_it_is_flat_in_queries(self, doctor, django_assert_max_num_queries):
        patient = PatientFactory()
        for _ in range(8):
            AllergyFactory(patient=patient)
            ProblemFactory(patient=patient)
            DiagnosisFactory(encounter__patient=patient)

        with django_assert_max_num_queries(11):  # two of them begin and end the audit's part of the test's transaction
            doctor.get(reverse("patients:chart", args=[patient.public_id]))

    def test_unknown_allergies_are_not_shown_as_none(self, doctor):
        patient = PatientFactory()
        url = reverse("patients:chart", args=[patient.public_id])
        assert b"Allergies not recorded" in doctor.get(url).content

        Patient.objects.update(allergies_reviewed_at=timezone.now())

        assert b"No known allergies recorded" in doctor.get(url).content

    def test_edit_with_an_old_version_is_refused_and_keeps_what_was_typed(self, reception):
        patient = PatientFactory(version=2)

        answer = reception.post(reverse("patients:edit", args=[patient.public_id]), form_of(version="1", address="TYPED"))

        assert answer.status_code == 412
        assert b"TYPED" in answer.content
        patient.refresh_from_db()
        assert patient.address == ""

    def test_edit_saves_and_takes_the_last_allergy_away(self, reception):
        allergy = AllergyFactory()
        rows = {"allergies-TOTAL_FORMS": "1", "allergies-INITIAL_FORMS": "1", "allergies-0-substance": ""}

        answer = reception.post(
            reverse("patients:edit", args=[allergy.patient.public_id]), form_of(version="1", last_name="Winter", **rows)
        )

        assert answer.status_code == 302
        allergy.patient.refresh_from_db()
        assert allergy.patient.last_name == "Winter"
        assert not allergy.patient.allergies.exists()

    def test_deactivation_needs_a_reason_and_can_be_undone(self, reception):
        patient = PatientFactory()
        reception.post(reverse("patients:deactivate", args=[patient.public_id]), {"reason": ""})
        patient.refresh_from_db()
        assert patient.is_active

        reception.post(reverse("patients:deactivate", args=[patient.public_id]), {"reason": "moved"})
        patient.refresh_from_db()
        assert patient.deactivated_reason == "moved"

        reception.post(reverse("patients:reactivate", args=[patient.public_id]))
        patient.refresh_from_db()
        assert patient.is_active


@pytest.mark.parametrize("rows", [1, 30])
@pytest.mark.parametrize("restricted", [False, True], ids=["open", "restricted"])
def test_chart_takes_ten_queries_at_most(client_as, django_assert_max_num_queries, rows, restricted):
    patient, doctor = PatientFactory(is_restricted=restricted), DoctorFactory()
    AllergyFactory.create_batch(rows, patient=patient)
    ProblemFactory.create_batch(rows, patient=patient)
    for visit in EncounterFactory.create_batch(rows, patient=patient, doctor=doctor):
        DiagnosisFactory(encounter=visit)
        VitalsFactory.create_batch(2, encounter=visit)
        AttachmentFactory(encounter=visit)
    client = client_as(doctor.user)

    with django_assert_max_num_queries(10):
        page = client.get(reverse("patients:chart", args=[patient.public_id])).content.decode()

    assert page.count("Substance ") == rows
    assert page.count("Common cold") >= min(rows, 10)


@pytest.mark.parametrize("rows", [1, 30])
def test_pages_of_the_desk_take_ten_queries_at_most(reception, django_assert_max_num_queries, rows):
    patients = PatientFactory.create_batch(rows, last_name="Okafor")
    AllergyFactory.create_batch(rows, patient=patients[0])

    for url in ("/patients/", "/patients/?q=okafor", "/patients/register/", f"/patients/{patients[0].public_id}/edit/"):
        with django_assert_max_num_queries(10):
            assert reception.get(url).status_code == 200
    with django_assert_max_num_queries(10):
        assert reception.post("/patients/register/", form_of(last_name="Okafor")).status_code == 422  # shows the duplicates
