from decimal import Decimal
from uuid import uuid4

import pytest

from billing import selectors
from billing.errors import NotYourShift, ShiftAlreadyOpen, ShiftClosed, VarianceNeedsReason
from billing.models import CashCount, Shift
from billing.services.payments import refund_payment
from billing.services.shifts import close_shift, open_shift
from billing.tests.factories import cashier, issued, pay
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.core.errors import InvalidInput

pytestmark = pytest.mark.django_db


def test_cashier_has_one_open_shift():
    by, request_id = user(Role.RECEPTION), uuid4()

    first = open_shift(by=by, opening_float=Decimal(50), request_id=request_id)

    assert open_shift(by=by, opening_float=Decimal(50), request_id=request_id) == first
    with pytest.raises(ShiftAlreadyOpen):
        open_shift(by=by, opening_float=Decimal(50), request_id=uuid4())
    assert Shift.objects.count() == 1


@pytest.mark.parametrize("value", ["-1", "0.001", "NaN"])
def test_float_that_is_no_amount_is_refused(value):
    with pytest.raises(InvalidInput):
        open_shift(by=user(Role.RECEPTION), opening_float=Decimal(value))

    assert not Shift.objects.exists()


def worked() -> Shift:
    """100.00 at the start, 40.00 cash in, 10.00 of it back, 25.00 by card."""
    by = cashier()
    cash = pay(issued(by), by)
    refund_payment(payment_id=cash.pk, amount=Decimal(10), reason="x", by=by, request_id=uuid4())
    pay(issued(by), by, "25.00", method="card")
    return Shift.objects.get(cashier=by)


def test_expects_what_the_ledger_says():
    assert selectors.expected_in(worked()) == {"cash": Decimal("130.00"), "card": Decimal("25.00")}


def test_closes_with_a_count_that_fits():
    shift = worked()

    closed = close_shift(shift_id=shift.pk, counted={"cash": Decimal(130), "card": Decimal(25)}, by=shift.cashier)

    assert not closed.is_open
    counts = [(count.method, count.expected, count.counted) for count in CashCount.objects.order_by("method")]
    assert counts == [("card", Decimal(25), Decimal(25)), ("cash", Decimal(130), Decimal(130))]


def test_variance_needs_a_reason():
    shift = worked()
    counted = {"cash": Decimal("129.50"), "card": Decimal(25)}

    with pytest.raises(VarianceNeedsReason) as refused:
        close_shift(shift_id=shift.pk, counted=counted, by=shift.cashier)

    assert refused.value.extra == {"variances": {"cash": "-0.50"}}
    assert not CashCount.objects.exists()
    closed = close_shift(shift_id=shift.pk, counted=counted, by=shift.cashier, reason="a coin rolled away")
    assert closed.variance == Decimal("-0.50")


@pytest.mark.parametrize(
    "counted",
    [
        {},
        {"cash": Decimal(130)},
        {"cash": Decimal(130), "card": Decimal(25), "gold": Decimal(1)},
        {"cash": Decimal(-1), "card": Decimal(25)},
    ],
)
def test_incomplete_or_strange_count_is_refused(counted):
    shift = worked()

    with pytest.raises(InvalidInput) as refused:
        close_shift(shift_id=shift.pk, counted=counted, by=shift.cashier, reason="x")

    assert "counted" in refused.value.errors
    shift.refresh_from_db()
    assert shift.is_open


def test_closed_shift_stays_closed():
    shift = worked()
    counted = {"cash": Decimal(130), "card": Decimal(25)}
    close_shift(shift_id=shift.pk, counted=counted, by=shift.cashier)

    with pytest.raises(ShiftClosed):
        close_shift(shift_id=shift.pk, counted=counted, by=shift.cashier)


def test_only_its_cashier_or_an_overseer_closes_it():
    shift = worked()
    counted = {"cash": Decimal(130), "card": Decimal(25)}

    with pytest.raises(NotYourShift):
        close_shift(shift_id=shift.pk, counted=counted, by=user(Role.RECEPTION))

    assert not close_shift(shift_id=shift.pk, counted=counted, by=user(Role.MANAGER)).is_open
