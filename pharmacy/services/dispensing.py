"""Handing out what was prescribed."""

from collections import Counter
from copy import copy
from datetime import date
from uuid import UUID

from django.conf import settings
from django.db.models import Sum

from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry
from clinic.core.errors import InvalidInput, RequestReused
from clinic.core.repeats import earlier
from pharmacy import locks
from pharmacy.errors import InsufficientStock, NotDispensable, OverPrescribed, PaymentRequired, SafetyCheck, WrongBatch
from pharmacy.models import Batch, Dispense, DispenseLine, MovementKind, Prescription, PrescriptionItem, PrescriptionStatus
from pharmacy.models.prescription import DISPENSABLE_STATUSES
from pharmacy.rules.picks import Want, is_usable, next_filling, plan_picks, status_after, units_by
from pharmacy.rules.quantities import MAX_QUANTITY, counted
from pharmacy.selectors.safety import safety_of, with_given
from pharmacy.services.ledger import move_stock
from pharmacy.services.prescribing import check_reason
from pharmacy.services.substituting import substitutions_of
from pharmacy.services.witnessing import needed_witness

_WHY_NOT = {
    PrescriptionStatus.DRAFT: "This prescription is not signed yet.",
    PrescriptionStatus.CANCELLED: "This prescription was cancelled.",
    PrescriptionStatus.EXPIRED: "This prescription has expired: it could be handed out before {valid_until}. Ask the doctor for a new one.",
    PrescriptionStatus.DISPENSED: "Everything on this prescription was already handed out.",
}


@atomic_with_retry
def dispense_prescription(
    *,
    prescription_id: int,
    pharmacist,
    request_id: UUID,
    on: date,
    items: list[dict] | None = None,
    override_reason: str = "",
    witness=None,
) -> Dispense:
    """Hand out a filling, or the `items` [{item, quantity, batch?, medicine?, substitution_reason?, prescriber_agreement?}]
    (public ids), in the order in which each goes out. `medicine` is given instead of the one prescribed, and checked as it would be.

    A controlled medicine needs a `witness` (from confirm_witness).
    Locks the prescription, then the batches by id. Repeating request_id returns the first Dispense.
    Raises RequestReused (for another one), NotDispensable, PaymentRequired, OverPrescribed, SafetyCheck, WitnessRequired, WitnessRefused,
    WrongBatch, NotASubstitute, InsufficientStock and InvalidInput; then nothing is written.
    """
    prescription = locks.lock_prescription(prescription_id)
    if first := earlier(Dispense, request_id, prescription_id=prescription.pk):
        if units_by("item", items) not in ({}, _handed_out(first)):  # without items a filling was asked for, whatever that is
            raise RequestReused
        return first
    check_dispensable(prescription, on=on)
    rows = {item.pk: item for item in prescription.items.select_related("medicine")}
    chosen = _chosen_batches(items or [])
    substitutes = substitutions_of(rows, items or [])
    wants = _wants(rows, items, chosen, substitutes) if items is not None else _next_filling(rows)
    going_out = _going_out(wants, rows, substitutes)
    left = rows.keys() - {item.pk for item in going_out}
    beside = with_given(prescription.items.filter(pk__in=left).select_related("medicine"), on=on) if left else []
    reason = _check_safety(prescription, going_out, beside, on, override_reason)
    witness = needed_witness([item.medicine for item in going_out], witness, by=pharmacist)

    batches = locks.lock_usable_batches({want.medicine_id for want in wants}, on=on, batch_ids=[batch.pk for batch in chosen.values()])
    _check_chosen(wants, batches, on)
    plan = plan_picks(wants, batches, on, oldest_first={item.medicine_id for item in going_out if item.medicine.is_oldest_first})
    if plan.shortages:
        raise _insufficient(plan.shortages, rows, going_out)

    dispense = Dispense.objects.create(
        prescription=prescription, dispensed_by=pharmacist, dispensed_on=on, override_reason=reason, request_id=request_id
    )
    medicines = {item.medicine_id: item.medicine for item in going_out}
    for batch in batches:
        batch.medicine = medicines[batch.medicine_id]  # at hand; the ledger names it
    _hand_out(dispense, plan.picks, rows, {batch.pk: batch for batch in batches}, witness, substitutes)
    before = prescription.status
    prescription.save_changes(status=status_after(rows.values()))
    record(
        action="pharmacy.prescription.dispensed",
        actor=pharmacist,
        subject=dispense,
        patient=prescription.patient,
        changes={
            "prescription": str(prescription.public_id),
            "status": [before, prescription.status],
            "units": sum(pick.quantity for pick in plan.picks),
        },
    )
    return dispense


def _handed_out(dispense: Dispense) -> dict[UUID, int]:
    return dict(dispense.lines.order_by().values_list("item__public_id").annotate(units=Sum("quantity")))


def check_dispensable(prescription: Prescription, *, on: date) -> None:
    """Raise NotDispensable or PaymentRequired."""
    status = prescription.state_on(on)
    if status not in DISPENSABLE_STATUSES:
        last = f"{prescription.valid_until:%d %b %Y}" if prescription.valid_until else ""
        raise NotDispensable(_WHY_NOT[PrescriptionStatus(status)].format(valid_until=last), prescription_status=str(status))
    if settings.PAY_BEFORE_DISPENSE and prescription.cleared_at is None:
        raise PaymentRequired


def _next_filling(rows: dict[int, PrescriptionItem]) -> list[Want]:
    units = {
        item.pk: next_filling(quantity=item.quantity, repeats=item.repeats, dispensed=item.dispensed_quantity) for item in rows.values()
    }
    return [Want(item.pk, item.medicine_id, units[item.pk]) for item in rows.values() if units[item.pk]]


def _chosen_batches(items: list[dict]) -> dict[UUID, Batch]:
    """{public id: batch} of the batches that the pharmacist named; one that does not exist is InvalidInput."""
    asked = {item["batch"] for item in items if item.get("batch")}
    found = {batch.public_id: batch for batch in Batch.objects.filter(public_id__in=asked)} if asked else {}
    if asked - found.keys():
        raise InvalidInput(errors={"items": ["There is no such batch."]})
    return found


def _going_out(wants: list[Want], rows: dict[int, PrescriptionItem], substitutes: dict) -> list[PrescriptionItem]:
    """The items as they are given: with the substitute in the place of the medicine."""
    given = []
    for item_id in {want.item_id for want in wants}:
        item = copy(rows[item_id])
        if item_id in substitutes:
            item.medicine = substitutes[item_id].medicine
        given.append(item)
    return given


def _wants(rows: dict[int, PrescriptionItem], items: list[dict], chosen: dict[UUID, Batch], substitutes: dict) -> list[Want]:
    by_public_id = {item.public_id: item for item in rows.values()}
    if not items:
        raise InvalidInput(errors={"items": ["Name at least one item."]})
    wants, asked = [], Counter()
    for line in items:
        item = by_public_id.get(line["item"])
        if item is None:
            raise InvalidInput(errors={"items": ["There is no such item on this prescription."]})
        if not 1 <= line["quantity"] <= MAX_QUANTITY:
            raise InvalidInput(errors={"items": [f"{item.medicine.name}: give a whole number from 1 to {MAX_QUANTITY:,}."]})
        asked[item] += line["quantity"]
        batch = chosen.get(line.get("batch"))
        medicine_id = substitutes[item.pk].medicine.pk if item.pk in substitutes else item.medicine_id
        wants.append(Want(item.pk, medicine_id, line["quantity"], batch.pk if batch else None))
    for item, quantity in asked.items():
        left = item.total_quantity - item.dispensed_quantity
        if quantity > left:
            raise OverPrescribed(f"{item.medicine.name}: {counted(left, item.medicine.unit)} left to give out.", left=left)
    return wants


def _check_safety(
    prescription: Prescription, items: list[PrescriptionItem], beside: list[PrescriptionItem], on: date, override_reason: str
) -> str:
    reason = check_reason(override_reason)
    report = safety_of(prescription, on=on, items=items, beside=beside)
    if report.needs_reason and not reason:
        raise SafetyCheck(alerts=report.as_json())
    return reason if report.needs_reason else ""


def _check_chosen(wants: list[Want], batches: list[Batch], on: date) -> None:
    by_id = {batch.pk: batch for batch in batches}
    for want in wants:
        if want.batch_id is None:
            continue
        batch = by_id[want.batch_id]
        if batch.medicine_id != want.medicine_id:
            raise WrongBatch(f"Batch {batch.lot} is of another medicine.")
        if not batch.store.hands_out:
            raise WrongBatch(f"Batch {batch.lot} stands in {batch.store}. Transfer it to a dispensary first.")
        if batch.expires_on <= on:
            raise WrongBatch(f"Batch {batch.lot} has expired.")
        if not is_usable(batch, on):
            why = "empty" if batch.on_hand == 0 else batch.get_state_display().lower()
            raise WrongBatch(f"Batch {batch.lot} is {why}.")


def _insufficient(shortages, rows: dict[int, PrescriptionItem], given: list[PrescriptionItem]) -> InsufficientStock:
    parts, extra = [], []
    medicines = {item.medicine_id: item.medicine for item in given}
    for shortage in shortages:
        medicine = medicines[shortage.medicine_id]
        parts.append(f"{medicine.name}: {shortage.available} of {counted(shortage.wanted, medicine.unit)} in stock")
        extra.append(
            {
                "item": str(rows[shortage.item_id].public_id),
                "medicine": str(medicine.public_id),
                "medicine_name": medicine.name,
                "wanted": shortage.wanted,
                "available": shortage.available,
            }
        )
    return InsufficientStock(f"Not enough in stock. {'; '.join(parts)}.", shortages=extra)


def _hand_out(dispense: Dispense, picks, rows: dict[int, PrescriptionItem], batches: dict[int, Batch], witness, substitutes: dict) -> None:
    for pick in picks:
        item, batch = rows[pick.item_id], batches[pick.batch_id]
        why = substitutes[item.pk].as_columns() if item.pk in substitutes else {}
        line = DispenseLine.objects.create(dispense=dispense, item=item, batch=batch, quantity=pick.quantity, **why)
        confirmed_by = witness if batch.medicine.is_controlled else None
        move_stock(batch=batch, kind=MovementKind.OUT, quantity=-pick.quantity, by=dispense.dispensed_by, witness=confirmed_by, line=line)
        item.dispensed_quantity += pick.quantity
    for item_id in {pick.item_id for pick in picks}:
        rows[item_id].save(update_fields=["dispensed_quantity"])
