"""From what a doctor typed to the rows of a prescription."""

from collections.abc import Iterable

from django.core.exceptions import ValidationError

from clinic.core.errors import InvalidInput
from pharmacy.models import Medicine, Prescription, PrescriptionItem
from pharmacy.rules.quantities import FREQUENCIES, MAX_QUANTITY, compute_quantity, dose_with_unit

MOST_ITEMS = 30
MOST_REPEATS = 12
_FIELDS = ("dose", "route", "frequency", "duration_days", "quantity", "repeats", "instructions")


def build_items(prescription: Prescription, items: Iterable[dict]) -> list[PrescriptionItem]:
    """Unsaved rows. An item has medicine (or medicine_id), dose, frequency, duration_days; optional route, quantity, repeats, instructions.

    Without a quantity it is computed. Raises InvalidInput that names the line and what is wrong with it.
    """
    items = list(items)
    if not 1 <= len(items) <= MOST_ITEMS:
        raise InvalidInput(errors={"items": [f"Give 1 to {MOST_ITEMS} lines."]})
    ids = [item["medicine"].pk if "medicine" in item else item["medicine_id"] for item in items]
    medicines = Medicine.objects.in_bulk(ids)
    rows, problems = [], []
    for number, (item, medicine_id) in enumerate(zip(items, ids, strict=True), start=1):
        medicine = medicines.get(medicine_id)
        problem = _problem_of_medicine(medicine, ids[: number - 1])
        row = None if problem else _build(prescription, medicine, item)
        problem = problem or _problem_of_row(row)
        problems += [f"Line {number}: {problem}"] if problem else []
        rows.append(row)
    if problems:
        raise InvalidInput(errors={"items": problems})
    return rows


def _problem_of_medicine(medicine: Medicine | None, earlier_ids: list[int]) -> str:
    if medicine is None or not medicine.is_active:
        return "this medicine is not used here."
    return f"{medicine.name} is already on this prescription; change that line." if medicine.pk in earlier_ids else ""


def _build(prescription: Prescription, medicine: Medicine, item: dict) -> PrescriptionItem:
    row = PrescriptionItem(prescription=prescription, medicine=medicine)
    for name in _FIELDS:
        if item.get(name) not in (None, ""):
            value = item[name]
            setattr(row, name, value.strip() if isinstance(value, str) else value)
    if row.frequency.upper() in dict(FREQUENCIES):
        row.frequency = row.frequency.upper()
    row.dose = dose_with_unit(row.dose, medicine.unit)
    if row.quantity is None and row.duration_days:
        row.quantity = compute_quantity(
            dose=row.dose, frequency=row.frequency, duration_days=row.duration_days, unit=medicine.unit, strength=medicine.strength
        )
    return row


def _problem_of_row(row: PrescriptionItem) -> str:
    if row.quantity is None:
        return "give the quantity: it cannot be computed from these words."
    if not 1 <= row.quantity <= MAX_QUANTITY:
        return f"the quantity is from 1 to {MAX_QUANTITY:,}."
    if not 0 <= row.repeats <= MOST_REPEATS:
        return f"at most {MOST_REPEATS} repeats."
    if not 1 <= (row.duration_days or 0) <= 366:
        return "the course is from 1 to 366 days."
    try:
        row.clean_fields(exclude=["prescription", "medicine"])
    except ValidationError as error:
        return "; ".join(f"{name}: {' '.join(messages)}" for name, messages in error.message_dict.items())
    return ""
