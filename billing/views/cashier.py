"""The cashier's desk: scan or type, see what is owed, press Enter."""

from datetime import timedelta

from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from billing import selectors
from billing.forms import DepositForm, PaymentForm
from billing.permissions import TAKE_PAYMENT
from clinic.core.pages import permission_required_page

BILL_FOR = timedelta(days=30)


@require_safe
@permission_required_page(TAKE_PAYMENT)
def cashier(request):
    """`?q=` is an MRN, today's token or an invoice's number. The oldest invoice is ready to be paid."""
    query = request.GET.get("q", "").strip()
    patient = selectors.find_patient(query, request.user, on=timezone.localdate())
    desk = selectors.desk_of(patient, since=timezone.now() - BILL_FOR) if patient else None
    first = desk.invoices[0] if desk and desk.invoices else None
    context = {
        "query": query,
        "desk": desk,
        "invoice": first,
        "payment_form": PaymentForm(invoice=first) if first else None,
        "deposits": selectors.deposits_of(patient) if patient else [],
        "deposit_form": DepositForm(auto_id="advance_%s"),
        "shift": selectors.open_shift_of(request.user),
    }
    return render(request, "billing/cashier.html", context, status=404 if query and not patient else 200)
