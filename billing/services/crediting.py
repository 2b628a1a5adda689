"""Taking back part or all of an issued invoice."""

from collections import Counter
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from billing import locks, rules
from billing.errors import CreditExceedsInvoice, NotCreditable, NothingReturned
from billing.models import CreditLine, CreditNote, Invoice, InvoiceLine, InvoiceState, ReturnCredit
from billing.selectors import Returned, returned_on
from billing.services import clearance
from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry
from clinic.core.errors import InvalidInput
from clinic.core.repeats import earlier
from pharmacy.services.crediting import count_credited


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
    invoice, first = _locked(invoice_id, request_id)
    if first:
        return first
    reason = rules.check_reason(reason)
    parts = _parts(list(invoice.lines.order_by("id")), lines, amount)
    locks.lock_prescriptions(clearance.prescriptions_on(invoice))  # they rank before the counter
    note = _write(invoice, parts, reason=reason, by=by, on=on, request_id=request_id)
    _count(note, invoice, by, hold_back=clearance.revoke_credited)
    return note


@atomic_with_retry
def credit_returned(*, invoice_id: int, by, on: date, request_id: UUID) -> CreditNote:
    """Take back the price of all that came back to the pharmacy and stands on this invoice, each unit once.

    A prescription of which nothing is paid any more is held back at pharmacy; what is handed out again is billed then.
    Locks the invoice, its prescriptions, and last the counter. Repeating request_id returns the first note.
    Raises NotCreditable, NothingReturned.
    """
    invoice, first = _locked(invoice_id, request_id)
    if first:
        return first
    locks.lock_prescriptions(clearance.prescriptions_on(invoice))
    returned = returned_on(invoice)
    if not returned:
        raise NothingReturned
    parts = {each.line: each.amount for each in returned.lines}
    for each in returned.lines:
        each.line.credited_quantity += each.units
    note = _write(invoice, parts, reason="Returned to the pharmacy", by=by, on=on, request_id=request_id)
    _link(note, returned.lines)
    _count(note, invoice, by, hold_back=clearance.revoke_returned)
    return note


def _locked(invoice_id: int, request_id: UUID) -> tuple[Invoice, CreditNote | None]:
    """The invoice, and the note that this request wrote before."""
    invoice = locks.lock_invoice(invoice_id)
    first = earlier(CreditNote, request_id, invoice_id=invoice_id)
    if not first and invoice.state != InvoiceState.ISSUED:
        raise NotCreditable
    return invoice, first


def _link(note: CreditNote, returned: list[Returned]) -> None:
    """Say on the note what came back, and at the pharmacy that it is credited."""
    credits = {credit.line_id: credit for credit in note.lines.all()}
    links = [
        ReturnCredit(credit_line=credits[each.line.pk], movement=move, quantity=units) for each in returned for move, units in each.parts
    ]
    ReturnCredit.objects.bulk_create(links)
    units = Counter()
    for link in links:
        units[link.movement.dispense_line_id] += link.quantity
    count_credited(units=units)


def _count(note: CreditNote, invoice: Invoice, by, *, hold_back) -> None:
    """Take the note off what is owed, and tell pharmacy what follows."""
    was_settled = invoice.is_settled_by_patient
    invoice.save_changes(credited=invoice.credited + note.amount, insurer_credited=invoice.insurer_credited + note.insurer_share)
    hold_back(invoice, by)
    if invoice.is_settled_by_patient and not was_settled:
        clearance.clear_what_is_paid(invoice, by)
    record(
        action="billing.invoice.credited",
        actor=by,
        subject=invoice,
        patient=invoice.patient,
        changes={"credit_note": note.number, "amount": str(note.amount), "status": invoice.status},
    )


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
    InvoiceLine.objects.bulk_update([credit.line for credit in credits], ["credited", "credited_quantity"])
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
