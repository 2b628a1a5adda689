"""Carrying stock from one store to another."""

from datetime import date
from uuid import UUID

from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry
from clinic.core.errors import InvalidInput, RequestReused
from clinic.core.repeats import earlier
from pharmacy import locks
from pharmacy.errors import NotTransferable
from pharmacy.models import Batch, BatchState, MovementKind, StockTransfer, Store
from pharmacy.rules.quantities import MAX_QUANTITY
from pharmacy.services.ledger import MOST_ON_HAND, move_stock
from pharmacy.services.stores import keep_store
from pharmacy.services.witnessing import needed_witness


@atomic_with_retry
def transfer_stock(*, batch_id: int, store: Store, quantity: int, by, on: date, witness=None, request_id: UUID) -> StockTransfer:
    """Take units out of a batch and into the same lot's batch of `store`, which is made when there is none.

    A controlled medicine needs a `witness` (from confirm_witness). Locks the medicine, then both batches by id.
    Repeating request_id returns the first transfer. Raises NotTransferable, NotOnHand, WitnessRequired, WitnessRefused
    and InvalidInput; then nothing is written.
    """
    if not 1 <= quantity <= MAX_QUANTITY:
        raise InvalidInput(errors={"quantity": [f"Give a whole number from 1 to {MAX_QUANTITY:,}."]})
    medicine = locks.lock_medicine(Batch.objects.values_list("medicine", flat=True).get(pk=batch_id))
    if first := earlier(StockTransfer, request_id, source_id=batch_id, quantity=quantity):
        if first.target.store_id != store.pk:
            raise RequestReused
        return first
    source, target = _both(batch_id, store)
    _check_source(source, on)
    witness = needed_witness([medicine], witness, by=by)
    target = _add_to(target, quantity) if target else _new_part(source, store, quantity)
    transfer = StockTransfer.objects.create(
        source=source, target=target, quantity=quantity, transferred_on=on, transferred_by=by, request_id=request_id
    )
    for batch, units, words in ((source, -quantity, f"Transfer to {store}"), (target, quantity, f"Transfer from {source.store}")):
        batch.medicine = medicine  # at hand; the ledger names it
        move_stock(batch=batch, kind=MovementKind.ADJUSTMENT, quantity=units, by=by, witness=witness, reason=words, line=transfer)
    changes = {"from": str(source.store.public_id), "to": str(store.public_id), "quantity": quantity}
    record(action="pharmacy.stock.transferred", actor=by, subject=transfer, changes=changes)
    return transfer


def _both(batch_id: int, store: Store) -> tuple[Batch, Batch | None]:
    """The batch, and that of the same lot in the other store; both locked. The medicine's lock keeps either from being made meanwhile."""
    source = Batch.objects.select_related("store").get(pk=batch_id)
    if source.store_id == store.pk:
        raise InvalidInput(errors={"store": ["It is there already. Choose another store."]})
    target = Batch.objects.of_lot(source).filter(store=store, returned_from=None).first()
    locked = {batch.pk: batch for batch in locks.lock_batches([source.pk, target.pk] if target else [source.pk])}
    locked[source.pk].store = source.store
    return locked[source.pk], locked.get(target and target.pk)


def _check_source(batch: Batch, on: date) -> None:
    if batch.returned_from_id:
        raise NotTransferable("What patients brought back stays where it is.")
    if batch.state != BatchState.AVAILABLE:
        raise NotTransferable(f"Lot {batch.lot} is {batch.get_state_display().lower()}.")
    if batch.expires_on <= on:
        raise NotTransferable(f"Lot {batch.lot} has expired.")


def _add_to(target: Batch, quantity: int) -> Batch:
    if target.state != BatchState.AVAILABLE:
        raise NotTransferable(f"Lot {target.lot} is {target.get_state_display().lower()} in that store.")
    if target.received_quantity + quantity > MOST_ON_HAND:
        raise InvalidInput(errors={"quantity": ["That is more than a batch can hold."]})
    target.save_changes(received_quantity=target.received_quantity + quantity)
    return target


def _new_part(source: Batch, store: Store, quantity: int) -> Batch:
    keep_store(store)
    return Batch.objects.create(
        medicine_id=source.medicine_id,
        lot=source.lot,
        store=store,
        expires_on=source.expires_on,
        received_on=source.received_on,
        supplier_id=source.supplier_id,
        unit_cost=source.unit_cost,
        received_quantity=quantity,
        on_hand=0,
    )
