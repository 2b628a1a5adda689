"""Receiving, correcting and setting aside stock."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from uuid import UUID

from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry
from clinic.core.errors import InvalidInput, RequestReused
from clinic.core.http import check_version
from pharmacy import locks
from pharmacy.errors import BatchStateRefused
from pharmacy.models import Batch, BatchState, Medicine, MovementKind, PurchaseOrderLine, StockMovement, Store
from pharmacy.models.stock import NEXT_STATES
from pharmacy.rules.quantities import MAX_QUANTITY
from pharmacy.services.ledger import MOST_ON_HAND, move_stock
from pharmacy.services.stores import keep_store
from pharmacy.services.witnessing import needed_witness


@dataclass(frozen=True)
class Delivery:
    """What the pack and the delivery note say."""

    lot: str
    expires_on: date
    quantity: int
    unit_cost: Decimal
    supplier_id: int | None = None
    store: Store | None = None  # the default dispensary when none is named


@atomic_with_retry
def receive_batch(
    *, medicine_id: int, by, on: date, request_id: UUID | None = None, order_line: PurchaseOrderLine | None = None, **delivery
) -> Batch:
    """Take a Delivery into stock, of a line of an order or of none; the same lot with the same expiry adds to its batch in that store.

    What a lot cost when it came first stays its cost, in every store. Locks the medicine, then the batch or, for a new one,
    the store. Repeating request_id returns the first receipt's batch.
    Raises InvalidInput (expired, quantity), BatchStateRefused (recalled lot), and RequestReused when that receipt was another one.
    """
    delivered = _checked(Delivery(**delivery), on)
    medicine = locks.lock_medicine(medicine_id)
    if earlier := earlier_receipt(request_id, medicine_id, lot=delivered.lot, expires_on=delivered.expires_on, quantity=delivered.quantity):
        return earlier
    if not medicine.is_active:
        raise InvalidInput(errors={"medicine": ["This medicine is no longer used."]})
    batch = _batch_for(medicine, delivered, on)
    move_stock(batch=batch, kind=MovementKind.IN, quantity=delivered.quantity, by=by, line=order_line, request_id=request_id)
    record(action="pharmacy.batch.received", actor=by, subject=batch, changes={"quantity": delivered.quantity, "on_hand": batch.on_hand})
    return batch


def _checked(delivery: Delivery, on: date) -> Delivery:
    _check_quantity(delivery.quantity)
    if delivery.expires_on <= on:
        raise InvalidInput(errors={"expires_on": ["This date has come: expired stock is not taken in."]})
    if not delivery.lot.strip():
        raise InvalidInput(errors={"lot": ["Give the lot number that is printed on the pack."]})
    return replace(delivery, lot=delivery.lot.strip())


def _batch_for(medicine: Medicine, delivery: Delivery, on: date) -> Batch:
    store = delivery.store or Store.objects.default()
    lot = Batch.objects.of_lot(Batch(medicine=medicine, lot=delivery.lot, expires_on=delivery.expires_on)).filter(returned_from=None)
    if here := lot.filter(store=store).first():
        return _add_to(here, delivery.quantity)
    if elsewhere := lot.first():
        _check_not_recalled(elsewhere)
        delivery = replace(delivery, unit_cost=elsewhere.unit_cost)
    return _new_batch(medicine, replace(delivery, store=store), on)


def _new_batch(medicine: Medicine, delivery: Delivery, on: date) -> Batch:
    keep_store(delivery.store)
    return Batch.objects.create(
        medicine=medicine,
        lot=delivery.lot,
        store=delivery.store,
        expires_on=delivery.expires_on,
        received_on=on,
        supplier_id=delivery.supplier_id,
        unit_cost=delivery.unit_cost,
        received_quantity=delivery.quantity,
        on_hand=0,
    )


def _add_to(found: Batch, quantity: int) -> Batch:
    [batch] = locks.lock_batches([found.pk])
    _check_not_recalled(batch)
    if batch.received_quantity + quantity > MOST_ON_HAND:
        raise InvalidInput(errors={"quantity": ["That is more than a batch can hold."]})
    batch.save_changes(received_quantity=batch.received_quantity + quantity)
    return batch


def _check_not_recalled(batch: Batch) -> None:
    if batch.state == BatchState.RECALLED:
        raise BatchStateRefused("This lot is recalled. Nothing of it is taken in.")


@atomic_with_retry
def adjust_batch(
    *, batch_id: int, quantity: int, reason: str, by, witness=None, kind: str = MovementKind.ADJUSTMENT, request_id: UUID | None = None
) -> Batch:
    """Correct what is on hand by a signed quantity: a count, breakage, loss. `kind` is ADJUSTMENT, or WASTE for less.

    A controlled medicine needs a `witness` (from confirm_witness). Locks the batch. Repeating request_id has one effect.
    Raises InvalidInput, NotOnHand, RequestReused, WitnessRequired, WitnessRefused.
    """
    if quantity == 0 or (kind == MovementKind.WASTE and quantity > 0):
        raise InvalidInput(errors={"quantity": ["Give the difference: -3 for three less, 3 for three more."]})
    _check_quantity(abs(quantity))
    reason = _reason(reason)
    [batch] = locks.lock_batches([batch_id])
    if earlier := _movement_of(request_id):
        if (earlier.batch_id, earlier.kind, earlier.quantity) != (batch_id, kind, quantity):
            raise RequestReused
        return batch
    witness = needed_witness([batch.medicine], witness, by=by)
    move_stock(batch=batch, kind=kind, quantity=quantity, by=by, witness=witness, reason=reason, request_id=request_id)
    record(
        action="pharmacy.batch.adjusted", actor=by, subject=batch, changes={"kind": kind, "quantity": quantity, "on_hand": batch.on_hand}
    )
    return batch


@atomic_with_retry
def change_batch_state(*, batch_id: int, to: str, reason: str, by) -> Batch:
    """Quarantine or release a batch, or recall its lot: in every store, and what came back of it from patients.

    Locks the medicine at a recall, then the batches by id. Doing it twice is harmless. Raises BatchStateRefused.
    """
    reason = _reason(reason)
    batches = locks.lock_batches(_whole_lot(batch_id) if to == BatchState.RECALLED else [batch_id])
    [batch] = [each for each in batches if each.pk == batch_id]
    if batch.state == to:
        return batch
    if to not in NEXT_STATES[batch.state]:
        raise BatchStateRefused(f"This batch is {batch.get_state_display().lower()} and stays so.")
    for each in batches:
        if each.state != to:
            before = each.state
            each.save_changes(state=to, state_reason=reason)
            record(action=f"pharmacy.batch.{to}", actor=by, subject=each, changes={"state": [before, to], "on_hand": each.on_hand})
    return batch


@atomic_with_retry
def update_batch(*, batch_id: int, changes: dict, by, expected_version: int | None = None) -> Batch:
    """Correct supplier or unit_cost, of the whole lot; all else of a batch follows from its movements.

    Locks the medicine, then the lot's batches by id. Raises StaleVersion.
    """
    lot = locks.lock_batches(_whole_lot(batch_id))
    [batch] = [each for each in lot if each.pk == batch_id]
    check_version(batch, expected_version)
    changes = {name: value for name, value in changes.items() if name in {"supplier", "unit_cost"}}
    if changes:
        for each in lot:
            each.save_changes(**changes)
        record(action="pharmacy.batch.updated", actor=by, subject=batch, changes={"fields": sorted(changes)})
    return batch


def _whole_lot(batch_id: int) -> list[int]:
    """All batches of its lot; the medicine's lock keeps another from being made meanwhile."""
    batch = Batch.objects.get(pk=batch_id)
    locks.lock_medicine(batch.medicine_id)
    return list(Batch.objects.of_lot(batch).values_list("pk", flat=True))


def earlier_receipt(request_id: UUID | None, medicine_id: int, *, lot: str, expires_on: date, quantity: int) -> Batch | None:
    """The batch of what this request took in. Raises RequestReused when that was something else."""
    earlier = _movement_of(request_id)
    if earlier is None:
        return None
    batch = earlier.batch
    took_in = (batch.medicine_id, batch.lot.lower(), batch.expires_on, earlier.quantity)
    if took_in != (medicine_id, lot.strip().lower(), expires_on, quantity):
        raise RequestReused
    return batch


def _movement_of(request_id: UUID | None) -> StockMovement | None:
    return StockMovement.objects.filter(request_id=request_id).select_related("batch").first() if request_id else None


def _check_quantity(quantity: int) -> None:
    if not 1 <= quantity <= MAX_QUANTITY:
        raise InvalidInput(errors={"quantity": [f"Give a whole number from 1 to {MAX_QUANTITY:,}."]})


def _reason(reason: str) -> str:
    reason = reason.strip()
    if not reason or len(reason) > 200:
        raise InvalidInput(errors={"reason": ["Give a reason, at most 200 characters."]})
    return reason
