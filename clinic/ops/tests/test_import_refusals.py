"""What an import keeps out, what it undoes, and what an imported patient can do afterwards."""

from datetime import UTC, date, datetime, time

import pytest
from django.db import IntegrityError, transaction

from clinic.accounts.models import Doctor
from clinic.accounts.tests.factories import DoctorFactory
from clinic.ops.fhir_import import writers
from clinic.ops.fhir_import.report import LEFT, TAKEN
from clinic.ops.tests.fhir_files import NOW, load, load_resources, patient, pulse, visit
from patients.errors import EncounterClosed
from patients.models import Encounter, Patient, Vitals
from patients.selectors.search import search_patients
from patients.services.encounters import complete_visit
from scheduling.services.booking import book_appointment
from scheduling.services.hours import add_session
from scheduling.services.queueing import check_in
from scheduling.services.visits import start_visit

pytestmark = pytest.mark.django_db


# --- Nothing wrong gets in -----------------------------------------------------------------


def test_an_id_that_another_patient_has_is_refused_with_all_that_is_about_it(tmp_path):
    load_resources(tmp_path, patient())

    stranger = patient(name=[{"family": "Park", "given": ["Jun"]}], birthDate="1950-05-05")
    report = load_resources(tmp_path, stranger, visit(), pulse())

    assert Patient.objects.count() == 1
    assert not Encounter.objects.exists()
    assert [report.counts[kind, LEFT] for kind in ("Patient", "Encounter", "Observation")] == [1, 1, 1]


def test_the_name_of_the_source_keeps_equal_ids_apart(tmp_path):
    load_resources(tmp_path, patient(), source="north")
    load_resources(tmp_path, patient(name=[{"family": "Park", "given": ["Jun"]}], birthDate="1950-05-05"), source="south")

    assert set(Patient.objects.values_list("source_id", flat=True)) == {"north/p1", "south/p1"}


def test_a_visit_id_of_another_patient_is_refused(tmp_path):
    load_resources(tmp_path, patient(), visit())

    report = load_resources(tmp_path, patient("p2", birthDate="1991-01-01"), visit(subject="Patient/p2"), pulse(subject="Patient/p2"))

    assert Encounter.objects.get().patient.source_id == "p1"
    assert report.counts["Encounter", LEFT] == report.counts["Observation", LEFT] == 1


def test_a_visit_finds_its_doctor_through_the_role(tmp_path):
    doctor = {"resourceType": "Practitioner", "id": "d1", "name": [{"family": "Hilpert", "given": ["Sharyl"]}]}
    role = {"resourceType": "PractitionerRole", "id": "r1", "practitioner": {"reference": "Practitioner/d1"}}
    participant = [{"individual": {"reference": "Patient/p1"}}, {"individual": {"reference": "PractitionerRole/r1"}}]

    load_resources(tmp_path, doctor, role, patient(), visit(participant=participant))

    assert str(Encounter.objects.get().doctor.user) == "Sharyl Hilpert"


def test_two_doctors_with_one_npi_stay_two(tmp_path):
    def practitioner(resource_id, family):
        identifier = [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "160"}]
        return {"resourceType": "Practitioner", "id": resource_id, "identifier": identifier, "name": [{"family": family, "given": ["A"]}]}

    load_resources(tmp_path, practitioner("d1", "Hilpert"), practitioner("d2", "Dibbert"))

    assert Doctor.objects.count() == 2


def test_a_visit_that_the_database_refuses_is_undone_alone(tmp_path, monkeypatch):
    real = writers.add_visit

    def refuse_one(person, wanted, *, by):
        real(person, wanted, by=by)
        if wanted.source_id == "e1":
            raise IntegrityError

    monkeypatch.setattr(writers, "add_visit", refuse_one)

    report = load_resources(tmp_path, patient(), visit("e1"), pulse("o1"), visit("e2"), pulse("o2", encounter="Encounter/e2"))

    assert list(Encounter.objects.values_list("source_id", flat=True)) == ["e2"]
    assert Vitals.objects.count() == 1
    assert report.reasons["Encounter", "refused by the database (IntegrityError)"] == 1


def test_an_import_that_is_cut_off_is_completed_by_the_next(tmp_path, monkeypatch):
    real = writers.add_visit

    def stop_at_the_second(person, wanted, *, by):
        if wanted.source_id == "e2":
            raise KeyboardInterrupt
        return real(person, wanted, by=by)

    files = [patient("p1"), visit("e1"), patient("p2", birthDate="1991-01-01"), visit("e2", "Patient/p2"), visit("e3", "Patient/p2")]
    with monkeypatch.context() as patch:
        patch.setattr(writers, "add_visit", stop_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            load_resources(tmp_path, *files)
    assert set(Patient.objects.values_list("source_id", flat=True)) == {"p1"}

    load_resources(tmp_path, *files)

    assert set(Encounter.objects.values_list("source_id", flat=True)) == {"e1", "e2", "e3"}


@pytest.mark.parametrize(
    "hostile",
    [
        {"name": 5},
        {"name": [{"family": {"x": 1}, "given": "y"}]},
        {"identifier": 5, "telecom": "x", "address": [5]},
        {"birthDate": {"x": []}},
        {"address": [{"line": ["\0" * 9, "x" * 900]}]},
        {"name": [{"family": "x'; DROP TABLE patients_patient; --", "given": ["<script>"]}]},
    ],
)
def test_any_shape_of_a_patient_is_taken_or_left_and_never_breaks(tmp_path, hostile):
    report = load_resources(tmp_path, patient(**hostile), patient("p2"))

    assert report.counts["Patient", TAKEN] + report.counts["Patient", LEFT] == 2
    assert Patient.objects.filter(source_id="p2").exists()


# --- Afterwards ----------------------------------------------------------------------------


def test_an_imported_patient_can_be_booked_checked_in_and_seen():
    load("bundle.json")
    person = Patient.objects.get()
    doctor = DoctorFactory()
    session = {
        "doctor": doctor,
        "facility": doctor.department.facility,
        "weekday": 1,
        "starts": time(9),
        "ends": time(12),
        "slot_minutes": 15,
    }
    add_session(data=session | {"valid_from": date(2026, 1, 1)}, by=doctor.user)
    start = datetime(2026, 3, 9, 9, 30, tzinfo=UTC)

    booked = book_appointment(patient_id=person.pk, doctor_id=doctor.pk, start=start, by=doctor.user, now=NOW)
    check_in(appointment_id=booked.pk, by=doctor.user, now=start)
    encounter = start_visit(by=doctor.user, appointment_id=booked.pk)
    complete_visit(encounter_id=encounter.pk, by=doctor.user)

    booked.refresh_from_db()
    assert booked.status == "completed"
    assert person.encounters.count() == 3
    assert [each.full_name for each in search_patients("szabo127", doctor.user)] == ["Ilka3 Mária12 Szabó127"]


def test_an_imported_visit_is_closed_for_good():
    load("bundle.json")
    encounter = Encounter.objects.first()

    with pytest.raises(EncounterClosed):
        complete_visit(encounter_id=encounter.pk, by=encounter.doctor.user)
    with pytest.raises(IntegrityError), transaction.atomic():
        Vitals.objects.filter(encounter=encounter).update(pulse_bpm=1)
