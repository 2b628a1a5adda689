"""The one way by which units come and go."""

from uuid import UUID

from django.db.models import F
from django.db.models.functions import Now

from clinic.audit.models import Topic
from clinic.audit.services.recording import publish, user_of
from clinic.core.errors import InvalidInput
from pharmacy.errors import NotOnHand
from pharmacy.models import Batch, CountLine, DispenseLine, PurchaseOrderLine, StockMovement, StockTransfer, TreatmentLine

MOST_ON_HAND = 2_000_000_000


def move_stock(
    *,
    batch: Batch,
    kind: str,
    quantity: int,
    by,
    witness=None,
    reason: str = "",
    line: DispenseLine | TreatmentLine | PurchaseOrderLine | CountLine | StockTransfer | None = None,
    request_id: UUID | None = None,
) -> StockMovement:
    """Write one line of the ledger, and what is on hand after it. `quantity` is signed.

    The caller holds the batch's lock and has read it under that lock. Raises NotOnHand.
    """
    balance = batch.on_hand + quantity
    if balance < 0:
        raise NotOnHand(f"Batch {batch.lot} has {batch.on_hand} on hand.", on_hand=batch.on_hand)
    if balance > MOST_ON_HAND:
        raise InvalidInput(errors={"quantity": ["That is more than a batch can hold."]})
    Batch.objects.filter(pk=batch.pk).update(on_hand=balance, version=F("version") + 1, updated_at=Now())
    batch.on_hand = balance
    movement = StockMovement.objects.create(
        batch=batch,
        kind=kind,
        quantity=quantity,
        balance=balance,
        dispense_line=line if isinstance(line, DispenseLine) else None,
        treatment_line=line if isinstance(line, TreatmentLine) else None,
        order_line=line if isinstance(line, PurchaseOrderLine) else None,
        count_line=line if isinstance(line, CountLine) else None,
        transfer=line if isinstance(line, StockTransfer) else None,
        reason=reason,
        by=by,
        witness=witness,
        request_id=request_id,
    )
    publish(topic=Topic.STOCK, action="pharmacy.stock.moved", subject=movement, document=_document(movement))
    return movement


def _document(movement: StockMovement) -> dict:
    """As MongoDB's `stock_movements` has it; the timestamp is added there."""
    medicine = movement.batch.medicine
    return {
        "medicine": {"id": str(medicine.public_id), "name": medicine.name},
        "batch_number": movement.batch.lot,
        "movement_type": movement.kind,
        "quantity": movement.quantity,
        "balance": movement.balance,
        "user": user_of(movement.by),
        "reference": _reference(movement),
    }


def _reference(movement: StockMovement) -> dict | None:
    """What the movement is for, by public id."""
    if line := movement.dispense_line:
        return {"type": "dispensing", "id": str(line.dispense.public_id)}
    if (line := movement.treatment_line) and line.treatment:
        return {"type": "treatment", "id": str(line.treatment.public_id)}
    if line := movement.count_line:
        return {"type": "stock_take", "id": str(line.take.public_id)}
    if transfer := movement.transfer:
        return {"type": "transfer", "id": str(transfer.public_id)}
    if line := movement.order_line:
        return {"type": "order", "id": str(line.order.public_id)}
    return None
