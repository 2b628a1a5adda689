"""Lines of an invoice from what someone typed."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from billing import rules
from billing.models import InvoiceLine, LineKind, PriceItem
from billing.rules import Charge
from billing.services import discounts
from billing.services.packages import exploded, with_amounts
from clinic.core.errors import InvalidInput
from clinic.core.money import ZERO

MAX_LINES = 100


def line_of_charge(charge: Charge) -> InvoiceLine:
    line = InvoiceLine(
        kind=charge.kind,
        description=charge.description,
        quantity=charge.quantity,
        unit_price=charge.unit_price,
        charge_key=charge.key,
        **charge.refers,
    )
    return with_amounts(line)


def lines_from(items: list[dict[str, Any]], *, on: date, by) -> list[InvoiceLine]:
    """Unsaved lines. An item is {description, quantity, unit_price, tax_percent?}, {price_item, quantity} or {package, quantity}.

    `price_item` is a PriceItem, its code or its public id; `package` a code or public id: one line for each of its parts.
    Prices are those of `on`. The first two take {discount or discount_percent, discount_reason}, which `by` must be allowed to give.
    Raises MayNotDiscount, and InvalidInput with the errors of each item in its place.
    """
    if len(items) > MAX_LINES:
        raise InvalidInput(errors={"lines": [f"At most {MAX_LINES} lines."]})
    built = [exploded(item, on) if item.get("package") else _built(item, on, by) for item in items]
    if any(errors for _, errors in built):
        raise InvalidInput(errors={"lines": [errors for _, errors in built]})
    lines = [line for lines, _ in built for line in lines]
    if len(lines) > MAX_LINES:
        raise InvalidInput(errors={"lines": [f"At most {MAX_LINES} lines."]})
    return lines


def _built(item: dict[str, Any], on: date, by) -> tuple[list[InvoiceLine], dict]:
    line = InvoiceLine(
        kind=LineKind.OTHER,
        description=(item.get("description") or "").strip(),
        quantity=item.get("quantity", 1),
        unit_price=item.get("unit_price") or ZERO,
        discount=ZERO,
        tax_percent=item.get("tax_percent") or ZERO,
    )
    if wanted := item.get("price_item"):
        price = wanted if isinstance(wanted, PriceItem) else PriceItem.objects.priced_on(on).by_code_or_id(str(wanted))
        if price is None:
            return [line], {"price_item": ["There is no such price today."]}
        line.description = line.description or price.name
        line.unit_price, line.tax_percent = price.unit_price, price.tax_percent
    errors = _errors_of(line) or discounts.errors_of(line, item, by)
    return [line if errors else with_amounts(line)], errors


def _errors_of(line: InvoiceLine) -> dict[str, list[str]]:
    errors: dict[str, list[str]] = {}
    if not line.description or len(line.description) > 200:
        errors["description"] = ["Say what is charged, in at most 200 characters."]
    if not 1 <= line.quantity <= rules.MAX_QUANTITY:
        errors["quantity"] = ["At least 1."]
    if not 0 <= line.tax_percent <= 100:
        errors["tax_percent"] = ["Between 0 and 100."]
    try:
        rules.check_amount(line.unit_price, "unit_price", zero=True)
    except InvalidInput as error:
        errors |= error.errors
    if not errors and line.quantity * line.unit_price * 2 > rules.MAX_AMOUNT:  # with up to 100 % tax
        errors["unit_price"] = ["The line costs too much."]
    return errors


def with_shares(lines: Iterable[InvoiceLine], cover_percent: int) -> None:
    """Set what the insurer bears of each line."""
    for line in lines:
        line.insurer_share = rules.insurer_share(line.total, cover_percent)


NO_INSURANCE = {"payer": "", "policy_number": "", "cover_percent": 0}


def insurance_of(patient, on: date) -> dict[str, Any]:
    """The columns of an invoice that say who bears what."""
    percent = rules.cover_on(
        payer=patient.insurance_payer, cover_percent=patient.insurance_cover_percent, valid_until=patient.insurance_valid_until, on=on
    )
    if not percent:
        return NO_INSURANCE
    return {"payer": patient.insurance_payer.strip(), "policy_number": patient.insurance_policy_number, "cover_percent": percent}


def insurer_share_of(lines: Iterable[InvoiceLine]) -> Decimal:
    return rules.sum_of(line.insurer_share for line in lines)


def total_of(lines: Iterable[InvoiceLine]) -> Decimal:
    total = rules.sum_of(line.total for line in lines)
    if total > rules.MAX_AMOUNT:
        raise InvalidInput(errors={"lines": ["The invoice costs too much."]})
    return total
