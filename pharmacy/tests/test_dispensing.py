import threading
from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.test import override_settings

from clinic.audit.models import OutboxEvent
from clinic.core.errors import InvalidInput, RequestReused
from patients.models import Allergy
from pharmacy import locks
from pharmacy.errors import InsufficientStock, NotDispensable, OverPrescribed, PaymentRequired, SafetyCheck, WrongBatch
from pharmacy.models import Batch, Dispense, DispenseLine, IssuePolicy, Prescription, PrescriptionStatus, StockMovement
from pharmacy.selectors.counter import counter_of
from pharmacy.services.prescribing import cancel_prescription
from pharmacy.services.stock import change_batch_state
from pharmacy.tests.factories import TODAY, MedicineFactory, dispensed, drafted, line_of, pharmacist, signed, soon, stocked

pytestmark = pytest.mark.django_db


def on_hand() -> dict:
    return dict(Batch.objects.values_list("pk", "on_hand"))


def assert_nothing_went_out(before: dict) -> None:
    assert on_hand() == before
    assert not Dispense.objects.exists()
    assert not DispenseLine.objects.exists()
    assert not StockMovement.objects.filter(kind="OUT").exists()


def test_takes_from_the_batch_that_expires_first():
    medicine = MedicineFactory()
    later = stocked(9, medicine=medicine, expires_on=date(2029, 1, 1))
    sooner = stocked(3, medicine=medicine, expires_on=date(2028, 1, 1))
    prescription = signed(line_of(medicine, 4))

    dispense = dispensed(prescription)

    assert on_hand() == {sooner.pk: 0, later.pk: 8}
    assert [(line.batch_id, line.quantity) for line in dispense.lines.all()] == [(sooner.pk, 3), (later.pk, 1)]
    prescription.refresh_from_db()
    assert prescription.status == PrescriptionStatus.DISPENSED


def test_each_movement_goes_to_the_mirror_with_medicine_batch_kind_and_quantity():
    batch = stocked(5, lot="AB12")
    prescription = signed(line_of(batch.medicine, 4))

    dispensed(prescription)

    document = OutboxEvent.objects.filter(topic="stock_movements").latest("id").document
    assert document["medicine"] == {"id": str(batch.medicine.public_id), "name": batch.medicine.name}
    assert (document["batch_number"], document["movement_type"], document["quantity"]) == ("AB12", "OUT", -4)
    assert document["timestamp"]


def test_the_same_request_id_returns_the_first_dispense():
    batch = stocked(10)
    prescription = signed(line_of(batch.medicine, 4, repeats=1))
    request_id = uuid4()

    first = dispensed(prescription, request_id=request_id)
    second = dispensed(prescription, request_id=request_id)

    assert first == second
    assert on_hand() == {batch.pk: 6}


def test_a_form_that_comes_back_with_other_units_is_not_said_to_be_done():
    batch = stocked(20)
    prescription, request_id = signed(line_of(batch.medicine, 9)), uuid4()

    def hand_out(units):
        items = [{"item": prescription.items.get().public_id, "quantity": units}]
        return dispensed(prescription, items=items, request_id=request_id)

    first = hand_out(4)

    with pytest.raises(RequestReused):
        hand_out(5)
    assert hand_out(4) == first
    batch.refresh_from_db()
    assert batch.on_hand == 16


def test_a_request_id_of_another_prescription_is_refused():
    batch = stocked(10)
    request_id = uuid4()
    dispensed(signed(line_of(batch.medicine, 4)), request_id=request_id)

    with pytest.raises(RequestReused):
        dispensed(signed(line_of(batch.medicine, 2)), request_id=request_id)

    assert on_hand() == {batch.pk: 6}


def test_a_filling_at_a_time_until_the_repeats_are_used_up():
    batch = stocked(30)
    prescription = signed(line_of(batch.medicine, 4, repeats=1))

    dispensed(prescription)
    prescription.refresh_from_db()
    assert (prescription.status, on_hand()[batch.pk]) == (PrescriptionStatus.PARTIALLY_DISPENSED, 26)
    dispensed(prescription)
    prescription.refresh_from_db()
    assert (prescription.status, on_hand()[batch.pk]) == (PrescriptionStatus.DISPENSED, 22)

    with pytest.raises(NotDispensable):
        dispensed(prescription)
    assert on_hand()[batch.pk] == 22


def test_part_of_an_item_can_be_handed_out_and_the_rest_later():
    batch = stocked(30)
    prescription = signed(line_of(batch.medicine, 10))
    item = prescription.items.get()

    dispensed(prescription, items=[{"item": item.public_id, "quantity": 4}])
    dispensed(prescription)

    item.refresh_from_db()
    assert item.dispensed_quantity == 10
    assert on_hand() == {batch.pk: 20}


def test_a_medicine_may_go_out_by_its_receipt():
    medicine = MedicineFactory(issue_policy=IssuePolicy.FIFO)
    sooner = stocked(9, medicine=medicine, expires_on=date(2028, 1, 1))
    older = stocked(3, medicine=medicine, expires_on=date(2029, 1, 1), on=TODAY - timedelta(days=9))
    prescription = signed(line_of(medicine, 4))

    [line] = counter_of(prescription, on=TODAY).lines
    assert [(batch.pk, units) for batch, units in line.picks] == [(older.pk, 3), (sooner.pk, 1)]
    dispensed(prescription)

    assert on_hand() == {sooner.pk: 8, older.pk: 0}


def test_a_chosen_batch_goes_before_the_one_that_expires_first():
    medicine = MedicineFactory()
    sooner = stocked(9, medicine=medicine, expires_on=date(2028, 1, 1))
    chosen = stocked(3, medicine=medicine, expires_on=date(2029, 1, 1))
    prescription = signed(line_of(medicine, 4))

    dispensed(prescription, items=[{"item": prescription.items.get().public_id, "quantity": 4, "batch": chosen.public_id}])

    assert on_hand() == {sooner.pk: 8, chosen.pk: 0}


@pytest.mark.parametrize("why", ["draft", "cancelled", "expired"])
def test_says_which_status_stands_in_the_way(why):
    batch = stocked(9)
    make = drafted if why == "draft" else signed
    prescription = make(line_of(batch.medicine))
    on = TODAY
    if why == "cancelled":
        cancel_prescription(prescription_id=prescription.pk, reason="wrong patient", by=prescription.prescriber.user)
    if why == "expired":
        on = prescription.valid_until
    before = on_hand()

    with pytest.raises(NotDispensable) as refusal:
        dispensed(prescription, on=on)

    assert refusal.value.extra == {"prescription_status": why}
    assert_nothing_went_out(before)


def test_an_unpaid_prescription_is_not_handed_out():
    batch = stocked(9)
    prescription = signed(line_of(batch.medicine), cleared=False)
    before = on_hand()

    with pytest.raises(PaymentRequired):
        dispensed(prescription)

    assert_nothing_went_out(before)


@override_settings(PAY_BEFORE_DISPENSE=False)
def test_a_clinic_that_bills_later_hands_out_unpaid():
    batch = stocked(9)

    dispensed(signed(line_of(batch.medicine, 4), cleared=False))

    assert on_hand() == {batch.pk: 5}


def test_too_little_of_one_medicine_hands_out_none_of_any():
    plenty, scarce = stocked(50), stocked(3)
    prescription = signed(line_of(plenty.medicine, 4), line_of(scarce.medicine, 4))
    before = on_hand()

    with pytest.raises(InsufficientStock) as refusal:
        dispensed(prescription)

    assert scarce.medicine.name in refusal.value.detail
    assert "3 of 4" in refusal.value.detail
    assert [(each["medicine"], each["available"]) for each in refusal.value.extra["shortages"]] == [(str(scarce.medicine.public_id), 3)]
    assert_nothing_went_out(before)


@pytest.mark.parametrize("state", ["quarantined", "recalled"])
def test_stock_set_aside_does_not_go_out(state):
    batch = stocked(9)
    change_batch_state(batch_id=batch.pk, to=state, reason="letter of the maker", by=None)
    before = on_hand()

    with pytest.raises(InsufficientStock):
        dispensed(signed(line_of(batch.medicine)))

    assert_nothing_went_out(before)


def test_stock_does_not_go_out_on_the_day_it_expires():
    batch = stocked(9, expires_on=soon(1))

    with pytest.raises(InsufficientStock):
        dispensed(signed(line_of(batch.medicine)), on=soon(1))

    assert_nothing_went_out({batch.pk: 9})


def test_a_chosen_batch_that_is_expired_foreign_quarantined_or_empty_is_refused():
    medicine = MedicineFactory()
    stocked(9, medicine=medicine)
    expired = stocked(9, medicine=medicine, expires_on=soon(1))
    quarantined = stocked(9, medicine=medicine)
    change_batch_state(batch_id=quarantined.pk, to="quarantined", reason="damp", by=None)
    foreign = stocked(9)
    prescription = signed(line_of(medicine, 4))
    before = on_hand()

    for batch in (expired, quarantined, foreign):
        with pytest.raises(WrongBatch):
            dispensed(
                prescription, on=soon(2), items=[{"item": prescription.items.get().public_id, "quantity": 4, "batch": batch.public_id}]
            )

    assert_nothing_went_out(before)


def test_never_more_than_prescribed_however_it_is_split():
    batch = stocked(50)
    prescription = signed(line_of(batch.medicine, 4))
    item = prescription.items.get().public_id
    before = on_hand()

    for items in ([{"item": item, "quantity": 5}], [{"item": item, "quantity": 3}, {"item": item, "quantity": 2}]):
        with pytest.raises(OverPrescribed):
            dispensed(prescription, items=items)

    assert_nothing_went_out(before)


def test_an_item_of_another_prescription_is_refused():
    batch = stocked(50)
    prescription, other = signed(line_of(batch.medicine)), signed(line_of(batch.medicine))
    before = on_hand()

    for item in (other.items.get().public_id, uuid4()):
        with pytest.raises(InvalidInput):
            dispensed(prescription, items=[{"item": item, "quantity": 1}])

    assert_nothing_went_out(before)


def test_a_warning_needs_the_pharmacists_own_reason():
    batch = stocked(50, medicine=MedicineFactory(name="Amoxicillin 500 mg", generic_name="amoxicillin"))
    prescription = signed(line_of(batch.medicine))
    Allergy.objects.create(patient=prescription.patient, substance="Penicillin")
    before = on_hand()

    with pytest.raises(SafetyCheck) as refusal:
        dispensed(prescription)
    assert refusal.value.extra["alerts"][0]["kind"] == "allergy"
    assert_nothing_went_out(before)

    dispense = dispensed(prescription, override_reason="Doctor called: tolerated before.")
    assert dispense.override_reason


# --- Races ---------------------------------------------------------------------------------


def two_prescriptions_for_one_batch():
    batch = stocked(5)
    who = [pharmacist(), pharmacist()]
    return batch, [signed(line_of(batch.medicine, 4)), signed(line_of(batch.medicine, 4))], who


@pytest.mark.django_db(transaction=True)
def test_two_threads_on_one_batch_hand_out_what_there_is_once(at_once):
    batch, prescriptions, who = two_prescriptions_for_one_batch()

    results = at_once(*(lambda p=p, w=w: dispensed(p, by=w) for p, w in zip(prescriptions, who, strict=True)))

    assert sorted(type(result).__name__ for result in results) == ["Dispense", "InsufficientStock"]
    assert on_hand() == {batch.pk: 1}


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_the_database_stops_the_second_thread(at_once, monkeypatch):
    """The negative control: read without a lock, both find 5, and the ledger refuses the second movement."""
    batch, prescriptions, who = two_prescriptions_for_one_batch()
    both_have_read = threading.Barrier(2)

    def plain_read(medicine_ids, *, on, batch_ids=()):
        batches = list(Batch.objects.usable(on).filter(medicine__in=medicine_ids))
        both_have_read.wait(10)
        return batches

    monkeypatch.setattr("pharmacy.locks.lock_usable_batches", plain_read)

    results = at_once(*(lambda p=p, w=w: dispensed(p, by=w) for p, w in zip(prescriptions, who, strict=True)))

    assert sorted(type(result).__name__ for result in results) == ["Dispense", "IntegrityError"]
    assert on_hand() == {batch.pk: 1}


@pytest.mark.django_db(transaction=True)
def test_a_double_click_has_one_effect(at_once):
    batch = stocked(50)
    prescription, who, request_id = signed(line_of(batch.medicine, 4, repeats=3)), pharmacist(), uuid4()

    first, second = at_once(*[lambda: dispensed(prescription, by=who, request_id=request_id)] * 2)

    assert isinstance(first, Dispense)
    assert first == second
    assert on_hand() == {batch.pk: 46}


@pytest.mark.django_db(transaction=True)
def test_two_pharmacists_on_one_prescription_hand_it_out_once(at_once):
    batch = stocked(50)
    prescription, ann, bob = signed(line_of(batch.medicine, 4)), pharmacist(), pharmacist()

    results = at_once(lambda: dispensed(prescription, by=ann), lambda: dispensed(prescription, by=bob))

    assert sorted(type(result).__name__ for result in results) == ["Dispense", "NotDispensable"]
    assert on_hand() == {batch.pk: 46}


@pytest.mark.django_db(transaction=True)
def test_without_the_prescriptions_lock_the_database_stops_the_second_pharmacist(at_once, monkeypatch):
    """The negative control: both find nothing handed out yet; the item then is not what its lines say."""
    batch = stocked(50)
    prescription, ann, bob = signed(line_of(batch.medicine, 4)), pharmacist(), pharmacist()
    both_have_read = threading.Barrier(2)
    lock_batches = locks.lock_usable_batches

    def wait_then_lock(*args, **kwargs):
        both_have_read.wait(10)
        return lock_batches(*args, **kwargs)

    monkeypatch.setattr(locks, "lock_prescription", lambda pk: Prescription.objects.select_related("patient").get(pk=pk))
    monkeypatch.setattr(locks, "lock_usable_batches", wait_then_lock)

    results = at_once(lambda: dispensed(prescription, by=ann), lambda: dispensed(prescription, by=bob))

    assert sorted(type(result).__name__ for result in results) == ["Dispense", "IntegrityError"]
    assert on_hand() == {batch.pk: 46}


@pytest.mark.django_db(transaction=True)
def test_medicines_in_opposite_order_do_not_deadlock(at_once):
    one, two = stocked(500), stocked(500)
    ways = [(line_of(one.medicine, 2), line_of(two.medicine, 2)), (line_of(two.medicine, 2), line_of(one.medicine, 2))]
    prescriptions = [signed(*ways[n % 2]) for n in range(8)]
    who = pharmacist()

    results = at_once(*(lambda p=p: dispensed(p, by=who) for p in prescriptions))

    assert [type(result).__name__ for result in results] == ["Dispense"] * 8
    assert on_hand() == {one.pk: 484, two.pk: 484}
