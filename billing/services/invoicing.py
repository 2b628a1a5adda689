"""An invoice's way from draft to issued, and to void."""

from datetime import date
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils import timezone

from billing import locks, rules, selectors
from billing.errors import (
    AlreadyBilled,
    AlreadyIssued,
    AlreadyVoid,
    ClaimIsLive,
    EmptyInvoice,
    HasCreditNotes,
    HasPayments,
    NothingToBill,
    VisitInError,
)
from billing.models import Claim, Invoice, InvoiceLine, InvoiceState
from billing.rules import Charge
from billing.services import clearance
from billing.services.lines import insurance_of, insurer_share_of, line_of_charge, lines_from, total_of, with_shares
from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry, constraint_of
from clinic.core.errors import NotFound
from clinic.core.repeats import earlier
from patients.models import Encounter
from patients.models.encounter import EncounterStatus
from pharmacy.models import Dispense


@atomic_with_retry
def draft_invoice(*, encounter_id: int, by, request_id: UUID | None = None, on: date | None = None) -> Invoice:
    """Put all charges of the visit that stand on no invoice yet on a new draft, with the insurance as of `on` (default: today).

    Locks the encounter. Repeating request_id returns the first draft. Raises VisitInError, NothingToBill,
    and AlreadyBilled with the newest invoice that holds the charges.
    """
    encounter = locks.lock_encounter(encounter_id)
    if first := earlier(Invoice, request_id, encounter_id=encounter_id):
        return first
    if encounter.status == EncounterStatus.ENTERED_IN_ERROR:
        raise VisitInError
    charges = selectors.unbilled_charges(encounter)
    return _draft_of(encounter, charges, by=by, request_id=request_id, on=on)


@atomic_with_retry
def draft_dispensed(*, dispense_id: int, by, request_id: UUID | None = None, on: date | None = None) -> Invoice:
    """Put what was handed out of the medicines of a dispense, and is not billed yet, on a new draft. Otherwise as draft_invoice."""
    dispense = Dispense.objects.filter(pk=dispense_id).select_related("prescription").first()
    if dispense is None:
        raise NotFound
    encounter = locks.lock_encounter(dispense.prescription.encounter_id)
    if first := earlier(Invoice, request_id, encounter_id=encounter.pk):
        return first
    charges = selectors.handed_out_charges(dispense)
    return _draft_of(encounter, charges, by=by, request_id=request_id, on=on)


def _draft_of(encounter: Encounter, charges: list[Charge], *, by, request_id: UUID | None, on: date | None) -> Invoice:
    if not charges:
        raise _already_billed(encounter) or NothingToBill
    lines = [line_of_charge(charge) for charge in charges]
    try:
        with transaction.atomic():
            about = {"patient": encounter.patient, "encounter": encounter, "request_id": request_id}
            return _add_draft(lines, on=on or timezone.localdate(), by=by, **about)
    except IntegrityError as error:
        if constraint_of(error) != "line_charge_billed_once":
            raise
        raise (_already_billed(encounter) or AlreadyBilled()) from error


@atomic_with_retry
def draft_manual_invoice(
    *, patient_id: int, lines: list[dict[str, Any]], by, request_id: UUID | None = None, on: date | None = None
) -> Invoice:
    """A draft with typed lines; see `lines_from`. Prices and insurance are those of `on` (default: today).

    Locks the patient. Repeating request_id returns the first draft. Raises InvalidInput, NotFound.
    """
    patient = locks.lock_patient(patient_id)
    if first := earlier(Invoice, request_id, patient_id=patient_id, encounter_id=None):
        return first
    on = on or timezone.localdate()
    return _add_draft(lines_from(lines, on=on, by=by), on=on, by=by, patient=patient, encounter=None, request_id=request_id)


@atomic_with_retry
def issue_invoice(*, invoice_id: int, by, on: date) -> Invoice:
    """Give the draft the next number of `on`'s year and freeze it. Where the patient owes nothing, pharmacy hears of it at once.

    Locks the invoice, where nothing is owed its prescriptions, and last the counter: what rolls back takes no number.
    Raises AlreadyIssued, AlreadyVoid, EmptyInvoice.
    """
    invoice = locks.lock_invoice(invoice_id)
    if invoice.state == InvoiceState.ISSUED:
        raise AlreadyIssued
    if invoice.state == InvoiceState.VOID:
        raise AlreadyVoid
    if not invoice.lines.exists():
        raise EmptyInvoice
    is_free = invoice.patient_share == 0
    if is_free:
        locks.lock_prescriptions(clearance.prescriptions_on(invoice))  # they rank before the counter
    counter = locks.lock_counter(on.year)
    counter.last_number += 1
    counter.save(update_fields=["last_number"])
    number = rules.invoice_number(on.year, counter.last_number)
    invoice.save_changes(state=InvoiceState.ISSUED, number=number, issued_at=Now())
    invoice.refresh_from_db(fields=["issued_at"])
    if is_free:
        clearance.clear_what_is_paid(invoice, by)
    record(
        action="billing.invoice.issued",
        actor=by,
        subject=invoice,
        patient=invoice.patient,
        changes={"status": invoice.status, "number": number, "total": str(invoice.total)},
    )
    return invoice


@atomic_with_retry
def bill_visit(*, encounter_id: int, by, on: date, request_id: UUID | None = None, issue: bool = True) -> Invoice:
    """Draft and issue in one step. Repeating request_id returns the first invoice. Raises what the two steps raise."""
    invoice = draft_invoice(encounter_id=encounter_id, by=by, request_id=request_id, on=on)
    return issue_invoice(invoice_id=invoice.pk, by=by, on=on) if issue and invoice.is_draft else invoice


@atomic_with_retry
def void_invoice(*, invoice_id: int, reason: str, by) -> Invoice:
    """Take an invoice back: its number stays used, its charges may be billed anew, what it released is held back.

    Locks the invoice. Raises AlreadyVoid, HasPayments, InvalidInput without a reason.
    """
    reason = rules.check_reason(reason)
    invoice = locks.lock_invoice(invoice_id)
    if invoice.state == InvoiceState.VOID:
        raise AlreadyVoid
    if invoice.paid:
        raise HasPayments
    if invoice.credited:
        raise HasCreditNotes
    if Claim.objects.live().filter(invoice=invoice).exists():
        raise ClaimIsLive
    was_settled = invoice.is_settled_by_patient
    invoice.save_changes(state=InvoiceState.VOID, void_reason=reason, voided_at=Now())
    invoice.refresh_from_db(fields=["voided_at"])
    invoice.lines.update(is_void=True)
    if was_settled:
        clearance.revoke(invoice, by)
    record(action="billing.invoice.voided", actor=by, subject=invoice, patient=invoice.patient, changes={"status": invoice.status})
    return invoice


def _already_billed(encounter: Encounter) -> AlreadyBilled | None:
    """With the newest invoice of the visit; None when it has none."""
    holder = Invoice.objects.filter(encounter=encounter).exclude(state=InvoiceState.VOID).order_by("-id").first()
    return AlreadyBilled(invoice=str(holder.public_id)) if holder else None


def _add_draft(lines: list[InvoiceLine], *, patient, encounter, by, on: date, request_id) -> Invoice:
    cover = insurance_of(patient, on)
    with_shares(lines, cover["cover_percent"])
    shared = {"total": total_of(lines), "insurer_share": insurer_share_of(lines)}
    invoice = Invoice.objects.create(patient=patient, encounter=encounter, created_by=by, request_id=request_id, **shared, **cover)
    for line in lines:
        line.invoice = invoice
    InvoiceLine.objects.bulk_create(lines)
    record(
        action="billing.invoice.drafted",
        actor=by,
        subject=invoice,
        patient=patient,
        changes={"total": str(invoice.total), "lines": len(lines), "encounter": str(encounter.public_id) if encounter else None},
    )
    return invoice
