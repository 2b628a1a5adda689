from datetime import date, timedelta

from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from analytics import selectors
from analytics.permissions import VIEW_DAY
from analytics.selectors import DayFigures
from clinic.core.pages import permission_required_page
from clinic.core.templatetags.ui import money
from pharmacy.models import PrescriptionStatus
from scheduling.models import AppointmentStatus, TokenStatus

LONG_WAIT_MIN = 45

_FIRST, _LAST = date(1900, 1, 1), date(2199, 12, 31)

# name in the template -> (URL name, query with the day, codename of who may open it)
_LINKS = {
    "schedule": ("scheduling:schedule", "?date={on}", "scheduling.view_appointment"),
    "queue": ("scheduling:queue", "", "scheduling.view_queue"),
    "worklist": ("pharmacy:worklist", "", "pharmacy.dispense"),
    "low_stock": ("pharmacy:stock", "?only=low", "pharmacy.view_stock"),
    "issued": ("billing:invoices", "?date_from={on}&date_to={on}", "billing.view_invoice"),
    "open": ("billing:invoices", "", "billing.view_invoice"),
    "to_bill": ("billing:to_bill", "", "billing.make_invoice"),
}


@require_safe
@permission_required_page(VIEW_DAY)
def day(request):
    """One day in figures; `?date=`, else today. A date that is none is today."""
    today = timezone.localdate()
    on = _asked(request.GET.get("date", "")) or today
    figures = selectors.day_figures(on=on, now=timezone.now())
    context = {
        "figures": figures,
        "is_today": on == today,
        "before": on - timedelta(days=1),
        "after": on + timedelta(days=1),
        "to": _links(request.user, on),
        "subtitle": f"{on:%A}, {on.day} {on:%B %Y}",
        "hints": _hints(figures),
        "appointments": _rows(figures.appointments, AppointmentStatus),
        "tokens": _rows(figures.tokens, TokenStatus),
        "prescriptions": _rows(figures.prescriptions, PrescriptionStatus),
    }
    return render(request, "analytics/day.html", context)


def _rows(counts: dict[str, int], choices) -> list[tuple[str, str, int]]:
    """(status, label, number) in the order of the choices, without empty ones."""
    return [(choice.value, choice.label, counts[choice.value]) for choice in choices if counts.get(choice.value)]


def _hints(figures: DayFigures) -> dict[str, str | int]:
    """The small print under each figure."""
    waits, cancelled = figures.waits, figures.appointments.get("cancelled", 0) + figures.appointments.get("rescheduled", 0)
    called = f"Median {waits.median} min, longest {waits.longest} min" if waits.called else "Nobody was called yet"
    given = sum(method.given for method in figures.methods)
    return {
        "visits": f"{figures.visits_open} still open" if figures.visits_open else "",
        "appointments": sum(figures.appointments.values()) - cancelled,
        "appointments_more": f"{figures.appointments.get('no_show', 0)} no-show, {cancelled} cancelled or moved",
        "waiting": figures.tokens.get("waiting", 0),
        "waits": called if waits.longest_now is None else f"Longest {waits.longest_now} min. {called}",
        "waits_tone": "warning" if (waits.longest_now or 0) >= LONG_WAIT_MIN else "",
        "revenue": f"{given} given back" if given else "",
        "billed": money(figures.billed),
        "open": f"{figures.open_invoices} invoices",
        "units": f"{figures.units_dispensed} units handed out",
        "stock_tone": "warning" if figures.low_stock else "",
    }


def _asked(text: str) -> date | None:
    try:
        on = date.fromisoformat(text)
    except ValueError:
        return None
    return on if _FIRST <= on <= _LAST else None


def _links(user, on: date) -> dict[str, str]:
    """The lists behind the figures that this user may open."""
    found = {}
    for name, (view_name, query, codename) in _LINKS.items():
        if user.has_perm(codename):
            try:
                found[name] = reverse(view_name) + query.format(on=on)
            except NoReverseMatch:
                continue
    return found
