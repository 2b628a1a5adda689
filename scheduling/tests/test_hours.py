from datetime import date, time, timedelta

import pytest

from clinic.accounts.tests.factories import DoctorFactory, FacilityFactory
from clinic.audit.models import OutboxEvent
from clinic.core.errors import InvalidInput
from scheduling.errors import HoursOverlap, InThePast
from scheduling.models import DoctorException, DoctorSession
from scheduling.services import hours
from scheduling.tests.factories import DAY, AppointmentFactory, SessionFactory, at

pytestmark = pytest.mark.django_db


def session_data(**changes):
    return {
        "doctor": DoctorFactory(), "facility": FacilityFactory(), "weekday": 1, "starts": time(9), "ends": time(12), "slot_minutes": 15,
        "valid_from": date(2026, 1, 1), "valid_until": None,
    } | changes  # fmt: skip


class TestSessions:
    def test_is_added_and_audited(self, desk):
        session = hours.add_session(data=session_data(), by=desk)

        assert OutboxEvent.objects.get(action="scheduling.hours.session_added").resource_id == session.public_id

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"ends": time(9)}, "ends"),
            ({"slot_minutes": 200}, "slot_minutes"),
            ({"slot_minutes": 3}, "slot_minutes"),
            ({"valid_until": date(2025, 1, 1)}, "valid_until"),
        ],
    )
    def test_nonsense_is_refused_by_its_field(self, changes, field):
        with pytest.raises(InvalidInput) as caught:
            hours.add_session(data=session_data(**changes), by=None)

        assert field in caught.value.errors
        assert not DoctorSession.objects.exists()

    def test_overlap_is_refused(self):
        session = SessionFactory()

        with pytest.raises(HoursOverlap):
            hours.add_session(data=session_data(doctor=session.doctor, starts=time(11), ends=time(13)), by=None)

    def test_ends_from_a_day_on_and_one_that_never_held_is_removed(self):
        held, future = SessionFactory(), SessionFactory(valid_from=DAY)

        hours.end_session(session_id=held.pk, on=DAY, by=None)
        hours.end_session(session_id=future.pk, on=DAY, by=None)

        assert list(DoctorSession.objects.values_list("pk", "valid_until")) == [(held.pk, DAY)]


class TestExceptions:
    def test_leave_lists_the_appointments_that_it_meets_and_keeps_them(self):
        appointment = AppointmentFactory()
        AppointmentFactory(doctor=appointment.doctor, during=(at(9, day=DAY + timedelta(days=1)), at(10, day=DAY + timedelta(days=1))))
        AppointmentFactory()

        added = hours.add_exception(data={"kind": "leave", "doctor": appointment.doctor}, start=at(8), end=at(18), by=None)

        appointment.refresh_from_db()
        assert (added.affected, appointment.status) == ([appointment], "booked")

    def test_holiday_meets_everybodys(self):
        appointments = [AppointmentFactory() for _ in range(2)]

        assert hours.add_exception(data={"kind": "holiday"}, start=at(8), end=at(18), by=None).affected == appointments

    @pytest.mark.parametrize(("data", "end"), [({"kind": "leave"}, at(8)), ({"kind": "open"}, at(9))])
    def test_nonsense_is_refused(self, data, end):
        with pytest.raises(InvalidInput):
            hours.add_exception(data=data, start=at(8), end=end, by=None)

        assert not DoctorException.objects.exists()

    def test_is_removed(self):
        added = hours.add_exception(data={"kind": "holiday"}, start=at(8), end=at(18), by=None)

        hours.remove_exception(exception_id=added.exception.pk, by=None)

        assert not DoctorException.objects.exists()


class TestOpeningARange:
    def wanted(self, **changes):
        fields = {"date_from": DAY, "date_to": DAY + timedelta(days=1), "start": time(9), "end": time(10), "slot_minutes": 30}
        return hours.Range(**fields | changes)

    def test_counts_what_is_new_only(self):
        session = SessionFactory(starts=time(9), ends=time(9, 30))

        slots = hours.open_range(doctor=session.doctor, wanted=self.wanted(date_to=DAY), by=None, on=DAY)

        assert [slot.start for slot in slots] == [at(9, 30)]

    def test_is_all_or_nothing(self):
        doctor = DoctorFactory()
        hours.open_range(doctor=doctor, wanted=self.wanted(date_to=DAY), by=None, on=DAY)

        with pytest.raises(HoursOverlap):
            hours.open_range(doctor=doctor, wanted=self.wanted(date_from=DAY, date_to=DAY + timedelta(days=5)), by=None, on=DAY)

        assert DoctorException.objects.count() == 1

    def test_does_not_open_the_past(self):
        with pytest.raises(InThePast):
            hours.open_range(doctor=DoctorFactory(), wanted=self.wanted(), by=None, on=DAY + timedelta(days=1))

    def test_limits_what_one_request_makes(self):
        wanted = self.wanted(date_to=DAY + timedelta(days=360), start=time(0), end=time(23), slot_minutes=5)

        with pytest.raises(InvalidInput):
            hours.open_range(doctor=DoctorFactory(), wanted=wanted, by=None, on=DAY)
