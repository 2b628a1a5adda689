"""Medicines that are used up in a treatment.

A treatment costs `patients.models.Treatment.cost`: its base cost and `medicines_cost`, which the database holds equal to
the lines written here. Whoever charges for a treatment reads that and needs nothing of the pharmacy.
"""

from collections import Counter
from datetime import date
from uuid import UUID

from clinic.core.db import atomic_with_retry
from clinic.core.errors import InvalidInput
from clinic.core.repeats import earlier
from patients.models import Treatment, TreatmentType
from patients.services import treatments
from patients.services.encounters import open_encounter
from pharmacy import locks
from pharmacy.errors import InsufficientStock
from pharmacy.models import Medicine, MovementKind, TreatmentLine
from pharmacy.rules.picks import Want, plan_picks
from pharmacy.rules.quantities import MAX_QUANTITY, counted
from pharmacy.services.ledger import move_stock
from pharmacy.services.witnessing import needed_witness

MOST_MEDICINES = 20


@atomic_with_retry
def give_treatment(
    *, encounter_id: int, treatment_type: TreatmentType, notes: str, medicines: list[dict], by, on: date, witness=None, request_id: UUID
) -> Treatment:
    """Write down a treatment, and take the `medicines` [{medicine, quantity}] that it used out of stock, as each goes out.

    A controlled medicine needs a `witness` (from confirm_witness). Locks the batches by id, then the encounter.
    Repeating request_id returns the first treatment. Raises EncounterClosed, InsufficientStock, WitnessRequired,
    WitnessRefused and InvalidInput; then nothing is written.
    """
    wanted = _wanted(medicines)
    batches = {batch.pk: batch for batch in locks.lock_usable_batches([medicine.pk for medicine in wanted], on=on)}
    if first := earlier(Treatment, request_id, encounter_id=encounter_id, treatment_type=treatment_type):
        return first
    witness = needed_witness(list(wanted), witness, by=by)
    wants = [Want(medicine.pk, medicine.pk, units) for medicine, units in wanted.items()]
    plan = plan_picks(wants, batches.values(), on, oldest_first={medicine.pk for medicine in wanted if medicine.is_oldest_first})
    if plan.shortages:
        raise _insufficient(plan.shortages, wanted)
    treatment = treatments.record_treatment(
        encounter_id=encounter_id,
        treatment_type=treatment_type,
        notes=notes,
        by=by,
        medicines=[_as_charged(medicine, units) for medicine, units in wanted.items()],
        request_id=request_id,
    )
    by_id = {medicine.pk: medicine for medicine in wanted}
    for pick in plan.picks:
        batch, medicine = batches[pick.batch_id], by_id[pick.item_id]
        batch.medicine = medicine  # at hand; the ledger names it
        line = TreatmentLine.objects.create(
            encounter=treatment.encounter,
            treatment=treatment,
            batch=batch,
            quantity=pick.quantity,
            unit_price=medicine.price,
            used_on=on,
        )
        confirmed_by = witness if medicine.is_controlled else None
        move_stock(batch=batch, kind=MovementKind.OUT, quantity=-pick.quantity, by=by, witness=confirmed_by, line=line)
    return treatment


@atomic_with_retry
def take_back_treatment(*, encounter_id: int, treatment_id: UUID, by) -> None:
    """Remove a treatment before the visit is signed; what it used goes back to its batches.

    Locks the batches by id, then the encounter. Raises NotFound and EncounterClosed.
    """
    used = TreatmentLine.objects.filter(encounter=encounter_id, treatment__public_id=treatment_id)
    batches = {batch.pk: batch for batch in locks.lock_batches(used.values("batch"))}
    open_encounter(encounter_id)
    for line in used.select_related("treatment").order_by("pk"):
        line.returned_quantity = line.quantity
        line.save(update_fields=["returned_quantity"])
        move_stock(
            batch=batches[line.batch_id], kind=MovementKind.RETURN, quantity=line.quantity, by=by, reason="Treatment removed", line=line
        )
    treatments.remove_treatment(encounter_id=encounter_id, treatment_id=treatment_id, by=by)


def _wanted(medicines: list[dict]) -> Counter[Medicine]:
    if len(medicines) > MOST_MEDICINES:
        raise InvalidInput(errors={"medicines": [f"At most {MOST_MEDICINES} medicines."]})
    wanted: Counter[Medicine] = Counter()
    for line in medicines:
        wanted[line["medicine"]] += line["quantity"]
    for medicine, units in wanted.items():
        if not medicine.is_active:
            raise InvalidInput(errors={"medicines": [f"{medicine.name} is no longer used."]})
        if not 1 <= units <= MAX_QUANTITY:
            raise InvalidInput(errors={"medicines": [f"{medicine.name}: give a whole number from 1 to {MAX_QUANTITY:,}."]})
    return wanted


def _as_charged(medicine: Medicine, units: int) -> dict:
    return {
        "medicine": str(medicine.public_id),
        "name": medicine.name,
        "unit": medicine.unit,
        "quantity": units,
        "unit_price": str(medicine.price),
        "cost": str(medicine.price * units),
    }


def _insufficient(shortages, wanted: Counter[Medicine]) -> InsufficientStock:
    by_id = {medicine.pk: medicine for medicine in wanted}
    parts, extra = [], []
    for each in shortages:
        medicine = by_id[each.medicine_id]
        parts.append(f"{medicine.name}: {each.available} of {counted(each.wanted, medicine.unit)} in stock")
        extra.append({"medicine": str(medicine.public_id), "wanted": each.wanted, "available": each.available})
    return InsufficientStock(f"Not enough in stock. {'; '.join(parts)}.", shortages=extra)
