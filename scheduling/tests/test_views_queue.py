"""The pages: what they show to whom, in place refusals, flat costs, and that reading writes nothing."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from clinic.accounts.tests.factories import DepartmentFactory, DoctorFactory
from patients.models import Encounter
from scheduling.models import Queue, Token
from scheduling.services import queueing
from scheduling.tests.factories import AppointmentFactory, PatientFactory
from scheduling.tests.steps import appointment_today, url, walk_in_now, words

pytestmark = pytest.mark.django_db
NOBODY = "6c1f0a52-0a6f-4a0c-9a55-1f6f4a3f2d11"  # fixed: parallel test processes must collect the same tests
HTMX = {"HX-Request": "true"}


@pytest.fixture
def web(client_as, desk):
    return client_as(desk)


class TestQueuePage:
    @pytest.fixture
    def doctor(self):
        return DoctorFactory(room="3")

    def test_doctor_calls_the_own_next(self, client_as, doctor):
        token = walk_in_now(doctor)
        web = client_as(doctor.user)

        assert token.label in words(web.get(url("queue")))
        response = web.post(url("call_next"), {"queue": token.queue.public_id, "room": "3"}, headers=HTMX)

        token.refresh_from_db()
        assert (response.status_code, token.status, token.room) == (200, "called", "3")
        assert "Room 3" in words(response)

    def test_button_that_is_pressed_twice_calls_one(self, client_as, doctor):
        first, *_ = [walk_in_now(doctor) for _ in range(3)]
        web = client_as(doctor.user)
        form = {"queue": first.queue.public_id, "request_id": uuid4()}

        for _ in range(2):
            assert web.post(url("call_next"), form, headers=HTMX).status_code == 200

        assert list(Token.objects.order_by("number").values_list("status", flat=True)) == ["called", "waiting", "waiting"]
        assert words(web.get(url("queue"))).count('name="request_id"') >= 2

    def test_empty_queue_is_refused_in_place(self, client_as, doctor):
        token = walk_in_now(doctor)
        web = client_as(doctor.user)
        web.post(url("call_next"), {"queue": token.queue.public_id})

        response = web.post(url("call_next"), {"queue": token.queue.public_id}, headers=HTMX)

        assert response.status_code == 422
        assert "Nobody is waiting in this queue." in words(response)

    def test_changes_and_undo(self, client_as, doctor):
        token, web = walk_in_now(doctor), client_as(doctor.user)
        body = {"queue": token.queue.public_id}

        web.post(url("change_status", token.public_id), body | {"status": "left"})
        token.refresh_from_db()
        assert token.status == "left"

        assert web.post(url("undo", token.public_id), body).status_code == 302
        token.refresh_from_db()
        assert token.status == "waiting"

    def test_starts_the_visit_of_a_departments_token(self, client_as, doctor):
        token = walk_in_now(department=DepartmentFactory())

        response = client_as(doctor.user).post(url("visit", token.public_id), {"request_id": uuid4()})

        assert response.url == reverse("portal:consultation", args=[Encounter.objects.get(doctor=doctor).public_id])

    def test_looking_makes_no_queue(self, client_as, doctor):
        client_as(doctor.user).get(url("queue"))

        assert not Queue.objects.exists()

    def test_why_someone_stands_there_is_told(self, client_as, doctor):
        walk_in_now(doctor)

        walk_in_now(doctor, priority="urgent")

        page = words(client_as(doctor.user).get(url("queue")))
        assert "Walk-in at" in page
        assert "Urgent: counts as an hour earlier. Walk-in at" in page
        assert "Over an hour" not in page

    def test_why_nobody_overtakes_any_more_is_told(self, client_as, doctor):
        walk_in_now(doctor, now=timezone.now() - timedelta(minutes=61))

        assert "urgent patients who come now go after" in words(client_as(doctor.user).get(url("queue")))


class TestBoard:
    def test_is_public_and_names_nobody(self, client):
        token = walk_in_now(DoctorFactory(room="7"))
        waiting = walk_in_now(department=DepartmentFactory())
        queueing.call_next(queue_id=token.queue_id, by=None, now=timezone.now())

        page = words(client.get(url("board")))

        assert (token.label in page, waiting.label in page, "Room 7" in page) == (True, True, True)
        for row in (token, waiting):
            assert row.patient.last_name not in page
            assert row.patient.mrn not in page
            assert str(row.patient.public_id) not in page

    def test_refreshes_only_its_part(self, client):
        response = client.get(url("board"), headers=HTMX)

        assert words(response).count("<html") == 0
        assert "sessionid" not in response.cookies

    def test_department_narrows_it(self, client):
        department = DepartmentFactory()
        mine, other = walk_in_now(department=department), walk_in_now(department=DepartmentFactory())
        of_doctor = walk_in_now(DoctorFactory(department=department))

        page = words(client.get(url("board", department=department.public_id)))

        assert (mine.label in page, of_doctor.label in page) == (True, True)
        assert f">{other.label}<" not in page


class TestWalkInPage:
    def test_gives_a_token_and_its_slip(self, web):
        patient, department = PatientFactory(), DepartmentFactory()
        body = {"patient": patient.public_id, "place": f"department:{department.public_id}", "priority": "urgent", "request_id": uuid4()}

        response = web.post(url("walk_in"), body)

        token = Token.objects.get()
        assert (token.queue.department, token.priority) == (department, "urgent")
        assert response.url == url("slip", token.public_id)
        slip = words(web.get(response.url))
        assert token.label in slip

    @pytest.mark.parametrize("place", ["", "department:x", f"doctor:{NOBODY}"])
    def test_unknown_queue_is_refused(self, web, place):
        body = {"patient": PatientFactory().public_id, "place": place, "priority": "routine", "request_id": uuid4()}

        assert web.post(url("walk_in"), body).status_code == 400
        assert not Token.objects.exists()

    def test_refusal_is_shown_in_place(self, web):
        token = walk_in_now(department=DepartmentFactory())
        place = f"department:{token.queue.department.public_id}"

        response = web.post(
            url("walk_in"), {"patient": token.patient.public_id, "place": place, "priority": "routine", "request_id": uuid4()}
        )

        assert response.status_code == 409
        assert "waiting in this queue already" in words(response)

    def test_asks_for_the_patient_first(self, web):
        assert 'name="patient_text"' in words(web.get(url("walk_in")))


class TestReception:
    def get(self, web, headers=None, **query):
        return web.get(reverse("portal:reception"), query, headers=headers or {})

    def test_expected_patients_are_checked_in_with_one_press(self, web):
        appointment = appointment_today()
        AppointmentFactory()

        page = words(self.get(web))

        assert appointment.patient.full_name in page
        assert page.count("data-check-in") == 1
        row = web.post(url("check_in", appointment.public_id), {"request_id": uuid4()}, headers=HTMX)
        assert Token.objects.get().label in words(row)
        assert "data-check-in" not in words(row)

    def test_search_answers_with_what_can_be_done(self, web):
        appointment = appointment_today()

        part = words(self.get(web, HTMX, q=appointment.patient.last_name))

        assert "<html" not in part
        assert url("check_in", appointment.public_id) in part
        assert url("book", appointment.patient.public_id) in part

    def test_queues_at_a_glance(self, web):
        token = walk_in_now(department=DepartmentFactory())

        assert token.queue.name in words(self.get(web, HTMX, part="queues"))

    @pytest.mark.parametrize("query", [{"q": "\x00"}, {"q": "%' OR 1=1"}, {"show": "nonsense"}])
    def test_nonsense_is_harmless(self, web, query):
        assert self.get(web, **query).status_code == 200
