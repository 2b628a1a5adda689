"""What insurers are asked for, and what they answer."""

from decimal import Decimal
from uuid import UUID, uuid5

from django.db.models.functions import Now

from billing import locks, rules, selectors
from billing.errors import ClaimClosed, ClaimIsLive, NothingToClaim
from billing.models import Claim, ClaimBatch, ClaimStatus, Invoice, InvoiceState, PaymentMethod
from billing.models.claim import NEXT_STATUSES
from billing.services.clearance import clear_what_is_paid, revoke
from billing.services.payments import take_payment
from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry
from clinic.core.errors import InvalidInput, NotFound, RequestReused


@atomic_with_retry
def submit_claim(*, invoice_id: int, by, batch: ClaimBatch | None = None) -> Claim:
    """Claim what the insurer owes of an issued invoice.

    Locks the invoice. Repeated while a claim waits for its answer, it returns that claim. Raises NothingToClaim.
    """
    invoice = locks.lock_invoice(invoice_id)
    if live := Claim.objects.live().filter(invoice=invoice).first():
        return live
    if invoice.state != InvoiceState.ISSUED or invoice.insurer_balance <= 0:
        raise NothingToClaim
    number = f"{invoice.number}-{Claim.objects.filter(invoice=invoice).count() + 1}"  # under the invoice's lock
    claim = Claim.objects.create(invoice=invoice, batch=batch, number=number, amount=invoice.insurer_balance, submitted_by=by)
    claim.refresh_from_db()
    _record("submitted", claim, by)
    return claim


@atomic_with_retry
def submit_batch(*, payer: str, by, request_id: UUID) -> ClaimBatch:
    """Claim all that this insurer owes and was not asked for. Locks the invoices, by id: of two batches at once one takes them.

    Repeating request_id returns the first batch. Raises NothingToClaim.
    """
    owing = selectors.to_claim().filter(payer=payer).order_by("id")
    locks.lock_invoices(list(owing.values_list("pk", flat=True)))
    if earlier := ClaimBatch.objects.filter(request_id=request_id).first():
        if earlier.payer != payer:
            raise RequestReused
        return earlier
    invoices = list(owing.values_list("pk", flat=True))
    if not invoices:
        raise NothingToClaim
    batch = ClaimBatch.objects.create(payer=payer, made_by=by, request_id=request_id)
    for invoice_id in invoices:
        submit_claim(invoice_id=invoice_id, by=by, batch=batch)
    record(action="billing.claim_batch.made", actor=by, subject=batch, changes={"claims": len(invoices)})
    return batch


@atomic_with_retry
def answer_claim(*, claim_id: int, status: str, by, amount: Decimal | None = None, reason: str = "", reference: str = "") -> Claim:
    """Write down what the insurer says: accepted, rejected (with a reason), or paid (with the amount that came).

    What is paid becomes a payment by insurance. What an insurer leaves open is claimed again, or charged to the
    patient. Locks the invoice, then the claim. The same answer again changes nothing. Raises InvalidInput, ClaimClosed,
    and what take_payment raises.
    """
    invoice_id = Claim.objects.filter(pk=claim_id).values_list("invoice_id", flat=True).first()
    if invoice_id is None:
        raise NotFound
    locks.lock_invoice(invoice_id)
    claim = locks.lock_claim(claim_id)
    answered = _check_answer(claim, status, amount)
    if claim.status == status and claim.answered == answered:
        return claim
    if status not in NEXT_STATUSES[claim.status]:
        raise ClaimClosed(f"Claim {claim.number} is {claim.get_status_display().lower()} already.")
    if status == ClaimStatus.REJECTED or reason.strip():
        reason = rules.check_reason(reason)
    payment = None
    if status == ClaimStatus.PAID:
        payment = take_payment(
            invoice_id=invoice_id,
            method=PaymentMethod.INSURANCE,
            amount=answered,
            reference=reference or claim.number,
            by=by,
            request_id=uuid5(claim.public_id, "paid"),
        )
    claim.save_changes(status=status, answered=answered, reason=reason, payment=payment, answered_at=Now())
    claim.refresh_from_db(fields=["answered_at"])
    _record(status, claim, by)
    return claim


@atomic_with_retry
def charge_patient(*, invoice_id: int, reason: str, by) -> Invoice:
    """What the insurer still owes falls to the patient, for good. Not while a claim waits for its answer.

    Locks the invoice; medicine that the patient has then not paid is held back. Raises InvalidInput, ClaimIsLive, NothingToClaim.
    """
    reason = rules.check_reason(reason)
    invoice = locks.lock_invoice(invoice_id)
    if Claim.objects.live().filter(invoice=invoice).exists():
        raise ClaimIsLive
    if invoice.state != InvoiceState.ISSUED or invoice.insurer_balance <= 0:
        raise NothingToClaim
    was_settled, moved = invoice.is_settled_by_patient, invoice.insurer_balance
    invoice.save_changes(declined=invoice.declined + moved)
    if was_settled and not invoice.is_settled_by_patient:
        revoke(invoice, by)
    elif invoice.is_settled_by_patient:
        clear_what_is_paid(invoice, by)
    changes = {"declined": str(moved), "reason_given": True, "status": invoice.status}
    record(action="billing.invoice.charged_to_patient", actor=by, subject=invoice, patient=invoice.patient, changes=changes)
    return invoice


def _check_answer(claim: Claim, status: str, amount: Decimal | None) -> Decimal | None:
    """The amount as it is kept: all that was claimed unless the insurer said less; nothing for a rejection."""
    if status not in {ClaimStatus.ACCEPTED, ClaimStatus.REJECTED, ClaimStatus.PAID}:
        raise InvalidInput(errors={"status": ["Accepted, rejected or paid."]})
    if status == ClaimStatus.REJECTED:
        return None
    amount = claim.amount if amount is None else rules.check_amount(amount)
    if amount > claim.amount:
        raise InvalidInput(errors={"amount": [f"Only {claim.amount} was claimed."]})
    return amount


def _record(verb: str, claim: Claim, by) -> None:
    record(
        action=f"billing.claim.{verb}",
        actor=by,
        subject=claim,
        patient=claim.invoice.patient,
        changes={"invoice": str(claim.invoice.public_id), "status": claim.status, "amount": str(claim.answered or claim.amount)},
    )
