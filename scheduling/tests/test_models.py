"""Each rule that a row can hold, refused by the database itself."""

from datetime import date, time, timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from clinic.accounts.tests.factories import DepartmentFactory, DoctorFactory
from clinic.core.db import constraint_of
from scheduling.models import Queue, QueueDay, TokenTransition
from scheduling.tests.factories import (
    DAY,
    AppointmentFactory,
    ExceptionFactory,
    QueueFactory,
    SessionFactory,
    TokenFactory,
    at,
)

pytestmark = pytest.mark.django_db


def refused(name, make):
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        make()
    assert constraint_of(caught.value) == name


class TestAppointment:
    @pytest.mark.parametrize(
        ("name", "fields"),
        [
            ("appointment_has_a_length", {"during": DateTimeTZRange(at(9), at(9))}),
            ("appointment_at_most_12_hours", {"during": DateTimeTZRange(at(9), at(21, 1))}),
            ("appointment_has_bounds", {"during": DateTimeTZRange(at(9), None)}),
            ("appointment_overbooked_with_reason", {"is_overbooked": True}),
            ("appointment_cancelled_with_reason", {"status": "cancelled"}),
            ("appointment_rescheduled_to_another", {"status": "rescheduled"}),
        ],
    )
    def test_shape(self, name, fields):
        refused(name, lambda: AppointmentFactory(**fields))

    def test_booked_one_points_at_no_other(self):
        other = AppointmentFactory()
        refused("appointment_rescheduled_to_another", lambda: AppointmentFactory(during=(at(11), at(12)), rescheduled_to=other))

    @pytest.mark.parametrize("status", ["booked", "checked_in", "in_consultation"])
    def test_doctor_and_patient_are_in_one_place_at_a_time(self, status):
        first = AppointmentFactory(status=status)
        overlap = DateTimeTZRange(at(9, 14), at(9, 30))

        refused("appointment_doctor_booked_once", lambda: AppointmentFactory(doctor=first.doctor, during=overlap))
        refused("appointment_patient_booked_once", lambda: AppointmentFactory(patient=first.patient, during=overlap))
        AppointmentFactory(doctor=first.doctor, patient=first.patient, during=DateTimeTZRange(at(9, 15), at(9, 30)))

    @pytest.mark.parametrize("status", ["completed", "no_show"])
    def test_closed_one_takes_no_time(self, status):
        closed = AppointmentFactory(status=status)

        AppointmentFactory(doctor=closed.doctor, patient=closed.patient)

    def test_overbooked_one_may_overlap(self):
        first = AppointmentFactory()

        AppointmentFactory(doctor=first.doctor, patient=first.patient, is_overbooked=True, overbook_reason="urgent")

    def test_is_never_deleted(self):
        refused("appointment_kept", AppointmentFactory().delete)


class TestHours:
    @pytest.mark.parametrize(
        ("name", "fields"),
        [
            ("session_ends_after_start", {"starts": time(12), "ends": time(12)}),
            ("session_slot_within_5_to_240_min", {"slot_minutes": 4}),
            ("session_slot_within_5_to_240_min", {"slot_minutes": 241}),
            ("session_valid_period_not_empty", {"valid_from": date(2026, 1, 1), "valid_until": date(2026, 1, 1)}),
        ],
    )
    def test_session_makes_sense(self, name, fields):
        refused(name, lambda: SessionFactory(**fields))

    def test_sessions_of_a_doctor_never_overlap(self):
        first = SessionFactory(valid_until=date(2027, 1, 1))

        refused("session_of_a_doctor_never_overlaps", lambda: SessionFactory(doctor=first.doctor, starts=time(11), ends=time(13)))
        SessionFactory(doctor=first.doctor, starts=time(12), ends=time(13))
        SessionFactory(doctor=first.doctor, weekday=2)
        SessionFactory(doctor=first.doctor, valid_from=date(2027, 1, 1))
        SessionFactory()

    @pytest.mark.parametrize(
        ("name", "fields"),
        [
            ("exception_not_empty", {"during": DateTimeTZRange(at(9), at(9))}),
            ("exception_opens_for_a_doctor", {"kind": "open", "doctor": None}),
            ("exception_slot_within_5_to_240_min", {"slot_minutes": 1}),
        ],
    )
    def test_exception_makes_sense(self, name, fields):
        refused(name, lambda: ExceptionFactory(**fields))

    def test_hours_are_opened_once(self):
        first = ExceptionFactory(kind="open")

        refused("exception_opens_once", lambda: ExceptionFactory(kind="open", doctor=first.doctor))
        ExceptionFactory(kind="leave", doctor=first.doctor)
        ExceptionFactory(kind="open")


class TestQueue:
    def test_is_of_a_doctor_or_a_department(self):
        name = "queue_is_of_a_doctor_or_a_department"
        refused(name, lambda: Queue.objects.create(code="A"))
        refused(name, lambda: Queue.objects.create(code="A", doctor=DoctorFactory(), department=DepartmentFactory()))

    def test_counts_a_day_once(self):
        queue = QueueFactory()
        QueueDay.objects.create(queue=queue, on=DAY)

        refused("queue_day_once", lambda: QueueDay.objects.create(queue=queue, on=DAY))

    def test_gives_a_number_once_a_day(self):
        token = TokenFactory()

        refused("token_number_once_per_queue_and_day", lambda: TokenFactory(queue=token.queue, number=token.number))
        TokenFactory(queue=token.queue, number=token.number, on=DAY + timedelta(days=1))

    @pytest.mark.parametrize("status", ["waiting", "called", "in_service", "skipped"])
    def test_has_one_open_token_per_patient(self, status):
        token = TokenFactory(status=status)

        refused("token_one_open_per_patient_and_queue", lambda: TokenFactory(queue=token.queue, patient=token.patient))
        TokenFactory(queue=token.queue, patient=token.patient, status="done")
        TokenFactory(queue=token.queue)
        TokenFactory(patient=token.patient)

    @pytest.mark.parametrize("status", ["called", "in_service"])
    def test_room_has_one_current_patient(self, status):
        TokenFactory(status=status, room="3")

        refused("token_one_current_per_room", lambda: TokenFactory(status="called", room="3"))
        TokenFactory(status="called", room="4")
        TokenFactory(status="called", room="")
        TokenFactory(status="done", room="3")

    def test_band_is_the_priorities(self):
        refused("token_band_of_its_priority", lambda: TokenFactory(priority="urgent"))
        TokenFactory(priority="urgent", band=1)

    @pytest.mark.parametrize("fields", [{"to_priority": "urgent"}, {"to_priority": "urgent", "from_priority": "routine"}])
    def test_priority_changes_with_a_reason(self, fields):
        token = TokenFactory()

        refused("token_transition_priority_with_reason", lambda: TokenTransition.objects.create(token=token, to_status="waiting", **fields))

    def test_token_is_transferred_once(self):
        token = TokenFactory(status="transferred")
        TokenFactory(transferred_from=token)

        with pytest.raises(IntegrityError), transaction.atomic():
            TokenFactory(transferred_from=token)

    @pytest.mark.parametrize("told", [(5, 4), (5, None), (None, 5)])
    def test_prediction_is_a_range(self, told):
        low, high = told

        refused("token_prediction_is_a_range", lambda: TokenFactory(predicted_low_min=low, predicted_high_min=high))
        TokenFactory(predicted_low_min=0, predicted_high_min=0)

    def test_press_of_a_button_makes_one_transition(self):
        token, press = TokenFactory(), uuid4()
        TokenTransition.objects.create(token=token, to_status="called", request_id=press)

        def again():
            TokenTransition.objects.create(token=TokenFactory(), to_status="called", request_id=press)

        refused("token_transition_once_per_request", again)

    def test_tokens_and_their_transitions_stay(self):
        token = TokenFactory()
        transition = TokenTransition.objects.create(token=token, to_status="waiting")

        refused("token_kept", TokenFactory().delete)
        refused("token_transition_append_only", transition.delete)
        refused("token_transition_append_only", lambda: TokenTransition.objects.filter(pk=transition.pk).update(to_status="done"))
