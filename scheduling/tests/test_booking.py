from datetime import timedelta
from uuid import uuid4

import pytest

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DoctorFactory, user
from clinic.audit.models import OutboxEvent
from clinic.core.errors import Forbidden, InvalidInput, RequestReused
from patients.errors import DoctorInactive, PatientInactive
from scheduling.errors import (
    DoctorOnLeave,
    InThePast,
    OutsideHours,
    PatientBusy,
    SlotHeld,
    SlotTaken,
    TooEarly,
    WrongStatus,
)
from scheduling.models import Appointment, Token
from scheduling.services import booking, holds, queueing
from scheduling.tests.factories import AppointmentFactory, ExceptionFactory, PatientFactory, SessionFactory, at, working_doctor
from scheduling.tests.steps import EARLY, book


def refused(error, doctor, **details):
    """The booking is refused, and nothing was written."""
    before = Appointment.objects.count(), OutboxEvent.objects.count()
    with pytest.raises(error) as caught:
        book(doctor, **details)
    assert (Appointment.objects.count(), OutboxEvent.objects.count()) == before
    return caught.value


@pytest.mark.django_db
class TestBooking:
    def test_takes_one_slot_and_remembers_who_booked(self, desk):
        doctor = working_doctor()

        appointment = book(doctor, by=desk, reason="cough")

        appointment.refresh_from_db()
        assert (appointment.starts_at, appointment.ends_at) == (at(9), at(9, 15))
        assert (appointment.status, appointment.reason, appointment.booked_by) == ("booked", "cough", desk)
        assert appointment.facility == doctor.department.facility
        event = OutboxEvent.objects.get(action="scheduling.appointment.booked")
        assert (event.resource_id, event.patient_id) == (appointment.public_id, appointment.patient.public_id)

    def test_end_at_a_later_slot_takes_all_of_them(self):
        assert book(working_doctor(), end=at(9, 45)).ends_at == at(9, 45)

    def test_repeated_request_returns_the_first_appointment(self):
        doctor, patient, key = working_doctor(), PatientFactory(), uuid4()

        first, second = (book(doctor, patient, request_id=key) for _ in range(2))

        assert first == second
        assert Appointment.objects.count() == 1

    def test_a_form_that_was_changed_after_it_was_sent_books_nothing_silently(self):
        doctor, patient, key = working_doctor(), PatientFactory(), uuid4()
        book(doctor, patient, request_id=key)

        for changed in ((doctor, patient, at(10)), (working_doctor(), patient, at(9)), (doctor, PatientFactory(), at(9))):
            with pytest.raises(RequestReused):
                book(*changed, request_id=key)

        assert Appointment.objects.count() == 1

    def test_past_is_refused(self):
        refused(InThePast, working_doctor(), now=at(9, 1))

    def test_doctor_without_a_session_on_that_day_is_refused(self):
        refused(OutsideHours, DoctorFactory())
        refused(OutsideHours, SessionFactory(weekday=2).doctor)

    @pytest.mark.parametrize("start", [at(9, 5), at(7, 45), at(20)])
    def test_time_that_is_no_slot_is_refused(self, start):
        refused(OutsideHours, working_doctor(), start=start)

    @pytest.mark.parametrize("end", [at(9, 20), at(20, 15)])
    def test_end_that_is_no_boundary_of_the_session_is_refused(self, end):
        refused(OutsideHours, working_doctor(), end=end)

    @pytest.mark.parametrize("end", [at(9), at(8), at(22)])
    def test_end_before_the_start_or_far_behind_it_is_no_sense(self, end):
        assert "end" in refused(InvalidInput, working_doctor(), end=end).errors

    def test_time_years_ahead_is_no_sense(self):
        refused(InvalidInput, working_doctor(), start=at(9) + timedelta(days=4000))

    def test_leave_and_holiday_are_refused(self):
        doctor = working_doctor()
        ExceptionFactory(doctor=doctor, kind="leave")
        refused(DoctorOnLeave, doctor)
        ExceptionFactory(doctor=None, kind="holiday")
        refused(OutsideHours, working_doctor())

    def test_deactivated_patient_and_doctor_are_refused(self):
        refused(PatientInactive, working_doctor(), patient=PatientFactory(status="inactive", deactivated_reason="moved away"))
        refused(DoctorInactive, working_doctor(is_active=False))

    def test_taken_slot_is_refused(self):
        doctor = working_doctor()
        book(doctor, start=at(9), end=at(9, 30))

        refused(SlotTaken, doctor, start=at(9, 15))

    def test_patient_in_two_places_is_refused(self):
        patient = PatientFactory()
        book(working_doctor(), patient)

        refused(PatientBusy, working_doctor(), patient=patient)

    def test_cancelled_slot_is_free_again(self):
        doctor = working_doctor()
        booking.cancel_appointment(appointment_id=book(doctor).pk, reason="ill", by=None, now=EARLY)

        assert book(doctor).status == "booked"


@pytest.mark.django_db
class TestOverbooking:
    def test_lies_over_others_and_outside_the_hours_with_a_reason(self, desk):
        doctor = working_doctor()
        book(doctor)

        over = book(doctor, by=desk, overbook_reason="emergency")
        late = book(doctor, by=desk, start=at(21, 7), overbook_reason="emergency")

        assert (over.is_overbooked, over.overbook_reason) == (True, "emergency")
        assert late.ends_at == at(21, 7) + timedelta(minutes=doctor.slot_minutes)

    def test_is_never_in_the_past(self, desk):
        refused(InThePast, working_doctor(), by=desk, now=at(10), overbook_reason="emergency")

    def test_needs_its_permission(self):
        refused(Forbidden, working_doctor(), by=user(Role.DOCTOR), overbook_reason="emergency")

    def test_keeps_later_bookings_away_after_the_first_is_cancelled(self, desk):
        doctor = working_doctor()
        first = book(doctor)
        book(doctor, by=desk, overbook_reason="emergency")
        booking.cancel_appointment(appointment_id=first.pk, reason="ill", by=None, now=EARLY)

        refused(SlotTaken, doctor)


@pytest.mark.django_db
class TestClosing:
    def test_cancelling_needs_a_reason(self):
        appointment = AppointmentFactory()

        with pytest.raises(InvalidInput):
            booking.cancel_appointment(appointment_id=appointment.pk, reason="  ", by=None, now=EARLY)

        appointment.refresh_from_db()
        assert appointment.status == "booked"

    @pytest.mark.parametrize("status", ["completed", "no_show", "in_consultation"])
    def test_what_is_over_cannot_be_cancelled(self, status):
        appointment = AppointmentFactory(status=status)

        with pytest.raises(WrongStatus):
            booking.cancel_appointment(appointment_id=appointment.pk, reason="ill", by=None, now=EARLY)

    def test_cancelling_takes_the_token_out_of_the_queue(self):
        appointment = book(working_doctor())
        token = queueing.check_in(appointment_id=appointment.pk, by=None, now=at(8, 50))

        booking.cancel_appointment(appointment_id=appointment.pk, reason="went home", by=None, now=at(9))

        assert Token.objects.get(pk=token.pk).status == "left"

    def test_who_checked_in_and_did_not_come_is_out_of_the_queue(self):
        appointment = book(working_doctor())
        token = queueing.check_in(appointment_id=appointment.pk, by=None, now=at(8, 50))

        booking.mark_no_show(appointment_id=appointment.pk, by=None, now=at(9))

        assert Token.objects.get(pk=token.pk).status == "no_show"

    def test_no_show_before_the_appointment_is_refused(self):
        appointment = AppointmentFactory()

        with pytest.raises(TooEarly):
            booking.mark_no_show(appointment_id=appointment.pk, by=None, now=at(8, 59))

        booking.mark_no_show(appointment_id=appointment.pk, by=None, now=at(9))
        appointment.refresh_from_db()
        assert appointment.status == "no_show"


@pytest.mark.django_db
class TestRescheduling:
    def move(self, appointment, start, **wishes):
        return booking.reschedule_appointment(appointment_id=appointment.pk, start=start, **({"by": None, "now": EARLY} | wishes))

    def test_new_appointment_takes_the_place_of_the_old_one(self):
        doctor = working_doctor()
        old = book(doctor, reason="cough")

        new = self.move(old, at(10))

        old.refresh_from_db()
        assert (old.status, old.rescheduled_to) == ("rescheduled", new)
        assert (new.status, new.starts_at, new.reason, new.patient) == ("booked", at(10), "cough", old.patient)
        assert book(doctor).status == "booked"

    def test_may_overlap_its_own_old_time_and_keeps_its_length(self):
        old = book(working_doctor(), end=at(9, 30))

        new = self.move(old, at(9, 15))

        assert (new.starts_at, new.ends_at) == (at(9, 15), at(9, 45))

    def test_goes_to_another_doctor(self):
        other = working_doctor()

        assert self.move(book(working_doctor()), at(9), doctor_id=other.pk).doctor == other

    def test_refusal_leaves_the_old_one_booked(self):
        doctor = working_doctor()
        book(doctor, start=at(10))
        old = book(doctor)

        with pytest.raises(SlotTaken):
            self.move(old, at(10))

        old.refresh_from_db()
        assert (old.status, old.rescheduled_to_id) == ("booked", None)
        assert Appointment.objects.count() == 2

    def test_repeated_request_returns_the_first_result(self):
        old, key = book(working_doctor()), uuid4()

        assert self.move(old, at(10), request_id=key) == self.move(old, at(10), request_id=key)

    def test_goes_neither_to_nor_with_somebody_who_is_inactive(self):
        patient, gone = PatientFactory(), working_doctor()
        old = book(working_doctor(), patient)
        type(gone).objects.filter(pk=gone.pk).update(is_active=False)
        with pytest.raises(DoctorInactive):
            self.move(old, at(10), doctor_id=gone.pk)
        type(patient).objects.filter(pk=patient.pk).update(status="inactive", deactivated_reason="moved away")
        with pytest.raises(PatientInactive):
            self.move(old, at(10))

        assert Appointment.objects.get().status == "booked"

    def test_a_form_that_was_changed_after_it_was_sent_moves_nothing_silently(self):
        doctor, key = working_doctor(), uuid4()
        old, other = book(doctor), book(doctor, start=at(11))
        moved = self.move(old, at(10), request_id=key)

        for row, start in ((moved, at(12)), (other, at(10))):
            with pytest.raises(RequestReused):
                self.move(row, start, request_id=key)

        assert Appointment.objects.count() == 3

    def test_only_a_booked_one_moves(self):
        with pytest.raises(WrongStatus):
            self.move(AppointmentFactory(doctor=working_doctor(), status="completed"), at(10))


@pytest.mark.django_db
class TestHolds:
    def test_held_time_is_booked_with_the_hold_only(self, desk):
        doctor = working_doctor()
        held = holds.hold_slot(doctor=doctor, start=at(9), by=desk, now=EARLY)

        refused(SlotHeld, doctor)
        refused(SlotHeld, doctor, hold="guessed")

        assert book(doctor, hold=held.token).status == "booked"

    def test_the_holder_books_it_though_the_answer_with_the_hold_is_still_under_way(self, desk):
        doctor = working_doctor()
        holds.hold_slot(doctor=doctor, start=at(9), by=desk, now=EARLY)

        refused(SlotHeld, doctor, by=user(Role.RECEPTION))
        assert book(doctor, by=desk).status == "booked"

    def test_second_person_cannot_hold_it(self, desk):
        doctor = working_doctor()
        holds.hold_slot(doctor=doctor, start=at(9), by=desk, now=EARLY)

        with pytest.raises(SlotHeld):
            holds.hold_slot(doctor=doctor, start=at(9), by=user(Role.RECEPTION), now=EARLY)

    def test_same_person_holds_it_anew(self, desk):
        doctor = working_doctor()
        first, second = (holds.hold_slot(doctor=doctor, start=at(9), by=desk, now=EARLY) for _ in range(2))

        refused(SlotHeld, doctor, hold=first.token)
        assert book(doctor, hold=second.token).status == "booked"

    @pytest.mark.parametrize(("start", "error"), [(at(6), InThePast), (at(9, 5), OutsideHours)])
    def test_only_a_free_slot_is_held(self, desk, start, error):
        with pytest.raises(error):
            holds.hold_slot(doctor=working_doctor(), start=start, by=desk, now=EARLY)

    def test_taken_slot_is_not_held(self, desk):
        doctor = working_doctor()
        book(doctor)

        with pytest.raises(SlotTaken):
            holds.hold_slot(doctor=doctor, start=at(9), by=desk, now=EARLY)

    def test_without_redis_booking_goes_on(self, desk, settings):
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
        doctor = working_doctor()

        held = holds.hold_slot(doctor=doctor, start=at(9), by=desk, now=EARLY)

        assert held.token == ""
        assert book(doctor).status == "booked"
