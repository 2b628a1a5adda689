"""The pages: what they show to whom, in place refusals, flat costs, and that reading writes nothing."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DoctorFactory, user
from clinic.audit.models import OutboxEvent
from patients.models import Encounter
from scheduling.models import Appointment, Queue, Token
from scheduling.services import holds
from scheduling.tests.factories import DAY, AppointmentFactory, ExceptionFactory, PatientFactory, SessionFactory, at, working_doctor
from scheduling.tests.steps import appointment_today, url, walk_in_now, words

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def web(client_as, desk):
    return client_as(desk)


class TestBookingPage:
    def post(self, web, patient, doctor, start, **more):
        body = {"request_id": uuid4(), "doctor": doctor.public_id, "start": start.isoformat(), "reason": "cough"} | more
        return web.post(url("book", patient.public_id, doctor=doctor.public_id, date=DAY), body)

    def test_offers_the_computed_times(self, web):
        doctor, patient = SessionFactory().doctor, PatientFactory()
        AppointmentFactory(doctor=doctor)

        page = words(web.get(url("book", patient.public_id, doctor=doctor.public_id, **{"from": DAY, "date": DAY})))

        assert page.count('name="start" value="') == 11
        assert f'value="{at(9).isoformat()}"' not in page

    def test_empty_day_says_why(self, web):
        doctor = SessionFactory().doctor
        ExceptionFactory(doctor=doctor)

        page = words(web.get(url("book", PatientFactory().public_id, doctor=doctor.public_id, **{"from": DAY, "date": DAY})))

        assert "On leave." in page

    def test_books_and_shows_the_appointment(self, web):
        doctor, patient = working_doctor(), PatientFactory()

        response = self.post(web, patient, doctor, at(9))

        appointment = Appointment.objects.get()
        assert response.url == url("appointment", appointment.public_id)
        assert (appointment.reason, appointment.patient) == ("cough", patient)

    def test_second_press_books_nothing_more(self, web):
        doctor, patient, key = working_doctor(), PatientFactory(), uuid4()

        first, second = (self.post(web, patient, doctor, at(9), request_id=key) for _ in range(2))

        assert first.url == second.url

    def test_refusal_is_shown_in_place_and_audited(self, web):
        doctor = working_doctor()
        AppointmentFactory(doctor=doctor)

        response = self.post(web, PatientFactory(), doctor, at(9))

        assert response.status_code == 409
        assert "already booked" in words(response)
        assert Appointment.objects.count() == 1
        assert OutboxEvent.objects.filter(action="request.refused").count() == 1

    @pytest.mark.parametrize("start", ["", "tomorrow", "9999-12-31T23:59:59-12:00"])
    def test_nonsense_books_nothing(self, web, start):
        doctor, patient = working_doctor(), PatientFactory()

        response = web.post(url("book", patient.public_id), {"doctor": doctor.public_id, "start": start, "request_id": uuid4()})

        assert response.status_code == 400
        assert not Appointment.objects.exists()

    def test_chosen_time_is_held_and_let_go_for_another(self, web, desk):
        doctor = working_doctor()
        body = {"doctor": doctor.public_id, "request_id": uuid4()}

        first = web.post(url("hold"), body | {"start": at(9).isoformat()})
        token = words(first).partition('name="hold" value="')[2].partition('"')[0]
        web.post(url("hold"), body | {"start": at(10).isoformat(), "hold": token, "held_start": at(9).isoformat()})

        assert "Kept for you" in words(first)
        other = user(Role.RECEPTION)
        assert holds.hold_slot(doctor=doctor, start=at(9), by=other, now=timezone.now()).token
        assert web.post(url("hold"), body | {"start": at(9).isoformat()}, headers=HTMX).status_code == 422

    def test_patient_books_for_the_own_row_only(self, client_as):
        patient = PatientFactory(user=user(Role.PATIENT))
        web, doctor = client_as(patient.user), working_doctor()

        assert self.post(web, patient, doctor, at(9)).status_code == 302
        assert self.post(web, PatientFactory(), doctor, at(10)).status_code == 404
        assert "Overbook" not in words(web.get(url("book", patient.public_id, doctor=doctor.public_id)))

    def test_moves_an_appointment(self, web):
        doctor = working_doctor()
        old = AppointmentFactory(doctor=doctor)

        response = web.post(url("move", old.public_id), {"doctor": doctor.public_id, "start": at(10).isoformat(), "request_id": uuid4()})

        old.refresh_from_db()
        assert (old.status, old.rescheduled_to.starts_at) == ("rescheduled", at(10))
        assert response.url == url("appointment", old.rescheduled_to.public_id)


class TestAppointmentPage:
    def test_offers_what_can_be_done_now(self, web):
        page = words(web.get(url("appointment", appointment_today().public_id)))

        assert all(word in page for word in ("Check in", "Move", "Cancel appointment", "Mark as no-show"))

        page = words(web.get(url("appointment", AppointmentFactory(status="completed").public_id)))
        assert not any(word in page for word in ("Check in", "Cancel appointment", "Mark as no-show"))

    def test_cancelling_without_a_reason_changes_nothing(self, web):
        appointment = AppointmentFactory()

        response = web.post(url("cancel", appointment.public_id), {"reason": ""})

        appointment.refresh_from_db()
        assert (response.status_code, appointment.status) == (400, "booked")

    def test_cancels_with_a_reason(self, web):
        appointment = AppointmentFactory()

        web.post(url("cancel", appointment.public_id), {"reason": "ill"})

        appointment.refresh_from_db()
        assert (appointment.status, appointment.closed_reason) == ("cancelled", "ill")

    def test_checks_in_and_comes_back_to_the_desk(self, web):
        appointment = appointment_today()

        response = web.post(url("check_in", appointment.public_id), {"request_id": uuid4(), "next": reverse("portal:reception")})

        assert response.url == reverse("portal:reception")
        assert Token.objects.get().appointment == appointment

    def test_never_leads_to_another_site(self, web):
        response = web.post(url("check_in", appointment_today().public_id), {"request_id": uuid4(), "next": "https://evil.example/"})

        assert response.url.startswith("/scheduling/")

    def test_refused_check_in_is_shown_in_the_row(self, web):
        response = web.post(url("check_in", AppointmentFactory().public_id), headers=HTMX)

        assert response.status_code == 422
        assert "Only today" in words(response)

    def test_doctor_starts_the_visit(self, client_as):
        appointment = appointment_today(doctor=DoctorFactory())

        response = client_as(appointment.doctor.user).post(url("start_visit", appointment.public_id), {"request_id": uuid4()})

        assert response.url == reverse("portal:consultation", args=[Encounter.objects.get().public_id])

    def test_stranger_gets_nothing_of_it(self, client_as):
        web = client_as(PatientFactory(user=user(Role.PATIENT)).user)
        other = AppointmentFactory()

        assert web.get(url("appointment", other.public_id)).status_code == 404
        assert web.post(url("cancel", other.public_id), {"reason": "x"}).status_code == 404


class TestSchedule:
    def test_day_shows_doctors_and_why_a_day_is_empty(self, web):
        busy, away = SessionFactory().doctor, SessionFactory().doctor
        appointment = AppointmentFactory(doctor=busy)
        ExceptionFactory(doctor=away)

        page = words(web.get(url("schedule", date=DAY)))

        assert appointment.patient.full_name in page
        assert "On leave." in page
        assert "(11 slots)" in page

    def test_department_narrows_it(self, web):
        one, two = DoctorFactory(), DoctorFactory()

        page = words(web.get(url("schedule", date=DAY, department=one.department.public_id)))

        assert str(one) in page
        assert str(two) not in page

    def test_week_of_a_doctor(self, web):
        doctor = SessionFactory().doctor

        page = words(web.get(url("schedule", doctor=doctor.public_id, date=DAY)))

        assert page.count("No session on this day.") == 6

    @pytest.mark.parametrize(
        "query", [{"date": "nonsense"}, {"date": "9999-12-31"}, {"doctor": "x"}, {"department": "\x00"}, {"page": "x"}]
    )
    def test_nonsense_in_the_address_is_harmless(self, web, query):
        assert web.get(url("schedule", **query)).status_code == 200


PAGES = ["schedule", "queue", "hours", "walk_in"]


@pytest.mark.parametrize("name", PAGES)
def test_page_is_not_for_patients_and_strangers(name, client, client_as):
    assert client.get(url(name)).status_code == 302
    assert client_as(user(Role.PATIENT)).get(url(name)).status_code == 403
    assert client_as(user(Role.PHARMACIST)).get(url(name)).status_code == 403


@pytest.mark.parametrize("count", [10, 200])
def test_pages_cost_the_same_however_many_rows(count, web, client, django_assert_max_num_queries):
    now, doctor = timezone.now(), DoctorFactory()
    for n in range(count):
        AppointmentFactory(doctor=doctor, during=(now + timedelta(seconds=n), now + timedelta(seconds=n + 1)))
        walk_in_now(doctor)
    token = Token.objects.first()
    web.get(url("schedule"))

    for address, most in [
        (reverse("portal:reception"), 8),
        (reverse("portal:reception") + "?show=all", 8),
        (url("schedule"), 10),
        (url("schedule", doctor=doctor.public_id), 10),
        (url("queue", queue=token.queue.public_id), 9),
        (url("hours"), 10),
        (url("book", token.patient.public_id, doctor=doctor.public_id), 9),
        (url("slip", token.public_id), 8),
    ]:
        with django_assert_max_num_queries(most, info=address):
            assert web.get(address).status_code == 200
    with django_assert_max_num_queries(3):
        assert client.get(url("board")).status_code == 200


@pytest.mark.parametrize("name", [*PAGES, "board"])
def test_reading_writes_nothing(name, web):
    walk_in_now(DoctorFactory())
    before = OutboxEvent.objects.count(), Queue.objects.count(), Token.objects.count()

    web.get(url(name))

    assert (OutboxEvent.objects.count(), Queue.objects.count(), Token.objects.count()) == before
