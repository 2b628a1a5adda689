"""Which units of which batch go out."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID


@dataclass(frozen=True)
class Want:
    """Units of a medicine for one item; `batch_id` when the pharmacist holds a certain box."""

    item_id: int
    medicine_id: int
    quantity: int
    batch_id: int | None = None


@dataclass(frozen=True)
class Pick:
    item_id: int
    batch_id: int
    quantity: int


@dataclass(frozen=True)
class Shortage:
    item_id: int
    medicine_id: int
    wanted: int
    available: int


@dataclass(frozen=True)
class Plan:
    picks: list[Pick]
    shortages: list[Shortage]


def is_usable(batch, on: date) -> bool:
    """`expires_on` is the first day on which a batch may no longer go out."""
    return batch.state == "available" and batch.expires_on > on and batch.on_hand > 0


def units_by(name: str, lines: list[dict] | None) -> dict[UUID, int]:
    """The quantities of lines [{name, quantity}] summed by what stands under `name`; nothing for none."""
    units: Counter = Counter()
    for line in lines or ():
        units[line[name]] += line["quantity"]
    return dict(units)


def plan_picks(wants: Iterable[Want], batches: Iterable, on: date, *, oldest_first: Collection[int] = (), partial: bool = False) -> Plan:
    """Take each want from a chosen batch first, then from what expires soonest, then the oldest receipt; of the medicines
    `oldest_first` the other way round.

    `batches` have id, medicine_id, state, expires_on, received_on and on_hand; what is expired,
    quarantined or recalled is never taken. A want that cannot be met in full is a shortage, and
    nothing is taken for it unless `partial`. One unit is never promised to two wants.
    """

    def place(batch):
        days = (batch.expires_on, batch.received_on)
        return (*(days[::-1] if batch.medicine_id in oldest_first else days), batch.id)

    usable = sorted((batch for batch in batches if is_usable(batch, on)), key=place)
    left = {batch.id: batch.on_hand for batch in usable}
    taken: dict[tuple[int, int], int] = defaultdict(int)
    shortages = []
    wants = list(wants)
    for want in sorted(wants, key=lambda each: each.batch_id is None):  # chosen boxes are not given to someone else
        own = [batch for batch in usable if batch.medicine_id == want.medicine_id]
        own.sort(key=lambda batch, chosen=want.batch_id: batch.id != chosen)
        available = sum(left[batch.id] for batch in own)
        if available < want.quantity:
            shortages.append(Shortage(want.item_id, want.medicine_id, want.quantity, available))
            if not partial:
                continue
        missing = want.quantity
        for batch in own:
            units = min(missing, left[batch.id])
            if units:
                taken[want.item_id, batch.id] += units
                left[batch.id] -= units
                missing -= units
    return Plan([Pick(item_id, batch_id, units) for (item_id, batch_id), units in taken.items()], shortages)


def next_filling(*, quantity: int, repeats: int, dispensed: int) -> int:
    """Units that complete the filling that was begun, or make the next one; 0 when all was given.

    A prescription of 21 with 1 repeat, of which 30 were given: 12 complete the second filling.
    """
    total = quantity * (repeats + 1)
    return min(quantity - dispensed % quantity, total - dispensed)


def status_after(items: Iterable) -> str:
    """The status of a prescription that was signed, by what of its items went out."""
    items = list(items)
    if all(item.dispensed_quantity >= item.quantity * (item.repeats + 1) for item in items):
        return "dispensed"
    return "partially_dispensed" if any(item.dispensed_quantity for item in items) else "signed"
