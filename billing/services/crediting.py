"""Taking back part or all of an issued invoice."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from billing import locks, rules
from billing.errors import CreditExceedsInvoice, NotCreditable, RequestReused
from billing.models import CreditLine, CreditNote, Invoice, InvoiceLine, InvoiceState
from billing.services import clearance
from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry
from clinic.core.errors import InvalidInput


@atomic_with_retry
def credit_invoice(
    *,
    invoice_id: int,
    reason: str,
    by,
    on: date,
    request_id: UUID,
    lines: list[dict[str, Any]] | None = None,
    amount: Decimal | None = None,
) -> CreditNote:
    """Take back of each line what `lines` ({id, amount}) says, or `amount` spread over all; without either, all that is left.

    Patient and insurer get back what they bear of it. What was paid beyond the rest is then to be refunded; a medicine
    that is wholly credited is held back at pharmacy. Locks the invoice, its prescriptions, and last the counter.
    Repeating request_id returns the first note. Raises InvalidInput, NotCreditable, CreditExceedsInvoice.
    """
    invoice = locks.lock_invoice(invoice_id)
    if earlier := CreditNote.objects.filter(request_id=request_id).first():
        if earlier.invoice_id != invoice_id:
            raise RequestReused
        return earlier
    reason = rules.check_reason(reason)
    if invoice.state != InvoiceState.ISSUED:
        raise NotCreditable
    parts = _parts(list(invoice.lines.order_by("id")), lines, amount)
    locks.lock_prescriptions(clearance.prescriptions_on(invoice))  # they rank before the counter
    note = _write(invoice, parts, reason=reason, by=by, on=on, request_id=request_id)
    was_settled = invoice.is_settled_by_patient
    invoice.save_changes(credited=invoice.credited + note.amount, insurer_credited=invoice.insurer_credited + note.insurer_share)
    clearance.revoke_credited(invoice, by)
    if invoice.is_settled_by_patient and not was_settled:
        clearance.clear_what_is_paid(invoice, by)
    record(
        action="billing.invoice.credited",
        actor=by,
        subject=invoice,
        patient=invoice.patient,
        changes={"credit_note": note.number, "amount": str(note.amount), "status": invoice.status},
    )
    return note


def _parts(lines: list[InvoiceLine], wanted: list[dict[str, Any]] | None, amount: Decimal | None) -> dict[InvoiceLine, Decimal]:
    """What is taken back of which line; CreditExceedsInvoice when there is not so much left."""
    if wanted and amount is not None:
        raise InvalidInput(errors={"amount": ["Give lines or an amount, not both."]})
    left = rules.sum_of(line.creditable for line in lines)
    if not wanted:
        amount = left if amount is None else rules.check_amount(amount)
        if amount > left or not left:
            raise CreditExceedsInvoice(f"Only {left} is left of this invoice.", creditable=str(left))
        return rules.spread(amount, {line: line.creditable for line in lines})
    by_id = {str(line.public_id): line for line in lines}
    parts: dict[InvoiceLine, Decimal] = {}
    for item in wanted:
        line = by_id.get(str(item["id"]))
        if line is None or line in parts:
            raise InvalidInput(errors={"lines": ["Each line must be of this invoice, and stand here once."]})
        parts[line] = rules.check_amount(item["amount"])
        if parts[line] > line.creditable:
            raise CreditExceedsInvoice(f"Only {line.creditable} is left of a line.", creditable=str(line.creditable))
    return parts


def _write(invoice: Invoice, parts: dict[InvoiceLine, Decimal], *, reason: str, by, on: date, request_id: UUID) -> CreditNote:
    credits = [
        CreditLine(line=line, amount=part, tax=rules.part_of(line.tax, total=line.total, before=line.credited, amount=part))
        for line, part in parts.items()
    ]
    amount = rules.sum_of(parts.values())
    counter = locks.lock_credit_note_counter(on.year)
    counter.last_number += 1
    counter.save(update_fields=["last_number"])
    note = CreditNote.objects.create(
        invoice=invoice,
        number=rules.credit_note_number(on.year, counter.last_number),
        amount=amount,
        tax=rules.sum_of(credit.tax for credit in credits),
        insurer_share=_insurers_part(invoice, parts, amount),
        reason=reason,
        issued_by=by,
        request_id=request_id,
    )
    for credit in credits:
        credit.credit_note = note
        credit.line.credited += credit.amount
    CreditLine.objects.bulk_create(credits)
    InvoiceLine.objects.bulk_update([credit.line for credit in credits], ["credited"])
    note.refresh_from_db(fields=["issued_at"])
    return note


def _insurers_part(invoice: Invoice, parts: dict[InvoiceLine, Decimal], amount: Decimal) -> Decimal:
    """As the lines are shared, as far as either side still bears so much: what was declined is the patient's."""
    shared = rules.sum_of(
        rules.part_of(line.insurer_share, total=line.total, before=line.credited, amount=part) for line, part in parts.items()
    )
    of_insurer = invoice.insurer_share - invoice.declined - invoice.insurer_credited
    of_patient = invoice.creditable - of_insurer
    return min(max(shared, amount - of_patient), of_insurer)
