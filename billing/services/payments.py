"""Money in, and money back."""

from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from django.db import IntegrityError, transaction

from billing import locks, rules
from billing.errors import NoOpenShift, NotInsured, NotPayable, Overpayment, RefundExceedsPayment
from billing.models import (
    COUNTER_METHODS,
    Deposit,
    DepositRefund,
    Invoice,
    InvoiceStatus,
    Payment,
    PaymentMethod,
    Refund,
    Shift,
)
from billing.services import clearance
from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry, constraint_of
from clinic.core.errors import InvalidInput, NotFound, RequestReused
from clinic.core.money import ZERO
from clinic.core.repeats import earlier

MAX_PARTS = 5
_WHY_NOT_PAYABLE = {
    InvoiceStatus.DRAFT: "This invoice is a draft. Issue it first.",
    InvoiceStatus.VOID: "This invoice is void.",
    InvoiceStatus.PAID: "This invoice is paid already.",
    InvoiceStatus.CREDITED: "This invoice was taken back by a credit note.",
}
_REFUSED_BY = {
    "payment_in_open_shift": NoOpenShift,
    "refund_in_open_shift": NoOpenShift,
    "deposit_in_open_shift": NoOpenShift,
    "deposit_refund_in_open_shift": NoOpenShift,
    "billing_deposit_request_id_key": RequestReused,
    "billing_depositrefund_request_id_key": RequestReused,
    "billing_payment_request_id_key": RequestReused,
    "billing_refund_request_id_key": RequestReused,
}


@atomic_with_retry
def take_payment(
    *,
    invoice_id: int,
    method: str,
    amount: Decimal,
    by,
    request_id: UUID,
    tendered: Decimal | None = None,
    reference: str = "",
) -> Payment:
    """Take all or part of what is owed: of the insurer's share by `insurance`, of the patient's by every other method.

    What settles the patient's part releases the invoice's prescriptions to pharmacy.

    Locks the invoice, then the prescriptions. Repeating request_id returns the first payment.
    Raises InvalidInput, NotPayable, Overpayment, and NoOpenShift for cash without an open shift of `by`.
    """
    invoice = locks.lock_invoice(invoice_id)
    if first := earlier(Payment, request_id, invoice_id=invoice_id, method=method, amount=amount):
        return first
    if method not in dict(COUNTER_METHODS):
        raise InvalidInput(errors={"method": ["Not a way to pay here."]})
    amount = rules.check_amount(amount)
    tendered, change = rules.change_due(method=method, amount=amount, tendered=tendered)
    reference = check_reference(reference)
    check_owed(invoice, method, amount)
    payment = Payment(invoice=invoice, method=method, amount=amount, tendered=tendered, change=change, reference=reference)
    payment.shift, payment.received_by, payment.request_id = shift_for(method, by), by, request_id
    return add_payment(payment)


def add_payment(payment: Payment) -> Payment:
    """Write a payment that was checked down, count it, and release what is paid then. The caller holds the invoice's lock."""
    invoice, by = payment.invoice, payment.received_by
    was_settled = invoice.is_settled_by_patient
    insert(payment, "received_at")
    invoice.save_changes(**_paid_after(invoice, payment.method, payment.amount))
    if invoice.is_settled_by_patient and not was_settled:
        clearance.clear_what_is_paid(invoice, by)
    record(
        action="billing.payment.taken",
        actor=by,
        subject=payment,
        patient=invoice.patient,
        changes={
            "invoice": str(invoice.public_id),
            "method": payment.method,
            "amount": str(payment.amount),
            "status": invoice.status,
        },
    )
    return payment


@atomic_with_retry
def take_payments(*, invoice_id: int, parts: list[dict[str, Any]], by, request_id: UUID) -> list[Payment]:
    """One payment in several ways: {method, amount, tendered?, reference?} each; all of them or none.

    Locks and repeats as take_payment does, and raises what it raises; InvalidInput without a part or with too many.
    """
    if not 1 <= len(parts) <= MAX_PARTS:
        raise InvalidInput(errors={"parts": [f"Between 1 and {MAX_PARTS} ways to pay."]})
    return [
        take_payment(invoice_id=invoice_id, by=by, request_id=request_id if place == 0 else uuid5(request_id, str(place)), **part)
        for place, part in enumerate(parts)
    ]


@atomic_with_retry
def refund_payment(*, payment_id: int, amount: Decimal, reason: str, by, request_id: UUID) -> Refund:
    """Give back all or part of a payment, by the way it came. What is then no longer paid is held back at pharmacy.

    What was paid from an advance goes back to it. Locks the invoice, then the payment, the advance, and the prescriptions.
    Repeating request_id returns the first refund.
    Raises InvalidInput, RefundExceedsPayment, and NoOpenShift for cash without an open shift of `by`.
    """
    invoice_id = Payment.objects.filter(pk=payment_id).values_list("invoice_id", flat=True).first()
    if invoice_id is None:
        raise NotFound
    invoice = locks.lock_invoice(invoice_id)
    payment = locks.lock_payment(payment_id)
    if first := earlier(Refund, request_id, payment_id=payment_id, amount=amount):
        return first
    reason = rules.check_reason(reason)
    amount = rules.check_amount(amount)
    if amount > payment.refundable:
        raise RefundExceedsPayment(f"Only {payment.refundable} is left of this payment.", refundable=str(payment.refundable))
    was_settled = invoice.is_settled_by_patient
    refund = Refund(payment=payment, amount=amount, reason=reason, refunded_by=by, request_id=request_id)
    refund.shift = shift_for(payment.method, by)
    insert(refund, "refunded_at")
    if payment.deposit_id:
        deposit = locks.lock_deposit(payment.deposit_id)
        deposit.applied -= amount
        deposit.save(update_fields=["applied"])
    payment.refunded += amount
    payment.save(update_fields=["refunded"])
    invoice.save_changes(**_paid_after(invoice, payment.method, -amount))
    if was_settled and not invoice.is_settled_by_patient:
        clearance.revoke(invoice, by)
    record(
        action="billing.payment.refunded",
        actor=by,
        subject=payment,
        patient=invoice.patient,
        changes={"invoice": str(invoice.public_id), "method": payment.method, "amount": str(amount), "status": invoice.status},
    )
    return refund


def check_owed(invoice: Invoice, method: str, amount: Decimal) -> None:
    """NotPayable, NotInsured or Overpayment when so much is not owed by who pays by this method."""
    if not invoice.is_payable:
        raise NotPayable(_WHY_NOT_PAYABLE.get(invoice.status))
    insured = method == PaymentMethod.INSURANCE
    if insured and not invoice.insurer_share:
        raise NotInsured
    owed = max(invoice.insurer_balance if insured else invoice.patient_balance, ZERO)
    if amount > owed:
        raise Overpayment(_too_much(invoice, owed, insured=insured), balance=str(owed))


def _too_much(invoice: Invoice, owed: Decimal, *, insured: bool) -> str:
    if not invoice.insurer_share:
        return f"Only {owed} is owed."
    if insured:
        return f"Only {owed} is owed by the insurer."
    theirs = max(invoice.insurer_balance, ZERO)
    rest = f" {invoice.payer} owes {theirs}: that is paid by the insurer, not by the patient." if theirs else ""
    return f"Only {owed} is owed by the patient.{rest}"


def _paid_after(invoice: Invoice, method: str, amount: Decimal) -> dict[str, Decimal]:
    insured = amount if method == PaymentMethod.INSURANCE else 0
    return {"paid": invoice.paid + amount, "insurer_paid": invoice.insurer_paid + insured}


def shift_for(method: str, by) -> Shift | None:
    """The open shift of the person; cash needs one, and what passes no drawer has none.

    No lock: a trigger refuses a shift that is being closed.
    """
    if method in {PaymentMethod.DEPOSIT, PaymentMethod.ONLINE}:
        return None
    shift = Shift.objects.open().filter(cashier=by).first()
    if shift is None and method == PaymentMethod.CASH:
        raise NoOpenShift
    return shift


def insert(row: Payment | Refund | Deposit | DepositRefund, moment: str) -> None:
    """Write it down; what the database refuses, in our words. `moment` is the column that the database fills."""
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        if refused := _REFUSED_BY.get(constraint_of(error)):
            raise refused from error
        raise
    row.refresh_from_db(fields=[moment])


def check_reference(reference: str) -> str:
    reference = reference.strip()
    if len(reference) > 80:
        raise InvalidInput(errors={"reference": ["At most 80 characters."]})
    if rules.looks_like_card_number(reference):
        raise InvalidInput(errors={"reference": ["This looks like a card number: it must not be kept. Use the number of the slip."]})
    return reference
