from decimal import Decimal

from clinic.core.money import to_cents


def test_rounds_half_a_cent_away_from_zero():
    assert to_cents(Decimal("1.005")) == Decimal("1.01")
    assert to_cents(Decimal("-1.005")) == Decimal("-1.01")
