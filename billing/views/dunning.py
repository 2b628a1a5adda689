"""Who owes for long, and the letter that reminds them."""

from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from billing import selectors
from billing.permissions import TAKE_PAYMENT
from billing.views.lists import PAGE_SIZE, tabs
from clinic.core.pages import permission_required_page
from patients.models import Patient

_CHOICES = (0, 14, 30, 60, 90)


@require_safe
@permission_required_page(TAKE_PAYMENT)
def dunning(request):
    """`?older_than=` so many days; 14 when nothing is said."""
    asked = request.GET.get("older_than", "")
    older_than = int(asked) if asked in {str(days) for days in _CHOICES} else 14
    rows = selectors.overdue(on=timezone.localdate(), older_than=older_than)
    context = {
        "page_obj": Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page")),
        "bands": [words for *_, words in selectors.AGE_BANDS],
        "choices": _CHOICES,
        "older_than": older_than,
        "tabs": tabs(request, "dunning"),
    }
    return render(request, "billing/dunning.html", context)


@require_safe
@permission_required_page(TAKE_PAYMENT)
def letter(request, patient):
    row = get_object_or_404(Patient.objects.visible_to(request.user), public_id=patient)
    invoices = list(selectors.overdue_of(row))
    owed = sum(invoice.patient_balance for invoice in invoices)
    return render(request, "billing/letter.html", {"patient": row, "invoices": invoices, "owed": owed, "now": timezone.now()})
