"""Ordering from suppliers, and taking in what comes of it."""

from datetime import date
from uuid import UUID

from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry
from clinic.core.errors import InvalidInput, NotFound, RequestReused
from clinic.core.repeats import earlier
from pharmacy import locks
from pharmacy.errors import NothingAwaited, OverReceived
from pharmacy.models import Batch, PurchaseOrder, PurchaseOrderLine
from pharmacy.rules.quantities import MAX_QUANTITY, counted
from pharmacy.services.stock import earlier_receipt, receive_batch

MOST_LINES = 100


@atomic_with_retry
def place_order(*, supplier_id: int, lines: list[dict], by, request_id: UUID) -> PurchaseOrder:
    """Order `lines` [{medicine, quantity, unit_cost}]. Locks the supplier. Repeating request_id returns the first order.

    Raises InvalidInput.
    """
    supplier = locks.lock_supplier(supplier_id)
    if first := earlier(PurchaseOrder, request_id, supplier_id=supplier_id):
        return first
    _check_lines(lines)
    order = PurchaseOrder.objects.create(supplier=supplier, ordered_by=by, request_id=request_id)
    for line in lines:
        PurchaseOrderLine.objects.create(
            order=order, medicine=line["medicine"], ordered_quantity=line["quantity"], unit_cost=line["unit_cost"]
        )
    record(action="pharmacy.order.placed", actor=by, subject=order, changes={"supplier": str(supplier.public_id), "lines": len(lines)})
    return order


@atomic_with_retry
def receive_order(*, order_id: int, line: UUID, by, on: date, request_id: UUID, **pack) -> Batch:
    """Take the `pack` {lot, expires_on, quantity, unit_cost?, store?} of one line (its public id) into stock.

    It costs what was agreed unless the pack says otherwise.

    Locks the order, then the medicine, then the batch. Repeating request_id returns the first receipt's batch.
    Raises OverReceived, NotFound, RequestReused, BatchStateRefused and InvalidInput; then nothing is written.
    """
    order = locks.lock_order(order_id)
    row = order.lines.select_related("medicine").filter(public_id=line).first()
    if row is None:
        raise NotFound
    said = {name: pack[name] for name in ("lot", "expires_on", "quantity")}
    if earlier := earlier_receipt(request_id, row.medicine_id, **said):
        if not earlier.movements.filter(request_id=request_id, order_line=row).exists():
            raise RequestReused
        return earlier
    if pack["quantity"] > row.outstanding:
        unit = row.medicine.unit
        raise OverReceived(f"{row.medicine.name}: {counted(row.outstanding, unit)} of this order to come.", left=row.outstanding)
    batch = receive_batch(
        medicine_id=row.medicine_id,
        by=by,
        on=on,
        request_id=request_id,
        order_line=row,
        supplier_id=order.supplier_id,
        **({"unit_cost": row.unit_cost} | pack),
    )
    row.received_quantity += pack["quantity"]
    row.save(update_fields=["received_quantity"])
    order.save_changes()
    return batch


@atomic_with_retry
def cancel_rest(*, order_id: int, reason: str, by) -> PurchaseOrder:
    """What did not come so far is no longer awaited. Locks the order. Raises NothingAwaited and InvalidInput."""
    reason = reason.strip()
    if not reason or len(reason) > 200:
        raise InvalidInput(errors={"reason": ["Give a reason, at most 200 characters."]})
    order = locks.lock_order(order_id)
    waiting = list(order.lines.outstanding().order_by("pk"))
    if not waiting:
        raise NothingAwaited
    units = sum(line.outstanding for line in waiting)
    for line in waiting:
        line.cancelled_quantity += line.outstanding
        line.save(update_fields=["cancelled_quantity"])
    order.save_changes(cancelled_reason=reason)
    record(action="pharmacy.order.cancelled", actor=by, subject=order, changes={"units": units})
    return order


def _check_lines(lines: list[dict]) -> None:
    if not 1 <= len(lines) <= MOST_LINES:
        raise InvalidInput(errors={"lines": [f"Name 1 to {MOST_LINES} medicines."]})
    medicines = [line["medicine"] for line in lines]
    if len(set(medicines)) < len(medicines):
        raise InvalidInput(errors={"lines": ["Each medicine stands once on an order."]})
    for line in lines:
        medicine = line["medicine"]
        if not medicine.is_active:
            raise InvalidInput(errors={"lines": [f"{medicine.name} is no longer used."]})
        if not 1 <= line["quantity"] <= MAX_QUANTITY:
            raise InvalidInput(errors={"lines": [f"{medicine.name}: give a whole number from 1 to {MAX_QUANTITY:,}."]})
        if not 0 <= line["unit_cost"] < 10**8:
            raise InvalidInput(errors={"lines": [f"{medicine.name}: give what one unit costs."]})
