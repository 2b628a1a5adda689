from uuid import uuid4

import pytest

from clinic.accounts.tests.factories import DoctorFactory
from clinic.audit.models import OutboxEvent
from clinic.core.errors import InvalidInput, NotFound, StaleVersion
from patients.errors import (
    DoctorInactive,
    EncounterClosed,
    EncounterNotSigned,
    PatientInactive,
    PrimaryDiagnosisExists,
    ReasonMissing,
)
from patients.models import Addendum, Diagnosis, Encounter, Vitals
from patients.rules.notes import sha256_of
from patients.services import encounters
from patients.services.addenda import add_addendum
from patients.tests.factories import (
    ClinicalNoteFactory,
    DiagnosisFactory,
    EncounterFactory,
    PatientFactory,
    VitalsFactory,
)


@pytest.fixture(autouse=True)
def _no_steps(settings):
    """What other apps do when a visit is completed is theirs to test."""
    settings.VISIT_COMPLETION_STEPS = []


@pytest.fixture
def doctor(db):
    return DoctorFactory()


def sign(encounter, by=None, **kwargs):
    return encounters.complete_visit(encounter_id=encounter.pk, by=by or encounter.doctor.user, **kwargs)


@pytest.mark.django_db
class TestStarting:
    def test_repeated_request_gives_the_first_encounter(self, doctor):
        patient, request_id = PatientFactory(), uuid4()

        first, again = (
            encounters.start_encounter(patient_id=patient.pk, doctor_id=doctor.pk, by=doctor.user, request_id=request_id) for _ in range(2)
        )

        assert first == again
        assert Encounter.objects.count() == 1

    @pytest.mark.parametrize(
        ("patient", "doctor", "error"),
        [
            ({"status": "inactive", "deactivated_reason": "moved"}, {}, PatientInactive),
            ({}, {"is_active": False}, DoctorInactive),
        ],
    )
    def test_who_is_inactive_is_refused(self, patient, doctor, error):
        patient, doctor = PatientFactory(**patient), DoctorFactory(**doctor)

        with pytest.raises(error):
            encounters.start_encounter(patient_id=patient.pk, doctor_id=doctor.pk, by=doctor.user)

        assert not Encounter.objects.exists()
        assert not OutboxEvent.objects.exists()

    def test_who_does_not_exist_is_refused(self, doctor):
        with pytest.raises(NotFound):
            encounters.start_encounter(patient_id=0, doctor_id=doctor.pk, by=doctor.user)
        with pytest.raises(InvalidInput):
            encounters.start_encounter(patient_id=PatientFactory().pk, doctor_id=0, by=doctor.user)


@pytest.mark.django_db
class TestRecording:
    def test_repeated_requests_record_once(self, doctor):
        encounter = EncounterFactory(doctor=doctor)
        request_id = uuid4()

        for _ in range(2):
            encounters.record_vitals(encounter_id=encounter.pk, values={"pain": 1}, by=doctor.user, request_id=request_id)
            encounters.add_diagnosis(encounter_id=encounter.pk, text="Cold", code="", rank="primary", by=doctor.user, request_id=request_id)

        assert (Vitals.objects.count(), Diagnosis.objects.count()) == (1, 1)

    def test_each_child_raises_the_version(self, doctor):
        encounter = EncounterFactory(doctor=doctor)

        vitals = encounters.record_vitals(encounter_id=encounter.pk, values={"pain": 1}, by=doctor.user)
        encounters.remove_vitals(encounter_id=encounter.pk, vitals_id=vitals.public_id, by=doctor.user)

        encounter.refresh_from_db()
        assert encounter.version == 3
        assert not Vitals.objects.exists()

    def test_second_primary_diagnosis_is_refused(self, doctor):
        diagnosis = DiagnosisFactory()

        with pytest.raises(PrimaryDiagnosisExists):
            encounters.add_diagnosis(encounter_id=diagnosis.encounter_id, text="Flu", code="", rank="primary", by=doctor.user)

        assert Diagnosis.objects.count() == 1

    @pytest.mark.parametrize(("text", "code", "field"), [(" ", "", "text"), ("Cold", "cold", "code"), ("Cold", "J06.99999", "code")])
    def test_diagnosis_has_text_and_a_code_of_the_right_form(self, doctor, text, code, field):
        with pytest.raises(InvalidInput) as refusal:
            encounters.add_diagnosis(encounter_id=EncounterFactory().pk, text=text, code=code, rank="primary", by=doctor.user)

        assert list(refusal.value.errors) == [field]
        assert not Diagnosis.objects.exists()

    def test_diagnosis_of_another_visit_is_not_found(self, doctor):
        diagnosis = DiagnosisFactory()

        with pytest.raises(NotFound):
            encounters.remove_diagnosis(encounter_id=EncounterFactory().pk, diagnosis_id=diagnosis.public_id, by=doctor.user)

        assert Diagnosis.objects.exists()

    def test_audit_holds_no_clinical_text(self, doctor):
        encounter = EncounterFactory(doctor=doctor)

        encounters.update_encounter(encounter_id=encounter.pk, changes={"reason": "CANARY"}, by=doctor.user)
        encounters.add_diagnosis(encounter_id=encounter.pk, text="CANARY", code="", rank="primary", by=doctor.user)

        assert not [event for event in OutboxEvent.objects.all() if "CANARY" in str(event.document)]


@pytest.mark.django_db
class TestSigning:
    def test_hash_stands_for_the_content(self):
        encounter = EncounterFactory(reason="cough")
        VitalsFactory(encounter=encounter, temperature_c="36.6")
        DiagnosisFactory(encounter=encounter)
        ClinicalNoteFactory(encounter=encounter)

        signed = sign(encounter)

        content = encounters.content_of(Encounter.objects.get())
        assert signed.content_sha256 == sha256_of(content)
        assert [len(content[name]) for name in ("vitals", "diagnoses", "notes")] == [1, 1, 1]
        assert (signed.signed_by, signed.status) == (encounter.doctor.user, "completed")

    def test_steps_run_in_order_before_the_signature(self, settings, monkeypatch):
        seen = []
        encounter = EncounterFactory()
        for name in ("update_encounter", "record_vitals"):  # any two importable names
            monkeypatch.setattr(
                encounters, name, lambda name=name, **given: seen.append((name, given["encounter_id"], Encounter.objects.get().status))
            )
        settings.VISIT_COMPLETION_STEPS = [f"patients.services.encounters.{name}" for name in ("update_encounter", "record_vitals")]

        sign(encounter)

        assert seen == [("update_encounter", encounter.pk, "in_progress"), ("record_vitals", encounter.pk, "in_progress")]

    def test_step_that_refuses_leaves_the_visit_open(self, settings, monkeypatch):
        def refuse(**given):
            Encounter.objects.update(reason="half-written")
            raise PatientInactive

        encounter = EncounterFactory()
        monkeypatch.setattr(encounters, "update_encounter", refuse)
        settings.VISIT_COMPLETION_STEPS = ["patients.services.encounters.update_encounter"]

        with pytest.raises(PatientInactive):
            sign(encounter)

        encounter.refresh_from_db()
        assert (encounter.status, encounter.reason) == ("in_progress", "")

    def test_twice_is_refused_before_any_step(self, settings):
        encounter = EncounterFactory(signed=True)
        settings.VISIT_COMPLETION_STEPS = ["nowhere.to_be_found"]

        with pytest.raises(EncounterClosed):
            sign(encounter)

    def test_state_that_was_not_seen_is_not_signed(self):
        encounter = EncounterFactory(version=2)

        with pytest.raises(StaleVersion):
            sign(encounter, expected_version=1)

        encounter.refresh_from_db()
        assert encounter.is_open

    def test_closed_visit_takes_nothing(self, doctor):
        encounter = EncounterFactory(signed=True)
        common = {"encounter_id": encounter.pk, "by": doctor.user}

        for write in (
            lambda: encounters.update_encounter(changes={"reason": "x"}, **common),
            lambda: encounters.record_vitals(values={"pain": 1}, **common),
            lambda: encounters.add_diagnosis(text="x", code="", rank="primary", **common),
            lambda: encounters.mark_entered_in_error(reason="x", **common),
        ):
            with pytest.raises(EncounterClosed):
                write()

        assert not OutboxEvent.objects.exists()

    def test_entered_in_error_keeps_its_reason(self, doctor):
        encounter = EncounterFactory()

        with pytest.raises(ReasonMissing):
            encounters.mark_entered_in_error(encounter_id=encounter.pk, reason=" ", by=doctor.user)
        marked = encounters.mark_entered_in_error(encounter_id=encounter.pk, reason="Wrong patient", by=doctor.user)

        assert (marked.status, marked.entered_in_error_reason) == ("entered_in_error", "Wrong patient")


@pytest.mark.django_db
class TestAddenda:
    def test_signed_visit_takes_addenda_and_stays_as_it_was(self):
        encounter = EncounterFactory(signed=True)
        request_id = uuid4()

        for _ in range(2):
            add_addendum(encounter_id=encounter.pk, reason="typo", text="Left.", author=encounter.doctor.user, request_id=request_id)

        assert Addendum.objects.count() == 1
        encounter.refresh_from_db()
        assert encounter.version == 1

    @pytest.mark.parametrize("status", [{}, {"status": "entered_in_error", "entered_in_error_reason": "x"}])
    def test_visit_that_is_not_signed_takes_none(self, status):
        encounter = EncounterFactory(**status)

        with pytest.raises(EncounterNotSigned):
            add_addendum(encounter_id=encounter.pk, reason="typo", text="x", author=encounter.doctor.user)

        assert not Addendum.objects.exists()
