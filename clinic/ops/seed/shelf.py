"""What the pharmacy has on its shelves: medicines, suppliers, and batches of every kind that staff meet."""

import csv
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

from django.db import transaction

from clinic.ops.seed.data.ailments import AILMENTS
from clinic.ops.seed.data.clinic_facts import SUPPLIERS
from clinic.ops.seed.demo import Demo, Tally
from clinic.ops.seed.history import backdate_stock
from clinic.ops.seed.ids import seed_id
from pharmacy.models import BatchState, Medicine, MovementKind, StockMovement, Supplier
from pharmacy.services.catalogue import add_medicine, add_supplier
from pharmacy.services.stock import adjust_batch, change_batch_state, receive_batch

_MEDICINES = Path(__file__).parent / "data" / "medicines.csv"
# Shares of the reorder level that a batch holds; the rest of the shelf is full.
_LOW, _FULL = Decimal("0.6"), Decimal(3)
_EXPIRING_IN = (20, 50, 80)


def read_medicines() -> list[dict]:
    with _MEDICINES.open(newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def medicine_name(row: dict) -> str:
    """As the staff say it: 'Amoxicillin/Clavulanic acid 500/125 mg'."""
    return f"{row['generic'].replace(' + ', '/')} {row['strength']}"


def medicine_id(name: str, form: str):
    return seed_id("medicine", name, form)


def seed_medicines(demo: Demo) -> Tally:
    rows = {medicine_id(medicine_name(row), row["form"]): row for row in read_medicines()}
    there = set(Medicine.objects.filter(public_id__in=rows).values_list("public_id", flat=True))
    for public_id, row in rows.items():
        if public_id not in there:
            add_medicine(data=_medicine(row) | {"public_id": public_id}, by=demo.user("pharmacist"))
    return Tally(len(rows) - len(there), len(there))


def _medicine(row: dict) -> dict:
    return {
        "name": medicine_name(row),
        "generic_name": row["generic"],
        "form": row["form"],
        "strength": row["strength"],
        "unit": row["unit"],
        "code_system": "atc",
        "code": row["atc"],
        "price": Decimal(row["price"]),
        "reorder_level": int(row["reorder_level"]),
        "prescription_required": row["prescription"] == "yes",
        "is_controlled": row["controlled"] == "yes",
    }


def seed_suppliers(demo: Demo) -> Tally:
    rows = {seed_id("supplier", name): (name, phone, email) for name, phone, email in SUPPLIERS}
    there = set(Supplier.objects.filter(public_id__in=rows).values_list("public_id", flat=True))
    for public_id, (name, phone, email) in rows.items():
        if public_id not in there:
            add_supplier(data={"public_id": public_id, "name": name, "phone": phone, "email": email}, by=demo.user("pharmacist"))
    return Tally(len(rows) - len(there), len(there))


# --- Batches -------------------------------------------------------------------------------


class _Delivery:
    """One batch to be: `share` of the reorder level, days since receipt and until expiry."""

    def __init__(self, row: dict, number: int, *, share: Decimal, received: int, expires: int, then: str = ""):
        self.row, self.number, self.received, self.expires, self.then = row, number, received, expires, then
        self.quantity = max(int(int(row["reorder_level"]) * share), 2)
        self.request_id = seed_id("delivery", medicine_name(row), row["form"], number)


def seed_batches(demo: Demo) -> Tally:
    deliveries = [delivery for place, row in enumerate(read_medicines()) for delivery in _deliveries(row, place)]
    deliveries.sort(key=lambda each: -each.received)  # the ledger is written in the order of its days
    there = set(StockMovement.objects.filter(request_id__in=[each.request_id for each in deliveries]).values_list("request_id", flat=True))
    for delivery in deliveries:
        if delivery.request_id not in there:
            _receive(demo, delivery)
    return Tally(len(deliveries) - len(there), len(there))


def _deliveries(row: dict, place: int) -> list[_Delivery]:
    """What the visits prescribe is well stocked; the others are as shelves are."""
    full = _Delivery(row, 1, share=_FULL, received=20 + place % 40, expires=200 + place * 7 % 500)
    if _is_prescribed(row):
        return [full, _Delivery(row, 2, share=_FULL, received=5, expires=420)]
    kinds = {
        1: [_Delivery(row, 1, share=_LOW, received=45, expires=160)],
        3: [_Delivery(row, 1, share=Decimal("0.3"), received=80, expires=95, then="wasted")],
        5: [],
        8: [full, _Delivery(row, 2, share=Decimal("0.4"), received=300, expires=-6)],
        11: [full, _Delivery(row, 2, share=Decimal("0.5"), received=12, expires=330, then="quarantined")],
    }
    expiring = {7: 0, 9: 1, 10: 2}
    if place % 13 in expiring:
        return [full, _Delivery(row, 2, share=Decimal("0.5"), received=250, expires=_EXPIRING_IN[expiring[place % 13]])]
    return kinds.get(place % 13, [full])


def _is_prescribed(row: dict) -> bool:
    wanted = {(name, form) for ailments in AILMENTS.values() for ailment in ailments for name, form, *_ in ailment.items}
    return (medicine_name(row), row["form"]) in wanted


@transaction.atomic
def _receive(demo: Demo, delivery: _Delivery) -> None:
    """Taken in on its day, and what became of it."""
    row, by = delivery.row, demo.user("pharmacist")
    dice = demo.dice("delivery", delivery.request_id)
    on = demo.today - timedelta(days=delivery.received)
    batch = receive_batch(
        medicine_id=Medicine.objects.values_list("pk", flat=True).get(public_id=medicine_id(medicine_name(row), row["form"])),
        by=by,
        on=on,
        request_id=delivery.request_id,
        lot=f"{dice.choice('ABDKLMRX')}{dice.randrange(10**4, 10**5)}",
        expires_on=demo.today + timedelta(days=delivery.expires),
        quantity=delivery.quantity,
        unit_cost=(Decimal(row["price"]) * Decimal("0.6")).quantize(Decimal("0.0001")),
        supplier_id=Supplier.objects.values_list("pk", flat=True).get(public_id=seed_id("supplier", dice.choice(SUPPLIERS[:3])[0])),
    )
    if delivery.then == "quarantined":
        change_batch_state(batch_id=batch.pk, to=BatchState.QUARANTINED, reason="Carton arrived wet; the supplier is asked.", by=by)
    if delivery.then == "wasted":
        request_id = seed_id("waste", delivery.request_id)
        adjust_batch(
            batch_id=batch.pk,
            quantity=-delivery.quantity,
            reason="Broken in storage.",
            by=by,
            witness=demo.user("nurse"),  # written down where the medicine is controlled
            kind=MovementKind.WASTE,
            request_id=request_id,
        )
    backdate_stock(batch, _opening(demo, on))


def _opening(demo: Demo, on: date) -> datetime:
    return datetime.combine(on, time(9, 30), tzinfo=demo.zone)
