"""Taking back what was handed out."""

from collections import Counter
from uuid import UUID

from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry
from clinic.core.errors import InvalidInput, RequestReused
from clinic.core.repeats import earlier
from pharmacy import locks
from pharmacy.errors import OverReturned
from pharmacy.models import Batch, BatchState, Dispense, DispenseLine, DispenseReturn, MovementKind, PrescriptionStatus, ReturnTo
from pharmacy.rules.picks import status_after, units_by
from pharmacy.services.ledger import move_stock

_KEPT = {PrescriptionStatus.CANCELLED, PrescriptionStatus.EXPIRED}


@atomic_with_retry
def return_dispensed(*, dispense_id: int, to: str, reason: str, by, lines: list[dict] | None = None, request_id: UUID) -> DispenseReturn:
    """Take units back, all that are left or the `lines` [{line, quantity}] (public ids), to their batch or to quarantine.

    Locks the prescription, then (to quarantine) the medicines, then the batches by id. Repeating request_id returns the first return.
    Raises OverReturned, RequestReused (for another return) and InvalidInput; then nothing is written.
    """
    reason = reason.strip()
    if not reason or len(reason) > 200:
        raise InvalidInput(errors={"reason": ["Give a reason, at most 200 characters."]})
    if to not in ReturnTo.values:
        raise InvalidInput(errors={"to": ["Say batch or quarantine."]})
    dispense = Dispense.objects.get(pk=dispense_id)
    prescription = locks.lock_prescription(dispense.prescription_id)
    if first := earlier(DispenseReturn, request_id, dispense_id=dispense.pk, to=to):
        said = {str(line): units for line, units in units_by("line", lines).items()}
        if said not in ({}, first.quantities):  # without lines all that was left was to come back
            raise RequestReused
        return first
    quantities = _quantities(_lines_of(dispense), lines)
    targets = _targets(_per_batch(quantities), to, reason)
    returned = DispenseReturn.objects.create(
        dispense=dispense,
        to=to,
        reason=reason,
        quantities={str(line.public_id): quantity for line, quantity in quantities.items()},
        returned_by=by,
        request_id=request_id,
    )
    for line, quantity in quantities.items():
        batch = targets[line.batch_id]
        line.returned_quantity += quantity
        line.save(update_fields=["returned_quantity"])
        move_stock(batch=batch, kind=MovementKind.RETURN, quantity=quantity, by=by, reason=reason, line=line)
        line.item.dispensed_quantity -= quantity
        line.item.save(update_fields=["dispensed_quantity"])
    if prescription.status not in _KEPT:
        prescription.save_changes(status=status_after(prescription.items.all()))
    record(
        action="pharmacy.dispense.returned",
        actor=by,
        subject=dispense,
        patient=prescription.patient,
        changes={"to": to, "units": sum(quantities.values()), "status": prescription.status},
    )
    return returned


def _lines_of(dispense: Dispense) -> list[DispenseLine]:
    """Lines of one item, from several batches, share it: each counts on from the last."""
    rows = list(dispense.lines.select_related("item", "batch__medicine").order_by("pk"))
    items = {row.item_id: row.item for row in rows}
    for row in rows:
        row.item = items[row.item_id]
    return rows


def _quantities(rows: list[DispenseLine], lines: list[dict] | None) -> dict[DispenseLine, int]:
    """How much of which line comes back."""
    if lines is None:
        quantities = {row: row.returnable_quantity for row in rows if row.returnable_quantity}
        if not quantities:
            raise OverReturned("Everything of this was already returned.")
        return quantities
    if not lines:
        raise InvalidInput(errors={"lines": ["Name at least one line."]})
    by_public_id = {row.public_id: row for row in rows}
    quantities: dict[DispenseLine, int] = {}
    for line in lines:
        row = by_public_id.get(line["line"])
        if row is None:
            raise InvalidInput(errors={"lines": ["There is no such line of this dispensing."]})
        if line["quantity"] < 1:
            raise InvalidInput(errors={"lines": ["Give whole numbers from 1."]})
        quantities[row] = quantities.get(row, 0) + line["quantity"]
    for row, quantity in quantities.items():
        if quantity > row.returnable_quantity:
            raise OverReturned(f"{row.medicine.name}: {row.returnable_quantity} can come back.", left=row.returnable_quantity)
    return quantities


def _per_batch(quantities: dict[DispenseLine, int]) -> Counter:
    units: Counter = Counter()
    for line, quantity in quantities.items():
        units[line.batch_id] += quantity
    return units


def _targets(units: Counter, to: str, reason: str) -> dict[int, Batch]:
    """{batch that it was taken from: locked batch that it goes to}. `units` come back of each."""
    if to == ReturnTo.QUARANTINE:  # which may make a batch
        locks.lock_medicines(set(Batch.objects.filter(pk__in=units).values_list("medicine", flat=True)))
    aside = {batch.returned_from_id: batch.pk for batch in Batch.objects.filter(returned_from__in=units)}
    locked = {batch.pk: batch for batch in locks.lock_batches([*units, *aside.values()])}
    if to == ReturnTo.BATCH:
        return {batch_id: locked[batch_id] for batch_id in units}
    return {
        batch_id: _add_aside(locked[aside[batch_id]], count, reason) if batch_id in aside else _set_aside(locked[batch_id], count, reason)
        for batch_id, count in units.items()
    }


def _set_aside(source: Batch, units: int, reason: str) -> Batch:
    """The quarantine of what comes back from one batch: the same lot, never mixed with what never left."""
    return Batch.objects.create(
        medicine_id=source.medicine_id,
        lot=source.lot,
        store_id=source.store_id,
        expires_on=source.expires_on,
        received_on=source.received_on,
        supplier_id=source.supplier_id,
        unit_cost=source.unit_cost,
        received_quantity=units,
        on_hand=0,
        state=BatchState.RECALLED if source.state == BatchState.RECALLED else BatchState.QUARANTINED,
        state_reason=reason,
        returned_from=source,
    )


def _add_aside(batch: Batch, units: int, reason: str) -> Batch:
    """Released once, it is set aside again: what comes back now is not yet looked at."""
    changes = {"received_quantity": batch.received_quantity + units}
    if batch.state == BatchState.AVAILABLE:
        changes |= {"state": BatchState.QUARANTINED, "state_reason": reason}
    batch.save_changes(**changes)
    return batch
