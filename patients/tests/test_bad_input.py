"""What does not make sense is refused in words, and neither store has anything of it."""

import json

import pytest

from clinic.core import mongo
from patients import stores
from patients.models import Attachment, ClinicalNote, Diagnosis, Treatment, Vitals
from patients.tests.factories import EncounterFactory, PatientFactory

pytestmark = pytest.mark.django_db

NOTES = [
    {"text": "x", "observations": {"$where": "1"}},
    {"text": "x", "observations": {"a.b": 1}},
    {"text": "x", "observations": {"a": [{"b": {"$ne": ""}}]}},
    {"text": "x", "observations": {"a": {"b.c": 1}}},
    {"text": "x", "observations": {"": 1}},
    {"text": "x", "observations": {"a\0": 1}},
    {"text": "x", "observations": []},
    {"text": "x", "observations": "cough"},
    {"text": "x", "observations": {"symptoms": "cough"}},
    {"text": "x", "observations": {"symptoms": [{"$gt": ""}]}},
    {"text": "x", "observations": {"n": 10**400}},
    {"text": "x\0", "observations": {}},
    {"text": "", "observations": {}},
    {"text": "x" * 20_001},
    {"text": ["x"]},
    {"text": "x", "tags": [""]},
    {"text": "x", "tags": {"a": 1}},
    {"text": "x", "amends": "6c1f0a52-0a6f-4a0c-9a55-1f6f4a3f2d11"},
    {"text": "x", "amends": "yesterday"},
    {},
]
VITALS = [
    {},
    {"pulse_bpm": 0},
    {"pulse_bpm": 301},
    {"pulse_bpm": -1},
    {"pulse_bpm": "fast"},
    {"pulse_bpm": 10**30},
    {"temperature_c": 98.6},
    {"temperature_c": "NaN"},
    {"temperature_c": "Infinity"},
    {"temperature_c": 36.66},
    {"systolic_mmhg": 80, "diastolic_mmhg": 120},
    {"glucose_mmol_l": 0},
    {"pain": 11},
    {"pain": 5.5},
    {"weight_kg": "0"},
    {"height_cm": [170]},
]
DIAGNOSES = [
    {},
    {"text": ""},
    {"text": "x", "code": "heart"},
    {"text": "x", "rank": "third"},
    {"text": "x\0"},
    {"text": "x" * 301},
    {"text": {}},
]


@pytest.fixture
def visit():
    return EncounterFactory()


@pytest.fixture
def api(api_as, visit):
    return api_as(visit.doctor.user)


@pytest.fixture(autouse=True)
def _nothing_is_written(visit):
    mongo.database()[stores.COLLECTION].delete_many({})
    before = visit.version
    yield
    for model in (ClinicalNote, Vitals, Diagnosis, Treatment, Attachment):
        assert not model.objects.exists()
    assert stores.note_ids(after="") == []
    visit.refresh_from_db()
    assert visit.version == before


def refused(answer):
    assert answer.status_code == 400, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"]


@pytest.mark.parametrize("body", NOTES)
def test_notes_by_both_doors(api, visit, body):
    refused(api.post(f"/api/v1/visits/{visit.public_id}/notes/", body, format="json"))
    pair = {"record_uuid": str(visit.public_id), "patient": str(visit.patient.public_id)}
    refused(api.post("/api/v1/clinical-notes/", body | pair, format="json"))


@pytest.mark.parametrize("body", VITALS)
def test_vitals(api, visit, body):
    refused(api.post(f"/api/v1/visits/{visit.public_id}/vitals/", body, format="json"))


@pytest.mark.parametrize("body", DIAGNOSES)
def test_diagnoses(api, visit, body):
    refused(api.post(f"/api/v1/visits/{visit.public_id}/diagnoses/", body, format="json"))


@pytest.mark.parametrize("patient", ["", None, "Ann", 5, {"$ne": ""}, "6c1f0a52-0a6f-4a0c-9a55-1f6f4a3f2d11"])
def test_note_for_a_patient_who_is_none(api, visit, patient):
    refused(api.post("/api/v1/clinical-notes/", {"record_uuid": str(visit.public_id), "patient": patient, "text": "x"}, format="json"))


def test_note_for_the_wrong_patient(api, visit):
    body = {"record_uuid": str(visit.public_id), "patient": str(PatientFactory().public_id), "text": "x"}

    answer = api.post("/api/v1/clinical-notes/", body, format="json")

    assert (answer.status_code, answer.json()["code"]) == (409, "record_patient_mismatch")


@pytest.mark.parametrize("path", ["notes", "vitals", "diagnoses", "treatments"])
@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b"\xff", b'"text"', b"[" * 100_000, b'{"text": "\\ud800"}'])
def test_bodies_that_are_no_object(api, visit, path, body):
    refused(api.post(f"/api/v1/visits/{visit.public_id}/{path}/", body, content_type="application/json"))


@pytest.mark.parametrize("path", ["notes", "vitals", "diagnoses"])
def test_ten_megabytes_of_json(api, visit, path):
    body = json.dumps({"text": "x", "observations": {"a": ["cough"] * 1_200_000}}).encode()
    assert len(body) > 10_000_000

    refused(api.post(f"/api/v1/visits/{visit.public_id}/{path}/", body, content_type="application/json"))
