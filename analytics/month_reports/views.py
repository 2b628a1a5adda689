"""The month's reports: to look at, to have sent again, and to have by mail on the first of each month."""

from datetime import date

from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from analytics.dashboards.tabs import tabs_for
from analytics.models import MonthReportMail, MonthReportReader
from analytics.month_reports.paper import month_pdf
from analytics.permissions import VIEW_REPORTS
from analytics.services.month_reports import former_month, is_complete, send_again, set_wanted
from billing.documents import pdf_response
from clinic.core.errors import DomainError
from clinic.core.pages import permission_required_page

SHOWN_MONTHS = 12


@require_safe
@permission_required_page(VIEW_REPORTS)
def month_reports(request):
    return _page(request)


@require_safe
@permission_required_page(VIEW_REPORTS)
def month_report(request, year: int, month: int):
    """One month as PDF, as the figures stand now."""
    today = timezone.localdate()
    return pdf_response(month_pdf(_month(year, month, today), today=today), f"report-{year}-{month:02}")


@require_POST
@permission_required_page(VIEW_REPORTS)
def send(request, year: int, month: int):
    """Send it to who asks."""
    try:
        send_again(user=request.user, month=_month(year, month, timezone.localdate()))
    except DomainError as refusal:
        return _page(request, refusal)
    messages.success(request, "It is sent within a minute.")
    return redirect("analytics:month_reports")


@require_POST
@permission_required_page(VIEW_REPORTS)
def want(request):
    """`wanted=yes`, or anything else for no more."""
    wanted = request.POST.get("wanted") == "yes"
    try:
        set_wanted(user=request.user, wanted=wanted)
    except DomainError as refusal:
        return _page(request, refusal)
    messages.success(request, "You get the report of each month by mail." if wanted else "You get no more reports by mail.")
    return redirect("analytics:month_reports")


def _page(request, refusal: DomainError | None = None):
    today = timezone.localdate()
    months = [former_month(today)]
    while len(months) < SHOWN_MONTHS:
        months.append(former_month(months[-1]))
    mails = {mail.month: mail for mail in MonthReportMail.objects.filter(user=request.user, month__in=months)}
    context = {
        "tabs": tabs_for(request.user, "month-report"),
        "months": [(month, mails.get(month)) for month in months],
        "is_wanted": MonthReportReader.objects.filter(user=request.user).exists(),
        "is_complete": is_complete(months[0]),
        "refusal": refusal.detail if refusal else "",
    }
    return render(request, "analytics/month_reports.html", context, status=refusal.status if refusal else 200)


def _month(year: int, month: int, today: date) -> date:
    """Its first day. Of a month that is none, or not over, there is no report."""
    if not (1900 <= year <= today.year and 1 <= month <= 12) or date(year, month, 1) >= today.replace(day=1):
        raise Http404
    return date(year, month, 1)
