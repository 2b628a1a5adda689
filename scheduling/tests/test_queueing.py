from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import transaction

from clinic.accounts.tests.factories import DepartmentFactory, DoctorFactory
from clinic.core.errors import InvalidInput, RequestReused
from patients.errors import DoctorInactive, PatientInactive
from scheduling.errors import (
    AlreadyCheckedIn,
    AlreadyInQueue,
    EmptyQueue,
    NotToday,
    RoomOccupied,
    WrongStatus,
)
from scheduling.models import QueueDay, Token
from scheduling.selectors.queue import queue_rows, token_row, tokens_on
from scheduling.services import queueing
from scheduling.services.queues import queue_of
from scheduling.tests.factories import DAY, AppointmentFactory, PatientFactory, at, working_doctor
from scheduling.tests.steps import NOW, arrive, change, check_in, status_of


@pytest.mark.django_db
class TestCheckIn:
    def test_gives_a_token_in_the_doctors_queue(self, desk):
        appointment = AppointmentFactory()

        token = queueing.check_in(appointment_id=appointment.pk, by=desk, now=NOW)

        assert (token.queue.doctor, token.number, token.on, token.status) == (appointment.doctor, 1, DAY, "waiting")
        assert (token.patient, token.appointment, token.effective_at) == (appointment.patient, appointment, at(9))
        assert status_of(appointment) == "checked_in"
        [transition] = token.transitions.all()
        assert (transition.from_status, transition.to_status, transition.by, transition.at) == ("", "waiting", desk, NOW)

    def test_late_arrival_counts_from_the_arrival(self):
        assert check_in(AppointmentFactory(), now=at(9, 10)).effective_at == at(9, 10)

    @pytest.mark.parametrize("now", [at(9) - timedelta(days=1), at(9) + timedelta(days=1)])
    def test_only_on_its_day(self, now):
        with pytest.raises(NotToday):
            check_in(AppointmentFactory(), now=now)

        assert not Token.objects.exists()

    def test_second_check_in_is_refused_and_a_repeated_one_answers_the_same(self):
        appointment, key = AppointmentFactory(), uuid4()
        token = check_in(appointment, request_id=key)

        assert check_in(appointment, request_id=key) == token
        with pytest.raises(AlreadyCheckedIn):
            check_in(appointment)
        assert Token.objects.count() == 1

    def test_the_request_of_another_token_is_refused(self):
        patient, doctor, key = PatientFactory(), working_doctor(), uuid4()
        arrive(doctor, patient=patient, request_id=key)

        for again in (
            lambda: arrive(doctor, request_id=key),
            lambda: arrive(working_doctor(), patient=patient, request_id=key),
            lambda: check_in(AppointmentFactory(), request_id=key),
        ):
            with pytest.raises(RequestReused):
                again()

        assert Token.objects.count() == 1

    @pytest.mark.parametrize("status", ["completed", "no_show"])
    def test_closed_appointment_is_refused(self, status):
        with pytest.raises(WrongStatus):
            check_in(AppointmentFactory(status=status))

    def test_deactivated_patient_is_refused(self):
        appointment = AppointmentFactory(patient=PatientFactory(status="inactive", deactivated_reason="moved"))

        with pytest.raises(PatientInactive):
            check_in(appointment)

        assert status_of(appointment) == "booked"


@pytest.mark.django_db
class TestWalkIn:
    def test_joins_the_queue_of_a_department_or_a_doctor(self):
        department, doctor = DepartmentFactory(name="Cardiology"), DoctorFactory()

        assert arrive(department=department).label == "C-1"
        assert arrive(doctor=doctor).queue.doctor == doctor

    def test_needs_exactly_one_of_them(self):
        for owners in ({}, {"doctor": DoctorFactory(), "department": DepartmentFactory()}):
            with pytest.raises(InvalidInput):
                arrive(**owners)

    def test_inactive_doctor_or_patient_is_refused(self):
        with pytest.raises(DoctorInactive):
            arrive(doctor=DoctorFactory(is_active=False))
        with pytest.raises(PatientInactive):
            arrive(doctor=DoctorFactory(), patient=PatientFactory(status="inactive", deactivated_reason="moved"))
        assert not Token.objects.exists()

    def test_one_open_token_per_patient_and_queue(self):
        doctor, patient = DoctorFactory(), PatientFactory()
        first = arrive(doctor, patient=patient)

        with pytest.raises(AlreadyInQueue):
            arrive(doctor, patient=patient)
        assert QueueDay.objects.get().last_number == 1

        change(first, "left")
        assert arrive(doctor, patient=patient).number == 2
        assert arrive(DoctorFactory(), patient=patient).number == 1

    def test_token_left_over_from_yesterday_does_not_bar_the_way(self):
        doctor, patient = DoctorFactory(), PatientFactory()
        old = arrive(doctor, patient=patient, now=NOW - timedelta(days=1))

        assert arrive(doctor, patient=patient).number == 1
        assert status_of(old) == "left"

    def test_numbers_begin_at_one_each_day_and_leave_no_gap(self):
        doctor = DoctorFactory()

        assert [arrive(doctor).number for _ in range(3)] == [1, 2, 3]
        with transaction.atomic():
            arrive(doctor)
            transaction.set_rollback(True)
        assert arrive(doctor).number == 4
        assert arrive(doctor, now=NOW + timedelta(days=1)).number == 1


@pytest.mark.django_db
class TestOrder:
    def test_follows_the_time_that_counts_less_the_head_start_of_the_priority(self):
        doctor = DoctorFactory()
        late = check_in(AppointmentFactory(doctor=doctor), now=at(9, 30))
        early = check_in(AppointmentFactory(doctor=doctor, during=(at(9, 15), at(9, 30))), now=at(8))
        routine = arrive(doctor, now=at(8, 30))
        emergency = arrive(doctor, now=at(9, 40), priority="emergency")
        urgent = arrive(doctor, now=at(9, 35), priority="urgent")

        called = [queueing.call_next(queue_id=routine.queue_id, by=None, now=at(10)) for _ in range(5)]

        assert called == [emergency, routine, urgent, early, late]
        with pytest.raises(EmptyQueue):
            queueing.call_next(queue_id=routine.queue_id, by=None, now=at(10))

    def test_position_and_wait_agree_in_list_and_single(self):
        doctor = DoctorFactory()
        tokens = [arrive(doctor, now=at(9, minute)) for minute in range(8)]
        for minute in (10, 20, 30, 40):
            queueing.call_next(queue_id=tokens[0].queue_id, by=None, now=at(9, minute))

        rows = {row["number"]: row for row in queue_rows(tokens_on(DAY, doctor=doctor.public_id))}

        assert [rows[n]["position"] for n in range(1, 9)] == [None] * 4 + [1, 2, 3, 4]
        assert rows[6]["estimated_wait"] == {"low": 10, "high": 20}
        single = token_row(tokens[5].pk)
        assert (single["position"], single["estimated_wait"]) == (2, {"low": 10, "high": 20})

    def test_doctor_calls_from_the_own_queue_only(self):
        department = DepartmentFactory()
        doctor = DoctorFactory(department=department)
        arrive(department=department)

        with pytest.raises(EmptyQueue):
            queueing.call_next(queue_id=queue_of(doctor=doctor).pk, by=None, now=NOW)

    def test_yesterdays_tokens_are_not_called(self):
        token = arrive(DoctorFactory(), now=NOW - timedelta(days=1))

        with pytest.raises(EmptyQueue):
            queueing.call_next(queue_id=token.queue_id, by=None, now=NOW)


@pytest.mark.django_db
class TestChanges:
    def test_each_change_is_a_row(self, desk):
        token = arrive(DoctorFactory())
        queueing.call_next(queue_id=token.queue_id, by=desk, now=NOW, room="3")
        change(token, "in_service")
        change(token, "done")

        rows = list(token.transitions.values_list("from_status", "to_status", "room"))
        assert rows == [("", "waiting", ""), ("waiting", "called", "3"), ("called", "in_service", "3"), ("in_service", "done", "3")]
        token.refresh_from_db()
        assert (token.called_at, token.closed_at) == (NOW, NOW)

    @pytest.mark.parametrize(("steps", "refused"), [((), "done"), (("left",), "waiting"), (("called", "in_service"), "waiting")])
    def test_only_along_the_table(self, steps, refused):
        token = arrive(DoctorFactory())
        for step in steps:
            change(token, step)

        with pytest.raises(WrongStatus):
            change(token, refused)

        assert token.transitions.count() == 1 + len(steps)

    def test_same_status_again_changes_nothing(self):
        token = arrive(DoctorFactory())

        change(token, "waiting")

        assert token.transitions.count() == 1

    def test_room_has_one_current_patient(self):
        doctor = DoctorFactory()
        tokens = [arrive(doctor) for _ in range(2)]
        queueing.call_next(queue_id=tokens[0].queue_id, by=None, now=NOW, room="3")

        with pytest.raises(RoomOccupied), transaction.atomic():
            queueing.call_next(queue_id=tokens[0].queue_id, by=None, now=NOW, room=" 3 ")

        assert status_of(tokens[1]) == "waiting"

    @pytest.mark.parametrize(
        ("steps", "appointment_status"),
        [
            (["called"], "checked_in"),
            (["called", "in_service"], "in_consultation"),
            (["called", "in_service", "done"], "completed"),
            (["called", "done"], "completed"),
            (["no_show"], "no_show"),
            (["left"], "cancelled"),
            (["called", "in_service", "left"], "completed"),
        ],
    )
    def test_appointment_goes_along(self, steps, appointment_status):
        appointment = AppointmentFactory()
        token = check_in(appointment)

        for step in steps:
            change(token, step)

        assert status_of(appointment) == appointment_status


@pytest.mark.django_db
def test_codes_are_short_and_unique():
    names = ["Cardiology", "Chirurgy", "Cardiac Care", "Ördög", "内科", "内科 2"]

    codes = [queue_of(department=DepartmentFactory(name=name)).code for name in names]

    assert codes[0] == "C"
    assert len(set(codes)) == len(codes)
    assert all(code.isascii() and code.isalpha() and len(code) <= 4 for code in codes)
