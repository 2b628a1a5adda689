"""What goes on around the shelves: stores, orders on their way, a count that waits for its approval, and the catalogue of treatments."""

from datetime import timedelta
from decimal import Decimal

from django.db import transaction

from clinic.accounts.models import Facility
from clinic.ops.seed.demo import Demo, Tally
from clinic.ops.seed.ids import seed_id
from patients.models import TreatmentType
from patients.services.treatments import add_treatment_type
from pharmacy.models import (
    Batch,
    DispenseLine,
    DispenseReturn,
    Medicine,
    PurchaseOrder,
    StockTake,
    StockTransfer,
    Store,
    StoreKind,
    Supplier,
)
from pharmacy.services.purchasing import place_order, receive_order
from pharmacy.services.returning import return_dispensed
from pharmacy.services.stocktaking import open_stock_take, write_counts
from pharmacy.services.stores import add_store
from pharmacy.services.transferring import transfer_stock

_TREATMENTS = [
    ("Dressing of a wound", "12.00"),
    ("Suture of a wound", "45.00"),
    ("Injection", "8.00"),
    ("Nebulisation", "16.00"),
    ("Ear irrigation", "20.00"),
    ("Infusion", "35.00"),
]
_STOREROOM = "Storeroom"
_CARRIED = 5  # batches that stand in both stores
_BROUGHT_BACK = 4  # units
_LINES = 3  # of each order


def seed_treatment_types(demo: Demo) -> Tally:
    there = set(TreatmentType.objects.values_list("name", flat=True))
    missing = [row for row in _TREATMENTS if row[0] not in there]
    for name, cost in missing:
        add_treatment_type(name=name, base_cost=Decimal(cost), by=demo.user("manager"))
    return Tally(len(missing), len(_TREATMENTS) - len(missing))


def seed_stores(demo: Demo) -> Tally:
    """Beside the dispensary: where the reserves are kept."""
    public_id = seed_id("store", _STOREROOM)
    if Store.objects.filter(public_id=public_id).exists():
        return Tally(0, 1)
    facility = Facility.objects.order_by("pk").first()
    add_store(
        data={"public_id": public_id, "name": _STOREROOM, "kind": StoreKind.STOREROOM, "facility": facility}, by=demo.user("pharmacist")
    )
    return Tally(1)


def seed_transfers(demo: Demo) -> Tally:
    """A part of what is plentiful went to the storeroom, and some of it came back."""
    wanted = [seed_id("transfer", number) for number in range(_CARRIED)]
    there = set(StockTransfer.objects.filter(request_id__in=wanted).values_list("request_id", flat=True))
    store = Store.objects.get(public_id=seed_id("store", _STOREROOM))
    plentiful = Batch.objects.usable(demo.today).filter(medicine__is_controlled=False, store__is_default=True, returned_from=None)
    batches = list(plentiful.order_by("-on_hand", "pk")[:_CARRIED])
    for request_id, batch in zip(wanted, batches, strict=True):
        if request_id not in there:
            _carry(demo, batch, store, request_id)
    return Tally(len(wanted) - len(there), len(there))


@transaction.atomic
def _carry(demo: Demo, batch: Batch, store: Store, request_id) -> None:
    by, half = demo.user("pharmacist"), batch.on_hand // 2
    kept = transfer_stock(batch_id=batch.pk, store=store, quantity=half, by=by, on=demo.today, request_id=request_id)
    back = seed_id("transfer back", request_id)
    transfer_stock(batch_id=kept.target_id, store=batch.store, quantity=half // 4, by=by, on=demo.today, request_id=back)


def seed_return(demo: Demo) -> Tally:
    """Some of what a patient paid for came back unopened: the cashier has it to credit."""
    request_id = seed_id("return", 0)
    if DispenseReturn.objects.filter(request_id=request_id).exists():
        return Tally(0, 1)
    paid = DispenseLine.objects.filter(
        item__invoice_lines__invoice__state="issued", item__invoice_lines__total__gt=0, quantity__gte=_BROUGHT_BACK, returned_quantity=0
    )
    line = paid.exclude(batch__medicine__is_controlled=True).order_by("pk").first()
    if line is None:
        return Tally(0)
    lines = [{"line": line.public_id, "quantity": _BROUGHT_BACK}]
    about = {"to": "quarantine", "reason": "Unopened strip", "by": demo.user("pharmacist"), "request_id": request_id}
    return_dispensed(dispense_id=line.dispense_id, lines=lines, **about)
    return Tally(1)


def seed_orders(demo: Demo) -> Tally:
    """One of which nothing came yet, and one of which a part came."""
    wanted = [seed_id("order", number) for number in range(2)]
    there = set(PurchaseOrder.objects.filter(request_id__in=wanted).values_list("request_id", flat=True))
    low = list(Medicine.objects.low(demo.today)[: 2 * _LINES])
    for number, request_id in enumerate(wanted):
        if request_id not in there:
            _order(demo, request_id, low[number * _LINES : (number + 1) * _LINES], is_partly_there=number == 1)
    return Tally(len(wanted) - len(there), len(there))


@transaction.atomic
def _order(demo: Demo, request_id, medicines: list[Medicine], *, is_partly_there: bool) -> None:
    by = demo.user("pharmacist")
    lines = [
        {
            "medicine": each,
            "quantity": max(each.reorder_level * 3, 10),
            "unit_cost": (each.price * Decimal("0.6")).quantize(Decimal("0.0001")),
        }
        for each in medicines
    ]
    order = place_order(supplier_id=Supplier.objects.order_by("pk")[0].pk, lines=lines, by=by, request_id=request_id)
    if is_partly_there:
        first = order.lines.order_by("pk")[0]
        receive_order(
            order_id=order.pk,
            line=first.public_id,
            by=by,
            on=demo.today,
            request_id=seed_id("order receipt", request_id),
            lot="PO1024",
            expires_on=demo.today + timedelta(days=500),
            quantity=first.ordered_quantity // 2,
        )


def seed_stock_take(demo: Demo) -> Tally:
    """The controlled medicines, counted by the pharmacist: two units of one are missing. Someone else approves it."""
    request_id, by = seed_id("stock take", 1), demo.user("pharmacist")
    if StockTake.objects.filter(request_id=request_id).exists():
        return Tally(0, 1)
    with transaction.atomic():
        take = open_stock_take(which="controlled", by=by, request_id=request_id)
        counts = {line.public_id: line.expected for line in take.lines.order_by("pk")}
        first = next(iter(counts))
        counts[first] = max(counts[first] - 2, 0)
        write_counts(take_id=take.pk, counts=counts, by=by)
    return Tally(1)
