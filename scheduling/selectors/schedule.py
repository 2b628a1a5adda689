"""The schedule as a page shows it: columns of a doctor's day."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Exists, OuterRef, Q

from clinic.accounts.models import Doctor
from scheduling.models import Appointment, AppointmentStatus, DoctorException, DoctorSession, ExceptionKind
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
    starts: tuple[datetime, ...]

    @property
    def slots(self) -> int:
        return len(self.starts)


@dataclass(frozen=True)
class Booked:
    """An appointment of the column; `is_stranded` when its time was closed after it was booked."""

    appointment: Appointment
    is_stranded: bool

    @property
    def start(self) -> datetime:
        return self.appointment.starts_at


@dataclass(frozen=True)
class Column:
    doctor: Doctor
    on: date
    rows: list[Booked | Gap]  # in the order of time
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
    closures = _closures(hours.of_day(on, tz))
    booked = [Booked(each, each.is_live and any(e.overlaps(each.starts_at, each.ends_at) for e in closures)) for each in todays]
    rows = sorted([*booked, *_gaps(day.available)], key=lambda row: row.start)
    reason = REASONS[day.reason] if day.reason else ""
    return Column(doctor, on, rows, len(todays), len(day.available), reason)


def _gaps(free: list[rules.Slot]) -> list[Gap]:
    gaps: list[Gap] = []
    for slot in free:
        if gaps and gaps[-1].end == slot.start:
            gaps[-1] = Gap(gaps[-1].start, slot.end, (*gaps[-1].starts, slot.start))
        else:
            gaps.append(Gap(slot.start, slot.end, (slot.start,)))
    return gaps


def _closures(hours: rules.Hours) -> list[rules.Exceptional]:
    """What closes time on this day; a holiday of the clinic does not close hours that were opened by name."""
    opened = [e for e in hours.exceptions if e.kind == rules.Kind.OPEN]
    closing = [e for e in hours.exceptions if e.kind != rules.Kind.OPEN]
    return [e for e in closing if not (e.is_clinic_wide and any(o.overlaps(e.start, e.end) for o in opened))]


def doctors_of_day(on: date, *, department=None) -> tuple[list[Doctor], list[Doctor]]:
    """(those with hours or appointments on that day, the other active ones), by name: 1 query.

    Of one department (public id) when asked. One who left the clinic is shown while somebody is booked.
    """
    start, end = rules.day_bounds(on, clinic_zone())
    held = DoctorSession.objects.filter(Q(valid_until=None) | Q(valid_until__gt=on), weekday=on.isoweekday(), valid_from__lte=on)
    opened = DoctorException.objects.filter(kind=ExceptionKind.OPEN, during__overlap=(start, end))
    booked = Appointment.objects.overlapping(start, end).filter(status__in=SHOWN)
    held, opened, booked = (Exists(rows.filter(doctor=OuterRef("pk"))) for rows in (held, opened, booked))
    doctors = Doctor.objects.select_related("user", "department").annotate(has_hours=held | opened, is_booked=booked)
    doctors = doctors.filter(Q(is_active=True) | Q(is_booked=True))
    if department:
        doctors = doctors.filter(department__public_id=department)
    found = list(doctors.order_by("user__last_name", "user__first_name", "id"))
    shown = [each for each in found if each.is_booked or (each.has_hours and each.is_active)]
    ids = {each.pk for each in shown}
    return shown, [each for each in found if each.pk not in ids]


def week_of(on: date) -> list[date]:
    """Monday to Sunday."""
    monday = on - timedelta(days=on.weekday())
    return [monday + timedelta(days=n) for n in range(7)]
