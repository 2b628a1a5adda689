"""Imports of whole files into a real database."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from clinic.accounts.models import Doctor, Facility, User
from clinic.audit.models import OutboxEvent
from clinic.ops.fhir_import.report import LEFT, TAKEN, THERE
from clinic.ops.tests.fhir_files import DATA, load, load_resources, patient, pulse, visit
from patients.models import Allergy, Diagnosis, Encounter, EncounterStatus, Patient, Problem, Vitals
from patients.rules.notes import sha256_of
from patients.services.signed_content import content_of

pytestmark = pytest.mark.django_db

TABLES = [Patient, Allergy, Problem, Encounter, Diagnosis, Vitals, Doctor, Facility, User]


def counts():
    return {model.__name__: model.objects.count() for model in TABLES}


# --- What is taken -------------------------------------------------------------------------


def test_a_patient_comes_with_names_as_they_are_and_what_identifies_them():
    load("bundle.json")

    person = Patient.objects.get()
    assert (person.first_name, person.last_name, person.date_of_birth) == ("Ilka3 Mária12", "Szabó127", date(1961, 7, 9))
    assert (person.sex, str(person.phone), person.national_id) == ("female", "+12025550143", "999-10-2030")
    assert (person.emergency_contact_name, person.emergency_contact_relation) == ("Béla4 Szabó127", "Son")
    assert person.source_id == "11111111-aaaa-4aaa-8aaa-000000000001"
    assert person.mrn


def test_a_practitioner_becomes_a_doctor_who_cannot_sign_in():
    load("bundle.json")

    doctor = Doctor.objects.get()
    assert (doctor.licence_number, doctor.user.last_name) == ("NPI 9999900001", "Moreau55")
    assert doctor.department.facility.name == "HILL ROAD PRACTICE"
    assert not doctor.user.has_usable_password()
    assert doctor.user.roles == {"DOCTOR"}


def test_a_finished_visit_is_a_signed_encounter_of_its_own_time():
    load("bundle.json")

    encounter = Encounter.objects.get(source_id="11111111-aaaa-4aaa-8aaa-000000000011")
    assert (encounter.status, encounter.reason) == (EncounterStatus.COMPLETED, "Hypertension")
    assert encounter.started_at == datetime(2024, 3, 4, 8, tzinfo=UTC)
    assert encounter.doctor == Doctor.objects.get()
    assert encounter.signed_by.username == "fhir-import"
    assert encounter.content_sha256 == sha256_of(content_of(encounter))


def test_conditions_of_a_visit_are_its_diagnoses_and_the_lasting_ones_problems():
    load("bundle.json")

    assert list(Diagnosis.objects.order_by("id").values_list("text", "code", "rank")) == [
        ("Essential hypertension", "I10", "primary"),
        ("Acute viral pharyngitis", "", "secondary"),
    ]
    assert list(Problem.objects.order_by("text").values_list("text", "onset_on", "is_active")) == [
        ("Essential hypertension", date(2024, 3, 4), True),
        ("Migraine", date(1990, 1, 1), True),
    ]


def test_measurements_are_converted_and_keep_their_time():
    load("bundle.json")

    vitals = Vitals.objects.get(encounter__source_id="11111111-aaaa-4aaa-8aaa-000000000011")
    assert vitals.recorded_at == datetime(2024, 3, 4, 8, 5, tzinfo=UTC)
    assert (vitals.temperature_c, vitals.weight_kg, vitals.height_cm) == (Decimal("38.0"), Decimal("69.85"), Decimal("165.0"))
    assert (vitals.pulse_bpm, vitals.systolic_mmhg, vitals.diastolic_mmhg) == (72, 152, 94)
    assert (vitals.spo2_percent, vitals.respiratory_rate_bpm) == (97, 16)


def test_an_active_allergy_is_taken_with_its_worst_reaction():
    load("bundle.json")

    assert list(Allergy.objects.values_list("substance", "reaction", "severity")) == [("Penicillin", "Hives, Short of breath", "severe")]
    assert Patient.objects.get().allergies_reviewed_at.year == 2001


def test_each_resource_is_counted_once():
    report = load("bundle.json")

    kinds = {"Patient": (1, 0, 0), "Organization": (1, 0, 0), "Practitioner": (1, 0, 0), "Encounter": (2, 0, 1), "Condition": (3, 0, 1)}
    kinds |= {"AllergyIntolerance": (1, 0, 1), "Observation": (8, 0, 3), "Immunization": (0, 0, 1)}
    assert {kind: tuple(report.counts[kind, what] for what in (TAKEN, THERE, LEFT)) for kind in kinds} == kinds
    assert report.reasons["Observation", "temperature_c is out of range: must be between 25.0 and 45.0 °c"] == 1
    assert report.fields["Patient.maritalStatus", "has no place here"] == 1
    assert sum(report.counts.values()) == len(json.loads((DATA / "bundle.json").read_text())["entry"])


def test_every_imported_row_is_audited_under_the_importer():
    load("bundle.json")

    actions = set(OutboxEvent.objects.filter(actor__username="fhir-import").values_list("action", flat=True))
    assert {
        "patients.patient.registered",
        "patients.encounter.imported",
        "patients.allergy.imported",
        "accounts.user.registered",
    } <= actions


# --- Again, and in parts -------------------------------------------------------------------


def test_a_second_run_adds_nothing_and_says_so():
    load("bundle.json", "export.ndjson")
    before = counts()

    report = load("bundle.json", "export.ndjson")

    assert counts() == before
    assert {kind for kind, what in report.counts if what == TAKEN} == set()
    assert report.counts["Observation", THERE] == 9


def test_lines_and_bundles_meet_in_one_doctor():
    report = load("export.ndjson", "bundle.json")

    assert Doctor.objects.filter(licence_number="NPI 9999900001").count() == 1
    assert Encounter.objects.get(source_id="enc-7").doctor.user.last_name == "Moreau55"
    assert report.counts["Patient", TAKEN] == 3


def test_a_practitioner_who_comes_after_the_visits_is_the_doctor_that_these_named():
    load("export.ndjson")

    report = load("bundle.json")

    assert Doctor.objects.filter(licence_number__startswith="NPI").count() == 1
    assert report.counts["Practitioner", THERE] == 1


def test_a_visit_of_an_unnamed_practitioner_stands_under_a_stand_in_who_cannot_be_booked():
    load("export.ndjson")

    doctor = Encounter.objects.get(source_id="enc-8").doctor
    assert (str(doctor.user), doctor.is_active) == ("Unknown practitioner", False)


def test_a_broken_line_is_told_with_its_place_and_the_rest_goes_on():
    report = load("export.ndjson")

    assert [place for place, _ in report.broken] == ["export.ndjson, line 5", "export.ndjson, line 7"]
    assert report.counts["Patient", TAKEN] == 2


def test_what_is_about_an_unknown_patient_is_left():
    report = load("export.ndjson")

    assert report.reasons["Observation", "its patient: it is neither in the files nor imported before"] == 1


def test_files_may_come_one_after_the_other(tmp_path):
    load_resources(tmp_path, patient())
    report = load_resources(tmp_path, visit(), pulse())

    assert report.counts["Encounter", TAKEN] == report.counts["Observation", TAKEN] == 1
    assert Encounter.objects.get().patient == Patient.objects.get()


def test_a_measurement_that_comes_after_its_visit_was_signed_is_left(tmp_path):
    load_resources(tmp_path, patient(), visit())

    report = load_resources(tmp_path, pulse())

    assert report.reasons["Observation", "its visit was imported and signed before"] == 1
    assert not Vitals.objects.exists()


def test_a_later_condition_of_a_signed_visit_is_still_a_problem(tmp_path):
    load_resources(tmp_path, patient(), visit())
    condition = {
        "resourceType": "Condition",
        "id": "c1",
        "subject": {"reference": "Patient/p1"},
        "encounter": {"reference": "Encounter/e1"},
    }

    report = load_resources(tmp_path, condition | {"code": {"text": "Gout"}, "clinicalStatus": {"coding": [{"code": "active"}]}})

    assert report.counts["Condition", TAKEN] == 1
    assert (Problem.objects.get().text, Diagnosis.objects.count()) == ("Gout", 0)


# --- The command ---------------------------------------------------------------------------


def test_the_command_prints_the_table_and_the_reasons(capsys):
    call_command("import_fhir", DATA)

    printed = capsys.readouterr().out
    assert "Resource" in printed
    assert "Immunization (1): this type has no place here; first in bundle.json, entry 23" in printed
    assert "export.ndjson, line 5: not JSON" in printed


def test_the_command_fails_when_nothing_could_be_read(tmp_path):
    (tmp_path / "broken.json").write_text("{")

    with pytest.raises(CommandError, match="Nothing could be read"):
        call_command("import_fhir", tmp_path, tmp_path / "none")
    assert not Patient.objects.exists()
