from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DoctorFactory, user
from scheduling.models import Appointment
from scheduling.tests.factories import DAY, AppointmentFactory, PatientFactory, at, working_doctor
from scheduling.tests.steps import appointment_today, post_booking, problem

pytestmark = pytest.mark.django_db
NOBODY = "6c1f0a52-0a6f-4a0c-9a55-1f6f4a3f2d11"  # fixed: parallel test processes must collect the same tests
API = "/api/v1"


@pytest.fixture
def api(api_as, desk):
    return api_as(desk)


@pytest.fixture
def today():
    """Tests of the queue live on the clinic's real today."""
    return timezone.localdate()


class TestBooking:
    def test_answers_the_whole_appointment(self, api):
        doctor, patient = working_doctor(), PatientFactory()

        response = post_booking(api, doctor, patient, reason="cough")

        body = response.json()
        assert response.status_code == 201
        assert set(body) == {
            "id", "patient", "patient_name", "doctor", "doctor_name", "start", "end", "status", "reason", "notes", "is_overbooked",
            "rescheduled_to", "visit", "created_at",
        }  # fmt: skip
        assert (body["patient"], body["patient_name"]) == (str(patient.public_id), patient.full_name)
        assert (body["doctor"], body["doctor_name"]) == (str(doctor.public_id), doctor.name)
        assert parse_datetime(body["start"]) == at(9)
        assert parse_datetime(body["end"]) == at(9, 15)
        assert (body["status"], body["reason"], body["visit"]) == ("booked", "cough", None)
        assert api.get(f"{API}/appointments/{body['id']}/").json() == body

    def test_refusals_are_problems_with_their_code(self, api):
        doctor, patient = working_doctor(), PatientFactory()
        post_booking(api, doctor, patient)

        problem(post_booking(api, doctor), 409, "slot_taken")
        problem(post_booking(api, working_doctor(), patient), 409, "patient_busy")
        problem(post_booking(api, doctor, start=at(9, 5)), 409, "outside_hours")
        problem(post_booking(api, doctor, start=timezone.now() - timedelta(days=1)), 409, "in_the_past")
        problem(post_booking(api, doctor, start=at(10), end=at(9, 45).isoformat()), 400, "invalid")
        assert Appointment.objects.count() == 1

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("patient", "x"),
            ("patient", NOBODY),
            ("patient", None),
            ("patient", "\x00"),
            ("doctor", 5),
            ("doctor", []),
            ("start", "tomorrow"),
            ("start", "9999-12-31T23:59:59-12:00"),
            ("start", "0001-01-01T00:00:00+14:00"),
            ("reason", "x" * 301),
            ("reason", "a\x00b"),
            ("end", {}),
        ],
    )
    def test_nonsense_is_named_by_its_field(self, api, field, value):
        body = {"doctor": working_doctor().public_id, "patient": PatientFactory().public_id, "start": at(9).isoformat()}

        response = api.post(f"{API}/appointments/", body | {field: value})

        if response.status_code != 409:
            assert field in problem(response, 400, "invalid")["errors"]
        assert not Appointment.objects.exists()

    @pytest.mark.parametrize("body", [[], 5, "x", None])
    def test_body_that_is_no_object_is_refused(self, api, body):
        appointment = AppointmentFactory()

        assert api.post(f"{API}/appointments/", body, format="json").status_code == 400
        assert api.delete(f"{API}/appointments/{appointment.public_id}/", body, format="json").status_code == 400

    def test_same_key_books_once_and_answers_the_same(self, api):
        doctor, patient = working_doctor(), PatientFactory()
        body = {"doctor": doctor.public_id, "patient": patient.public_id, "start": at(9).isoformat()}

        first, second = (api.post(f"{API}/appointments/", body, headers={"Idempotency-Key": "k1"}) for _ in range(2))

        assert (second.status_code, second.json()) == (first.status_code, first.json())
        assert Appointment.objects.count() == 1

    def test_overbooking_is_for_those_who_may(self, api, api_as):
        doctor = working_doctor()
        post_booking(api, doctor)

        problem(post_booking(api_as(user(Role.DOCTOR)), doctor, overbook_reason="urgent"), 403, "permission_denied")
        assert post_booking(api, doctor, overbook_reason="urgent").json()["is_overbooked"] is True

    def test_hold_keeps_the_slot_for_its_holder(self, api, api_as):
        doctor = working_doctor()
        held = api.post(f"{API}/slots/hold/", {"doctor": doctor.public_id, "start": at(9).isoformat()})
        other = api_as(user(Role.RECEPTION))
        url = f"{API}/doctors/{doctor.public_id}/available-slots/?date={DAY}"

        assert held.status_code == 201
        assert parse_datetime(held.json()["expires_at"]) > timezone.now() + timedelta(minutes=4)

        def offered(client):
            return next(slot["available"] for slot in client.get(url).json()["slots"] if parse_datetime(slot["start"]) == at(9))

        assert (offered(api), offered(other)) == (True, False)
        problem(post_booking(other, doctor), 409, "slot_held")
        assert post_booking(api, doctor, hold=held.json()["hold"]).status_code == 201


class TestChanging:
    def test_cancel_needs_a_reason(self, api):
        appointment = AppointmentFactory()
        url = f"{API}/appointments/{appointment.public_id}/"

        assert "reason" in problem(api.post(f"{url}cancel/", {}), 400, "invalid")["errors"]
        assert "reason" in problem(api.delete(url), 400, "invalid")["errors"]
        response = api.post(f"{url}cancel/", {"reason": "ill"})

        assert (response.status_code, response.json()["status"]) == (200, "cancelled")
        problem(api.post(f"{url}cancel/", {"reason": "ill"}), 409, "wrong_status")

    @pytest.mark.parametrize("how", ["body", "query"])
    def test_delete_cancels(self, api, how):
        appointment = AppointmentFactory()
        url = f"{API}/appointments/{appointment.public_id}/"

        response = api.delete(url, {"reason": "ill"}) if how == "body" else api.delete(f"{url}?reason=ill")

        appointment.refresh_from_db()
        assert (response.status_code, appointment.status, appointment.closed_reason) == (204, "cancelled", "ill")

    def test_reschedule_answers_the_new_one(self, api):
        doctor, other = working_doctor(), working_doctor()
        old = post_booking(api, doctor).json()

        new = api.post(f"{API}/appointments/{old['id']}/reschedule/", {"start": at(10).isoformat(), "doctor": other.public_id})

        assert (new.status_code, new.json()["doctor"]) == (201, str(other.public_id))
        body = api.get(f"{API}/appointments/{old['id']}/").json()
        assert (body["status"], body["rescheduled_to"]) == ("rescheduled", new.json()["id"])

    def test_patch_changes_reason_and_notes_only(self, api):
        appointment = AppointmentFactory()

        response = api.patch(
            f"{API}/appointments/{appointment.public_id}/", {"notes": "brings a dog", "status": "completed", "is_overbooked": True}
        )

        body = response.json()
        assert (response.status_code, body["notes"], body["status"], body["is_overbooked"]) == (200, "brings a dog", "booked", False)

    def test_stale_edit_is_refused(self, api):
        url = f"{API}/appointments/{AppointmentFactory().public_id}/"
        etag = api.get(url).headers["ETag"]

        assert api.patch(url, {"notes": "one"}, headers={"If-Match": etag}).status_code == 200
        problem(api.patch(url, {"notes": "two"}, headers={"If-Match": etag}), 412, "stale_version")
        assert api.get(url, headers={"If-None-Match": api.get(url).headers["ETag"]}).status_code == 304

    def test_no_show_is_too_early_before_the_start(self, api):
        problem(api.post(f"{API}/appointments/{AppointmentFactory().public_id}/no-show/"), 409, "too_early")
        past = appointment_today()
        assert api.post(f"{API}/appointments/{past.public_id}/no-show/").json()["status"] == "no_show"


class TestLists:
    @pytest.mark.parametrize("count", [3, 30])
    def test_cost_is_flat(self, api, count, django_assert_max_num_queries):
        doctor = DoctorFactory()
        for n in range(count):
            AppointmentFactory(doctor=doctor, during=(at(8) + timedelta(minutes=n), at(8) + timedelta(minutes=n + 1)))

        for url in (f"{API}/appointments/", f"{API}/doctors/{doctor.public_id}/appointments/"):
            with django_assert_max_num_queries(3) as queries:
                assert len(api.get(url).json()["results"]) == count
            assert len([q for q in queries.captured_queries if "scheduling_appointment" in q["sql"]]) == 1

    def test_filters(self, api):
        mine = AppointmentFactory()
        AppointmentFactory(during=(at(9, day=DAY + timedelta(days=1)), at(10, day=DAY + timedelta(days=1))), status="no_show")

        def found(query):
            return len(api.get(f"{API}/appointments/?{query}").json()["results"])

        assert found("") == 2
        assert found(f"patient={mine.patient.public_id}") == found(f"doctor={mine.doctor.public_id}") == 1
        assert found("status=no_show") == found(f"date_from={DAY + timedelta(days=1)}") == found(f"date_to={DAY}") == 1
        assert found(f"patient={uuid4()}") == 0

    @pytest.mark.parametrize(
        "query",
        [
            "patient=x",
            "doctor=%00",
            "status=gone",
            "date_from=2030-02-30",
            "date_to=9999-12-31",
            "page=0",
            "page=x",
            "page_size=-1",
            "ordering=id",
        ],
    )
    def test_nonsense_filter_is_named(self, api, query):
        body = problem(api.get(f"{API}/appointments/?{query}"), 400, "invalid")

        assert list(body["errors"]) == [query.partition("=")[0]]

    def test_pages_follow_each_other(self, api):
        for hour in range(8, 13):
            AppointmentFactory(during=(at(hour), at(hour, 15)))

        url, seen = f"{API}/appointments/?page_size=2", []
        while url:
            page = api.get(url).json()
            seen += [row["start"] for row in page["results"]]
            url = page["next"]

        assert seen == sorted(seen)
        assert len(seen) == 5
        assert api.get(f"{API}/appointments/?page=9").status_code == 404

    def test_doctors_and_patients_own_lists(self, api):
        appointment = AppointmentFactory()
        AppointmentFactory()

        for url in (f"doctors/{appointment.doctor.public_id}", f"patients/{appointment.patient.public_id}"):
            assert [row["id"] for row in api.get(f"{API}/{url}/appointments/").json()["results"]] == [str(appointment.public_id)]
        assert api.get(f"{API}/doctors/{uuid4()}/appointments/").status_code == 404
        assert api.get(f"{API}/patients/{uuid4()}/appointments/").status_code == 404
        assert api.get(f"{API}/doctors/{DoctorFactory().public_id}/appointments/").json()["results"] == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "appointments/"), ("post", "appointments/"), ("get", "queue/today/"), ("post", "queue/next/"), ("post", "queue/walk-in/"),
        ("post", "slots/hold/"), ("post", "slots/bulk/"), ("get", "slots/"), ("post", "visits/"),
    ],
)  # fmt: skip
def test_strangers_are_turned_away(api_as, method, path):
    problem(getattr(api_as(None), method)(f"{API}/{path}"), 401, "not_authenticated")


@pytest.mark.parametrize("path", ["appointments/x/", "queue/x/status/", "doctors/x/appointments/", "patients/%00/appointments/"])
def test_damaged_ids_are_not_found(api, path):
    assert api.get(f"{API}/{path}").status_code == 404
