"""Booking on the days when clocks and calendars are odd, and when the server's clock jumps."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from clinic.accounts.tests.factories import DoctorFactory
from scheduling.errors import InThePast, OutsideHours, SlotTaken
from scheduling.models import Appointment
from scheduling.selectors.hours import bookable_days
from scheduling.services import booking
from scheduling.tests.factories import AppointmentFactory, ExceptionFactory, SessionFactory
from scheduling.tests.steps import book, post_booking, url, words

pytestmark = pytest.mark.django_db
BERLIN = ZoneInfo("Europe/Berlin")
SPRING, AUTUMN, LEAP_DAY, LAST_DAY = date(2027, 3, 28), date(2027, 10, 31), date(2028, 2, 29), date(2027, 12, 31)


@pytest.fixture(autouse=True)
def _berlin(settings):
    settings.TIME_ZONE = "Europe/Berlin"


def doctor_on(day, starts=time(1), ends=time(5), minutes=30):
    return SessionFactory(weekday=day.isoweekday(), starts=starts, ends=ends, slot_minutes=minutes).doctor


def wall(day, hour, minute=0, fold=0):
    return datetime.combine(day, time(hour, minute), tzinfo=BERLIN).replace(fold=fold)


def starts_on(doctor, day):
    [found] = bookable_days(doctor_id=doctor.pk, first=day, days=1, now=wall(day - timedelta(days=2), 12))
    return [slot.start for slot in found.available]


def book_on(doctor, start, now=None):
    return book(doctor, start=start, now=now or start - timedelta(days=1))


class TestSpring:
    def test_skipped_hour_is_neither_offered_nor_booked(self):
        doctor = doctor_on(SPRING)
        starts = starts_on(doctor, SPRING)

        assert [f"{start.astimezone(BERLIN):%H:%M}" for start in starts] == ["01:00", "01:30", "03:00", "03:30", "04:00", "04:30"]
        assert all(later - earlier == timedelta(minutes=30) for earlier, later in pairwise(starts))
        assert book_on(doctor, datetime(2027, 3, 28, 1, 0, tzinfo=UTC)).ends_at == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)
        assert book_on(doctor, starts[1]).ends_at == starts[2]

    def test_same_instant_in_two_spellings_is_one_time(self):
        doctor = doctor_on(SPRING)
        book_on(doctor, wall(SPRING, 3))

        with pytest.raises(SlotTaken):
            book_on(doctor, wall(SPRING, 2))  # what clocks skip is read as the hour after

        assert Appointment.objects.count() == 1


class TestAutumn:
    def test_repeated_hour_is_offered_once_at_its_first_pass(self):
        doctor = doctor_on(AUTUMN)

        starts = starts_on(doctor, AUTUMN)

        assert [f"{start.astimezone(BERLIN):%H:%M}" for start in starts].count("02:00") == 1
        assert wall(AUTUMN, 2).astimezone(UTC) in starts
        assert book_on(doctor, wall(AUTUMN, 2)).starts_at == datetime(2027, 10, 31, 0, tzinfo=UTC)
        with pytest.raises(OutsideHours):
            book_on(doctor, wall(AUTUMN, 2, fold=1))

    def test_repeated_hour_is_held_and_booked_over_the_api(self, api_as, desk):
        doctor, start = doctor_on(AUTUMN), wall(AUTUMN, 2)
        api = api_as(desk)

        held = api.post("/api/v1/slots/hold/", {"doctor": doctor.public_id, "start": start.isoformat()})
        response = post_booking(api, doctor, start=start, hold=held.json()["hold"])

        assert (held.status_code, response.status_code) == (201, 201)
        assert response.json()["start"] == "2027-10-31T02:00:00+02:00"

    def test_page_of_the_day_shows_all_25_hours(self, client_as, desk):
        row = AppointmentFactory(during=(wall(AUTUMN, 2, 30, fold=1), wall(AUTUMN, 3)))

        assert row.patient.full_name in words(client_as(desk).get(url("schedule", date=AUTUMN)))


class TestCalendar:
    def test_leap_day_is_a_day(self):
        doctor = doctor_on(LEAP_DAY)

        assert book_on(doctor, wall(LEAP_DAY, 1)).starts_at.astimezone(BERLIN).date() == LEAP_DAY
        assert len(starts_on(doctor, LEAP_DAY)) == 7

    def test_furthest_day_is_counted_from_a_leap_day_too(self):
        doctor = doctor_on(LEAP_DAY)

        assert book_on(doctor, wall(LEAP_DAY, 1), now=wall(LEAP_DAY, 0, 59)).status == "booked"

    def test_last_evening_of_the_year_belongs_to_it(self):
        doctor = doctor_on(LAST_DAY, time(23), time(23, 59), 15)
        row = book_on(doctor, wall(LAST_DAY, 23, 30))

        assert [slot.astimezone(BERLIN).date() for slot in starts_on(doctor, LAST_DAY)] == [LAST_DAY] * 2
        new_year = LAST_DAY + timedelta(days=1)
        other = doctor_on(new_year, time(0), time(1), 15)
        moved = booking.reschedule_appointment(
            appointment_id=row.pk, doctor_id=other.pk, start=wall(new_year, 0), by=None, now=wall(LAST_DAY, 12)
        )
        assert moved.starts_at.astimezone(BERLIN).date() == date(2028, 1, 1)


class TestJumps:
    def test_clock_that_goes_back_sells_nothing_twice(self):
        doctor = doctor_on(LEAP_DAY)
        book_on(doctor, wall(LEAP_DAY, 2), now=wall(LEAP_DAY, 1, 55))

        with pytest.raises(SlotTaken):
            book_on(doctor, wall(LEAP_DAY, 2), now=wall(LEAP_DAY, 0, 10))

    def test_clock_that_leaps_ahead_books_nothing_in_what_is_past_by_now(self):
        doctor = doctor_on(LEAP_DAY)

        with pytest.raises(InThePast):
            book_on(doctor, wall(LEAP_DAY, 2), now=wall(LEAP_DAY, 2) + timedelta(seconds=1))

        assert not Appointment.objects.exists()


class TestMidnight:
    """Extra hours may run past midnight, and so may the day's last slot."""

    @pytest.fixture
    def late(self):
        row = ExceptionFactory(kind="open", slot_minutes=30, during=(wall(LEAP_DAY, 22, 45), wall(LEAP_DAY + timedelta(days=1), 0, 15)))
        assert starts_on(row.doctor, LEAP_DAY)[-1] == wall(LEAP_DAY, 23, 45)
        return row.doctor

    def test_break_after_midnight_closes_the_slot_that_runs_into_it(self, late):
        next_day = LEAP_DAY + timedelta(days=1)
        ExceptionFactory(doctor=late, kind="break", during=(wall(next_day, 0), wall(next_day, 1)))

        assert starts_on(late, LEAP_DAY)[-1] == wall(LEAP_DAY, 23, 15)
        with pytest.raises(OutsideHours):
            book_on(late, wall(LEAP_DAY, 23, 45))

    def test_appointment_after_midnight_takes_it_too(self, late):
        next_day = LEAP_DAY + timedelta(days=1)
        AppointmentFactory(doctor=late, during=(wall(next_day, 0), wall(next_day, 0, 10)))

        assert starts_on(late, LEAP_DAY)[-1] == wall(LEAP_DAY, 23, 15)

    def test_leave_of_tomorrow_is_no_reason_for_today(self):
        doctor = DoctorFactory()
        ExceptionFactory(doctor=doctor, during=(wall(LEAP_DAY + timedelta(days=1), 0), wall(LEAP_DAY + timedelta(days=1), 12)))

        [day] = bookable_days(doctor_id=doctor.pk, first=LEAP_DAY, days=1, now=wall(LEAP_DAY, 0))

        assert day.reason == "no_session"
