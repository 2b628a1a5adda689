"""Lines of an invoice from what someone typed."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from billing import rules
from billing.models import InvoiceLine, LineKind, PriceItem
from billing.rules import Charge
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


def lines_from(items: list[dict[str, Any]], *, on: date) -> list[InvoiceLine]:
    """Unsaved lines. An item is {description, quantity, unit_price, discount?, tax_percent?} or {price_item, quantity, discount?}.

    `price_item` is a PriceItem, its code or its public id; the price is that of `on`.
    Raises InvalidInput with the errors of each line in its place.
    """
    if len(items) > MAX_LINES:
        raise InvalidInput(errors={"lines": [f"At most {MAX_LINES} lines."]})
    built = [_built(item, on) for item in items]
    if any(errors for _, errors in built):
        raise InvalidInput(errors={"lines": [errors for _, errors in built]})
    return [line for line, _ in built]


def _built(item: dict[str, Any], on: date) -> tuple[InvoiceLine, dict]:
    line = InvoiceLine(
        kind=LineKind.OTHER,
        description=(item.get("description") or "").strip(),
        quantity=item.get("quantity", 1),
        unit_price=item.get("unit_price") or ZERO,
        discount=item.get("discount") or ZERO,
        tax_percent=item.get("tax_percent") or ZERO,
    )
    if wanted := item.get("price_item"):
        price = wanted if isinstance(wanted, PriceItem) else PriceItem.objects.priced_on(on).by_code_or_id(str(wanted))
        if price is None:
            return line, {"price_item": ["There is no such price today."]}
        line.description = line.description or price.name
        line.unit_price, line.tax_percent = price.unit_price, price.tax_percent
    errors = _errors_of(line)
    return (line if errors else with_amounts(line)), errors


def _errors_of(line: InvoiceLine) -> dict[str, list[str]]:
    errors: dict[str, list[str]] = {}
    if not line.description or len(line.description) > 200:
        errors["description"] = ["Say what is charged, in at most 200 characters."]
    if not 1 <= line.quantity <= rules.MAX_QUANTITY:
        errors["quantity"] = ["At least 1."]
    if not 0 <= line.tax_percent <= 100:
        errors["tax_percent"] = ["Between 0 and 100."]
    for name in ("unit_price", "discount"):
        try:
            rules.check_amount(getattr(line, name), name, zero=True)
        except InvalidInput as error:
            errors |= error.errors
    if not errors:
        full = line.quantity * line.unit_price
        if line.discount > full:
            errors["discount"] = ["More than the line costs."]
        elif full * 2 > rules.MAX_AMOUNT:  # with up to 100 % tax
            errors["unit_price"] = ["The line costs too much."]
    return errors


def with_amounts(line: InvoiceLine) -> InvoiceLine:
    amounts = rules.line_amounts(quantity=line.quantity, unit_price=line.unit_price, discount=line.discount, tax_percent=line.tax_percent)
    line.tax, line.total = amounts.tax, amounts.total
    return line


def with_shares(lines: Iterable[InvoiceLine], cover_percent: int) -> None:
    """Set what the insurer bears of each line."""
    for line in lines:
        line.insurer_share = rules.insurer_share(line.total, cover_percent)


def insurer_share_of(lines: Iterable[InvoiceLine]) -> Decimal:
    return rules.sum_of(line.insurer_share for line in lines)


def total_of(lines: Iterable[InvoiceLine]) -> Decimal:
    total = rules.sum_of(line.total for line in lines)
    if total > rules.MAX_AMOUNT:
        raise InvalidInput(errors={"lines": ["The invoice costs too much."]})
    return total
