"""What leave does to those who were booked: each is moved, cancelled or kept, and nobody is forgotten."""

from datetime import timedelta
from uuid import uuid4

import pytest

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.audit.models import OutboxEvent
from clinic.core.errors import NotFound
from scheduling.models import Appointment, KeptAppointment
from scheduling.selectors.leave import undecided, with_offers
from scheduling.services import leave
from scheduling.tests.factories import DAY, AppointmentFactory, ExceptionFactory, PatientFactory, at, working_doctor
from scheduling.tests.steps import EARLY, url, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def web(client_as, desk):
    return client_as(desk)


def keep(exception, appointment, by=None):
    return leave.keep_appointment(exception_id=exception.pk, appointment_id=appointment.pk, by=by, now=EARLY)


def times(offers):
    return [slot.start for slot in offers]


class TestUndecided:
    def test_kept_closed_and_other_ones_are_not_listed(self):
        doctor = working_doctor()
        stays, open_one = (AppointmentFactory(doctor=doctor, during=(at(hour), at(hour, 15))) for hour in (9, 10))
        AppointmentFactory(doctor=doctor, status="cancelled", closed_reason="ill", during=(at(11), at(11, 15)))
        AppointmentFactory(during=(at(10), at(10, 15)))
        exception = ExceptionFactory(doctor=doctor)

        keep(exception, stays)

        assert list(undecided(exception, now=EARLY)) == [open_one]

    def test_extra_hours_strand_nobody(self):
        appointment = AppointmentFactory()

        assert not undecided(ExceptionFactory(doctor=appointment.doctor, kind="open"), now=EARLY)

    def test_kept_under_one_leave_is_asked_again_under_another(self):
        appointment = AppointmentFactory()
        keep(ExceptionFactory(doctor=appointment.doctor), appointment)

        assert list(undecided(ExceptionFactory(doctor=appointment.doctor), now=EARLY)) == [appointment]

    def test_page_of_hours_counts_them(self, web):
        doctor = working_doctor()
        for hour in (9, 10):
            AppointmentFactory(doctor=doctor, during=(at(hour), at(hour, 15)))
        AppointmentFactory(during=(at(9), at(9, 15)))
        mine, everybodys = ExceptionFactory(doctor=doctor), ExceptionFactory(doctor=None, kind="holiday")

        page = words(web.get(url("hours")))
        assert ("2 to decide" in page, "3 to decide" in page) == (True, True)

        keep(mine, Appointment.objects.filter(doctor=doctor).first())
        page = words(web.get(url("hours")))
        assert ("1 to decide" in page, "3 to decide" in page) == (True, True)
        assert url("affected", everybodys.public_id) in page


class TestOffers:
    def test_each_patient_is_offered_other_times_after_the_own(self):
        doctor = working_doctor()
        first, second = (AppointmentFactory(doctor=doctor, during=(at(hour), at(hour, 15))) for hour in (9, 10))
        exception = ExceptionFactory(doctor=doctor)
        next_day = DAY + timedelta(days=1)

        one, two = with_offers(list(undecided(exception, now=EARLY)), now=EARLY)

        assert (one.appointment, two.appointment) == (first, second)
        assert times(one.offers) == [at(8, minute, next_day) for minute in (0, 15, 30)]
        assert times(two.offers) == [at(8, 45, next_day), at(9, 0, next_day), at(9, 15, next_day)]

    def test_long_appointment_is_offered_times_that_are_long_enough(self):
        doctor = working_doctor()
        AppointmentFactory(doctor=doctor, during=(at(9), at(9, 30)))
        AppointmentFactory(doctor=doctor, during=(at(8, 15, DAY + timedelta(days=1)), at(8, 30, DAY + timedelta(days=1))))
        exception = ExceptionFactory(doctor=doctor)

        [row] = with_offers(list(undecided(exception, now=EARLY)), now=EARLY)

        assert times(row.offers)[0] == at(8, 30, DAY + timedelta(days=1))

    def test_costs_the_same_however_many(self, web, django_assert_max_num_queries):
        doctor = working_doctor()
        exception = ExceptionFactory(doctor=doctor)
        for count in (3, 20):
            for n in range(count):
                start = at(8, n) + timedelta(hours=count // 4)
                AppointmentFactory(doctor=doctor, during=(start, start + timedelta(minutes=1)))
            with django_assert_max_num_queries(11):
                assert web.get(url("affected", exception.public_id)).status_code == 200


class TestDeciding:
    def test_keeping_is_written_once_and_audited(self, desk):
        appointment = AppointmentFactory()
        exception = ExceptionFactory(doctor=appointment.doctor)

        assert keep(exception, appointment, by=desk) == keep(exception, appointment, by=desk)

        assert KeptAppointment.objects.get().kept_by == desk
        assert OutboxEvent.objects.filter(action="scheduling.appointment.kept").count() == 1

    def test_appointment_that_leave_does_not_touch_cannot_be_kept_under_it(self):
        with pytest.raises(NotFound):
            keep(ExceptionFactory(), AppointmentFactory())

        assert not KeptAppointment.objects.exists()

    def test_page_leads_each_of_them_to_its_end(self, web):
        doctor = working_doctor()
        moved, cancelled, kept = (
            AppointmentFactory(doctor=doctor, patient=PatientFactory(last_name=name), during=(at(hour), at(hour, 15)))
            for hour, name in ((9, "Moved"), (10, "Cancelled"), (11, "Kept"))
        )
        exception = ExceptionFactory(doctor=doctor)
        page = url("affected", exception.public_id)
        to = at(9, day=DAY + timedelta(days=1))
        move = {"doctor": doctor.public_id, "start": to.isoformat(), "request_id": uuid4(), "next": page}

        assert to.isoformat() in words(web.get(page))
        assert web.post(url("move", moved.public_id), move).url == page
        assert web.post(url("cancel", cancelled.public_id), {"reason": "leave", "next": page}).url == page
        assert web.post(url("keep", exception.public_id, kept.public_id)).url == page

        for row in (moved, cancelled, kept):
            row.refresh_from_db()
        assert [row.status for row in (moved, cancelled, kept)] == ["rescheduled", "cancelled", "booked"]
        assert "Nothing to decide" in words(web.get(page))

    def test_is_not_for_strangers_and_writes_nothing_for_them(self, client_as):
        appointment = AppointmentFactory()
        exception = ExceptionFactory(doctor=appointment.doctor)
        patient, desk = client_as(user(Role.PATIENT)), client_as(user(Role.RECEPTION))

        assert patient.get(url("affected", exception.public_id)).status_code == 403
        assert patient.post(url("keep", exception.public_id, appointment.public_id)).status_code == 403
        assert desk.post(url("keep", exception.public_id, uuid4())).status_code == 404
        assert not KeptAppointment.objects.exists()
