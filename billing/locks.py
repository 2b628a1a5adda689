"""The only row locks of billing.

Order: invoice, claim, payment, deposits (by id), shift, then downwards the prescriptions (by id) and the encounter or patient, and
last of all the counter of invoices or of credit notes. A counter stands at the end although it is billing's own row: whoever
holds it waits for nobody, and no number is taken by what may still be refused. A price or a package is locked alone.
"""

from billing.models import Claim, CreditNoteCounter, Deposit, Invoice, InvoiceCounter, OnlinePayment, Package, Payment, PriceItem, Shift
from clinic.core.errors import NotFound
from patients.locks import lock_encounter, lock_patient
from pharmacy.locks import lock_prescriptions

__all__ = [
    "lock_claim",
    "lock_counter",
    "lock_credit_note_counter",
    "lock_deposit",
    "lock_deposits_of",
    "lock_encounter",
    "lock_invoice",
    "lock_invoices",
    "lock_patient",
    "lock_payment",
    "lock_prescriptions",
    "lock_shift",
]


def _lock(queryset, pk):
    row = queryset.select_for_update(no_key=True, of=("self",)).filter(pk=pk).first()
    if row is None:
        raise NotFound
    return row


def lock_invoice(invoice_id: int) -> Invoice:
    return _lock(Invoice.objects.select_related("patient"), invoice_id)


def lock_invoices(invoice_ids: list[int]) -> None:
    """By id."""
    list(Invoice.objects.select_for_update(no_key=True, of=("self",)).filter(pk__in=invoice_ids).order_by("pk").values_list("pk"))


def lock_payment(payment_id: int) -> Payment:
    return _lock(Payment.objects, payment_id)


def lock_claim(claim_id: int) -> Claim:
    return _lock(Claim.objects.select_related("invoice__patient"), claim_id)


def lock_online_payment(online_payment_id: int) -> OnlinePayment:
    return _lock(OnlinePayment.objects.select_related("invoice__patient"), online_payment_id)


def lock_deposit(deposit_id: int) -> Deposit:
    return _lock(Deposit.objects.select_related("patient"), deposit_id)


def lock_deposits_of(patient_id: int) -> list[Deposit]:
    """Those of which something is left, oldest first."""
    return list(Deposit.objects.with_rest().select_for_update(no_key=True, of=("self",)).filter(patient=patient_id).order_by("pk"))


def lock_shift(shift_id: int) -> Shift:
    return _lock(Shift.objects, shift_id)


def lock_price(price_id: int) -> PriceItem:
    return _lock(PriceItem.objects, price_id)


def lock_package(package_id: int) -> Package:
    return _lock(Package.objects, package_id)


def lock_counter(year: int) -> InvoiceCounter:
    return _lock_year(InvoiceCounter, year)


def lock_credit_note_counter(year: int) -> CreditNoteCounter:
    return _lock_year(CreditNoteCounter, year)


def _lock_year(model, year: int):
    """The year's counter, made when its first number is taken: an insert for every number would make them wait twice."""
    counters = model.objects.select_for_update(no_key=True).filter(year=year)
    counter = counters.first()
    if counter is None:
        model.objects.bulk_create([model(year=year)], ignore_conflicts=True)
        counter = counters.get()
    return counter
