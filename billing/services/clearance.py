"""When a prescription is paid for, and pharmacy may hand it over."""

from django.db.models import Exists, OuterRef

from billing import locks
from billing.models import Invoice, InvoiceLine
from billing.models.line import TAKEN_BACK
from pharmacy.models import Prescription, PrescriptionItem
from pharmacy.services import clearance


def clear_what_is_paid(invoice: Invoice, by) -> None:
    """Release the prescriptions on this invoice of which every item now stands on one that its patient settled.

    Locks those prescriptions first: of two invoices that are paid at once, the second sees the first.
    """
    if touched := prescriptions_on(invoice):
        locks.lock_prescriptions(touched)
        billed = InvoiceLine.objects.filter(prescription_item=OuterRef("pk"), is_void=False).exclude(TAKEN_BACK)
        paid = billed.filter(invoice__in=Invoice.objects.settled_by_patient())
        owed = PrescriptionItem.objects.filter(prescription__in=touched).exclude(Exists(paid))
        ready = sorted(set(touched) - set(owed.values_list("prescription_id", flat=True)))
        if ready:
            clearance.clear_prescriptions(prescription_ids=ready, by=by)


def revoke_credited(invoice: Invoice, by) -> None:
    """Hold back the prescriptions of which an item was wholly credited, where nothing was handed over yet."""
    lines = InvoiceLine.objects.filter(TAKEN_BACK, invoice=invoice, prescription_item__isnull=False)
    touched = sorted(set(lines.values_list("prescription_item__prescription", flat=True)))
    if touched:
        clearance.revoke_clearance(prescription_ids=touched, by=by)


def revoke_returned(invoice: Invoice, by) -> None:
    """Hold back the prescriptions of which everything was brought back and credited: nothing of them is paid any more."""
    paid = InvoiceLine.objects.filter(prescription_item__prescription=OuterRef("pk"), is_void=False).exclude(TAKEN_BACK)
    touched = Prescription.objects.filter(pk__in=prescriptions_on(invoice)).exclude(Exists(paid))
    if ids := list(touched.order_by("pk").values_list("pk", flat=True)):
        clearance.revoke_clearance(prescription_ids=ids, by=by)


def revoke(invoice: Invoice, by) -> None:
    """Hold back what this invoice had released, where nothing was handed over yet."""
    if touched := prescriptions_on(invoice):
        clearance.revoke_clearance(prescription_ids=touched, by=by)


def prescriptions_on(invoice: Invoice) -> list[int]:
    """Ids, lowest first."""
    on_lines = InvoiceLine.objects.filter(invoice=invoice, prescription_item__isnull=False)
    return list(
        Prescription.objects.filter(items__in=on_lines.values("prescription_item")).order_by("pk").values_list("pk", flat=True).distinct()
    )
