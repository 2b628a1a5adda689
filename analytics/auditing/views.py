"""The audit log, to search; for those who may read it."""

from datetime import timedelta

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from analytics.auditing import selectors
from analytics.auditing.anomalies import anomalies_since
from analytics.auditing.forms import AuditSearch
from analytics.checks.registry import CHECKS
from analytics.services.reading_the_log import record_log_read, review_anomaly
from analytics.services.self_check import record_self_check, run_checks
from clinic.audit.permissions import VIEW_LOG
from clinic.core.pages import permission_required_page
from clinic.core.sheets import csv_of

LONGEST_WAIT_S = 20.0
SHOWN_DAYS, MOST_DAYS = 7, 90


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required_page(VIEW_LOG)
def anomalies(request):
    """Unusual readings of the last days (`?days=`), and the mark that someone looked at one. A number that is none is 7."""
    days = request.GET.get("days", "")
    days = int(days) if days.isdecimal() and len(days) < 3 and 1 <= int(days) <= MOST_DAYS else SHOWN_DAYS
    found = anomalies_since(timezone.localdate() - timedelta(days=days))
    if request.method == "POST":
        wanted = [one for one in found if one.key == request.POST.get("anomaly") and not one.reviewed_by]
        if wanted:
            review_anomaly(key=wanted[0].key, by=request.user)
        return redirect(request.get_full_path())
    context = {
        "anomalies": found,
        "days": days,
        "choices": (1, SHOWN_DAYS, 30, MOST_DAYS),
        "waiting": sum(not one.reviewed_by for one in found),
    }
    return render(request, "analytics/auditing/anomalies.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required_page(VIEW_LOG)
def self_check(request):
    """What is checked; on POST, what came of it just now, within 20 seconds."""
    results = []
    if request.method == "POST":
        results = list(run_checks(CHECKS, in_all=LONGEST_WAIT_S))
        record_self_check(by=request.user, results=results)
    context = {"checks": CHECKS, "results": results, "as_of": timezone.now(), "failed": [one for one in results if not one.holds]}
    return render(request, "analytics/auditing/self_check.html", context)


@require_safe
@permission_required_page(VIEW_LOG)
def log(request):
    """Who did what, the newest first; `?before=` goes on where a page ended. A filter that makes no sense is 400, in place."""
    search = AuditSearch(request.GET)
    if not search.is_valid():
        return render(request, "analytics/auditing/log.html", {"search": search, "rows": [], "narrowed": True}, status=400)
    filters = search.cleaned_data
    record_log_read(by=request.user, filters=filters)
    rows = selectors.rows_of(selectors.events_of(**filters)[: selectors.PAGE_SIZE + 1])
    shown = rows[: selectors.PAGE_SIZE]
    context = {
        "search": search,
        "rows": shown,
        "further": shown[-1].event_id if len(rows) > selectors.PAGE_SIZE else None,
        "narrowed": any(filters.values()),
    }
    return render(request, "analytics/auditing/log.html", context)


@require_safe
@permission_required_page(VIEW_LOG)
def export(request):
    """The same as CSV, at most 20,000 rows."""
    search = AuditSearch(request.GET)
    if not search.is_valid():
        return render(request, "analytics/auditing/log.html", {"search": search, "rows": [], "narrowed": True}, status=400)
    record_log_read(by=request.user, filters=search.cleaned_data, exported=True)
    rows = selectors.rows_of(selectors.events_of(**search.cleaned_data)[: selectors.LONGEST_FILE])
    response = HttpResponse(csv_of(selectors.HEADING, (row.cells for row in rows)), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="audit-{timezone.localdate()}.csv"'
    return response
