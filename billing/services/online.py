"""Money that a patient pays from the portal: asked of a provider, counted when the provider's signed event says so."""

from uuid import UUID, uuid5

from django.conf import settings

from billing import locks
from billing.errors import NotPayable
from billing.models import Deposit, EventOutcome, Invoice, OnlinePayment, Payment, PaymentMethod, ProviderEvent
from billing.providers import Paid, provider
from billing.services.payments import add_payment, check_owed, insert
from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry
from clinic.core.errors import NotFound
from clinic.core.repeats import earlier


@atomic_with_retry
def open_online_payment(*, invoice_id: int, by, request_id: UUID) -> OnlinePayment:
    """Ask for all that the patient owes of an invoice. Locks the invoice. Repeating request_id returns the first.

    Raises NotPayable, NoOnlinePayment.
    """
    invoice = locks.lock_invoice(invoice_id)
    if first := earlier(OnlinePayment, request_id, invoice_id=invoice_id):
        return first
    if not invoice.patient_balance > 0:
        raise NotPayable("Nothing is owed on this invoice.")
    check_owed(invoice, PaymentMethod.ONLINE, invoice.patient_balance)
    online = OnlinePayment.objects.create(
        invoice=invoice,
        amount=invoice.patient_balance,
        currency=settings.CURRENCY,
        provider=provider().name,
        opened_by=by,
        request_id=request_id,
    )
    _record("opened", online, by)
    return online


@atomic_with_retry
def receive_event(*, provider_name: str, paid: Paid) -> ProviderEvent:
    """Count what the provider took, once for each event and once for each way to its page.

    Locks the invoice, then the online payment. An invoice that was paid meanwhile leaves the money as an advance:
    it was taken, so it is kept. Another amount or currency than asked for moves nothing and is kept to be looked
    into. Repeating an event returns the first. Raises NotFound for one that is about nothing here.
    """
    online = OnlinePayment.objects.filter(public_id=paid.reference, provider=provider_name).first()
    if online is None:
        raise NotFound
    invoice = locks.lock_invoice(online.invoice_id)
    if first := ProviderEvent.objects.filter(provider=provider_name, event_id=paid.event_id).first():
        return first
    online = locks.lock_online_payment(online.pk)
    about = {"amount": paid.amount, "currency": paid.currency, "outcome": _settle(online, invoice, paid)}
    event = ProviderEvent.objects.create(provider=provider_name, event_id=paid.event_id, online_payment=online, **about)
    _record(event.outcome, online, None)
    return event


def _settle(online: OnlinePayment, invoice: Invoice, paid: Paid) -> EventOutcome:
    if (paid.amount, paid.currency) != (online.amount, online.currency):
        return EventOutcome.MISMATCH
    if online.is_paid:
        return EventOutcome.REPEATED
    money = {"method": PaymentMethod.ONLINE, "amount": paid.amount, "reference": paid.event_id[:80]}
    money["request_id"] = uuid5(online.public_id, "money")
    if invoice.is_payable and invoice.patient_balance >= paid.amount:
        online.save_changes(payment=add_payment(Payment(invoice=invoice, **money)))
        return EventOutcome.PAID
    deposit = Deposit(patient=invoice.patient, **money)
    insert(deposit, "received_at")
    online.save_changes(deposit=deposit)
    return EventOutcome.ADVANCE


def _record(verb: str, online: OnlinePayment, by) -> None:
    changes = {"invoice": str(online.invoice.public_id), "amount": str(online.amount), "provider": online.provider}
    record(action=f"billing.online_payment.{verb}", actor=by, subject=online, patient=online.invoice.patient, changes=changes)
