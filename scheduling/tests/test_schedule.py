"""The schedule page: who is on it, what it says about closed time, how things are moved on it, what it costs."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DoctorFactory, user
from scheduling.models import Appointment
from scheduling.selectors.schedule import Booked, columns, doctors_of_day
from scheduling.tests.factories import DAY, AppointmentFactory, ExceptionFactory, PatientFactory, SessionFactory, at, working_doctor
from scheduling.tests.steps import EARLY, url, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def web(client_as, desk):
    return client_as(desk)


class TestWhoIsOnIt:
    def test_hours_extra_hours_and_appointments_put_a_doctor_on_it(self):
        by_session = SessionFactory().doctor
        by_extra_hours = ExceptionFactory(kind="open", during=DateTimeTZRange(at(9), at(10))).doctor
        by_appointment = AppointmentFactory().doctor
        left = AppointmentFactory(doctor=DoctorFactory(is_active=False)).doctor
        absent = [DoctorFactory(), SessionFactory(weekday=2).doctor, SessionFactory(valid_until=DAY).doctor]
        SessionFactory(doctor=DoctorFactory(is_active=False))

        shown, others = doctors_of_day(DAY)

        assert {each.pk for each in shown} == {each.pk for each in (by_session, by_extra_hours, by_appointment, left)}
        assert {each.pk for each in others} == {each.pk for each in absent}

    def test_cancelled_appointment_puts_nobody_on_it(self):
        AppointmentFactory(status="cancelled", closed_reason="ill")

        assert doctors_of_day(DAY)[0] == []

    def test_the_others_are_one_line(self, web):
        SessionFactory()
        absent = [DoctorFactory() for _ in range(20)]

        page = words(web.get(url("schedule", date=DAY)))

        assert "20 doctors without hours or appointments on this day" in page
        assert page.count("data-doctor=") == 1
        assert str(absent[0]) in page


class TestClosedTime:
    def is_stranded(self, doctor):
        [column] = columns([doctor], [DAY], now=EARLY)
        return [row.is_stranded for row in column.rows if isinstance(row, Booked)]

    def test_leave_after_booking_marks_the_appointment_in_words(self, web):
        appointment = AppointmentFactory(doctor=working_doctor())
        assert self.is_stranded(appointment.doctor) == [False]

        ExceptionFactory(doctor=appointment.doctor)

        assert self.is_stranded(appointment.doctor) == [True]
        assert "In closed time" in words(web.get(url("schedule", date=DAY)))

    def test_holiday_does_not_mark_what_lies_in_extra_hours(self):
        appointment = AppointmentFactory()
        ExceptionFactory(doctor=None, kind="holiday")
        assert self.is_stranded(appointment.doctor) == [True]

        ExceptionFactory(doctor=appointment.doctor, kind="open", during=DateTimeTZRange(at(9), at(10)))

        assert self.is_stranded(appointment.doctor) == [False]


class TestMoving:
    def test_page_carries_what_the_script_needs(self, web):
        appointment = AppointmentFactory(doctor=SessionFactory().doctor)

        page = words(web.get(url("schedule", date=DAY)))

        assert f'data-move="{url("move", appointment.public_id)}"' in page
        assert f'data-starts="{at(9, 15).isoformat()}' in page
        assert f'data-doctor="{appointment.doctor.public_id}"' in page

    def test_only_booked_ones_move_and_only_for_who_may(self, web, client_as):
        doctor = SessionFactory().doctor
        AppointmentFactory(doctor=doctor, status="completed")

        assert "data-move" not in words(web.get(url("schedule", date=DAY)))

        AppointmentFactory(doctor=doctor, during=(at(10), at(10, 15)))
        assert "data-move" in words(web.get(url("schedule", date=DAY)))
        assert "data-move" not in words(client_as(user(Role.NURSE)).get(url("schedule", date=DAY)))

    def test_comes_back_to_the_day_it_was_moved_on(self, web):
        old = AppointmentFactory(doctor=working_doctor())
        here = url("schedule", date=DAY)
        body = {"doctor": old.doctor.public_id, "start": at(10).isoformat(), "request_id": uuid4(), "next": here}

        response = web.post(url("move", old.public_id), body)

        old.refresh_from_db()
        assert (response.url, old.status, old.rescheduled_to.starts_at) == (here, "rescheduled", at(10))

    def test_taken_time_is_refused_in_words_and_nothing_moves(self, web):
        doctor = working_doctor()
        old, taken = AppointmentFactory(doctor=doctor), AppointmentFactory(doctor=doctor, during=(at(10), at(10, 15)))
        body = {"doctor": doctor.public_id, "start": at(10).isoformat(), "request_id": uuid4()}

        response = web.post(url("move", old.public_id), body)

        assert response.status_code == 409
        assert "already booked" in words(response)
        assert set(Appointment.objects.values_list("pk", "status")) == {(old.pk, "booked"), (taken.pk, "booked")}


@pytest.mark.parametrize("count", [10, 1000])
def test_costs_the_same_queries_however_many_rows(count, web, django_assert_max_num_queries):
    doctors, patient = [DoctorFactory() for _ in range(10)], PatientFactory()
    fields = [(doctor, at(8) + timedelta(minutes=n)) for n in range(count // 10) for doctor in doctors]
    Appointment.objects.bulk_create(
        Appointment(patient=patient, doctor=doctor, during=DateTimeTZRange(start, start + timedelta(minutes=1)), status="completed")
        for doctor, start in fields
    )
    web.get(url("schedule"))

    with django_assert_max_num_queries(8):
        page = words(web.get(url("schedule", date=DAY)))
    assert page.count("data-row-link") == count
    with django_assert_max_num_queries(7):
        web.get(url("schedule", date=DAY, doctor=doctors[0].public_id))
