"""A cashier's time at a drawer, and what should be in it."""

from collections.abc import Mapping
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from billing import locks, rules, selectors
from billing.errors import HandoverPending, NotYourShift, ShiftAlreadyOpen, ShiftClosed, VarianceNeedsReason
from billing.models import COUNTER_METHODS, CashCount, DenominationCount, PaymentMethod, Shift
from billing.permissions import OVERSEE_SHIFTS, WORK_SHIFT
from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry, constraint_of
from clinic.core.errors import InvalidInput
from clinic.core.money import to_cents


@atomic_with_retry
def open_shift(*, by, opening_float: Decimal, request_id: UUID | None = None) -> Shift:
    """Start a shift of `by` with so much cash in the drawer.

    No lock: one open shift per cashier is a constraint. Repeating request_id returns the first shift.
    Raises InvalidInput, ShiftAlreadyOpen.
    """
    opening_float = rules.check_amount(opening_float, "opening_float", zero=True)
    if earlier := _earlier(by, request_id):
        return earlier
    try:
        with transaction.atomic():
            shift = Shift.objects.create(cashier=by, opening_float=opening_float, request_id=request_id)
    except IntegrityError as error:
        if constraint_of(error) not in {"shift_one_open_per_cashier", "billing_shift_request_id_key"}:
            raise
        if earlier := _earlier(by, request_id):  # the other press of the same button came first
            return earlier
        raise ShiftAlreadyOpen from error
    record(action="billing.shift.opened", actor=by, subject=shift, changes={"opening_float": str(opening_float)})
    shift.refresh_from_db()
    return shift


@atomic_with_retry
def close_shift(
    *, shift_id: int, counted: Mapping[str, Decimal], by, reason: str = "", denominations: Mapping[Decimal, int] | None = None
) -> Shift:
    """Write down what was counted beside what the ledger says, and freeze the shift.

    With `denominations` ({value: number} of notes and coins) the cash is what they add up to.

    Locks the shift: a payment that is being taken in it is waited for, a later one is refused.
    Raises NotYourShift, ShiftClosed, VarianceNeedsReason (with the variances), and InvalidInput for a
    method that is not counted although money moved in it.
    """
    shift = locks.lock_shift(shift_id)
    if shift.cashier_id != by.pk and not by.has_perm(OVERSEE_SHIFTS):
        raise NotYourShift
    if not shift.is_open:
        raise ShiftClosed
    if unknown := set(counted) - set(dict(COUNTER_METHODS)):
        raise InvalidInput(errors={"counted": {name: ["Not a way to pay here."] for name in sorted(unknown)}})
    pieces, counted = _count_pieces(denominations or {}, counted)
    expected = selectors.expected_in(shift)
    counted = rules.check_counted(counted, expected)
    differences = {name: str(value) for name, value in rules.variances(counted, expected).items()}
    reason = reason.strip()
    if differences:
        if not reason:
            raise VarianceNeedsReason(variances=differences)
        rules.check_reason(reason)
    CashCount.objects.bulk_create(
        CashCount(shift=shift, method=name, expected=expected.get(name, Decimal(0)), counted=value) for name, value in counted.items()
    )
    DenominationCount.objects.bulk_create(DenominationCount(shift=shift, value=value, number=number) for value, number in pieces.items())
    shift.save_changes(closed_at=Now(), variance_reason=reason)
    shift.refresh_from_db(fields=["closed_at"])
    record(
        action="billing.shift.closed", actor=by, subject=shift, changes={"cashier": str(shift.cashier.public_id), "variances": differences}
    )
    return shift


@atomic_with_retry
def hand_over_shift(
    *,
    shift_id: int,
    to,
    counted: Mapping[str, Decimal],
    by,
    request_id: UUID,
    reason: str = "",
    denominations: Mapping[Decimal, int] | None = None,
) -> Shift:
    """Close a shift and open one of `to` with the cash that was counted, in one step.

    Refused while something of the shift is not finished: a draft that its cashier made in it, or money that is to be given
    back after a credit note which they wrote in it. Locks the shift. Repeating request_id returns the first new shift.
    Raises HandoverPending, ShiftAlreadyOpen when `to` has one, InvalidInput when `to` works no drawer, and what close_shift raises.
    """
    shift = locks.lock_shift(shift_id)
    if earlier := Shift.objects.filter(request_id=request_id, handed_over_from=shift).first():
        return earlier
    if to.pk == shift.cashier_id or not to.has_perm(WORK_SHIFT):  # who is inactive has no permission
        raise InvalidInput(errors={"to": ["Choose another person who works at a drawer."]})
    if shift.is_open and (pending := selectors.pending_in(shift)):
        raise HandoverPending(f"Not finished in this shift: {', '.join(pending)}.")
    closed = close_shift(shift_id=shift_id, counted=counted, by=by, reason=reason, denominations=denominations)
    cash = closed.counts.get(method=PaymentMethod.CASH).counted
    try:
        with transaction.atomic():
            new = Shift.objects.create(cashier=to, opening_float=cash, handed_over_from=closed, request_id=request_id)
    except IntegrityError as error:
        if constraint_of(error) != "shift_one_open_per_cashier":
            raise
        raise ShiftAlreadyOpen(f"{to} has an open shift already.") from error
    changes = {"from": str(closed.public_id), "cashier": str(to.public_id), "opening_float": str(cash)}
    record(action="billing.shift.handed_over", actor=by, subject=new, changes=changes)
    new.refresh_from_db()
    return new


def _count_pieces(denominations: Mapping[Decimal, int], counted: Mapping[str, Decimal]) -> tuple[dict, dict]:
    """(pieces that are there, counted with the cash they add up to)"""
    unknown = [value for value in denominations if value not in settings.CASH_DENOMINATIONS]
    if unknown or any(not 0 <= number <= 1_000_000 for number in denominations.values()):
        raise InvalidInput(errors={"denominations": ["Not a number of notes or coins that there are."]})
    pieces = {value: number for value, number in denominations.items() if number}
    if not pieces:
        return {}, dict(counted)
    cash = to_cents(rules.sum_of(value * number for value, number in pieces.items()))
    if counted.get(PaymentMethod.CASH, cash) != cash:
        raise InvalidInput(errors={"counted": {"cash": [f"The notes and coins add up to {cash}."]}})
    return pieces, {**counted, PaymentMethod.CASH.value: cash}


def _earlier(by, request_id: UUID | None) -> Shift | None:
    return Shift.objects.filter(cashier=by, request_id=request_id).first() if request_id else None
