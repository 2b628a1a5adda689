"""The price list. A price that has been in force is not rewritten: it ends, and another follows."""

from datetime import date
from decimal import Decimal

from django.db import IntegrityError, transaction

from billing import locks, rules
from billing.errors import PriceOverlaps
from billing.models import PriceItem
from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry, constraint_of
from clinic.core.errors import InvalidInput


@atomic_with_retry
def set_price(
    *, code: str, name: str, unit_price: Decimal, valid_from: date, by, tax_percent: Decimal = Decimal(0), valid_until: date | None = None
) -> PriceItem:
    """Add a price for a period; one without an end that is in force before it ends where this begins.

    No lock: one price per code and day is a constraint. Raises InvalidInput, PriceOverlaps.
    """
    unit_price = rules.check_amount(unit_price, "unit_price", zero=True)
    if valid_until and valid_until <= valid_from:
        raise InvalidInput(errors={"valid_until": ["Must be after the first day."]})
    PriceItem.objects.filter(code=code, valid_from__lt=valid_from, valid_until__isnull=True).update(valid_until=valid_from)
    price = PriceItem(code=code, name=name, unit_price=unit_price, tax_percent=tax_percent, valid_from=valid_from, valid_until=valid_until)
    _write(price)
    record(action="billing.price.set", actor=by, subject=price, changes={"code": code, "unit_price": str(unit_price)})
    return price


@atomic_with_retry
def end_price(*, price_id: int, valid_until: date | None, by) -> PriceItem:
    """Change the last day of a price. Locks the price. Raises InvalidInput, PriceOverlaps."""
    price = locks.lock_price(price_id)
    if valid_until and valid_until <= price.valid_from:
        raise InvalidInput(errors={"valid_until": ["Must be after the first day."]})
    price.valid_until = valid_until
    _write(price)
    record(action="billing.price.ended", actor=by, subject=price, changes={"code": price.code, "valid_until": str(valid_until)})
    return price


def _write(price: PriceItem) -> None:
    try:
        with transaction.atomic():
            price.save()
    except IntegrityError as error:
        if constraint_of(error) == "price_one_at_a_time":
            raise PriceOverlaps from error
        raise
