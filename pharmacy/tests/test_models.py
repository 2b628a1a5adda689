"""The database refuses, whoever writes."""

from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from clinic.core.db import constraint_of
from patients.models import Encounter, EncounterStatus
from patients.tests.factories import EncounterFactory
from pharmacy.models import (
    Batch,
    Dispense,
    DispenseLine,
    DispenseReturn,
    Medicine,
    Prescription,
    PrescriptionItem,
    StockMovement,
    Store,
    Supplier,
)
from pharmacy.services.stock import change_batch_state
from pharmacy.tests.factories import TODAY, MedicineFactory, dispensed, drafted, line_of, pharmacist, signed, soon, stocked

pytestmark = pytest.mark.django_db


def refused_by(write) -> str:
    """The name of the constraint that refuses, checked as at commit."""
    connection.check_constraints()

    def commit():
        with transaction.atomic():
            write()
            connection.check_constraints()

    with pytest.raises(IntegrityError) as error:
        commit()
    return constraint_of(error.value)


def sql(statement: str, *params):
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


def make_batch(**changes):
    values = {
        "medicine": MedicineFactory(), "lot": "L1", "store": Store.objects.default(), "expires_on": soon(300), "received_on": TODAY,
        "unit_cost": 1, "received_quantity": 5, "on_hand": 0,
    } | changes  # fmt: skip
    return Batch.objects.create(**values)


def make_item(prescription, **changes):
    values = {
        "prescription": prescription,
        "medicine": MedicineFactory(),
        "dose": "1",
        "frequency": "OD",
        "duration_days": 5,
        "quantity": 5,
    }
    return PrescriptionItem.objects.create(**values | changes)


# --- Stock and its ledger ------------------------------------------------------------------------


def test_units_do_not_appear_by_sql():
    batch = stocked(5)

    assert refused_by(lambda: sql("UPDATE pharmacy_batch SET on_hand = on_hand + 1")) == "batch_on_hand_is_the_ledger"

    batch.refresh_from_db()
    assert batch.on_hand == 5


def test_a_batch_does_not_begin_with_units_that_no_movement_brought():
    assert refused_by(lambda: make_batch(on_hand=3)) == "batch_on_hand_is_the_ledger"


def test_a_movement_without_the_units_is_refused():
    batch = stocked(5)

    def write():
        StockMovement.objects.create(batch=batch, kind="IN", quantity=2, balance=7)

    assert refused_by(write) == "movement_left_what_is_on_hand"


def test_a_movement_starts_from_the_last_balance():
    batch = stocked(5)

    def write():
        Batch.objects.filter(pk=batch.pk).update(on_hand=50)
        StockMovement.objects.create(batch=batch, kind="IN", quantity=2, balance=50)

    assert refused_by(write) == "movement_continues_the_ledger"


@pytest.mark.parametrize("statement", ["UPDATE pharmacy_stockmovement SET quantity = 6", "DELETE FROM pharmacy_stockmovement"])
def test_the_ledger_is_only_added_to(statement):
    stocked(5)

    assert refused_by(lambda: sql(statement)) == "movement_append_only"


def test_a_movement_has_the_sign_of_its_kind_and_what_its_kind_needs():
    batch = stocked(5)

    def move(**values):
        return lambda: StockMovement.objects.create(batch=batch, balance=5 + values["quantity"], **values)

    assert refused_by(move(kind="IN", quantity=-1)) == "movement_sign_fits_kind"
    assert refused_by(move(kind="WASTE", quantity=1, reason="x")) == "movement_sign_fits_kind"
    assert refused_by(move(kind="ADJUSTMENT", quantity=0, reason="x")) == "movement_sign_fits_kind"
    assert refused_by(move(kind="ADJUSTMENT", quantity=1)) == "movement_adjusted_with_reason"
    assert refused_by(move(kind="OUT", quantity=-1)) == "movement_out_names_its_line"
    assert refused_by(move(kind="RETURN", quantity=1)) == "movement_out_names_its_line"


def test_less_than_nothing_is_refused():
    stocked(5)

    assert refused_by(lambda: sql("UPDATE pharmacy_batch SET on_hand = -1")) in {
        "batch_on_hand_not_negative",
        "pharmacy_batch_on_hand_check",
    }


def test_a_batch_makes_sense():
    medicine = MedicineFactory()
    make_batch(medicine=medicine, lot="AB")

    assert refused_by(lambda: make_batch(medicine=medicine, lot="ab")) == "batch_once_per_lot_expiry_and_store"
    assert refused_by(lambda: make_batch(received_quantity=0)) == "batch_received_something"
    assert refused_by(lambda: make_batch(unit_cost=-1)) == "batch_cost_not_negative"
    assert refused_by(lambda: make_batch(expires_on=TODAY)) == "batch_expires_after_receipt"
    assert refused_by(lambda: make_batch(state="recalled")) == "batch_set_aside_with_reason"
    assert make_batch(medicine=medicine, lot="AB", expires_on=soon(301)).pk


def test_a_recall_is_final_and_a_batch_is_kept():
    batch = stocked(5)
    change_batch_state(batch_id=batch.pk, to="recalled", reason="letter", by=None)

    assert refused_by(lambda: sql("UPDATE pharmacy_batch SET state = 'available'")) == "batch_recall_is_final"
    assert refused_by(lambda: sql("DELETE FROM pharmacy_batch")) == "batch_kept"


def test_names_of_medicines_and_suppliers_are_given_once():
    MedicineFactory(name="Aspirin 75 mg")
    Supplier.objects.create(name="Medstock")

    assert refused_by(lambda: MedicineFactory(name="ASPIRIN 75 mg")) == "medicine_name_and_form_once"
    assert refused_by(lambda: Supplier.objects.create(name="MEDSTOCK")) == "supplier_name_once"
    assert refused_by(lambda: Medicine.objects.update(price=-1)) == "medicine_price_not_negative"
    assert refused_by(lambda: Medicine.objects.update(issue_policy="lifo")) == "medicine_issue_policy_known"


# --- Prescriptions -------------------------------------------------------------------------------


def test_a_prescription_is_written_in_an_open_visit_only():
    encounter = EncounterFactory(signed=True)

    def write():
        Prescription.objects.create(encounter=encounter, patient=encounter.patient, prescriber=encounter.doctor)

    assert refused_by(write) == "prescription_of_open_encounter"


def test_a_prescription_is_for_the_patient_of_its_visit():
    encounter, other = EncounterFactory(), EncounterFactory()

    def write():
        Prescription.objects.create(encounter=encounter, patient=other.patient, prescriber=encounter.doctor)

    assert refused_by(write) == "prescription_of_the_encounters_patient"


def test_items_are_changed_in_a_draft_only():
    prescription = signed()
    item = prescription.items.get()

    assert refused_by(lambda: make_item(prescription)) == "item_of_draft_only"
    assert refused_by(item.delete) == "item_of_draft_only"
    for change in ("dose = '9'", "quantity = 99", "repeats = 2", "instructions = 'x'", "medicine_id = medicine_id + 1"):
        assert refused_by(lambda c=change: sql(f"UPDATE pharmacy_prescriptionitem SET {c}")) == "item_changed_in_draft_only"


def test_items_of_a_draft_whose_visit_was_closed_are_not_changed():
    prescription = drafted()
    encounter = prescription.encounter
    signature = {"signed_at": timezone.now(), "signed_by": encounter.doctor.user, "content_sha256": "0" * 64}
    Encounter.objects.filter(pk=encounter.pk).update(status=EncounterStatus.COMPLETED, **signature)

    assert refused_by(lambda: make_item(prescription)) == "item_of_draft_only"


@pytest.mark.parametrize(
    "change",
    [
        "override_reason = 'x'",
        "signed_at = now()",
        "valid_until = '2099-01-01'",
        "prescriber_id = prescriber_id + 1",
        "encounter_id = encounter_id + 1",
    ],
)
def test_what_was_signed_stays(change):
    signed()

    assert refused_by(lambda: sql(f"UPDATE pharmacy_prescription SET {change}")) == "prescription_signed_is_frozen"


@pytest.mark.parametrize("status", ["draft", "expired"])
def test_a_status_moves_on_known_ways_only(status):
    prescription = drafted() if status == "expired" else signed()

    def write():
        Prescription.objects.filter(pk=prescription.pk).update(status=status, signed_at=timezone.now())

    assert refused_by(write) in {"prescription_moves_forward", "prescription_signed_is_frozen"}


def test_a_prescription_is_kept_and_complete():
    draft = drafted()

    assert refused_by(lambda: sql("DELETE FROM pharmacy_prescription")) == "prescription_kept"
    assert refused_by(lambda: Prescription.objects.filter(pk=draft.pk).update(status="signed")) == "prescription_signed_has_time"
    assert refused_by(lambda: Prescription.objects.filter(pk=draft.pk).update(status="cancelled")) == "prescription_cancelled_with_reason"


def test_an_item_makes_sense():
    draft = drafted()

    assert refused_by(lambda: make_item(draft, quantity=0)) == "item_quantity_positive"
    assert refused_by(lambda: make_item(draft, duration_days=0)) == "item_duration_within_1_to_366_days"
    assert refused_by(lambda: make_item(draft, duration_days=367)) == "item_duration_within_1_to_366_days"
    assert refused_by(lambda: make_item(draft, medicine=draft.items.get().medicine)) == "item_medicine_once_per_prescription"


# --- Dispensing ----------------------------------------------------------------------------------


def test_more_than_prescribed_is_refused():
    signed(line_of(MedicineFactory(), 4, repeats=1))

    assert refused_by(lambda: PrescriptionItem.objects.update(dispensed_quantity=9)) == "item_dispensed_within_prescribed"
    assert refused_by(lambda: PrescriptionItem.objects.update(dispensed_quantity=8)) == "item_dispensed_is_its_lines"


def make_dispense(prescription, on: date = TODAY):
    return Dispense.objects.create(prescription=prescription, dispensed_by=pharmacist(), dispensed_on=on, request_id=uuid4())


def test_a_line_without_its_movement_is_refused():
    batch = stocked(9)
    prescription = signed(line_of(batch.medicine, 4))

    def write():
        dispense = make_dispense(prescription)
        DispenseLine.objects.create(dispense=dispense, item=prescription.items.get(), batch=batch, quantity=2)
        PrescriptionItem.objects.update(dispensed_quantity=2)

    assert refused_by(write) == "dispense_line_is_its_movements"


def test_a_line_is_of_its_own_prescription():
    batch = stocked(9)
    one, other = signed(line_of(batch.medicine)), signed(line_of(batch.medicine))
    dispense = make_dispense(one)

    def write():
        DispenseLine.objects.create(dispense=dispense, item=other.items.get(), batch=batch, quantity=1)

    assert refused_by(write) == "dispense_line_fits_item"


@pytest.mark.parametrize("why", ["expired", "quarantined", "recalled"])
def test_a_line_is_not_taken_from_what_may_not_go_out(why):
    batch = stocked(9)
    prescription = signed(line_of(batch.medicine))
    on = batch.expires_on if why == "expired" else TODAY
    if why != "expired":
        change_batch_state(batch_id=batch.pk, to=why, reason="x", by=None)
    dispense = make_dispense(prescription, on)

    def write():
        DispenseLine.objects.create(dispense=dispense, item=prescription.items.get(), batch=batch, quantity=1)

    assert refused_by(write) == "dispense_line_fits_batch"


def test_what_was_handed_out_is_not_rewritten():
    batch = stocked(9)
    dispense = dispensed(signed(line_of(batch.medicine, 4)))
    moved = dispense.dispensed_at + timedelta(days=1)

    assert refused_by(lambda: Dispense.objects.update(dispensed_at=moved)) == "dispense_unchanged"
    assert refused_by(lambda: sql("DELETE FROM pharmacy_dispense")) in {"dispense_kept"}
    assert refused_by(lambda: sql("DELETE FROM pharmacy_dispenseline")) == "dispense_line_kept"
    assert refused_by(lambda: DispenseLine.objects.update(quantity=3)) == "dispense_line_only_returned"
    assert refused_by(lambda: DispenseLine.objects.update(returned_quantity=5)) == "dispense_line_returned_within_given"
    assert refused_by(lambda: DispenseLine.objects.update(returned_quantity=1)) in {
        "dispense_line_is_its_movements",
        "dispense_line_counts_in_its_item",
    }


def test_a_line_is_given_once_per_batch_and_with_units():
    batch = stocked(9)
    dispense = dispensed(signed(line_of(batch.medicine, 4)))
    line = dispense.lines.get()

    def again(quantity):
        return lambda: DispenseLine.objects.create(dispense=dispense, item=line.item, batch=batch, quantity=quantity)

    assert refused_by(again(1)) == "dispense_line_once_per_batch"
    assert refused_by(again(0)) == "dispense_line_quantity_positive"


def test_a_return_has_a_reason_and_stays():
    batch = stocked(9)
    dispense = dispensed(signed(line_of(batch.medicine, 4)))
    values = {"dispense": dispense, "to": "batch", "returned_by": dispense.dispensed_by}

    assert refused_by(lambda: DispenseReturn.objects.create(**values, reason="", request_id=uuid4())) == "dispense_return_has_reason"
    DispenseReturn.objects.create(**values, reason="x", request_id=uuid4())
    assert refused_by(lambda: DispenseReturn.objects.update(reason="y")) == "dispense_return_unchanged"
    assert refused_by(lambda: sql("DELETE FROM pharmacy_dispensereturn")) == "dispense_return_kept"
