"""What the chart shows, and what it says when it does not know."""

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.urls import reverse
from django.utils import timezone

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DoctorFactory, user
from patients.tests.factories import AllergyFactory, AttachmentFactory, DiagnosisFactory, EncounterFactory, PatientFactory, ProblemFactory
from pharmacy.models import Prescription
from pharmacy.services.prescribing import cancel_prescription
from pharmacy.tests.factories import MedicineFactory, drafted, line_of, signed

pytestmark = pytest.mark.django_db


def page_of(client, patient) -> str:
    return client.get(reverse("patients:chart", args=[patient.public_id])).content.decode()


def panel_of(page: str, name: str) -> str:
    return page.partition(f'id="{name}"')[2].partition("</section>")[0]


@pytest.fixture
def doctor(client_as):
    return client_as(DoctorFactory().user)


class TestMedication:
    def test_signed_lines_are_shown_while_their_course_runs(self, doctor):
        visit = EncounterFactory()
        with_days = [line_of(MedicineFactory(name=name), duration_days=days) for name, days in (("Amoxicillin", 7), ("Ibuprofen", 1))]
        signed(*with_days, encounter=visit)
        drafted(line_of(MedicineFactory(name="Codeine")), encounter=visit)
        signed(line_of(MedicineFactory(name="Warfarin")))  # another patient's

        shown = panel_of(page_of(doctor, visit.patient), "medication")

        assert "Amoxicillin" in shown
        assert "Take 1 tablet" in shown
        for other in ("Codeine", "Warfarin", "No prescription"):
            assert other not in shown

    def test_a_course_that_ran_out_or_was_cancelled_is_not_taken_now(self, doctor, monkeypatch):
        visit = EncounterFactory()
        cancelled = signed(line_of(MedicineFactory(name="Codeine"), duration_days=30), encounter=visit, cleared=False)
        cancel_prescription(prescription_id=cancelled.pk, reason="Rash", by=visit.doctor.user)
        signed(line_of(MedicineFactory(name="Amoxicillin"), duration_days=7), encounter=visit)
        assert Prescription.objects.count() == 2

        on = timezone.localdate()
        monkeypatch.setattr("patients.views.chart.timezone.localdate", lambda: on + timedelta(days=6))
        assert "Amoxicillin" in panel_of(page_of(doctor, visit.patient), "medication")
        monkeypatch.setattr("patients.views.chart.timezone.localdate", lambda: on + timedelta(days=7))
        assert "No prescription of this clinic is running" in panel_of(page_of(doctor, visit.patient), "medication")

    def test_what_could_not_be_read_is_unknown_and_never_none(self, doctor, settings, monkeypatch):
        patient = PatientFactory()
        AllergyFactory(patient=patient, substance="Penicillin")

        def fail(**kwargs):
            raise OperationalError("canceling statement due to statement timeout")
            yield

        monkeypatch.setattr("pharmacy.selectors.charts.medication_of", fail)
        page = page_of(doctor, patient)

        assert "Unknown: the prescriptions could not be read" in panel_of(page, "medication")
        assert "No prescription" not in page
        assert "Penicillin" in page

    @pytest.mark.parametrize(("role", "shown"), [(Role.NURSE, True), (Role.PHARMACIST, True), (Role.RECEPTION, False)])
    def test_only_those_who_may_see_prescriptions_see_it(self, client_as, role, shown):
        visit = EncounterFactory()
        signed(line_of(MedicineFactory(name="Amoxicillin"), duration_days=7), encounter=visit)

        assert ("Amoxicillin" in page_of(client_as(user(role)), visit.patient)) == shown


def test_the_first_screen_goes_from_allergies_to_measurements(doctor):
    visit = EncounterFactory(signed=True)
    AllergyFactory(patient=visit.patient)
    ProblemFactory(patient=visit.patient)

    page = page_of(doctor, visit.patient)

    places = [page.index(mark) for mark in ("patient-allergies", 'id="problems"', 'id="medication"', 'id="last-visit"', 'id="visits"')]
    assert places == sorted(places)


def test_files_are_listed_the_newest_first_without_those_of_visits_in_error(doctor):
    visit = EncounterFactory()
    older = AttachmentFactory(encounter=visit, name="Referral.pdf", uploaded_at=timezone.now() - timedelta(days=2))
    AttachmentFactory(encounter=visit, name="Photo.jpg", content_type="image/jpeg")
    AttachmentFactory(encounter=EncounterFactory(patient=visit.patient), name="Wrong.pdf")
    visit.patient.encounters.exclude(pk=visit.pk).update(status="entered_in_error", entered_in_error_reason="wrong person")

    shown = panel_of(page_of(doctor, visit.patient), "files")

    assert 0 < shown.index("Photo.jpg") < shown.index("Referral.pdf")
    assert "Wrong.pdf" not in shown
    assert reverse("patients:attachment", args=[visit.public_id, older.public_id]) in shown


def test_the_desk_sees_no_files(client_as):
    file = AttachmentFactory()
    DiagnosisFactory(encounter=file.encounter)

    assert file.name not in page_of(client_as(user(Role.RECEPTION)), file.patient)
