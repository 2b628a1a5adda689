"""The day report, and the ledger for the accountant."""

from datetime import timedelta

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from billing import documents, selectors
from billing.forms import DayForm, LedgerForm
from billing.models import PaymentMethod
from billing.permissions import VIEW_LEDGER
from clinic.core.pages import permission_required_page

SHOWN = 200


@require_safe
@permission_required_page(VIEW_LEDGER)
def day(request):
    """`?on=` a day; today when it is none."""
    form = DayForm(request.GET)
    on = (form.cleaned_data["on"] if form.is_valid() else None) or timezone.localdate()
    report = selectors.day_report(on)
    context = {
        "report": report,
        "methods": [(PaymentMethod(method).label, flow) for method, flow in report.methods.items()],
        "cashiers": sorted(report.cashiers.items()),
        "entries": report.entries[:SHOWN],
        "more": max(len(report.entries) - SHOWN, 0),
        "form": DayForm(initial={"on": on}),
        "export_form": LedgerForm(initial={"date_from": on.replace(day=1), "date_to": on}, auto_id="export_%s"),
        "now": timezone.now(),
    }
    return render(request, "billing/day.html", context)


@require_safe
@permission_required_page(VIEW_LEDGER)
def export(request):
    """CSV or XLSX of whole days, both ends included."""
    form = LedgerForm(request.GET)
    if not form.is_valid():
        return HttpResponse("Give two days, at most 366 apart, and a form.", status=400, content_type="text/plain; charset=utf-8")
    first, last = form.cleaned_data["date_from"], form.cleaned_data["date_to"]
    rows = selectors.ledger_entries(start=selectors.midnight(first), end=selectors.midnight(last + timedelta(days=1)))
    return documents.table(form.cleaned_data["form"], f"ledger-{first}-{last}", selectors.LEDGER_HEADING, (entry.cells for entry in rows))
