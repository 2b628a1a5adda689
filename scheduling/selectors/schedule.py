"""The schedule as a page shows it: columns of a doctor's day."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from clinic.accounts.models import Doctor
from scheduling.models import Appointment, AppointmentStatus
from scheduling.rules import slots as rules
from scheduling.selectors.hours import clinic_zone, hours_by_doctor

SHOWN = [status for status in AppointmentStatus if status not in {AppointmentStatus.CANCELLED, AppointmentStatus.RESCHEDULED}]
REASONS = {
    rules.Reason.NO_SESSION: "No session on this day.",
    rules.Reason.FULL: "Fully booked.",
    rules.Reason.HOLIDAY: "Closed: holiday.",
    rules.Reason.LEAVE: "On leave.",
    rules.Reason.PAST: "This day is over.",
}


@dataclass(frozen=True)
class Gap:
    """Free time between appointments: [start, end), so many slots."""

    start: datetime
    end: datetime
    slots: int


@dataclass(frozen=True)
class Column:
    doctor: Doctor
    on: date
    rows: list  # of Appointment and Gap, in the order of time
    booked: int
    free: int
    reason: str  # why nothing is free, "" when something is

    @property
    def week_query(self) -> str:
        return f"?doctor={self.doctor.public_id}&date={self.on.isoformat()}"


def columns(doctors: Iterable[Doctor], days: list[date], *, now: datetime) -> list[Column]:
    """A column for each doctor and day, the doctors in turn: 3 queries however many."""
    doctors = list(doctors)
    tz = clinic_zone()
    hours = hours_by_doctor([doctor.pk for doctor in doctors], days[0], days[-1])
    span = rules.day_bounds(days[0], tz)[0], rules.day_bounds(days[-1], tz)[1]
    by_doctor = defaultdict(list)
    shown = Appointment.objects.overlapping(*span).filter(doctor__in=doctors, status__in=SHOWN).select_related("patient")
    for appointment in shown.order_by("during", "id"):
        by_doctor[appointment.doctor_id].append(appointment)
    return [_column(doctor, day, hours[doctor.pk], by_doctor[doctor.pk], tz, now) for doctor in doctors for day in days]


def _column(doctor: Doctor, on: date, hours: rules.Hours, appointments: list[Appointment], tz, now: datetime) -> Column:
    todays = [each for each in appointments if each.starts_at.astimezone(tz).date() == on]
    taken = [(each.starts_at, each.ends_at) for each in todays if each.is_live]
    [day] = rules.compute_days(hours, taken, first=on, days=1, tz=tz, now=now)
    gaps = _gaps(day.available)
    rows = sorted([*todays, *gaps], key=lambda row: row.start if isinstance(row, Gap) else row.starts_at)
    reason = REASONS[day.reason] if day.reason else ""
    return Column(doctor, on, rows, len(todays), len(day.available), reason)


def _gaps(free: list[rules.Slot]) -> list[Gap]:
    gaps: list[Gap] = []
    for slot in free:
        if gaps and gaps[-1].end == slot.start:
            gaps[-1] = Gap(gaps[-1].start, slot.end, gaps[-1].slots + 1)
        else:
            gaps.append(Gap(slot.start, slot.end, 1))
    return gaps


def working_doctors(on: date, *, department=None) -> list[Doctor]:
    """Active doctors, by name; of one department (public id) when asked."""
    doctors = Doctor.objects.filter(is_active=True).select_related("user", "department")
    if department:
        doctors = doctors.filter(department__public_id=department)
    return list(doctors.order_by("user__last_name", "user__first_name", "id"))


def week_of(on: date) -> list[date]:
    """Monday to Sunday."""
    monday = on - timedelta(days=on.weekday())
    return [monday + timedelta(days=n) for n in range(7)]
