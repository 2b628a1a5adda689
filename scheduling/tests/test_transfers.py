"""To another queue, and back."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import transaction

from clinic.accounts.tests.factories import DepartmentFactory, DoctorFactory
from clinic.core.errors import InvalidInput
from patients.errors import DoctorInactive
from scheduling.errors import AlreadyInQueue, NothingToUndo, NotToday, WrongStatus
from scheduling.models import QueueDay, Token
from scheduling.services import queueing
from scheduling.services.transfers import transfer_token
from scheduling.services.visits import finish_visit, open_before_call, start_visit
from scheduling.tests.factories import DAY, AppointmentFactory, at
from scheduling.tests.steps import NOW, arrive, change, check_in, outcomes, status_of, undo, url, walk_in_now, words

pytestmark = pytest.mark.django_db


def transfer(token, doctor=None, department=None, **more):
    owner = {"doctor_id": doctor.pk if doctor else None, "department_id": department.pk if department else None}
    return transfer_token(**({"token_id": token.pk, "by": None, "now": NOW} | owner | more))


def test_closes_one_token_and_gives_another_that_waits_as_long():
    department = DepartmentFactory(name="X-ray")
    token = arrive(DoctorFactory(), now=at(8), priority="urgent")

    new = transfer(token, department=department)

    assert (status_of(token), new.status, new.label, new.transferred_from) == ("transferred", "waiting", "X-1", token)
    assert (new.patient, new.priority, new.effective_at, new.turn_at) == (token.patient, "urgent", token.effective_at, token.turn_at)
    assert list(token.transitions.values_list("to_status", flat=True)) == ["waiting", "transferred"]


def test_appointment_and_record_go_along_while_the_patient_waits():
    appointment, other = AppointmentFactory(), DoctorFactory()
    token = check_in(appointment)
    encounter = open_before_call(token_id=token.pk, by=None)

    new = transfer(token, other)

    token.refresh_from_db()
    assert (token.appointment, token.encounter, new.appointment, new.encounter) == (None, None, appointment, encounter)
    assert status_of(appointment) == "checked_in"


def test_doctor_of_the_other_queue_sees_the_patient():
    other = DoctorFactory()
    new = transfer(check_in(AppointmentFactory()), other)

    assert start_visit(token_id=new.pk, by=None).doctor == other


def test_visit_that_has_begun_stays_where_it_began():
    appointment = AppointmentFactory()
    token = check_in(appointment)
    encounter = start_visit(token_id=token.pk, by=None)

    new = transfer(token, department=DepartmentFactory())
    finish_visit(encounter_id=encounter.pk, by=None)

    assert (new.appointment, new.encounter) == (None, None)
    assert (status_of(token), status_of(new), status_of(appointment)) == ("transferred", "waiting", "completed")


def test_repeated_request_gives_the_same_token():
    token, doctor, press = arrive(DoctorFactory()), DoctorFactory(), uuid4()

    assert transfer(token, doctor, request_id=press) == transfer(token, doctor, request_id=press)
    assert Token.objects.count() == 2


def refused(error, token, *owner, **more):
    before = Token.objects.count()
    with pytest.raises(error), transaction.atomic():
        transfer(token, *owner, **more)
    assert Token.objects.count() == before
    assert not Token.objects.filter(status="transferred").exists()


def test_refusals_write_nothing():
    doctor, other = DoctorFactory(), DoctorFactory()
    token = arrive(doctor)
    arrive(other, patient=token.patient)

    refused(InvalidInput, token, doctor)
    refused(InvalidInput, token)
    refused(AlreadyInQueue, token, other)
    refused(DoctorInactive, token, DoctorFactory(is_active=False))
    refused(NotToday, token, DoctorFactory(), now=NOW + timedelta(days=1))
    change(token, "left")
    refused(WrongStatus, token, DoctorFactory())
    assert status_of(token) == "left"
    assert set(QueueDay.objects.filter(on=DAY).values_list("last_number", flat=True)) <= {0, 1}


@pytest.mark.parametrize("before", ["waiting", "called", "skipped"])
def test_undo_gives_back_the_former_place(before):
    appointment = AppointmentFactory()
    token = check_in(appointment)
    change(token, before)
    new = transfer(token, DoctorFactory())

    undo(new)

    token.refresh_from_db()
    assert (token.status, token.appointment, status_of(new), status_of(appointment)) == (before, appointment, "left", "checked_in")
    again = transfer(token, DoctorFactory())
    assert again.appointment == appointment


def test_undo_of_the_former_token_points_at_the_new_one():
    token = arrive(DoctorFactory())
    new = transfer(token, DoctorFactory())

    with pytest.raises(NothingToUndo) as refusal:
        undo(token)

    assert new.label in refusal.value.detail
    assert status_of(token) == "transferred"


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_transfer_races_with_a_call(self, at_once):
        """Either comes first; the patient has one open token, or the call found the queue empty."""
        for _ in range(5):
            token, doctor = arrive(DoctorFactory()), DoctorFactory()
            at_once(
                lambda token=token, doctor=doctor: transfer(token, doctor),
                lambda token=token: queueing.call_next(queue_id=token.queue_id, by=None, now=NOW),
            )
            assert [each.queue.doctor for each in Token.objects.open().filter(patient=token.patient)] == [doctor]

    def test_two_transfers_of_one_token_give_one(self, at_once):
        token = arrive(DoctorFactory())
        doctors = [DoctorFactory() for _ in range(4)]

        results = at_once(*[lambda doctor=doctor: transfer(token, doctor) for doctor in doctors])

        assert outcomes(results) == ["Token"] + ["WrongStatus"] * 3


class TestPage:
    def test_sends_the_patient_on_and_shows_the_new_token(self, client_as, desk):
        token, department = walk_in_now(DoctorFactory()), DepartmentFactory()
        web = client_as(desk)

        assert "To another queue" in words(web.get(url("token", token.public_id)))
        response = web.post(url("transfer", token.public_id), {"place": f"department:{department.public_id}", "request_id": uuid4()})

        new = Token.objects.get(transferred_from=token)
        assert response.url == url("token", new.public_id)
        assert "Transferred" in words(web.get(url("token", token.public_id)))

    @pytest.mark.parametrize("place", ["", "department:x", "nonsense"])
    def test_unknown_queue_is_refused_in_place(self, client_as, desk, place):
        token = walk_in_now(DoctorFactory())

        response = client_as(desk).post(url("transfer", token.public_id), {"place": place, "request_id": uuid4()})

        assert response.status_code == 400
        assert status_of(token) == "waiting"

    def test_same_queue_is_refused_in_place(self, client_as, desk):
        token = walk_in_now(DoctorFactory())
        place = f"doctor:{token.queue.doctor.public_id}"

        response = client_as(desk).post(url("transfer", token.public_id), {"place": place, "request_id": uuid4()})

        assert "in this queue already" in words(response)
        assert status_of(token) == "waiting"
