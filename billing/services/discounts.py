"""What is taken off a line: by whom, how much, and why."""

from decimal import Decimal
from typing import Any

from billing import rules
from billing.errors import MayNotDiscount
from billing.models import InvoiceLine
from billing.permissions import GIVE_DISCOUNT
from clinic.core.errors import InvalidInput
from clinic.core.money import ZERO


def check_may(by) -> None:
    if by is None or not by.has_perm(GIVE_DISCOUNT):
        raise MayNotDiscount


def apply(line: InvoiceLine, item: dict[str, Any], by) -> None:
    """Set what `item` says of {discount or discount_percent, discount_reason}. What stands already needs nobody's leave.

    Raises MayNotDiscount and InvalidInput.
    """
    full = line.quantity * line.unit_price
    amount, percent = item.get("discount"), item.get("discount_percent")
    if percent is None and (amount is None or amount == line.discount):
        return
    off = rules.discount_of(full, amount=amount, percent=percent, zero=True)
    reason = ""
    if off:
        check_may(by)
        reason = rules.check_reason(item.get("discount_reason") or "", "discount_reason")
    line.discount, line.discount_reason = off, reason


def add(line: InvoiceLine, part: Decimal, reason: str) -> None:
    """On top of what the line has already; both reasons stay, as far as there is room."""
    reasons = [line.discount_reason, reason] if line.discount_reason not in {"", reason} else [reason]
    line.discount, line.discount_reason = (line.discount or ZERO) + part, "; ".join(reasons)[:200]


def errors_of(line: InvoiceLine, item: dict[str, Any], by) -> dict[str, list[str]]:
    """`apply`, with what is wrong beside the field it is about."""
    try:
        apply(line, item, by)
    except InvalidInput as error:
        return error.errors
    return {}
