"""What goes on around the shelves: orders on their way, a count that waits for its approval, and the catalogue of treatments."""

from datetime import timedelta
from decimal import Decimal

from django.db import transaction

from clinic.ops.seed.demo import Demo, Tally
from clinic.ops.seed.ids import seed_id
from patients.models import TreatmentType
from patients.services.treatments import add_treatment_type
from pharmacy.models import Medicine, PurchaseOrder, StockTake, Supplier
from pharmacy.services.purchasing import place_order, receive_order
from pharmacy.services.stocktaking import open_stock_take, write_counts

_TREATMENTS = [
    ("Dressing of a wound", "12.00"),
    ("Suture of a wound", "45.00"),
    ("Injection", "8.00"),
    ("Nebulisation", "16.00"),
    ("Ear irrigation", "20.00"),
    ("Infusion", "35.00"),
]
_LINES = 3  # of each order


def seed_treatment_types(demo: Demo) -> Tally:
    there = set(TreatmentType.objects.values_list("name", flat=True))
    missing = [row for row in _TREATMENTS if row[0] not in there]
    for name, cost in missing:
        add_treatment_type(name=name, base_cost=Decimal(cost), by=demo.user("manager"))
    return Tally(len(missing), len(_TREATMENTS) - len(missing))


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
