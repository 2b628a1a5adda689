"""The schedule: a day of doctors in columns, or a doctor's week."""

from datetime import timedelta

from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from clinic.accounts.models import Department, Doctor
from clinic.core.pages import staff_page
from scheduling.permissions import VIEW_APPOINTMENT
from scheduling.selectors.schedule import columns, doctors_of_day, week_of
from scheduling.views.pages import asked_date, asked_id, url_with

DOCTORS_PER_PAGE = 12


@require_safe
@staff_page(VIEW_APPOINTMENT)
def schedule(request):
    on = asked_date(request)
    if doctor_id := asked_id(request, "doctor"):
        return _week(request, on, get_object_or_404(Doctor.objects.select_related("user", "department"), public_id=doctor_id))
    department = asked_id(request, "department")
    if not request.GET and (own := getattr(request.user, "doctor", None)):
        department = own.department.public_id
    doctors, absent = doctors_of_day(on, department=department)
    now = timezone.now()
    page = Paginator(doctors, DOCTORS_PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "on": on,
        "columns": columns(page.object_list, [on], now=now) if page.object_list else [],
        "page_obj": page,
        "absent": absent,
        "departments": Department.objects.order_by("name"),
        "department": department,
        "tabs": _days(on, department=department),
        "is_today": on == timezone.localdate(now),
    }
    return render(request, "scheduling/schedule.html", context)


def _week(request, on, doctor: Doctor):
    days = week_of(on)
    context = {
        "on": on,
        "doctor": doctor,
        "columns": columns([doctor], days, now=timezone.now()),
        "first": days[0],
        "last": days[-1],
        "previous": url_with("scheduling:schedule", doctor=doctor.public_id, date=days[0] - timedelta(days=7)),
        "following": url_with("scheduling:schedule", doctor=doctor.public_id, date=days[0] + timedelta(days=7)),
        "today": timezone.localdate(),
    }
    return render(request, "scheduling/week.html", context)


def _days(on, *, department) -> list[dict]:
    """The week around the day, to step through."""
    return [
        {
            "label": f"{day:%a} {day.day} {day:%b}",
            "url": url_with("scheduling:schedule", date=day, department=department),
            "current": day == on,
        }
        for day in [on - timedelta(days=7), *week_of(on), on + timedelta(days=7)]
    ]
