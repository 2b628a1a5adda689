"""What the pharmacy has on its shelves."""

import csv
from pathlib import Path

from django.db import models

from clinic.ops.seed.data.clinic_facts import SUPPLIERS
from clinic.ops.seed.demo import Demo, Tally
from clinic.ops.seed.ids import seed_id
from pharmacy.models import Medicine, Supplier

_MEDICINES = Path(__file__).parent / "data" / "medicines.csv"


def seed_medicines(demo: Demo) -> Tally:
    return _add_missing(Medicine, [_medicine(row) for row in read_medicines()])


def seed_suppliers(demo: Demo) -> Tally:
    return _add_missing(
        Supplier, [Supplier(public_id=seed_id("supplier", name), name=name, phone=phone, email=email) for name, phone, email in SUPPLIERS]
    )


def read_medicines() -> list[dict]:
    with _MEDICINES.open(newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def medicine_name(row: dict) -> str:
    """As the staff say it: 'Amoxicillin/Clavulanic acid 500/125 mg'."""
    return f"{row['generic'].replace(' + ', '/')} {row['strength']}"


def _medicine(row: dict) -> Medicine:
    return Medicine(
        public_id=seed_id("medicine", medicine_name(row), row["form"]),
        name=medicine_name(row),
        generic_name=row["generic"],
        form=row["form"],
        strength=row["strength"],
        unit=row["unit"],
        code_system="atc",
        code=row["atc"],
        price=row["price"],
        reorder_level=int(row["reorder_level"]),
        prescription_required=row["prescription"] == "yes",
        is_controlled=row["controlled"] == "yes",
    )


def _add_missing(model: type[models.Model], rows: list[models.Model]) -> Tally:
    there = set(model.objects.filter(public_id__in=[row.public_id for row in rows]).values_list("public_id", flat=True))
    missing = [row for row in rows if row.public_id not in there]
    model.objects.bulk_create(missing)
    return Tally(len(missing), len(there))
