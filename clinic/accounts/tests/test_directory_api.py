import pytest
from rest_framework.test import APIClient

from clinic.accounts.models import Department, Doctor
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DoctorFactory, FacilityFactory, SpecializationFactory, user

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["departments", "specializations", "facilities", "doctors"])
def test_everyone_signed_in_reads_and_a_stranger_does_not(api_as, path):
    assert api_as(user(Role.PATIENT)).get(f"/api/v1/{path}/").status_code == 200
    assert api_as(None).get(f"/api/v1/{path}/").status_code == 401


def test_administrator_keeps_departments(api_as):
    facility = FacilityFactory()
    client = api_as(user(Role.ADMIN))

    made = client.post("/api/v1/departments/", {"name": "Dental", "location": "First floor", "facility": str(facility.public_id)})
    changed = client.patch(f"/api/v1/departments/{made.json()['id']}/", {"location": "Ground floor"})
    again = client.post("/api/v1/departments/", {"name": "dental", "facility": str(facility.public_id)})

    assert made.status_code == 201
    assert changed.json()["location"] == "Ground floor"
    assert (again.status_code, again.json()["code"]) == (409, "name_taken")
    assert client.delete(f"/api/v1/departments/{made.json()['id']}/").status_code == 204
    assert not Department.objects.exists()


def test_department_with_doctors_stays(api_as):
    doctor = DoctorFactory()

    answer = api_as(user(Role.ADMIN)).delete(f"/api/v1/departments/{doctor.department.public_id}/")

    assert (answer.status_code, answer.json()["code"]) == (409, "still_used")
    assert Department.objects.exists()


def test_others_may_not_write(api_as):
    answer = api_as(user(Role.RECEPTION)).post("/api/v1/specializations/", {"name": "Neurology"})

    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")


def test_doctors_are_found_by_department_specialization_and_name(api_as):
    wanted = DoctorFactory(user=user(Role.DOCTOR, last_name="Okafor"))
    neurology = SpecializationFactory()
    wanted.specializations.add(neurology)
    DoctorFactory()
    client = api_as(user(Role.PATIENT))

    for query in (f"department={wanted.department.public_id}", f"specialization={neurology.public_id}", "search=okaf"):
        found = client.get(f"/api/v1/doctors/?{query}").json()
        assert [row["id"] for row in found["results"]] == [str(wanted.public_id)]
    assert client.get(f"/api/v1/departments/{wanted.department.public_id}/doctors/").json()["count"] == 1


@pytest.mark.parametrize("query", ["department=x", "specialization=%00", "facility=1", "page=0", "page=zz"])
def test_bad_filter_is_a_clear_refusal(api_as, query):
    answer = api_as(user(Role.PATIENT)).get(f"/api/v1/doctors/?{query}")

    assert answer.status_code in {400, 404}
    assert answer["Content-Type"] == "application/problem+json"


def test_list_of_doctors_costs_the_same_queries_however_many(api_as, django_assert_max_num_queries):
    client = api_as(user(Role.PATIENT))
    for count in (2, 20):
        while Doctor.objects.count() < count:
            DoctorFactory().specializations.add(SpecializationFactory())
        with django_assert_max_num_queries(6):
            assert client.get("/api/v1/doctors/").json()["count"] == count


def test_stale_edit_of_a_doctor_is_refused(api_as):
    doctor = DoctorFactory()
    client = api_as(user(Role.ADMIN))
    url = f"/api/v1/doctors/{doctor.public_id}/"
    etag = client.get(url)["ETag"]

    first = client.patch(url, {"room": "3"}, headers={"If-Match": etag})
    second = client.patch(url, {"room": "4"}, headers={"If-Match": etag})

    assert (first.status_code, second.status_code) == (200, 412)
    assert second.json()["code"] == "stale_version"
    assert client.get(url, headers={"If-None-Match": first["ETag"]}).status_code == 304
    doctor.refresh_from_db()
    assert doctor.room == "3"


def test_licence_of_another_doctor_is_refused(api_as):
    taken, doctor = DoctorFactory(), DoctorFactory()

    answer = api_as(user(Role.ADMIN)).patch(f"/api/v1/doctors/{doctor.public_id}/", {"licence_number": taken.licence_number, "room": "9"})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["licence_number"])
    unchanged = Doctor.objects.get(pk=doctor.pk)
    assert (unchanged.licence_number, unchanged.room) == (doctor.licence_number, doctor.room)


def test_doctor_is_deactivated_and_kept(api_as):
    doctor = DoctorFactory()

    assert api_as(user(Role.ADMIN)).delete(f"/api/v1/doctors/{doctor.public_id}/").status_code == 204

    doctor.refresh_from_db()
    assert not doctor.is_active


@pytest.mark.parametrize("method", ["put", "delete"])
def test_wrong_method_is_405(api_as, method):
    answer = getattr(api_as(user(Role.ADMIN)), method)("/api/v1/doctors/")

    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


def test_unknown_endpoint_and_unknown_object_are_404_problems(api_as):
    client = api_as(user(Role.ADMIN))
    for path in ("/api/v1/nothing/", "/api/v1/doctors/6c1f0a52-0a6f-4a0c-9a55-1f6f4a3f2d11/", "/api/v1/doctors/1/"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path


def test_unknown_endpoint_is_404_by_any_method_and_without_a_csrf_token():
    client = APIClient(enforce_csrf_checks=True)
    for method in ("get", "post", "put", "patch", "delete", "options"):
        answer = getattr(client, method)("/api/v1/doctors/no-such-id/")
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json"), method
