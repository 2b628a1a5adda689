"""Packages: a name and one price for several things of the price list."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction

from billing import locks, rules
from billing.errors import PriceOverlaps
from billing.models import InvoiceLine, LineKind, Package, PackagePart, PriceItem
from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry, constraint_of
from clinic.core.errors import InvalidInput

MAX_PARTS = 20


@atomic_with_retry
def set_package(*, code: str, name: str, price: Decimal, parts: dict[str, int], valid_from: date, by) -> Package:
    """Offer {code of the price list: quantity} at one price, before tax, from a day on; what the code offered before ends there.

    No lock: one package per code and day is a constraint. Raises PriceOverlaps, and InvalidInput for parts that have no price
    on that day, or that cost less by themselves.
    """
    price = rules.check_amount(price, "price", zero=True)
    code, name = code.strip(), name.strip()
    missing = {field: ["Fill this in."] for field, value in (("code", code), ("name", name)) if not value}
    if missing:
        raise InvalidInput(errors=missing)
    prices = _prices_of(parts, valid_from)
    if price > rules.sum_of(parts[each] * prices[each].unit_price for each in parts):
        raise InvalidInput(errors={"price": ["Its parts cost less by themselves."]})
    Package.objects.filter(code=code, valid_from__lt=valid_from, valid_until__isnull=True).update(valid_until=valid_from)
    try:
        with transaction.atomic():
            package = Package.objects.create(code=code, name=name, price=price, valid_from=valid_from)
    except IntegrityError as error:
        if constraint_of(error) == "package_one_at_a_time":
            raise PriceOverlaps("There is a package with this code in that period already.") from error
        raise
    PackagePart.objects.bulk_create(PackagePart(package=package, code=each, quantity=quantity) for each, quantity in parts.items())
    record(action="billing.package.set", actor=by, subject=package, changes={"code": code, "price": str(price), "parts": len(parts)})
    return package


@atomic_with_retry
def end_package(*, package_id: int, valid_until: date, by) -> Package:
    """Its first day without. Locks the package. Raises InvalidInput for a day that is not after its first."""
    package = locks.lock_package(package_id)
    if valid_until <= package.valid_from:
        raise InvalidInput(errors={"valid_until": ["Must be after the first day."]})
    package.valid_until = valid_until
    package.save(update_fields=["valid_until"])
    record(action="billing.package.ended", actor=by, subject=package, changes={"code": package.code, "valid_until": str(valid_until)})
    return package


def _prices_of(parts: dict[str, int], on: date) -> dict[str, PriceItem]:
    if not 1 <= len(parts) <= MAX_PARTS or not all(1 <= quantity <= 1000 for quantity in parts.values()):
        raise InvalidInput(errors={"parts": [f"Between 1 and {MAX_PARTS} things, each 1 to 1000 times."]})
    prices = {price.code: price for price in PriceItem.objects.priced_on(on).filter(code__in=parts)}
    if unknown := sorted(set(parts) - set(prices)):
        raise InvalidInput(errors={"parts": [f"There is no such price: {', '.join(unknown)[:100]}."]})
    return prices


def exploded(item: dict[str, Any], on: date) -> tuple[list[InvoiceLine], dict]:
    """(one line for each part of {package, quantity}, errors). What they save beside the price list is their discount."""
    package = Package.objects.priced_on(on).by_code_or_id(str(item["package"]))
    if package is None:
        return [], {"package": ["There is no such package today."]}
    times = item.get("quantity", 1)
    if not 1 <= times <= 1000:
        return [], {"quantity": ["Between 1 and 1000."]}
    parts = {part.code: part.quantity * times for part in package.parts.order_by("id")}
    prices = {price.code: price for price in PriceItem.objects.priced_on(on).filter(code__in=parts)}
    if set(parts) - set(prices):
        return [], {"package": ["A part of this package has no price today."]}
    fulls = {code: quantity * prices[code].unit_price for code, quantity in parts.items()}
    if package.price * times > rules.sum_of(fulls.values()):
        return [], {"package": ["Its parts cost less by themselves today."]}
    costs = rules.package_parts(package.price * times, fulls)
    return [_line(package, prices[code], quantity, fulls[code] - costs[code]) for code, quantity in parts.items()], {}


def _line(package: Package, price: PriceItem, quantity: int, discount: Decimal) -> InvoiceLine:
    line = InvoiceLine(
        kind=LineKind.OTHER,
        description=f"{price.name} ({package.name})"[:200],
        quantity=quantity,
        unit_price=price.unit_price,
        discount=discount,
        discount_reason=f"Package {package.name}" if discount else "",
        tax_percent=price.tax_percent,
    )
    return with_amounts(line)


def with_amounts(line: InvoiceLine) -> InvoiceLine:
    amounts = rules.line_amounts(quantity=line.quantity, unit_price=line.unit_price, discount=line.discount, tax_percent=line.tax_percent)
    line.tax, line.total = amounts.tax, amounts.total
    return line
