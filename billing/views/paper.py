"""Invoices and receipts to take away. `?size=` is a4, a5 or 80mm."""

from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from billing import documents, selectors
from billing.models import CreditNote, Payment
from billing.permissions import VIEW_INVOICE
from billing.views.invoice import find
from clinic.core.pages import permission_required_page


@require_safe
@permission_required_page(VIEW_INVOICE)
def pdf(request, invoice):
    row = find(request, invoice)
    return documents.pdf_response(documents.invoice_pdf(row, documents.size_of(request.GET.get("size"))), row.title)


@require_safe
@permission_required_page(VIEW_INVOICE)
def receipt(request, payment):
    row = get_object_or_404(Payment.objects.visible_to(request.user).select_related("received_by"), public_id=payment)
    context = {"payment": row, "invoice": find(request, row.invoice.public_id), "now": timezone.now(), "sizes": documents.SIZES.items()}
    return render(request, "billing/receipt.html", context)


@require_safe
@permission_required_page(VIEW_INVOICE)
def receipt_pdf(request, payment):
    rows = Payment.objects.visible_to(request.user).select_related("received_by", "invoice__patient", "invoice__encounter")
    row = get_object_or_404(rows, public_id=payment)
    content = documents.receipt_pdf(row, documents.size_of(request.GET.get("size")))
    return documents.pdf_response(content, f"receipt-{row.invoice.title}")


@require_safe
@permission_required_page(VIEW_INVOICE)
def credit_note_pdf(request, note):
    rows = selectors.credit_notes(CreditNote.objects.visible_to(request.user)).select_related("invoice__patient", "invoice__encounter")
    row = get_object_or_404(rows, public_id=note)
    return documents.pdf_response(documents.credit_note_pdf(row, documents.size_of(request.GET.get("size"))), row.number)
