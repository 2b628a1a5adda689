"""Minutes beside an appointment that are the doctor's: nobody is booked into them, and no patient sees them."""

from datetime import UTC, date, datetime, time
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DoctorFactory, user
from clinic.core.db import constraint_of
from clinic.core.errors import InvalidInput
from scheduling.errors import OutsideHours, SlotTaken
from scheduling.models import Appointment, DoctorException, DoctorSession
from scheduling.rules.slots import Buffers, Hours, Session, slots_of, span_of
from scheduling.selectors.hours import free_days
from scheduling.services import booking, hours
from scheduling.tests.factories import DAY, AppointmentFactory, PatientFactory, SessionFactory, at
from scheduling.tests.steps import EARLY, book, outcomes, url, words

pytestmark = pytest.mark.django_db


def span(start, end):
    return DateTimeTZRange(start, end)


@pytest.fixture
def doctor():
    """9 to 12: 20 minutes with the patient, 5 before and 10 after."""
    return SessionFactory(slot_minutes=20, buffer_before_minutes=5, buffer_after_minutes=10).doctor


def offered(doctor):
    [day] = free_days(doctor_id=doctor.pk, first=DAY, days=1, now=EARLY)
    return [f"{slot.start.astimezone(at(9).tzinfo):%H:%M}" for slot in day.available]


class TestSlots:
    hours = Hours([Session(1, time(9), time(10, 45), 20, date(2020, 1, 1), buffers=Buffers.of_minutes(5, 10))])
    monday = date(2030, 6, 3)

    def slots(self):
        return slots_of(self.hours, self.monday, UTC)

    def test_stand_between_their_buffers(self):
        shown = [(slot.start.time(), slot.end.time()) for slot in self.slots()]

        assert shown == [(time(9, 5), time(9, 25)), (time(9, 40), time(10)), (time(10, 15), time(10, 35))]

    def test_adjoin_across_their_buffers(self):
        start, end = datetime(2030, 6, 3, 9, 5, tzinfo=UTC), datetime(2030, 6, 3, 10, tzinfo=UTC)

        assert span_of(self.slots(), start, end=end) == self.slots()[:2]


class TestBooking:
    def test_patient_sees_the_time_without_the_buffers(self, doctor):
        row = book(doctor, start=at(9, 5))

        row.refresh_from_db()
        assert (row.starts_at, row.ends_at) == (at(9, 5), at(9, 25))
        assert (row.occupied.lower, row.occupied.upper) == (at(9), at(9, 35))

    def test_buffers_are_not_offered(self, doctor):
        book(doctor, start=at(9, 40))

        assert offered(doctor) == ["09:05", "10:15", "10:50", "11:25"]

    def test_a_time_off_the_grid_is_refused(self, doctor):
        with pytest.raises(OutsideHours):
            book(doctor, start=at(9))

        assert not Appointment.objects.exists()

    def test_moving_takes_the_new_buffers_along(self, doctor):
        moved = booking.reschedule_appointment(appointment_id=book(doctor, start=at(9, 5)).pk, start=at(10, 15), by=None, now=EARLY)

        moved.refresh_from_db()
        assert (moved.occupied.lower, moved.occupied.upper) == (at(10, 10), at(10, 45))
        assert offered(doctor) == ["09:05", "09:40", "10:50", "11:25"]

    def test_a_long_one_has_the_buffers_around_the_whole(self, doctor):
        row = book(doctor, start=at(9, 5), end=at(10))

        row.refresh_from_db()
        assert (row.occupied.lower, row.occupied.upper) == (at(9), at(10, 10))

    def test_overbooking_goes_into_a_buffer_and_keeps_later_ones_away(self, doctor, desk):
        over = book(doctor, start=at(9, 28), end=at(9, 38), by=desk, overbook_reason="emergency")

        over.refresh_from_db()
        assert over.occupied == over.during
        assert offered(doctor)[0] == "10:15", "it lies in the buffers of both the first and the second"
        with pytest.raises(SlotTaken):
            book(doctor, start=at(9, 5))

    def test_later_hours_do_not_go_into_the_buffer_of_what_is_booked(self, doctor):
        book(doctor, start=at(9, 5))
        DoctorSession.objects.update(buffer_before_minutes=0, buffer_after_minutes=0, slot_minutes=5)

        assert offered(doctor)[0] == "09:35"
        with pytest.raises(SlotTaken):
            book(doctor, start=at(9, 30))


class TestDatabase:
    @pytest.mark.parametrize(("start", "end", "before"), [(at(9, 30), at(9, 40), 0), (at(9, 40), at(9, 50), 10)])
    def test_refuses_overlapping_buffers(self, start, end, before):
        doctor = AppointmentFactory(during=span(at(9), at(9, 15)), buffer_after_minutes=20).doctor

        with pytest.raises(IntegrityError) as caught, transaction.atomic():
            AppointmentFactory(doctor=doctor, during=span(start, end), buffer_before_minutes=before)

        assert constraint_of(caught.value) == "appointment_doctor_booked_once"

    def test_lets_buffers_touch(self):
        doctor = AppointmentFactory(during=span(at(9), at(9, 15)), buffer_after_minutes=20).doctor

        AppointmentFactory(doctor=doctor, during=span(at(9, 40), at(9, 50)), buffer_before_minutes=5)

    def test_lets_the_patient_go_to_another_doctor_meanwhile(self):
        first = AppointmentFactory(during=span(at(9), at(9, 15)), buffer_after_minutes=20)

        AppointmentFactory(patient=first.patient, during=span(at(9, 15), at(9, 30)))

    @pytest.mark.parametrize(
        ("name", "make"),
        [
            ("appointment_buffers_at_most_60_min", lambda: AppointmentFactory(buffer_after_minutes=61)),
            ("session_buffers_at_most_60_min", lambda: SessionFactory(buffer_before_minutes=61)),
            (
                "exception_buffers_at_most_60_min",
                lambda: DoctorException.objects.create(
                    doctor=DoctorFactory(), kind="open", during=span(at(9), at(10)), buffer_after_minutes=61
                ),
            ),
        ],
    )
    def test_refuses_long_ones(self, name, make):
        with pytest.raises(IntegrityError) as caught, transaction.atomic():
            make()

        assert constraint_of(caught.value) == name

    def test_keeps_the_occupied_span_in_step(self):
        row = AppointmentFactory(buffer_before_minutes=5)
        Appointment.objects.filter(pk=row.pk).update(during=span(at(10), at(10, 15)))

        row.refresh_from_db()
        assert (row.occupied.lower, row.occupied.upper) == (at(9, 55), at(10, 15))


class TestHours:
    def test_session_holds_a_slot_with_its_buffers(self):
        given = SessionFactory.build(doctor=None, facility=None)
        doctor = DoctorFactory()
        data = {"doctor": doctor, "facility": doctor.department.facility, "weekday": 1, "starts": time(9), "ends": time(9, 30)}
        data |= {"slot_minutes": 20, "valid_from": given.valid_from}

        with pytest.raises(InvalidInput):
            hours.add_session(data=data | {"buffer_after_minutes": 15}, by=None)

        assert not DoctorSession.objects.exists()
        assert hours.add_session(data=data | {"buffer_after_minutes": 10}, by=None).buffer_after_minutes == 10

    def test_page_takes_and_shows_them(self, client_as):
        doctor = DoctorFactory()
        facility = doctor.department.facility
        form = {"doctor": doctor.public_id, "facility": facility.public_id, "weekday": 1, "starts": "09:00", "ends": "12:00"}
        form |= {"slot_minutes": 20, "valid_from": "2026-01-01", "buffer_before_minutes": "", "buffer_after_minutes": 10}
        web = client_as(user(Role.MANAGER))

        answer = web.post(url("add_session"), form)

        assert answer.status_code == 302, words(answer)
        session = DoctorSession.objects.get()
        assert (session.buffer_before_minutes, session.buffer_after_minutes) == (0, 10)
        assert "10 after" in words(web.get(url("hours", doctor=doctor.public_id)))

    def test_range_over_the_api_opens_them(self, api_as):
        doctor = DoctorFactory()
        body = {"doctor": doctor.public_id, "date_from": DAY, "date_to": DAY, "start": "09:00", "end": "10:00", "slot_minutes": 20}
        body |= {"buffer_before_minutes": 5, "buffer_after_minutes": 5}
        api = api_as(user(Role.MANAGER))

        answer = api.post("/api/v1/slots/bulk/", body, headers={"Idempotency-Key": str(uuid4())})

        assert (answer.status_code, answer.json()["count"]) == (201, 2), answer.content
        assert offered(doctor) == ["09:05", "09:35"]
        assert api.post("/api/v1/slots/bulk/", body | {"buffer_after_minutes": 61}).status_code == 400


@pytest.mark.django_db(transaction=True)
class TestRaces:
    """Eight at once, past every check: their times do not overlap, their buffers may."""

    def race(self, at_once, buffer):
        doctor, patients = DoctorFactory(), [PatientFactory() for _ in range(8)]

        def insert(n):
            during = span(at(9, 5 * n), at(9, 5 * n + 5))
            return lambda: AppointmentFactory(doctor=doctor, patient=patients[n], during=during, buffer_after_minutes=buffer)

        return outcomes(at_once(*[insert(n) for n in range(8)]))

    def test_one_gets_in_where_the_buffers_overlap(self, at_once):
        results = self.race(at_once, 60)

        assert results.count("Appointment") == Appointment.objects.count() == 1

    def test_all_get_in_without_buffers(self, at_once):
        assert self.race(at_once, 0) == ["Appointment"] * 8
