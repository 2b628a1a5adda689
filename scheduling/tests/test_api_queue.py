from datetime import timedelta

import pytest
from django.utils import timezone

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DepartmentFactory, DoctorFactory, user
from patients.models import Encounter
from scheduling.models import DoctorException, Token, TokenTransition
from scheduling.services import queueing
from scheduling.tests.factories import DAY, AppointmentFactory, PatientFactory, SessionFactory
from scheduling.tests.steps import appointment_today, post_booking, problem, walk_in_now

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


class TestSlots:
    def test_free_times_of_a_doctor(self, api):
        doctor = SessionFactory().doctor
        post_booking(api, doctor)

        body = api.get(f"{API}/doctors/{doctor.public_id}/available-slots/?date={DAY}").json()

        assert [slot["available"] for slot in body["slots"]] == [False] + [True] * 11
        assert body["reason"] is None

    @pytest.mark.parametrize(("query", "reason"), [(f"date={DAY + timedelta(days=1)}", "no_session"), ("date=2026-02-02", "past")])
    def test_empty_day_says_why(self, api, query, reason):
        doctor = SessionFactory().doctor

        body = api.get(f"{API}/doctors/{doctor.public_id}/available-slots/?{query}").json()

        assert (body["slots"], body["reason"]) == ([], reason)

    def test_several_days_say_why_each(self, api):
        doctor = SessionFactory().doctor

        body = api.get(f"{API}/doctors/{doctor.public_id}/available-slots/?date={DAY}&days=3").json()

        assert [day["reason"] for day in body["days"]] == [None, "no_session", "no_session"]

    @pytest.mark.parametrize("query", ["date=x", "days=0", "days=400", "date=2030-13-01"])
    def test_nonsense_is_refused(self, api, query):
        problem(api.get(f"{API}/doctors/{DoctorFactory().public_id}/available-slots/?{query}"), 400, "invalid")

    def test_slots_of_a_doctor_and_day(self, api):
        doctor = SessionFactory().doctor

        assert len(api.get(f"{API}/slots/?doctor={doctor.public_id}&date={DAY}").json()["results"]) == 12
        problem(api.get(f"{API}/slots/?date={DAY}"), 400, "invalid")

    def bulk(self, api, **changes):
        body = {
            "doctor": DoctorFactory().public_id, "date_from": DAY, "date_to": DAY + timedelta(days=6), "start": "09:00", "end": "10:00",
            "slot_minutes": 20,
        }  # fmt: skip
        return api.post(f"{API}/slots/bulk/", body | changes, format="json")

    def test_opening_a_range(self, api):
        doctor = DoctorFactory()

        response = self.bulk(api, doctor=doctor.public_id)

        assert (response.status_code, response.json()["count"]) == (201, 21)
        assert len(response.json()["slots"]) == 21
        assert len(api.get(f"{API}/slots/?doctor={doctor.public_id}&date={DAY}").json()["results"]) == 3
        problem(self.bulk(api, doctor=doctor.public_id), 409, "hours_overlap")

    def test_opening_some_weekdays(self, api):
        assert self.bulk(api, weekdays=[1, 3]).json()["count"] == 6

    @pytest.mark.parametrize(
        "changes",
        [
            {"date_to": DAY - timedelta(days=1)},
            {"date_to": DAY + timedelta(days=800)},
            {"date_to": "9999-12-31"},
            {"end": "09:00"},
            {"end": "09:10"},
            {"slot_minutes": 1},
            {"weekdays": [8]},
            {"date_to": DAY, "weekdays": [2]},
            {"doctor": "x"},
        ],
    )
    def test_nonsense_opens_nothing(self, api, changes):
        problem(self.bulk(api, **changes), 400, "invalid")

        assert not DoctorException.objects.exists()

    def test_past_is_not_opened(self, api):
        problem(self.bulk(api, date_from="2020-01-01", date_to="2020-01-02"), 409, "in_the_past")

    def test_hours_are_opened_by_those_who_manage_them(self, api_as):
        problem(self.bulk(api_as(user(Role.DOCTOR))), 403, "permission_denied")


class TestQueue:
    def test_check_in_answers_the_token(self, api):
        appointment = appointment_today()

        response = api.post(f"{API}/queue/check-in/", {"appointment": appointment.public_id})

        body = response.json()
        assert response.status_code == 201
        assert set(body) >= {
            "id", "number", "label", "queue", "status", "priority", "position", "patient", "patient_name", "appointment", "doctor", "room",
            "issued_at", "called_at", "estimated_wait",
        }  # fmt: skip
        assert (body["number"], body["status"], body["position"], body["estimated_wait"]) == (1, "waiting", 1, None)
        assert (body["appointment"], body["doctor"]) == (str(appointment.public_id), str(appointment.doctor.public_id))
        problem(api.post(f"{API}/queue/check-in/", {"appointment": appointment.public_id}), 409, "already_checked_in")
        problem(api.post(f"{API}/queue/check-in/", {"appointment": AppointmentFactory().public_id}), 409, "not_today")

    def test_walk_in_and_today(self, api, today):
        department, patient = DepartmentFactory(), PatientFactory()
        body = {"patient": patient.public_id, "department": department.public_id, "priority": "urgent", "reason": "fall"}

        token = api.post(f"{API}/queue/walk-in/", body).json()

        [row] = api.get(f"{API}/queue/today/?department={department.public_id}").json()["results"]
        assert row == token
        assert (row["priority"], row["department"], row["doctor"]) == ("urgent", str(department.public_id), None)
        problem(api.post(f"{API}/queue/walk-in/", body), 409, "already_in_queue")

    @pytest.mark.parametrize("owners", [{}, {"doctor": "x"}, {"priority": "vip"}, {"patient": NOBODY}])
    def test_nonsense_walks_nobody_in(self, api, owners):
        body = {"patient": PatientFactory().public_id, "department": DepartmentFactory().public_id, "priority": "routine"}
        wrong = body | owners if owners else {"patient": body["patient"]}

        problem(api.post(f"{API}/queue/walk-in/", wrong), 400, "invalid")

        assert not Token.objects.exists()

    def test_a_status_set_from_a_stale_look_is_refused(self, api_as):
        doctor = DoctorFactory()
        token, api = walk_in_now(doctor), api_as(doctor.user)
        url = f"{API}/queue/{token.public_id}/status/"

        problem(api.patch(url, {"status": "called"}, headers={"If-Match": '"99"'}), 412, "stale_version")
        assert Token.objects.get().status == "waiting"

        assert api.patch(url, {"status": "called"}, headers={"If-Match": f'"{token.version}"'}).json()["status"] == "called"

    def test_next_status_undo(self, api_as, today):
        doctor = DoctorFactory()
        api = api_as(doctor.user)
        queueing.walk_in(patient_id=PatientFactory().pk, doctor_id=doctor.pk, priority="routine", reason="", by=None, now=timezone.now())

        called = api.post(f"{API}/queue/next/", {"doctor": doctor.public_id, "room": "3"})
        assert (called.status_code, called.json()["status"], called.json()["room"]) == (200, "called", "3")
        problem(api.post(f"{API}/queue/next/", {"doctor": doctor.public_id}), 409, "queue_empty")

        url = f"{API}/queue/{called.json()['id']}"
        assert api.patch(f"{url}/status/", {"status": "in_service"}).json()["status"] == "in_service"
        problem(api.patch(f"{url}/status/", {"status": "waiting"}), 409, "wrong_status")
        problem(api.patch(f"{url}/status/", {"status": "transferred"}), 400, "invalid")
        assert api.post(f"{url}/undo/").json()["status"] == "called"

    def test_next_with_one_key_calls_one(self, api_as):
        doctor = DoctorFactory()
        api = api_as(doctor.user)
        for _ in range(3):
            walk_in_now(doctor)

        answers = [
            api.post(f"{API}/queue/next/", {"doctor": doctor.public_id}, headers={"Idempotency-Key": "press-1"}).json() for _ in range(2)
        ]

        assert answers[0] == answers[1]
        assert Token.objects.filter(status="called").count() == 1
        assert TokenTransition.objects.filter(request_id__isnull=False).count() == 1

    @pytest.mark.parametrize("count", [10, 200])
    def test_todays_queue_is_flat(self, api, count, django_assert_max_num_queries):
        doctor, now = DoctorFactory(), timezone.now()
        for _ in range(count):
            queueing.walk_in(patient_id=PatientFactory().pk, doctor_id=doctor.pk, priority="routine", reason="", by=None, now=now)
        api.get(f"{API}/queue/today/?doctor={doctor.public_id}")  # the pace of this hour is asked for once

        with django_assert_max_num_queries(3):
            assert api.get(f"{API}/queue/today/?doctor={doctor.public_id}").json()["count"] == count


class TestVisits:
    def test_starts_from_token_or_appointment_once(self, api_as):
        appointment = appointment_today()
        api = api_as(appointment.doctor.user)

        first = api.post(f"{API}/visits/", {"appointment": appointment.public_id})
        second = api.post(f"{API}/visits/", {"appointment": appointment.public_id})

        assert (first.status_code, first.json()["id"]) == (201, second.json()["id"])
        assert Encounter.objects.count() == 1
        assert api.get(f"{API}/appointments/{appointment.public_id}/").json()["visit"] == first.json()["id"]

    def test_starts_from_patient_and_doctor(self, api_as):
        doctor = DoctorFactory()
        api = api_as(doctor.user)

        assert api.post(f"{API}/visits/", {"patient": PatientFactory().public_id, "doctor": doctor.public_id}).status_code == 201
        problem(api.post(f"{API}/visits/", {"doctor": doctor.public_id}), 400, "invalid")

    def test_completing_it_closes_token_and_appointment(self, api_as):
        appointment = appointment_today()
        token = queueing.check_in(appointment_id=appointment.pk, by=None, now=timezone.now())
        api = api_as(appointment.doctor.user)
        visit = api.post(f"{API}/visits/", {"token": token.public_id}).json()["id"]

        assert api.post(f"{API}/visits/{visit}/complete/").status_code == 200

        appointment.refresh_from_db()
        token.refresh_from_db()
        assert (appointment.status, token.status) == ("completed", "done")
        problem(api.post(f"{API}/queue/{token.public_id}/undo/"), 409, "visit_signed")

    def test_is_not_the_desks(self, api):
        problem(api.post(f"{API}/visits/", {"appointment": appointment_today().public_id}), 403, "permission_denied")
