import threading
from uuid import uuid4

import pytest
from django.db import connection

from clinic.core.errors import InvalidInput, RequestReused
from pharmacy import locks
from pharmacy.errors import InsufficientStock, OverReturned
from pharmacy.models import Batch, DispenseReturn, Prescription, PrescriptionStatus
from pharmacy.services.expiring import expire_prescriptions
from pharmacy.services.returning import return_dispensed
from pharmacy.services.stock import change_batch_state
from pharmacy.tests.factories import dispensed, line_of, pharmacist, signed, soon, stocked

pytestmark = pytest.mark.django_db


def take_back(dispense, quantity=None, **changes):
    lines = None if quantity is None else [{"line": dispense.lines.get().public_id, "quantity": quantity}]
    values = {"to": "batch", "reason": "unused", "by": dispense.dispensed_by, "lines": lines, "request_id": uuid4()} | changes
    return return_dispensed(dispense_id=dispense.pk, **values)


def test_units_go_back_to_their_batch_and_may_go_out_again():
    batch = stocked(10)
    dispense = dispensed(signed(line_of(batch.medicine, 6)))

    take_back(dispense, 2)

    batch.refresh_from_db()
    dispense.prescription.refresh_from_db()
    item = dispense.prescription.items.get()
    assert (batch.on_hand, dispense.lines.get().returned_quantity, item.dispensed_quantity) == (6, 2, 4)
    assert dispense.prescription.status == PrescriptionStatus.PARTIALLY_DISPENSED
    assert batch.movements.last().kind == "RETURN"


def test_all_of_it_makes_the_prescription_as_it_was():
    batch = stocked(10)
    dispense = dispensed(signed(line_of(batch.medicine, 6)))

    take_back(dispense)

    dispense.prescription.refresh_from_db()
    assert dispense.prescription.status == PrescriptionStatus.SIGNED
    with pytest.raises(OverReturned):
        take_back(dispense)


def test_what_comes_back_of_an_expired_prescription_does_not_revive_it():
    batch = stocked(10)
    dispense = dispensed(signed(line_of(batch.medicine, 6, repeats=1)))
    expire_prescriptions(on=dispense.prescription.valid_until)

    take_back(dispense, 2)

    dispense.prescription.refresh_from_db()
    assert dispense.prescription.status == PrescriptionStatus.EXPIRED
    assert dispense.prescription.items.get().dispensed_quantity == 4


def test_what_comes_back_of_a_recalled_lot_is_set_aside_as_recalled():
    batch = stocked(10)
    dispense = dispensed(signed(line_of(batch.medicine, 6)))
    change_batch_state(batch_id=batch.pk, to="recalled", reason="glass", by=None)

    take_back(dispense, 6, to="quarantine")
    connection.check_constraints()

    assert Batch.objects.get(returned_from=batch).state == "recalled"


def test_what_went_out_of_two_batches_comes_back_together():
    sooner = stocked(4, expires_on=soon(100))
    later = stocked(10, medicine=sooner.medicine)
    dispense = dispensed(signed(line_of(sooner.medicine, 6)))

    take_back(dispense)
    connection.check_constraints()

    assert dict(Batch.objects.values_list("pk", "on_hand")) == {sooner.pk: 4, later.pk: 10}
    assert dispense.prescription.items.get().dispensed_quantity == 0


def test_quarantine_keeps_what_came_back_apart_from_what_never_left():
    batch = stocked(10, lot="Q1")
    dispense = dispensed(signed(line_of(batch.medicine, 6)))

    take_back(dispense, 2, to="quarantine")
    take_back(dispense, 1, to="quarantine")

    batch.refresh_from_db()
    aside = Batch.objects.get(returned_from=batch)
    assert (batch.on_hand, aside.on_hand, aside.lot, aside.state, aside.received_quantity) == (4, 3, "Q1", "quarantined", 3)
    with pytest.raises(InsufficientStock):
        dispensed(signed(line_of(batch.medicine, 5)))


def test_what_comes_back_after_a_release_is_set_aside_again():
    batch = stocked(10)
    dispense = dispensed(signed(line_of(batch.medicine, 6)))
    take_back(dispense, 1, to="quarantine")
    change_batch_state(batch_id=Batch.objects.get(returned_from=batch).pk, to="available", reason="sealed", by=None)

    take_back(dispense, 1, to="quarantine")

    assert Batch.objects.get(returned_from=batch).state == "quarantined"


def test_a_recall_takes_what_came_back_with_it():
    batch = stocked(10)
    take_back(dispensed(signed(line_of(batch.medicine, 6))), 2, to="quarantine")

    change_batch_state(batch_id=batch.pk, to="recalled", reason="letter", by=None)

    assert set(Batch.objects.values_list("state", flat=True)) == {"recalled"}


def test_at_most_what_was_given_comes_back():
    batch = stocked(10)
    dispense = dispensed(signed(line_of(batch.medicine, 6)))
    take_back(dispense, 4)

    with pytest.raises(OverReturned):
        take_back(dispense, 3)

    batch.refresh_from_db()
    assert (batch.on_hand, DispenseReturn.objects.count()) == (8, 1)


def test_the_same_request_id_has_one_effect():
    batch = stocked(10)
    dispense = dispensed(signed(line_of(batch.medicine, 6)))
    request_id = uuid4()

    first, second = take_back(dispense, 2, request_id=request_id), take_back(dispense, 2, request_id=request_id)

    batch.refresh_from_db()
    assert (first, batch.on_hand) == (second, 6)
    with pytest.raises(RequestReused):
        take_back(dispensed(signed(line_of(batch.medicine, 1))), 1, request_id=request_id)


@pytest.mark.parametrize("other", [{"quantity": 3}, {"to": "quarantine"}])
def test_a_form_that_comes_back_with_something_else_is_not_said_to_be_done(other):
    batch = stocked(10)
    dispense = dispensed(signed(line_of(batch.medicine, 6)))
    said = {"quantity": 2, "request_id": uuid4()}
    take_back(dispense, **said)

    with pytest.raises(RequestReused):
        take_back(dispense, **said | other)

    batch.refresh_from_db()
    assert batch.on_hand == 6


def test_all_that_is_left_is_taken_back_once():
    dispense, request_id = dispensed(signed(line_of(stocked(10).medicine, 6))), uuid4()

    assert take_back(dispense, request_id=request_id) == take_back(dispense, request_id=request_id)


@pytest.mark.parametrize("changes", [{"reason": " "}, {"to": "bin"}, {"lines": []}, {"lines": [{"line": uuid4(), "quantity": 1}]}])
def test_a_return_that_makes_no_sense_is_refused(changes):
    batch = stocked(10)
    dispense = dispensed(signed(line_of(batch.medicine, 6)))

    with pytest.raises(InvalidInput):
        take_back(dispense, **changes)

    batch.refresh_from_db()
    assert (batch.on_hand, DispenseReturn.objects.exists()) == (4, False)


@pytest.mark.django_db(transaction=True)
def test_two_threads_that_take_back_the_same_units_count_them_once(at_once):
    batch = stocked(10)
    dispense = dispensed(signed(line_of(batch.medicine, 6)), by=pharmacist())

    results = at_once(lambda: take_back(dispense, 6), lambda: take_back(dispense, 6))

    assert sorted(type(result).__name__ for result in results) == ["DispenseReturn", "OverReturned"]
    batch.refresh_from_db()
    assert batch.on_hand == 10


@pytest.mark.django_db(transaction=True)
def test_without_the_prescriptions_lock_the_database_stops_the_second_return(at_once, monkeypatch):
    """The negative control: both find 6 to take back, and the line would have returned them twice."""
    batch = stocked(10)
    dispense = dispensed(signed(line_of(batch.medicine, 6)), by=pharmacist())
    both_have_read = threading.Barrier(2)
    lock_batches = locks.lock_batches

    def wait_then_lock(*args):
        both_have_read.wait(10)
        return lock_batches(*args)

    monkeypatch.setattr(locks, "lock_prescription", lambda pk: Prescription.objects.select_related("patient").get(pk=pk))
    monkeypatch.setattr(locks, "lock_batches", wait_then_lock)

    results = at_once(lambda: take_back(dispense, 6), lambda: take_back(dispense, 6))

    assert sorted(type(result).__name__ for result in results) == ["DispenseReturn", "IntegrityError"]
    batch.refresh_from_db()
    assert batch.on_hand == 10
