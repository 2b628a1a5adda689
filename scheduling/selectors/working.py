"""Hours as their page lists them."""

from datetime import date, datetime

from django.db.models import Q

from scheduling.models import DoctorException, DoctorSession
from scheduling.rules.slots import day_bounds
from scheduling.selectors.hours import clinic_zone
from scheduling.selectors.leave import with_undecided

MOST = 1_000


def sessions_from(on: date, *, doctor=None) -> list[DoctorSession]:
    """Sessions that hold on that day or later."""
    rows = DoctorSession.objects.filter(Q(valid_until=None) | Q(valid_until__gt=on)).select_related("doctor__user", "facility")
    rows = rows.filter(doctor=doctor) if doctor else rows
    return list(rows.order_by("doctor__user__last_name", "doctor__user__first_name", "doctor_id", "weekday", "starts", "id")[:MOST])


def summary_of(sessions: list[DoctorSession]) -> list[dict]:
    """[{doctor, lines}]: each doctor's hours in a few words, days with the same hours together."""
    doctors: dict = {}
    for session in sessions:
        hours = f"{session.starts:%H:%M} to {session.ends:%H:%M}"
        doctors.setdefault(session.doctor, {}).setdefault(hours, []).append(session.get_weekday_display()[:3])
    return [
        {"doctor": doctor, "lines": [f"{', '.join(dict.fromkeys(days))}: {hours}" for hours, days in by_hours.items()]}
        for doctor, by_hours in doctors.items()
    ]


def exceptions_from(on: date, *, now: datetime, doctor=None) -> list[DoctorException]:
    """Exceptions that are not over, the clinic's own included; `undecided` counts the appointments in their time: 1 query."""
    rows = DoctorException.objects.filter(during__endswith__gt=day_bounds(on, clinic_zone())[0]).select_related("doctor__user")
    rows = rows.filter(Q(doctor=doctor) | Q(doctor=None)) if doctor else rows
    return list(with_undecided(rows, now=now).order_by("during", "id")[:MOST])
