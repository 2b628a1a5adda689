import pytest

from clinic.audit.models import OutboxEvent
from clinic.core.errors import InvalidInput, RequestReused
from pharmacy.errors import BatchStateRefused, NotOnHand
from pharmacy.models import Batch, Medicine, MovementKind, StockMovement, Store
from pharmacy.services import catalogue
from pharmacy.services.stock import adjust_batch, change_batch_state, receive_batch, update_batch
from pharmacy.tests.factories import TODAY, MedicineFactory, pharmacist, soon, stocked


def receive(medicine, quantity=10, **changes):
    values = {"lot": "L1", "expires_on": soon(300), "unit_cost": "0.10", "by": None, "on": TODAY} | changes
    return receive_batch(medicine_id=medicine.pk, quantity=quantity, **values)


pytestmark = pytest.mark.django_db
REQUEST = "6f3c2f0e-7d58-4a0c-8a8e-1f1f5b0c7a01"


def test_what_came_in_is_on_hand_in_the_ledger_and_in_the_audit():
    who = pharmacist()

    batch = receive(MedicineFactory(), 10, by=who)

    movement = batch.movements.get()
    assert (batch.on_hand, movement.kind, movement.quantity, movement.balance, movement.by) == (10, "IN", 10, 10, who)
    assert OutboxEvent.objects.filter(action="pharmacy.batch.received", resource_id=batch.public_id, actor=who).count() == 1


def test_the_same_receipt_counts_once():
    medicine = MedicineFactory()

    first, second = receive(medicine, request_id=REQUEST), receive(medicine, request_id=REQUEST)

    assert first == second
    assert Batch.objects.get().on_hand == 10


@pytest.mark.parametrize("other", [{"lot": "Z9"}, {"expires_on": soon(401)}, {"quantity": 9}], ids=str)
def test_a_form_that_was_sent_is_not_taken_for_another_receipt(other):
    medicine = MedicineFactory()
    receive(medicine, request_id=REQUEST)

    with pytest.raises(RequestReused):
        receive(medicine, **({"request_id": REQUEST} | other))
    with pytest.raises(RequestReused):
        receive(MedicineFactory(), request_id=REQUEST)

    assert StockMovement.objects.count() == 1


@pytest.mark.parametrize("other", [{"quantity": -2}, {"kind": MovementKind.WASTE}], ids=str)
def test_a_form_that_was_sent_is_not_taken_for_another_correction(other):
    batch, another, values = stocked(10), stocked(10), {"quantity": -3, "reason": "lost", "by": pharmacist(), "request_id": REQUEST}
    adjust_batch(batch_id=batch.pk, **values)
    assert adjust_batch(batch_id=batch.pk, **values).on_hand == 7

    with pytest.raises(RequestReused):
        adjust_batch(batch_id=batch.pk, **(values | other))
    with pytest.raises(RequestReused):
        adjust_batch(batch_id=another.pk, **values)

    assert StockMovement.objects.filter(reason="lost").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_threads_that_receive_a_new_lot_make_one_batch(at_once):
    medicine = MedicineFactory()

    results = at_once(lambda: receive(medicine, 10), lambda: receive(medicine, 5))

    assert [type(result).__name__ for result in results] == ["Batch", "Batch"]
    batch = Batch.objects.get()
    assert (batch.on_hand, batch.received_quantity) == (15, 15)


@pytest.mark.django_db(transaction=True)
def test_without_the_medicines_lock_the_database_stops_the_second_batch(at_once, monkeypatch):
    import threading

    medicine, _ = MedicineFactory(), Store.objects.default()
    both_have_looked = threading.Barrier(2)

    def plain_read(medicine_id):
        return Medicine.objects.get(pk=medicine_id)

    from pharmacy.services import stock

    new_batch = stock._new_batch

    def wait_then_make(*args):
        both_have_looked.wait(10)
        return new_batch(*args)

    monkeypatch.setattr("pharmacy.locks.lock_medicine", plain_read)
    monkeypatch.setattr(stock, "_new_batch", wait_then_make)

    results = at_once(lambda: receive(medicine, 10), lambda: receive(medicine, 5))

    assert sorted(type(result).__name__ for result in results) == ["Batch", "IntegrityError"]
    assert Batch.objects.count() == 1


@pytest.mark.parametrize("changes", [{"quantity": 0}, {"quantity": -1}, {"quantity": 10**9}, {"expires_on": TODAY}, {"lot": " "}])
def test_a_receipt_that_makes_no_sense_is_refused(changes):
    medicine = MedicineFactory()

    with pytest.raises(InvalidInput):
        receive(medicine, **changes)

    assert not Batch.objects.exists()


def test_a_retired_medicine_is_not_received():
    medicine = MedicineFactory()
    catalogue.deactivate_medicine(medicine_id=medicine.pk, by=None)

    with pytest.raises(InvalidInput):
        receive(medicine)

    assert not Batch.objects.exists()


def test_a_recalled_lot_is_not_received():
    batch = receive(MedicineFactory())
    change_batch_state(batch_id=batch.pk, to="recalled", reason="letter", by=None)

    with pytest.raises(BatchStateRefused):
        receive(batch.medicine)

    assert Batch.objects.get().on_hand == 10


def test_waste_is_its_own_kind_and_only_takes():
    batch = stocked(10)

    adjust_batch(batch_id=batch.pk, quantity=-4, reason="spilt", kind=MovementKind.WASTE, by=None)
    with pytest.raises(InvalidInput):
        adjust_batch(batch_id=batch.pk, quantity=4, reason="spilt", kind=MovementKind.WASTE, by=None)

    assert list(batch.movements.values_list("kind", "quantity")) == [("IN", 10), ("WASTE", -4)]


def test_an_adjustment_below_nothing_is_refused():
    batch = stocked(3)

    with pytest.raises(NotOnHand):
        adjust_batch(batch_id=batch.pk, quantity=-4, reason="lost", by=None)

    batch.refresh_from_db()
    assert batch.on_hand == 3


@pytest.mark.django_db(transaction=True)
def test_adjustments_at_once_are_all_counted(at_once):
    batch = stocked(100)

    at_once(*[lambda: adjust_batch(batch_id=batch.pk, quantity=-1, reason="broken", by=None)] * 6)

    batch.refresh_from_db()
    assert batch.on_hand == 94
    assert sum(batch.movements.values_list("quantity", flat=True)) == 94


def test_only_supplier_and_cost_of_a_batch_are_updated():
    batch = stocked(3)

    update_batch(batch_id=batch.pk, changes={"unit_cost": "9.0000", "on_hand": 99, "lot": "x"}, by=None)

    batch.refresh_from_db()
    assert (str(batch.unit_cost), batch.on_hand, batch.lot != "x") == ("9.0000", 3, True)
