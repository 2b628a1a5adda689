"""From what a doctor typed to the rows of a prescription, or to a favourite."""

from collections.abc import Iterable

from django.core.exceptions import ValidationError

from clinic.core.errors import InvalidInput
from pharmacy.models import Medicine, Prescription, PrescriptionItem
from pharmacy.models.directions import Directions
from pharmacy.rules.frequencies import standard
from pharmacy.rules.quantities import MAX_QUANTITY, compute_quantity, dose_with_unit, is_when_needed

MOST_ITEMS = 30
MOST_REPEATS = 12
MOST_DOSES_A_DAY = 24
ITEM_FIELDS = ("dose", "route", "frequency", "max_doses_a_day", "duration_days", "quantity", "repeats", "instructions")


def build_items(prescription: Prescription, items: Iterable[dict]) -> list[PrescriptionItem]:
    """Unsaved rows. An item has medicine (or medicine_id), dose, frequency, duration_days; optional route, quantity, repeats, instructions.

    Without a quantity it is computed. PRN needs max_doses_a_day. Raises InvalidInput that names the line and what is wrong with it.
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
        row = None if problem else fill_in(PrescriptionItem(prescription=prescription, medicine=medicine), item)
        problem = problem or problem_of(row)
        problems += [f"Line {number}: {problem}"] if problem else []
        rows.append(row)
    if problems:
        raise InvalidInput(errors={"items": problems})
    return rows


def _problem_of_medicine(medicine: Medicine | None, earlier_ids: list[int]) -> str:
    if medicine is None:
        return "this medicine is not used here."
    if not medicine.is_active:
        return f"{medicine.name} is no longer used here."
    return f"{medicine.name} is already on this prescription; change that line." if medicine.pk in earlier_ids else ""


def fill_in(row: Directions, item: dict) -> Directions:
    """What was typed, in standard words, and the quantity that it comes to."""
    for name in ITEM_FIELDS:
        if item.get(name) not in (None, ""):
            value = item[name]
            setattr(row, name, value.strip() if isinstance(value, str) else value)
    if found := standard(row.frequency):
        row.frequency = found.code
    if not is_when_needed(row.frequency):
        row.max_doses_a_day = None
    row.dose = dose_with_unit(row.dose, row.medicine.unit)
    if row.quantity is None and row.duration_days:
        row.quantity = compute_quantity(
            dose=row.dose,
            frequency=row.frequency,
            duration_days=row.duration_days,
            unit=row.medicine.unit,
            strength=row.medicine.strength,
            max_doses_a_day=row.max_doses_a_day,
        )
    return row


def problem_of(row: Directions) -> str:
    """What is wrong with a row that fill_in() made, in words; '' for nothing."""
    if is_when_needed(row.frequency) and not 1 <= (row.max_doses_a_day or 0) <= MOST_DOSES_A_DAY:
        return f"when needed: say how many times a day at most, 1 to {MOST_DOSES_A_DAY}."
    if row.quantity is None:
        return "give the quantity: it cannot be computed from these words."
    if not 1 <= row.quantity <= MAX_QUANTITY:
        return f"the quantity is from 1 to {MAX_QUANTITY:,}."
    if not 0 <= row.repeats <= MOST_REPEATS:
        return f"at most {MOST_REPEATS} repeats."
    if not 1 <= (row.duration_days or 0) <= 366:
        return "the course is from 1 to 366 days."
    try:
        row.clean_fields(exclude=["prescription", "medicine", "doctor", "added_by"])
    except ValidationError as error:
        return "; ".join(f"{name}: {' '.join(messages)}" for name, messages in error.message_dict.items())
    return ""
