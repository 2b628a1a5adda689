from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.audit.models import OutboxEvent
from patients.models import ClinicalNote, Encounter, Vitals
from patients.tests.factories import EncounterFactory, PatientFactory, VitalsFactory

pytestmark = [pytest.mark.django_db, pytest.mark.urls("patients.tests.urls")]


@pytest.fixture
def doctor(api_as):
    return api_as(user(Role.DOCTOR))


def visit_url(encounter, part=""):
    return f"/api/v1/visits/{encounter.public_id}/{part}"


class TestVisits:
    def test_vitals_come_back_with_bmi_and_what_is_unusual(self, api_as):
        encounter = EncounterFactory()
        body = {"temperature_c": 38.6, "weight_kg": "70.5", "height_cm": 175, "pulse_bpm": 80}

        answer = api_as(user(Role.NURSE)).post(visit_url(encounter, "vitals/"), body)

        assert answer.status_code == 201
        assert answer.json()["bmi"] == 23.0
        assert answer.json()["unusual"] == ["temperature_c"]
        assert answer.json()["temperature_c"] == 38.6
        assert answer.json()["pain"] is None

    def test_a_childs_values_are_held_against_its_age(self, api_as):
        child = EncounterFactory(patient__date_of_birth=timezone.localdate() - timedelta(days=4 * 365))

        answer = api_as(user(Role.NURSE)).post(visit_url(child, "vitals/"), {"pulse_bpm": 125, "respiratory_rate_bpm": 25})

        assert answer.status_code == 201, "a program is not asked whether it is sure"
        assert answer.json()["unusual"] == ["pulse_bpm"]

    @pytest.mark.parametrize(
        ("values", "field", "words"),
        [
            ({"temperature_c": 60}, "temperature_c", "Must be between 25.0 and 45.0 °C."),
            ({"pulse_bpm": 10**18}, "pulse_bpm", "Must be between 20 and 300 /min."),
            ({"systolic_mmhg": 80, "diastolic_mmhg": 80}, "diastolic_mmhg", "The diastolic pressure must be below the systolic one."),
            ({"pain": "NaN"}, "pain", "A valid integer is required."),
            ({}, "non_field_errors", "Give at least one value."),
        ],
    )
    def test_impossible_vitals_are_refused_with_the_range(self, doctor, values, field, words):
        encounter = EncounterFactory()

        answer = doctor.post(visit_url(encounter, "vitals/"), values)

        assert answer.status_code == 400
        assert answer.json()["errors"][field] == [words]
        assert not Vitals.objects.exists()

    def test_visit_is_changed_signed_and_then_closed(self, doctor, settings):
        settings.VISIT_COMPLETION_STEPS = []
        encounter = EncounterFactory()

        changed = doctor.patch(visit_url(encounter), {"reason": "cough", "diagnosis": "cold"})
        diagnosis = doctor.post(visit_url(encounter, "diagnoses/"), {"code": "j00", "text": "Common cold"})
        signed = doctor.post(visit_url(encounter, "complete/"))

        assert changed.json()["diagnosis"] == "cold"
        assert diagnosis.json() | {"id": ""} == {"id": "", "code": "J00", "text": "Common cold", "rank": "primary"}
        assert signed.status_code == 200
        assert signed.json()["status"] == "completed"
        assert signed.json()["diagnoses"] == [diagnosis.json()]
        for part, body in (
            ("complete/", {}),
            ("vitals/", {"pain": 1}),
            ("diagnoses/", {"text": "x", "rank": "secondary"}),
            ("notes/", {"text": "x"}),
        ):
            refused = doctor.post(visit_url(encounter, part), body)
            assert (refused.status_code, refused.json()["code"]) == (409, "encounter_closed")
        assert doctor.patch(visit_url(encounter), {"reason": "x"}).status_code == 409
        assert doctor.post(visit_url(encounter, "addenda/"), {"reason": "typo", "text": "flu"}).status_code == 201
        assert doctor.get(visit_url(encounter, "addenda/")).json()["results"][0]["text"] == "flu"

    def test_signing_an_old_state_is_refused(self, doctor, settings):
        settings.VISIT_COMPLETION_STEPS = []
        encounter = EncounterFactory()
        doctor.post(visit_url(encounter, "vitals/"), {"pain": 1})

        answer = doctor.post(visit_url(encounter, "complete/"), headers={"If-Match": '"1"'})

        assert answer.status_code == 412
        assert Encounter.objects.get().is_open

    def test_same_idempotency_key_records_vitals_once(self, doctor):
        encounter = EncounterFactory()

        answers = [doctor.post(visit_url(encounter, "vitals/"), {"pain": 1}, headers={"Idempotency-Key": "v"}) for _ in range(2)]

        assert answers[0].json() == answers[1].json()
        assert Vitals.objects.count() == 1

    def test_list_filters_and_is_flat_in_queries(self, doctor, django_assert_max_num_queries):
        wanted = EncounterFactory()
        for count in (3, 30):
            for _ in range(count):
                VitalsFactory()
            with django_assert_max_num_queries(10):
                assert len(doctor.get("/api/v1/visits/").json()["results"]) >= count

        answer = doctor.get(
            f"/api/v1/visits/?patient={wanted.patient.public_id}&status=in_progress&date_from=2020-01-01&date_to=2999-12-31"
        )

        assert [row["id"] for row in answer.json()["results"]] == [str(wanted.public_id)]

    def test_who_reads_a_list_is_in_the_access_log_of_each_patient_in_it(self, doctor, api_as):
        first, second = EncounterFactory(), EncounterFactory()
        again, absent = EncounterFactory(patient=first.patient), PatientFactory()

        doctor.get("/api/v1/visits/")

        patients = (first.patient, second.patient, absent)
        logs = [api_as(user(Role.MANAGER)).get(f"/api/v1/patients/{each.public_id}/access-log/").json()["results"] for each in patients]
        assert [len(log) for log in logs] == [1, 1, 0]
        event = OutboxEvent.objects.get(action="patients.chart.read", patient_id=first.patient.public_id)
        assert set(event.document["changes"]["encounters"]) == {str(first.public_id), str(again.public_id)}

    @pytest.mark.parametrize("query", ["patient=x", "doctor=%00", "status=open", "date_from=2026-02-30", "date_to=9999-12-31"])
    def test_bad_filters_are_refused_by_name(self, doctor, query):
        answer = doctor.get(f"/api/v1/visits/?{query}")

        assert answer.status_code == 400
        assert list(answer.json()["errors"]) == [query.split("=")[0]]

    @pytest.mark.parametrize("part", ["", "vitals/", "diagnoses/", "notes/", "addenda/"])
    def test_each_reading_is_audited(self, doctor, part):
        encounter = EncounterFactory()

        doctor.get(visit_url(encounter, part))

        reads = OutboxEvent.objects.filter(action="patients.chart.read", patient_id=encounter.patient.public_id)
        assert reads.count() == 1

    @pytest.mark.parametrize("role", [Role.RECEPTION, Role.PHARMACIST, Role.MANAGER])
    def test_who_has_no_part_in_care_reads_no_visit(self, api_as, role):
        encounter = EncounterFactory()

        assert api_as(user(role)).get(visit_url(encounter)).status_code == 403


class TestNotes:
    def test_note_is_written_and_read_back(self, doctor):
        encounter = EncounterFactory()
        body = {"text": "Cough", "observations": {"symptoms": ["cough"], "since_days": 3}, "tags": ["chest"]}

        written = doctor.post(visit_url(encounter, "notes/"), body)
        [read] = doctor.get(visit_url(encounter, "notes/")).json()["results"]

        assert written.status_code == 201
        assert read == written.json()
        assert {name: read[name] for name in body} == body
        assert read["record_uuid"] == str(encounter.public_id)

    def test_predecessors_form_writes_and_reads_the_same(self, doctor):
        encounter = EncounterFactory()
        body = {"record_uuid": str(encounter.public_id), "patient": str(encounter.patient.public_id), "text": "Cough"}

        written = doctor.post("/api/v1/clinical-notes/", body)
        read = doctor.get(f"/api/v1/clinical-notes/{encounter.public_id}/").json()

        assert written.status_code == 201
        assert read["patient"] == str(encounter.patient.public_id)
        assert read["notes"] == [written.json()]

    def test_record_of_another_patient_is_refused(self, doctor):
        body = {"record_uuid": str(EncounterFactory().public_id), "patient": str(PatientFactory().public_id), "text": "Cough"}

        answer = doctor.post("/api/v1/clinical-notes/", body)

        assert (answer.status_code, answer.json()["code"]) == (409, "record_patient_mismatch")
        assert not ClinicalNote.objects.exists()

    @pytest.mark.parametrize("field", ["record_uuid", "patient"])
    def test_unknown_ids_in_the_body_are_named(self, doctor, field):
        encounter = EncounterFactory()
        body = {"record_uuid": str(encounter.public_id), "patient": str(encounter.patient.public_id), "text": "Cough"}

        answer = doctor.post("/api/v1/clinical-notes/", body | {field: str(uuid4())})

        assert answer.status_code == 400
        assert list(answer.json()["errors"]) == [field]

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "text"),
            ({"text": "x", "observations": []}, "observations"),
            ({"text": "x", "observations": None}, "observations"),
            ({"text": "x", "observations": {"a": [{"$where": 1}]}}, "observations"),
            ({"text": "x", "observations": {"a.b": 1}}, "observations"),
            ({"text": "x", "observations": {"symptoms": "cough"}}, "observations"),
            ({"text": "x", "observations": {"n": 10**18}}, "observations"),
            ({"text": "x", "observations": {"t": "\0"}}, "observations"),
            ({"text": "x", "tags": ["t" * 41]}, "tags"),
            ({"text": "x", "tags": "t"}, "tags"),
        ],
    )
    def test_what_a_store_could_not_give_back_is_refused(self, doctor, body, field):
        encounter = EncounterFactory()

        answer = doctor.post(visit_url(encounter, "notes/"), body)

        assert answer.status_code == 400
        assert field in answer.json()["errors"]
        assert not ClinicalNote.objects.exists()
