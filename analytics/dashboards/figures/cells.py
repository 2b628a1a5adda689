"""Sums of a doctor's days: of whole months as they were summed before, of the days around those one by one."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Expression, F, QuerySet, Sum

from analytics.dashboards.asked import Asked
from analytics.models import DimDoctor, DoctorDay, DoctorMonth

MEASURES = (
    "appointments",
    "booked",
    "completed",
    "cancelled",
    "no_shows",
    "visits",
    "walk_ins",
    "consultations",
    "consult_minutes",
    "charge",
)
Sums = Mapping[str, Any]


def by_period(asked: Asked) -> dict[Any, Sums]:
    """The measures of each day or month in which anything happened."""
    return _sums(asked, asked.period, None if asked.by_day else F("month"))


def by_date(asked: Asked) -> dict[Any, Sums]:
    """The measures of each day on which anything happened."""
    return _sums(asked, F("date"))


def by_department(asked: Asked) -> dict[Any, Sums]:
    """The measures of each department, by its key."""
    return _sums(asked, F("department_id"), F("department_id"))


def by_doctor(asked: Asked) -> list[dict[str, Any]]:
    """The measures of each doctor with `doctor`, `department` and `public_id`, in the order of their names. 2 queries."""
    found = _sums(asked, F("doctor_id"), F("doctor_id"))
    names = DimDoctor.objects.order_by("name", "public_id").values_list("pk", "public_id", "name", "department__name")
    return [
        {"public_id": public_id, "doctor": name, "department": department, **found[key]}
        for key, public_id, name, department in names
        if key in found
    ]


def _sums(asked: Asked, of_day: Expression, of_month: Expression | None = None) -> dict[Any, Sums]:
    """By what is made of a day's row and of a month's; without the latter all is summed day by day. 1 query."""
    days = asked.narrowed(DoctorDay.objects)
    months = asked.whole_months
    if of_month is None or months is None:
        return _merged(_grouped(days, of_day))
    first, end = months
    whole = DoctorMonth.objects.filter(month__gte=first, month__lt=end, **asked.keys)
    return _merged(_grouped(days.exclude(date__gte=first, date__lt=end), of_day).union(_grouped(whole, of_month), all=True))


def _grouped(rows: QuerySet, key: Expression) -> QuerySet:
    return rows.order_by().annotate(key=key).values_list("key").annotate(**{f"of_{name}": Sum(name) for name in MEASURES})


def _merged(rows: QuerySet) -> dict[Any, Sums]:
    found: dict[Any, Sums] = {}
    for key, *values in rows:
        before = found.get(key)
        found[key] = {name: value + before[name] if before else value for name, value in zip(MEASURES, values, strict=True)}
    return found
