"""The worklist of appointments that nobody came to, or nobody checked in."""

from django.core.paginator import Paginator
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from clinic.core.pages import staff_page
from scheduling.forms import ReasonForm
from scheduling.permissions import CHANGE_APPOINTMENT
from scheduling.selectors.missed import DAYS_SHOWN, missed_days, missed_on
from scheduling.views.pages import asked_date, url_with

PER_PAGE = 50


@require_safe
@staff_page(CHANGE_APPOINTMENT)
def missed(request):
    """Resolved by hand only: no-show, late and checked in, or cancelled. Opens the latest day that has any."""
    now = timezone.now()
    days = missed_days(now)
    on = asked_date(request) if "date" in request.GET else (days[0].on if days else timezone.localdate(now))
    shown = days[:DAYS_SHOWN]
    context = {
        "on": on,
        "is_today": on == timezone.localdate(now),
        "total": sum(day.count for day in days),
        "page_obj": Paginator(missed_on(on, now), PER_PAGE).get_page(request.GET.get("page")),
        "tabs": [
            {
                "label": f"{day.on:%a} {day.on.day} {day.on:%b}",
                "url": url_with("scheduling:missed", date=day.on),
                "current": day.on == on,
                "count": day.count,
            }
            for day in shown
        ],
        "earlier": days[DAYS_SHOWN:],
        "here": url_with("scheduling:missed", date=on),
        "cancel_form": ReasonForm(auto_id=False),
    }
    return render(request, "scheduling/missed.html", context)
