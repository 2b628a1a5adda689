"""Changing a draft: its lines, what is taken off them, and who bears them."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from billing import locks, rules
from billing.errors import EmptyInvoice, NotDraft, NotInsured
from billing.models import Invoice, InvoiceLine
from billing.services import discounts
from billing.services.lines import NO_INSURANCE, insurance_of, insurer_share_of, lines_from, total_of, with_amounts, with_shares
from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry
from clinic.core.errors import InvalidInput
from clinic.core.http import check_version

_AMOUNTS = ["discount", "discount_reason", "tax", "total", "insurer_share"]


@atomic_with_retry
def change_lines(*, invoice_id: int, lines: list[dict[str, Any]], by, on: date, expected_version: int | None = None) -> Invoice:
    """Make the draft's lines those given: {id, discount?, discount_reason?} keeps a line, one without id is new; what is not named goes.

    What a visit is charged for can be discounted or left out; the rest of it is not typed.
    Locks the invoice. Raises NotDraft, StaleVersion, InvalidInput, and MayNotDiscount.
    """
    invoice = locks.lock_invoice(invoice_id)
    check_version(invoice, expected_version)
    if not invoice.is_draft:
        raise NotDraft
    kept = _kept_lines(invoice, [item for item in lines if item.get("id")], by)
    new = lines_from([item for item in lines if not item.get("id")], on=on, by=by)
    with_shares([*kept, *new], invoice.cover_percent)
    total, insurer_share = total_of([*kept, *new]), insurer_share_of([*kept, *new])
    invoice.lines.exclude(pk__in=[line.pk for line in kept]).delete()
    InvoiceLine.objects.bulk_update(kept, _AMOUNTS)
    for line in new:
        line.invoice = invoice
    InvoiceLine.objects.bulk_create(new)
    invoice.save_changes(total=total, insurer_share=insurer_share)
    record(
        action="billing.invoice.changed",
        actor=by,
        subject=invoice,
        patient=invoice.patient,
        changes={"total": str(total), "lines": len(kept) + len(new)},
    )
    return invoice


@atomic_with_retry
def set_cover(*, invoice_id: int, covered: bool, by, on: date, expected_version: int | None = None) -> Invoice:
    """Let the patient's insurance, as of `on`, bear its share of a draft; or leave it out.

    Locks the invoice. Raises NotDraft, StaleVersion, and NotInsured when there is no insurance to bear anything.
    """
    invoice = locks.lock_invoice(invoice_id)
    check_version(invoice, expected_version)
    if not invoice.is_draft:
        raise NotDraft
    cover = insurance_of(invoice.patient, on) if covered else NO_INSURANCE
    if covered and not cover["cover_percent"]:
        raise NotInsured
    lines = list(invoice.lines.all())
    with_shares(lines, cover["cover_percent"])
    InvoiceLine.objects.bulk_update(lines, ["insurer_share"])
    invoice.save_changes(insurer_share=insurer_share_of(lines), **cover)
    record(
        action="billing.invoice.changed",
        actor=by,
        subject=invoice,
        patient=invoice.patient,
        changes={"cover_percent": invoice.cover_percent, "insurer_share": str(invoice.insurer_share)},
    )
    return invoice


@atomic_with_retry
def discount_invoice(
    *,
    invoice_id: int,
    reason: str,
    by,
    amount: Decimal | None = None,
    percent: Decimal | None = None,
    line_id: UUID | None = None,
    expected_version: int | None = None,
) -> Invoice:
    """Take an amount or a percentage off a draft, or off one line of it; off the draft it is spread over its lines in proportion.

    It comes off what earlier discounts left. Locks the invoice. Raises MayNotDiscount, NotDraft, EmptyInvoice, StaleVersion,
    and InvalidInput without a reason, for more than is left, or for a line of another invoice.
    """
    discounts.check_may(by)
    reason = rules.check_reason(reason)
    invoice = locks.lock_invoice(invoice_id)
    check_version(invoice, expected_version)
    if not invoice.is_draft:
        raise NotDraft
    lines = list(invoice.lines.order_by("id"))
    if not lines:
        raise EmptyInvoice
    chosen = [line for line in lines if line_id is None or line.public_id == line_id]
    if not chosen:
        raise InvalidInput(errors={"line": ["This line is not on the invoice."]})
    left = {line: line.quantity * line.unit_price - line.discount for line in chosen}
    off = rules.discount_of(rules.sum_of(left.values()), amount=amount, percent=percent)
    for line, part in rules.spread(off, left).items():
        discounts.add(line, part, reason)
        with_amounts(line)
    with_shares(lines, invoice.cover_percent)
    InvoiceLine.objects.bulk_update(lines, _AMOUNTS)
    invoice.save_changes(total=total_of(lines), insurer_share=insurer_share_of(lines))
    record(
        action="billing.invoice.discounted",
        actor=by,
        subject=invoice,
        patient=invoice.patient,
        changes={"off": str(off), "total": str(invoice.total), "reason_given": True},
    )
    return invoice


def _kept_lines(invoice: Invoice, items: list[dict[str, Any]], by) -> list[InvoiceLine]:
    lines = {str(line.public_id): line for line in invoice.lines.all()}
    kept = {}
    for item in items:
        line = lines.get(str(item["id"]))
        if line is None:
            raise InvalidInput(errors={"lines": ["This line is not on the invoice."]})
        discounts.apply(line, item, by)
        kept[line.pk] = with_amounts(line)
    return list(kept.values())
