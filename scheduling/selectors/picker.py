"""What the booking page offers: doctors, days, times."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby

from django.utils import timezone

from clinic.accounts.models import Doctor
from scheduling.models import Appointment
from scheduling.rules.slots import Day
from scheduling.selectors.hours import free_days
from scheduling.selectors.schedule import REASONS

DAYS = 10


@dataclass(frozen=True)
class Choice:
    """A day of the strip."""

    day: Day

    @property
    def on(self) -> date:
        return self.day.on

    @property
    def free(self) -> int:
        return len(self.day.available)

    @property
    def parts(self) -> list[dict]:
        """The free times by part of the day: [{name, slots}]."""
        by_part = groupby(self.day.available, key=lambda slot: _part_of(timezone.localtime(slot.start).hour))
        return [{"name": name, "slots": list(slots)} for name, slots in by_part]

    @property
    def reason(self) -> str:
        return REASONS[self.day.reason] if self.day.reason else ""


def _part_of(hour: int) -> str:
    return "Morning" if hour < 12 else "Afternoon" if hour < 17 else "Evening"


def active_doctors() -> list[Doctor]:
    """By department and name, as a grouped select shows them."""
    doctors = Doctor.objects.filter(is_active=True).select_related("user", "department")
    return list(doctors.order_by("department__name", "department_id", "user__last_name", "user__first_name", "id"))


def usual_doctor_id(patient) -> int | None:
    """The doctor whom the patient saw or booked last: the likely one this time."""
    last = Appointment.objects.filter(patient=patient, doctor__is_active=True).order_by("-during__startswith", "-id")
    return last.values_list("doctor_id", flat=True).first()


def strip(doctor: Doctor, *, first: date, now: datetime, user) -> list[Choice]:
    first = max(first, timezone.localdate(now))
    return [Choice(day) for day in free_days(doctor_id=doctor.pk, first=first, days=DAYS, now=now, user=user)]


def chosen_of(choices: list[Choice], asked: date | None) -> Choice:
    """The asked day, else the first with a free time, else the first."""
    for choice in choices:
        if choice.on == asked:
            return choice
    return next((choice for choice in choices if choice.free), choices[0])


def earlier_strip(first: date, now: datetime) -> date | None:
    today = timezone.localdate(now)
    return max(first - timedelta(days=DAYS), today) if first > today else None
