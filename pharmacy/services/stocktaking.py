"""Counting what is on the shelves."""

from uuid import UUID

from django.utils import timezone

from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry
from clinic.core.errors import InvalidInput
from pharmacy import locks
from pharmacy.errors import CountOutdated, NotCounted, SecondPersonNeeded, StockTakeClosed
from pharmacy.models import Batch, CountLine, MovementKind, StockTake, StockTakeState, Store
from pharmacy.services.ledger import MOST_ON_HAND, move_stock

MOST_BATCHES = 1000
LISTS = {
    "all": "Everything on hand",
    "controlled": "Controlled medicines",
    "set_aside": "Quarantined and recalled",
}


@atomic_with_retry
def open_stock_take(*, which: str, by, search: str = "", store: Store | None = None, request_id: UUID) -> StockTake:
    """Open a sheet with the batches of one of `LISTS` that have something on hand, of medicines that fit `search`, in `store` or all.

    Repeating request_id returns the first sheet. Raises InvalidInput.
    """
    if which not in LISTS:
        raise InvalidInput(errors={"which": ["Choose one of the lists."]})
    if earlier := StockTake.objects.filter(request_id=request_id).first():
        return earlier
    batches = list(_listed(which, search.strip(), store)[: MOST_BATCHES + 1])
    if not batches:
        raise InvalidInput(errors={"search": ["Nothing on hand fits."]})
    if len(batches) > MOST_BATCHES:
        raise InvalidInput(errors={"search": [f"More than {MOST_BATCHES:,} batches: count them in parts."]})
    title = LISTS[which] + (f", {store}" if store else "") + (f": {search.strip()}" if search.strip() else "")
    take, is_new = StockTake.objects.get_or_create(request_id=request_id, defaults={"title": title[:120], "opened_by": by})
    if not is_new:  # a second press came first
        return take
    CountLine.objects.bulk_create(CountLine(take=take, batch=batch, expected=batch.on_hand) for batch in batches)
    record(action="pharmacy.stock_take.opened", actor=by, subject=take, changes={"batches": len(batches)})
    return take


@atomic_with_retry
def write_counts(*, take_id: int, counts: dict[UUID, int], by) -> StockTake:
    """Write down what was found, {public id of a line: units}; the last count of a line stands.

    Each is held against what is on hand at this moment. Locks the stock take, then the batches by id.
    Raises StockTakeClosed and InvalidInput; then nothing is written.
    """
    take = _open_take(take_id)
    lines = {line.public_id: line for line in take.lines.all()}
    if not counts or counts.keys() - lines.keys():
        raise InvalidInput(errors={"counts": ["Name lines of this sheet."]})
    if any(not 0 <= units <= MOST_ON_HAND for units in counts.values()):
        raise InvalidInput(errors={"counts": ["Give whole numbers from 0."]})
    batches = {batch.pk: batch for batch in locks.lock_batches([lines[each].batch_id for each in counts])}
    for public_id, units in counts.items():
        line = lines[public_id]
        line.counted, line.on_hand_then, line.counted_by = units, batches[line.batch_id].on_hand, by
        line.save(update_fields=["counted", "on_hand_then", "counted_by"])
    take.save_changes()
    record(action="pharmacy.stock_take.counted", actor=by, subject=take, changes={"lines": len(counts)})
    return take


@atomic_with_retry
def approve_stock_take(*, take_id: int, by) -> StockTake:
    """Correct the stock by every difference that was counted; by someone who neither opened the sheet nor counted.

    Locks the stock take, then the batches by id. Twice is as once. Raises StockTakeClosed, SecondPersonNeeded, NotCounted and
    CountOutdated; then nothing is written.
    """
    take = locks.lock_stock_take(take_id)
    if take.state == StockTakeState.APPROVED and take.closed_by_id == by.pk:
        return take
    _check_open(take)
    lines = list(take.lines.select_related("counted_by").order_by("pk"))
    if missing := sum(line.counted is None for line in lines):
        raise NotCounted(left=missing)
    if by.pk in {take.opened_by_id, *(line.counted_by_id for line in lines)}:
        raise SecondPersonNeeded
    differing = [line for line in lines if line.variance]
    batches = {batch.pk: batch for batch in locks.lock_batches([line.batch_id for line in differing])}
    take.save_changes(state=StockTakeState.APPROVED, closed_by=by, closed_at=timezone.now())
    for line in differing:
        batch = batches[line.batch_id]
        if batch.on_hand + line.variance < 0:
            raise CountOutdated(f"Batch {batch.lot} has {batch.on_hand} on hand by now. Count it again.")
        confirmed_by = line.counted_by if batch.medicine.is_controlled else None
        move_stock(
            batch=batch, kind=MovementKind.ADJUSTMENT, quantity=line.variance, by=by, witness=confirmed_by, reason="Stock take", line=line
        )
    changes = {"lines": len(lines), "corrected": len(differing), "units": sum(line.variance for line in differing)}
    record(action="pharmacy.stock_take.approved", actor=by, subject=take, changes=changes)
    return take


@atomic_with_retry
def drop_stock_take(*, take_id: int, by) -> StockTake:
    """Close a sheet without correcting anything. Locks it. Raises StockTakeClosed."""
    take = _open_take(take_id)
    take.save_changes(state=StockTakeState.DROPPED, closed_by=by, closed_at=timezone.now())
    record(action="pharmacy.stock_take.dropped", actor=by, subject=take)
    return take


def _listed(which: str, search: str, store: Store | None):
    found = Batch.objects.filter(on_hand__gt=0).select_related("medicine").order_by("medicine__name", "expires_on", "id")
    if store:
        found = found.filter(store=store)
    if which == "controlled":
        found = found.filter(medicine__is_controlled=True)
    elif which == "set_aside":
        found = found.exclude(state="available")
    return found.filter(medicine__name__icontains=search) if search else found


def _open_take(take_id: int) -> StockTake:
    take = locks.lock_stock_take(take_id)
    _check_open(take)
    return take


def _check_open(take: StockTake) -> None:
    if not take.is_open:
        raise StockTakeClosed
