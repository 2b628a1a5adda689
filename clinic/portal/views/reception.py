"""The front desk: find the patient, check in, book, walk in."""

from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from clinic.core.pages import staff_page
from patients.selectors import search_patients
from scheduling.permissions import ISSUE_TOKENS
from scheduling.selectors import arrivals

MOST_FOUND = 8
_SHOWN = {"expected": ["booked"], "here": list(arrivals.HERE), "all": None}


@require_safe
@staff_page(ISSUE_TOKENS)
def reception(request):
    """The whole desk; with htmx the part that was asked for: who was found, or the queues."""
    query = request.GET.get("q", "").replace("\0", "").strip()
    if request.htmx and "q" in request.GET:
        return render(request, "portal/_reception_found.html", _found(request, query))
    if request.htmx and request.GET.get("part") == "queues":
        return render(request, "portal/_reception_queues.html", _queues())
    return render(request, "portal/reception.html", _found(request, query) | _arrivals(request) | _queues())


def _found(request, query: str) -> dict:
    patients = search_patients(query, request.user, limit=MOST_FOUND) if query else []
    today = arrivals.todays_appointments_of(patients, on=timezone.localdate()) if patients else {}
    return {"query": query, "found": [{"patient": each, "appointments": today.get(each.pk, [])} for each in patients]}


def _arrivals(request) -> dict:
    now = timezone.now()
    shown = request.GET.get("show", "expected")
    shown = shown if shown in _SHOWN else "expected"
    everyone = arrivals.arrivals_on(timezone.localdate(now), now=now)
    wanted = _SHOWN[shown]
    counts = arrivals.count_by_status(everyone)
    labels = (("expected", "Expected", counts["expected"]), ("here", "Here", counts["here"]), ("all", "All", len(everyone)))
    return {
        "shown": shown,
        "arrivals": [each for each in everyone if wanted is None or each.appointment.status in wanted],
        "tabs": [{"label": label, "url": f"?show={name}", "current": name == shown, "count": count} for name, label, count in labels],
    }


def _queues() -> dict:
    now = timezone.now()
    states = arrivals.queue_states(timezone.localdate(now))
    return {"queues": [{"state": state, "longest": state.longest_min(now)} for state in states]}
