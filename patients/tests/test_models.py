"""What the database refuses by itself, whichever way a row gets there."""

from datetime import date
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import DataError, IntegrityError, connection, transaction
from django.utils import timezone

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.core.db import constraint_of
from patients.models import Addendum, ClinicalNote, Diagnosis, Encounter, MrnCounter, Patient, Vitals
from patients.models.encounter import VITALS_RANGES
from patients.tests.factories import (
    AddendumFactory,
    AllergyFactory,
    ClinicalNoteFactory,
    DiagnosisFactory,
    EncounterFactory,
    PatientFactory,
    VitalsFactory,
)

pytestmark = pytest.mark.django_db


def refused_by(write) -> str:
    """The name of the constraint or trigger that refuses the write."""
    with pytest.raises((IntegrityError, DataError)) as refusal, transaction.atomic():
        write()
    return constraint_of(refusal.value)


def sql(statement: str, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


class TestPatient:
    @pytest.mark.parametrize(
        ("values", "constraint"),
        [
            ({"first_name": ""}, "patient_has_a_name"),
            ({"date_of_birth": date(1879, 12, 31)}, "patient_born_after_1880"),
            ({"date_of_birth": date(2026, 1, 2), "registered_on": date(2026, 1, 1)}, "patient_born_before_registration"),
            ({"insurance_cover_percent": 101}, "patient_cover_within_0_to_100"),
            ({"status": "inactive"}, "patient_inactive_with_reason"),
        ],
    )
    def test_impossible_rows_are_refused(self, values, constraint):
        assert refused_by(lambda: PatientFactory(**values)) == constraint

    def test_mrn_is_given_once(self):
        patient = PatientFactory()

        assert "mrn" in refused_by(lambda: PatientFactory(mrn=patient.mrn))

    def test_email_is_unique_among_accounts_in_any_case(self):
        PatientFactory(user=user(Role.PATIENT), email="ann@example.org")
        PatientFactory(email="ann@example.org")

        name = refused_by(lambda: PatientFactory(user=user(Role.PATIENT), email="Ann@Example.org"))
        assert name == "patient_email_unique_among_accounts"

    def test_nobody_is_deleted(self):
        patient = PatientFactory()

        assert refused_by(lambda: sql("DELETE FROM patients_patient WHERE id = %s", patient.pk)) == "patient_kept"

    def test_substance_stands_once_in_any_case(self):
        allergy = AllergyFactory(substance="Latex")

        assert refused_by(lambda: AllergyFactory(patient=allergy.patient, substance="latex")) == "allergy_once_per_substance"

    def test_counter_is_one_row(self):
        assert refused_by(lambda: MrnCounter.objects.create(pk=2)) == "mrn_counter_is_one_row"

    def test_search_name_has_no_accents_and_no_capitals(self):
        PatientFactory(first_name="Zoë", last_name="Müller")

        assert Patient.objects.values_list("search_name", "sort_name").get() == ("zoe muller", "muller zoe")


class TestEncounter:
    @pytest.mark.parametrize(
        "values",
        [
            {"status": "completed"},
            {"status": "completed", "signed_at": timezone.now(), "content_sha256": "0" * 64},
            {"signed_at": timezone.now()},
            {"content_sha256": "0" * 64},
        ],
    )
    def test_completed_means_signed(self, values):
        assert refused_by(lambda: EncounterFactory(**values)) == "encounter_completed_means_signed"

    def test_entered_in_error_has_a_reason(self):
        assert refused_by(lambda: EncounterFactory(status="entered_in_error")) == "encounter_in_error_with_reason"

    @pytest.mark.parametrize("change", [{"reason": "x"}, {"version": 9}, {"status": "in_progress"}, {"content_sha256": "1" * 64}])
    def test_signed_encounter_is_frozen(self, change):
        encounter = EncounterFactory(signed=True)

        assert refused_by(lambda: Encounter.objects.filter(pk=encounter.pk).update(**change)) == "encounter_closed_is_frozen"

    def test_encounter_is_kept(self):
        encounter = EncounterFactory()

        assert refused_by(lambda: sql("DELETE FROM patients_encounter WHERE id = %s", encounter.pk)) == "encounter_kept"


class TestVitals:
    @pytest.mark.parametrize("name", VITALS_RANGES)
    @pytest.mark.parametrize("end", [0, 1])
    def test_values_outside_the_range_are_refused(self, name, end):
        encounter = EncounterFactory()
        bound = VITALS_RANGES[name][end]
        value = bound + (1 if end else -1)

        refusal = refused_by(lambda: VitalsFactory(encounter=encounter, **{"pulse_bpm": None, name: value}))

        assert name in refusal or refusal == ""  # beyond the column's own size
        assert not Vitals.objects.exists()

    def test_diastolic_is_below_systolic(self):
        assert refused_by(lambda: VitalsFactory(systolic_mmhg=80, diastolic_mmhg=80)) == "vitals_diastolic_below_systolic"

    def test_a_set_has_a_value(self):
        assert refused_by(lambda: VitalsFactory(pulse_bpm=None)) == "vitals_not_empty"

    def test_bmi_is_computed_with_one_decimal(self):
        assert str(VitalsFactory.build(encounter=None, recorded_by=None, weight_kg=Decimal(71), height_cm=Decimal(165)).bmi) == "26.1"


def test_diagnosis_has_text_and_one_is_primary():
    diagnosis = DiagnosisFactory()

    assert refused_by(lambda: DiagnosisFactory(encounter=diagnosis.encounter)) == "diagnosis_one_primary"
    assert refused_by(lambda: DiagnosisFactory(encounter=diagnosis.encounter, rank="secondary", text="")) == "diagnosis_has_text"


class TestNotes:
    def test_note_is_of_the_encounters_patient(self):
        encounter, other = EncounterFactory(), PatientFactory()

        def write():
            ClinicalNoteFactory(encounter=encounter, patient=other)
            sql("SET CONSTRAINTS ALL IMMEDIATE")

        assert refused_by(write) == "note_of_the_encounters_patient"

    def test_body_is_here_or_stored(self):
        assert refused_by(lambda: ClinicalNoteFactory(body=None, sha256="0" * 64)) == "note_body_somewhere"

    def test_version_is_immutable_and_kept(self):
        note = ClinicalNoteFactory()
        row = ClinicalNote.objects.filter(pk=note.pk)

        assert refused_by(lambda: row.update(sha256="1" * 64)) == "note_version_immutable"
        assert refused_by(lambda: row.update(body={"text": "other"})) == "note_body_immutable"
        assert refused_by(lambda: sql("DELETE FROM patients_clinicalnote WHERE id = %s", note.pk)) == "note_kept"

    def test_body_leaves_when_it_is_stored_even_after_the_signature(self):
        note = ClinicalNoteFactory()
        Encounter.objects.filter(pk=note.encounter_id).update(
            status="completed", signed_at=timezone.now(), signed_by=note.author, content_sha256="0" * 64
        )

        ClinicalNote.objects.filter(pk=note.pk).update(body=None, stored_at=timezone.now())

        note.refresh_from_db()
        assert note.body is None

    def test_version_stands_once_in_its_thread(self):
        note = ClinicalNoteFactory()

        name = refused_by(lambda: ClinicalNoteFactory(encounter=note.encounter, thread=note.thread, public_id=uuid4()))
        assert name == "note_version_once"


class TestChildrenOfASignedEncounter:
    """By SQL: what no service would do."""

    @pytest.fixture
    def signed(self):
        encounter = EncounterFactory()
        VitalsFactory(encounter=encounter)
        DiagnosisFactory(encounter=encounter)
        ClinicalNoteFactory(encounter=encounter)
        Encounter.objects.filter(pk=encounter.pk).update(
            status="completed", signed_at=timezone.now(), signed_by=encounter.doctor.user, content_sha256="0" * 64
        )
        return encounter

    @pytest.mark.parametrize(
        ("make", "trigger"),
        [
            (VitalsFactory, "vitals_frozen_when_signed"),
            (lambda encounter: DiagnosisFactory(encounter=encounter, rank="secondary"), "diagnosis_frozen_when_signed"),
            (ClinicalNoteFactory, "note_frozen_when_signed"),
        ],
    )
    def test_none_is_added(self, signed, make, trigger):
        assert refused_by(lambda: make(encounter=signed)) == trigger

    @pytest.mark.parametrize(
        ("statement", "trigger"),
        [
            ("UPDATE patients_vitals SET pulse_bpm = 99", "vitals_frozen_when_signed"),
            ("DELETE FROM patients_vitals", "vitals_frozen_when_signed"),
            ("UPDATE patients_diagnosis SET text = 'x'", "diagnosis_frozen_when_signed"),
            ("DELETE FROM patients_diagnosis", "diagnosis_frozen_when_signed"),
            ("UPDATE patients_clinicalnote SET written_at = now()", "note_version_immutable"),
            ("DELETE FROM patients_clinicalnote", "note_kept"),
        ],
    )
    def test_none_is_changed_or_removed(self, signed, statement, trigger):
        assert refused_by(lambda: sql(f"{statement} WHERE encounter_id = %s", signed.pk)) == trigger

    @pytest.mark.parametrize(
        ("model", "factory", "triggers"),
        [
            (Vitals, VitalsFactory, {"vitals_frozen_when_signed", "vitals_stay_with_their_encounter"}),
            (Diagnosis, DiagnosisFactory, {"diagnosis_frozen_when_signed", "diagnosis_stays_with_its_encounter"}),
        ],
    )
    def test_none_is_moved_to_it_or_away(self, signed, model, factory, triggers):
        other = factory()

        assert refused_by(lambda: model.objects.filter(pk=other.pk).update(encounter=signed)) in triggers
        assert refused_by(lambda: model.objects.filter(encounter=signed).update(encounter=EncounterFactory())) in triggers


def test_addendum_is_whole_unchanged_and_kept():
    addendum = AddendumFactory()
    row = Addendum.objects.filter(pk=addendum.pk)

    assert refused_by(lambda: row.update(text="other")) == "addendum_unchanged"
    assert refused_by(lambda: sql("DELETE FROM patients_addendum WHERE id = %s", addendum.pk)) == "addendum_kept"
    assert refused_by(lambda: AddendumFactory(reason="")) == "addendum_has_reason_and_text"
