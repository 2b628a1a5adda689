from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
ZERO = Decimal("0.00")


def to_cents(amount: Decimal) -> Decimal:
    """Round to two decimals, halves away from zero (the usage of invoices)."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)
