"""The only row locks of billing.

Order: invoice, payment, shift, then downwards the prescriptions (by id) and the encounter or patient, and last of
all the invoice counter. The counter stands at the end although it is billing's own row: whoever holds it
waits for nobody, so that issuing is never held up by it, and no number is taken by what may still fail.
"""

from billing.models import Invoice, InvoiceCounter, Payment, Shift
from clinic.core.errors import NotFound
from patients.models import Encounter, Patient
from pharmacy.models import Prescription


def _lock(queryset, pk):
    row = queryset.select_for_update(no_key=True, of=("self",)).filter(pk=pk).first()
    if row is None:
        raise NotFound
    return row


def lock_invoice(invoice_id: int) -> Invoice:
    return _lock(Invoice.objects.select_related("patient"), invoice_id)


def lock_payment(payment_id: int) -> Payment:
    return _lock(Payment.objects, payment_id)


def lock_shift(shift_id: int) -> Shift:
    return _lock(Shift.objects, shift_id)


def lock_prescriptions(prescription_ids) -> list[Prescription]:
    rows = Prescription.objects.filter(pk__in=prescription_ids).order_by("pk")
    return list(rows.select_for_update(no_key=True, of=("self",)))


def lock_encounter(encounter_id: int) -> Encounter:
    """While its charges are put on an invoice, no other invoice takes them."""
    return _lock(Encounter.objects.select_related("patient", "doctor__user"), encounter_id)


def lock_patient(patient_id: int) -> Patient:
    return _lock(Patient.objects, patient_id)


def lock_counter(year: int) -> InvoiceCounter:
    InvoiceCounter.objects.bulk_create([InvoiceCounter(year=year)], ignore_conflicts=True)
    return InvoiceCounter.objects.select_for_update(no_key=True).get(year=year)
