"""Money that patients pay in advance: taken, used for invoices, given back."""

from decimal import Decimal
from uuid import UUID, uuid5

from billing import locks, rules
from billing.errors import NoDeposit, Overpayment, RefundExceedsPayment
from billing.models import DEPOSIT_METHODS, Deposit, DepositRefund, Payment, PaymentMethod
from billing.services.payments import add_payment, check_owed, check_reference, insert, shift_for
from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry
from clinic.core.errors import InvalidInput
from clinic.core.repeats import earlier


@atomic_with_retry
def take_deposit(*, patient_id: int, method: str, amount: Decimal, by, request_id: UUID, reference: str = "") -> Deposit:
    """Take money of a patient in advance. Locks the patient. Repeating request_id returns the first advance.

    Raises InvalidInput, and NoOpenShift for cash without an open shift of `by`.
    """
    patient = locks.lock_patient(patient_id)
    if first := earlier(Deposit, request_id, patient_id=patient_id, method=method, amount=amount):
        return first
    if method not in dict(DEPOSIT_METHODS):
        raise InvalidInput(errors={"method": ["Not a way to pay in advance."]})
    deposit = Deposit(patient=patient, method=method, amount=rules.check_amount(amount), reference=check_reference(reference))
    deposit.shift, deposit.received_by, deposit.request_id = shift_for(method, by), by, request_id
    insert(deposit, "received_at")
    _record("taken", deposit, by, deposit.amount)
    return deposit


@atomic_with_retry
def apply_deposits(*, invoice_id: int, by, request_id: UUID, amount: Decimal | None = None) -> list[Payment]:
    """Pay an invoice from what its patient paid in advance, the oldest first; without an amount as much as is owed and there is.

    Locks the invoice, then the patient's advances. Repeating request_id returns the first payments.
    Raises NoDeposit, NotPayable, Overpayment for more than is owed or there is, and InvalidInput.
    """
    invoice = locks.lock_invoice(invoice_id)
    if first := earlier(Payment, request_id, invoice_id=invoice_id):
        further = _further_ids(request_id, invoice.patient.deposits.count())
        return [first, *Payment.objects.filter(request_id__in=further).order_by("id")]
    deposits = locks.lock_deposits_of(invoice.patient_id)
    there = rules.sum_of(deposit.rest for deposit in deposits)
    if not there:
        raise NoDeposit
    amount = max(min(there, invoice.patient_balance), Decimal("0.01")) if amount is None else rules.check_amount(amount)
    check_owed(invoice, PaymentMethod.DEPOSIT, amount)
    if amount > there:
        raise Overpayment(f"Only {there} is left of what was paid in advance.", balance=str(there))
    made, ids = [], [request_id, *_further_ids(request_id, len(deposits))]
    for deposit in deposits:
        part = min(amount - rules.sum_of(payment.amount for payment in made), deposit.rest)
        if part:
            made.append(_apply(deposit, invoice, part, by=by, request_id=ids[len(made)]))
    return made


@atomic_with_retry
def refund_deposit(*, deposit_id: int, amount: Decimal, reason: str, by, request_id: UUID) -> DepositRefund:
    """Give back what is left of an advance, or part of it, by the way it came. Locks it.

    Repeating request_id returns the first refund. Raises InvalidInput, RefundExceedsPayment, and NoOpenShift for cash.
    """
    deposit = locks.lock_deposit(deposit_id)
    if first := earlier(DepositRefund, request_id, deposit_id=deposit_id, amount=amount):
        return first
    reason = rules.check_reason(reason)
    amount = rules.check_amount(amount)
    if amount > deposit.rest:
        raise RefundExceedsPayment(f"Only {deposit.rest} is left of this advance.", refundable=str(deposit.rest))
    refund = DepositRefund(deposit=deposit, amount=amount, reason=reason, refunded_by=by, request_id=request_id)
    refund.shift = shift_for(deposit.method, by)
    insert(refund, "refunded_at")
    deposit.refunded += amount
    deposit.save(update_fields=["refunded"])
    _record("refunded", deposit, by, amount)
    return refund


def _further_ids(request_id: UUID, deposits: int) -> list[UUID]:
    """Of the payments from the second advance on."""
    return [uuid5(request_id, f"deposit {place}") for place in range(1, deposits)]


def _apply(deposit: Deposit, invoice, amount: Decimal, *, by, request_id: UUID) -> Payment:
    payment = Payment(invoice=invoice, method=PaymentMethod.DEPOSIT, amount=amount, deposit=deposit, received_by=by, request_id=request_id)
    add_payment(payment)
    deposit.applied += amount
    deposit.save(update_fields=["applied"])
    return payment


def _record(verb: str, deposit: Deposit, by, amount: Decimal) -> None:
    changes = {"method": deposit.method, "amount": str(amount)}
    record(action=f"billing.deposit.{verb}", actor=by, subject=deposit, patient=deposit.patient, changes=changes)
