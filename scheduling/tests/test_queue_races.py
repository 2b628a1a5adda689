from uuid import uuid4

import pytest
from django.db import transaction

from clinic.accounts.tests.factories import DepartmentFactory, DoctorFactory
from scheduling import locks
from scheduling.models import Appointment, Queue, QueueDay, Token, TokenTransition
from scheduling.services import queueing
from scheduling.services.visits import start_visit
from scheduling.tests.factories import DAY, AppointmentFactory, PatientFactory, QueueFactory
from scheduling.tests.steps import NOW, arrive, check_in, status_of


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_sixteen_arrivals_get_the_numbers_one_to_sixteen(self, at_once):
        department, patients = DepartmentFactory(), [PatientFactory() for _ in range(16)]

        at_once(*[lambda patient=patient: arrive(department=department, patient=patient) for patient in patients])

        assert sorted(Token.objects.values_list("number", flat=True)) == list(range(1, 17))
        assert Queue.objects.count() == 1

    def test_without_the_lock_arrivals_take_the_same_number(self, at_once, monkeypatch):
        """The negative control: a counter that is read without its lock; the unique constraint then refuses."""
        monkeypatch.setattr(locks, "lock_queue_day", lambda queue_id, on: QueueDay.objects.get_or_create(queue_id=queue_id, on=on)[0])
        department, patients = DepartmentFactory(), [PatientFactory() for _ in range(16)]

        results = at_once(*[lambda patient=patient: arrive(department=department, patient=patient) for patient in patients])

        assert any("token_number_once_per_queue_and_day" in str(result.__cause__) for result in results if isinstance(result, Exception))

    def test_count_plus_one_duplicates(self, at_once):
        """The negative control of the counter itself."""
        queue = QueueFactory()

        def count_plus_one():
            with transaction.atomic():
                return Token.objects.filter(queue=queue, on=DAY).count() + 1

        assert len(set(at_once(*[count_plus_one] * 8))) < 8

    def test_eight_consoles_never_call_one_token_twice(self, at_once):
        doctor = DoctorFactory()
        tokens = [arrive(doctor) for _ in range(20)]

        def call():
            return queueing.call_next(queue_id=tokens[0].queue_id, by=None, now=NOW)

        called = [token for _ in range(2) for token in at_once(*[call] * 8)]

        assert len({token.pk for token in called}) == 16
        assert {token.number for token in called} == set(range(1, 17))
        assert TokenTransition.objects.filter(to_status="called").count() == 16

    def test_token_that_someone_is_taking_is_passed_over_at_once(self, at_once):
        doctor = DoctorFactory()
        first, second = (arrive(doctor) for _ in range(2))

        with transaction.atomic():
            assert locks.lock_next_token(first.queue_id, DAY) == first
            [called] = at_once(lambda: queueing.call_next(queue_id=first.queue_id, by=None, now=NOW))

        assert called == second

    def test_without_the_lock_one_token_is_called_twice(self, at_once, monkeypatch):
        """The negative control: a plain read of the first waiting token."""
        doctor = DoctorFactory()
        tokens = [arrive(doctor) for _ in range(20)]
        monkeypatch.setattr(
            locks,
            "lock_next_token",
            lambda queue_id, on: Token.objects.filter(queue_id=queue_id, status="waiting").order_by("turn_at", "id").first(),
        )

        called = at_once(*[lambda: queueing.call_next(queue_id=tokens[0].queue_id, by=None, now=NOW)] * 8)

        assert len({token.pk for token in called}) < 8

    def test_double_press_of_call_next_calls_one(self, at_once):
        doctor, press = DoctorFactory(), uuid4()
        first, *_ = [arrive(doctor) for _ in range(8)]

        called = at_once(*[lambda: queueing.call_next(queue_id=first.queue_id, by=None, now=NOW, request_id=press)] * 8)

        assert {token.number for token in called} == {1}
        assert Token.objects.filter(status="waiting").count() == 7

    def test_without_the_lock_a_double_press_is_refused_by_the_constraint(self, at_once, monkeypatch):
        """The negative control: presses that do not wait for each other each take a token of their own."""
        monkeypatch.setattr(locks, "lock_request", lambda request_id: None)
        doctor, press = DoctorFactory(), uuid4()
        first, *_ = [arrive(doctor) for _ in range(8)]

        called = at_once(*[lambda: queueing.call_next(queue_id=first.queue_id, by=None, now=NOW, request_id=press)] * 8)

        assert any("token_transition_once_per_request" in str(error) for error in called if isinstance(error, Exception))

    def test_double_press_of_undo_takes_back_one_change(self, at_once):
        token, press = arrive(DoctorFactory()), uuid4()
        queueing.call_next(queue_id=token.queue_id, by=None, now=NOW)

        at_once(*[lambda: queueing.undo_last_change(token_id=token.pk, by=None, now=NOW, request_id=press)] * 4)

        assert status_of(token) == "waiting"

    def test_double_click_on_check_in_gives_one_token(self, at_once):
        appointment, key = AppointmentFactory(), uuid4()

        same = at_once(*[lambda: check_in(appointment, request_id=key)] * 4)

        assert len({token.pk for token in same}) == 1

    def test_two_desks_check_in_one_appointment_once(self, at_once):
        appointment = AppointmentFactory()

        results = at_once(*[lambda: check_in(appointment)] * 4)

        assert sorted(type(result).__name__ for result in results) == ["AlreadyCheckedIn"] * 3 + ["Token"]
        assert Token.objects.count() == 1

    def test_two_desks_walk_one_patient_in_once(self, at_once):
        doctor, patient = DoctorFactory(), PatientFactory()

        results = at_once(*[lambda: arrive(doctor, patient=patient)] * 4)

        assert sorted(type(result).__name__ for result in results) == ["AlreadyInQueue"] * 3 + ["Token"]

    def test_cancelling_races_with_checking_in(self, at_once):
        """Either may come first; appointment and token agree afterwards."""
        from scheduling.services.booking import cancel_appointment

        for _ in range(5):
            appointment = AppointmentFactory()
            at_once(
                lambda appointment=appointment: check_in(appointment),
                lambda appointment=appointment: cancel_appointment(appointment_id=appointment.pk, reason="ill", by=None, now=NOW),
            )
            assert status_of(appointment) == "cancelled"
            assert not Token.objects.open().filter(appointment=appointment).exists()

    def test_starting_a_visit_twice_at_once_gives_one_record(self, at_once):
        appointment = AppointmentFactory()
        token = check_in(appointment)

        visits = at_once(
            *[lambda: start_visit(appointment_id=appointment.pk, by=None), lambda: start_visit(token_id=token.pk, by=None)] * 2
        )

        assert len({visit.pk for visit in visits}) == 1
        assert Appointment.objects.get().encounter == visits[0]
