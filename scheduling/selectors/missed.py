"""Appointments whose time has come without a check-in: what became of them is for a person to say."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Count, F, QuerySet
from django.db.models.functions import TruncDate

from scheduling.models import Appointment
from scheduling.rules.slots import day_bounds
from scheduling.selectors.hours import clinic_zone

DAYS_SHOWN = 10


@dataclass(frozen=True)
class MissedDay:
    on: date
    count: int


def missed_days(now: datetime) -> list[MissedDay]:
    """Days of the clinic's calendar that have such appointments, the latest first: 1 query."""
    day = TruncDate(F("during__startswith"), tzinfo=clinic_zone())
    rows = Appointment.objects.missed(now).order_by().values(on=day).annotate(count=Count("pk")).order_by("-on")
    return [MissedDay(**row) for row in rows]


def missed_on(on: date, now: datetime) -> QuerySet:
    """The day's, by time."""
    start, end = day_bounds(on, clinic_zone())
    rows = Appointment.objects.missed(now).filter(during__startswith__gte=start, during__startswith__lt=end)
    return rows.select_related("patient", "doctor__user").order_by("during__startswith", "id")
