"""A cashier's time at a drawer, and what should be in it."""

from collections.abc import Mapping
from decimal import Decimal
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from billing import locks, rules, selectors
from billing.errors import NotYourShift, ShiftAlreadyOpen, ShiftClosed, VarianceNeedsReason
from billing.models import COUNTER_METHODS, CashCount, Shift
from billing.permissions import OVERSEE_SHIFTS
from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry, constraint_of
from clinic.core.errors import InvalidInput


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
def close_shift(*, shift_id: int, counted: Mapping[str, Decimal], by, reason: str = "") -> Shift:
    """Write down what was counted beside what the ledger says, and freeze the shift.

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
    shift.save_changes(closed_at=Now(), variance_reason=reason)
    shift.refresh_from_db(fields=["closed_at"])
    record(
        action="billing.shift.closed", actor=by, subject=shift, changes={"cashier": str(shift.cashier.public_id), "variances": differences}
    )
    return shift


def _earlier(by, request_id: UUID | None) -> Shift | None:
    return Shift.objects.filter(cashier=by, request_id=request_id).first() if request_id else None
