from datetime import date
from uuid import uuid4

import pytest

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from patients.models import Allergy, Patient, PatientStatus
from patients.tests.factories import AllergyFactory, EncounterFactory, PatientFactory

pytestmark = [pytest.mark.django_db, pytest.mark.urls("patients.tests.urls")]

URL = "/api/v1/patients/"
ANN = {
    "first_name": " Ann ",
    "last_name": "Bell",
    "date_of_birth": "1984-02-29",
    "sex": "female",
    "phone": "(202) 555-0143",
    "email": "ann@example.org",
    "national_id": "ab 12 34",
    "emergency_contact": {"name": "Bo Bell", "phone": "+44 20 7946 0018", "relation": "husband"},
    "insurance": {"payer": "Northern Mutual", "policy_number": "NM-1", "valid_until": "2030-01-01", "cover_percent": 80},
    "allergies": [{"substance": "Penicillin", "reaction": "rash", "severity": "severe"}],
    "problems": [{"text": "Asthma", "code": "J45.9", "onset_on": "1999-05-01"}],
}


@pytest.fixture
def reception(api_as):
    return api_as(user(Role.RECEPTION))


@pytest.fixture
def doctor(api_as):
    return api_as(user(Role.DOCTOR))


def visit_url(encounter, part=""):
    return f"/api/v1/visits/{encounter.public_id}/{part}"


class TestPatients:
    def test_registration_answers_the_whole_patient(self, reception):
        answer = reception.post(URL, ANN)

        assert answer.status_code == 201
        assert answer.json()["mrn"] == Patient.objects.get().mrn
        assert answer.json()["phone"] == "+12025550143"
        assert answer.json()["national_id"] == "AB1234"
        assert answer.json()["first_name"] == "Ann"
        assert answer.json()["emergency_contact"] == {"name": "Bo Bell", "phone": "+442079460018", "relation": "husband"}
        assert answer.json()["insurance"] == ANN["insurance"]
        assert answer.json()["allergies"] == ANN["allergies"]
        assert answer.json()["problems"] == [{"text": "Asthma", "code": "J45.9", "onset_on": "1999-05-01", "is_active": True}]
        assert answer["ETag"] == '"1"'

    def test_same_idempotency_key_registers_once(self, reception):
        first = reception.post(URL, ANN, headers={"Idempotency-Key": "k1"})
        second = reception.post(URL, ANN, headers={"Idempotency-Key": "k1"})

        assert (first.status_code, second.status_code) == (201, 201)
        assert first.json() == second.json()
        assert Patient.objects.count() == 1

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"date_of_birth": "2999-01-01"}, "date_of_birth"),
            ({"date_of_birth": "1879-12-31"}, "date_of_birth"),
            ({"date_of_birth": "yesterday"}, "date_of_birth"),
            ({"phone": "12"}, "phone"),
            ({"sex": "F"}, "sex"),
            ({"email": "nobody"}, "email"),
            ({"first_name": "   "}, "first_name"),
            ({"first_name": "A\0nn"}, "first_name"),
            ({"insurance": {"cover_percent": 101}}, "insurance"),
            ({"emergency_contact": "Bo"}, "emergency_contact"),
            ({"allergies": [{"substance": "Latex"}, {"substance": "latex "}]}, "allergies"),
            ({"allergies": [{"reaction": "rash"}]}, "allergies"),
            ({"problems": "Asthma"}, "problems"),
        ],
    )
    def test_bad_input_is_refused_by_field_and_writes_nothing(self, reception, change, field):
        answer = reception.post(URL, ANN | change)

        assert answer.status_code == 400
        assert field in answer.json()["errors"]
        assert not Patient.objects.exists()

    def test_server_decides_mrn_status_and_id(self, reception):
        theirs = {"mrn": "1", "status": "inactive", "id": str(uuid4()), "registered_on": "1990-01-01", "is_restricted": True}

        answer = reception.post(URL, ANN | theirs).json()

        assert answer["status"] == "active"
        assert not answer["is_restricted"]
        assert all(answer[name] != theirs[name] for name in ("mrn", "id", "registered_on"))

    def test_null_means_empty(self, reception):
        answer = reception.post(URL, ANN | {"phone": None, "blood_group": None, "emergency_contact": None, "insurance": None})

        assert answer.status_code == 201
        assert answer.json()["phone"] == ""
        assert answer.json()["insurance"] == {"payer": "", "policy_number": "", "valid_until": None, "cover_percent": None}

    def test_patch_with_an_old_version_is_refused(self, reception):
        patient = PatientFactory(version=3)

        answer = reception.patch(f"{URL}{patient.public_id}/", {"last_name": "Other"}, headers={"If-Match": '"2"'})

        assert answer.status_code == 412
        assert answer.json()["code"] == "stale_version"
        patient.refresh_from_db()
        assert patient.last_name != "Other"

    @pytest.mark.parametrize("version", ["abc", '""', '"-1"', '"1', f'"{"9" * 5000}"'])
    def test_patch_with_what_is_no_version_is_refused(self, reception, version):
        patient = PatientFactory()

        answer = reception.patch(f"{URL}{patient.public_id}/", {"address": "x"}, headers={"If-Match": version})

        assert (answer.status_code, answer.json()["code"]) == (412, "stale_version")

    def test_put_and_patch_change_and_raise_the_version(self, reception):
        patient = PatientFactory()

        patched = reception.patch(f"{URL}{patient.public_id}/", {"allergies": []}, headers={"If-Match": '"1"'})
        put = reception.put(f"{URL}{patient.public_id}/", ANN, headers={"If-Match": '"2"'})

        assert (patched.status_code, put.status_code) == (200, 200)
        assert patched.json()["allergies_reviewed_at"]
        assert put.json()["last_name"] == "Bell"
        assert put["ETag"] == '"3"'

    def test_delete_deactivates_with_the_reason_of_body_or_query(self, reception):
        first, second = PatientFactory(), PatientFactory()

        by_body = reception.delete(f"{URL}{first.public_id}/", {"reason": "moved away"})
        by_query = reception.delete(f"{URL}{second.public_id}/?reason=deceased")

        assert (by_body.status_code, by_query.status_code) == (204, 204)
        assert dict(Patient.objects.values_list("deactivated_reason", "status")) == {"moved away": "inactive", "deceased": "inactive"}

    @pytest.mark.parametrize("body", [None, {}, {"reason": " "}, {"reason": []}])
    def test_delete_without_a_reason_is_refused(self, reception, body):
        patient = PatientFactory()

        answer = reception.delete(f"{URL}{patient.public_id}/", body)

        assert answer.status_code == 400
        assert "reason" in answer.json()["errors"]
        patient.refresh_from_db()
        assert patient.status == PatientStatus.ACTIVE

    def test_list_is_flat_in_queries(self, reception, django_assert_max_num_queries):
        for count in (3, 30):
            for _ in range(count):
                AllergyFactory()
            with django_assert_max_num_queries(5):
                assert len(reception.get(URL).json()["results"]) >= count

    @pytest.mark.parametrize("query", ["%00", "%", "'", "0", "ann%20bell", "31/31/2020", "9" * 40, "²", "%F0%9F%98%80", "%ED%A0%80"])
    def test_search_answers_whatever_is_typed(self, reception, query):
        PatientFactory()

        assert reception.get(f"{URL}?search={query}").status_code == 200

    def test_reading_a_patient_is_audited_and_shown_in_the_access_log(self, api_as, doctor):
        patient = PatientFactory()

        doctor.get(f"{URL}{patient.public_id}/")

        log = api_as(user(Role.MANAGER)).get(f"{URL}{patient.public_id}/access-log/").json()
        [entry] = log["results"]
        assert entry["user"]["role"] == "DOCTOR"
        assert entry["resource"] == "patient"

    def test_unchanged_patient_is_not_sent_again(self, doctor):
        patient = PatientFactory()

        assert doctor.get(f"{URL}{patient.public_id}/", headers={"If-None-Match": '"1"'}).status_code == 304

    def test_duplicates_name_their_reasons(self, reception):
        patient, twin = PatientFactory(last_name="Okafor"), PatientFactory(last_name="Okafo")

        [found] = reception.get(f"{URL}{patient.public_id}/duplicates/").json()["results"]

        assert found["mrn"] == twin.mrn
        assert found["reasons"] == ["same birth date", "similar name"]


class TestOwnData:
    @pytest.fixture
    def own(self):
        return PatientFactory(user=user(Role.PATIENT))

    def test_patient_sees_the_own_row_only(self, api_as, own):
        stranger = PatientFactory()
        client = api_as(own.user)

        assert [row["mrn"] for row in client.get(URL).json()["results"]] == [own.mrn]
        assert [row["mrn"] for row in client.get(f"{URL}?search=ann").json()["results"]] == [own.mrn]
        assert client.get(f"{URL}{stranger.public_id}/").status_code == 404
        assert client.patch(f"{URL}{stranger.public_id}/", {"phone": "2025550143"}).status_code == 404
        assert client.get(f"{URL}{stranger.public_id}/access-log/").status_code == 404
        assert client.get(f"{URL}{own.public_id}/duplicates/").status_code == 403

    def test_patient_changes_the_own_contact_only(self, api_as, own):
        client = api_as(own.user)

        allowed = client.patch(f"{URL}{own.public_id}/", {"phone": "2025550143", "emergency_contact": {"name": "Bo"}})
        refused = client.patch(f"{URL}{own.public_id}/", {"phone": "", "last_name": "Other"})

        assert allowed.status_code == 200
        assert allowed.json()["emergency_contact"]["name"] == "Bo"
        assert refused.status_code == 403
        own.refresh_from_db()
        assert own.phone == "+12025550143"

    def test_patient_may_not_register_replace_or_delete(self, api_as, own):
        client = api_as(own.user)

        assert client.post(URL, ANN).status_code == 403
        assert client.put(f"{URL}{own.public_id}/", ANN).status_code == 403
        assert client.delete(f"{URL}{own.public_id}/", {"reason": "x"}).status_code == 403
        assert list(Patient.objects.values_list("status", flat=True)) == ["active"]

    def test_stranger_visit_answers_as_a_missing_one(self, api_as, own):
        other = EncounterFactory()
        client = api_as(own.user)

        for part in ("", "vitals/", "diagnoses/", "notes/", "addenda/"):
            assert client.get(visit_url(other, part)).status_code == 404
        assert client.get(f"/api/v1/clinical-notes/{other.public_id}/").status_code == 404
        assert client.get(f"/api/v1/visits/?patient={other.patient.public_id}").json()["results"] == []


@pytest.mark.parametrize("path", ["patients/x/", "patients/x/access-log/", "visits/x/", "visits/x/notes/", "clinical-notes/x/"])
def test_id_that_is_none_is_not_found(api_as, path):
    answer = api_as(user(Role.ADMIN)).get(f"/api/v1/{path}")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_date_of_birth_today_is_accepted(reception, monkeypatch):
    monkeypatch.setattr("patients.api.views.timezone.localdate", lambda: date(2026, 3, 1))

    answer = reception.post(URL, ANN | {"date_of_birth": "2026-03-01", "problems": []})

    assert answer.status_code == 201
    assert Allergy.objects.get().substance == "Penicillin"


def test_birth_date_after_the_registration_is_refused_by_its_field(api_as):
    patient = PatientFactory(registered_on=date(2026, 1, 1))

    answer = api_as(user(Role.RECEPTION)).patch(f"{URL}{patient.public_id}/", {"date_of_birth": "2026-02-01"})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["date_of_birth"])
    patient.refresh_from_db()
    assert patient.date_of_birth < patient.registered_on
