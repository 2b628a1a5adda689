"""Appointments in a time that was closed after they were booked, and where they could go."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import BigIntegerField, Case, Exists, ExpressionWrapper, F, Func, IntegerField, OuterRef, Q, QuerySet, Subquery, When
from django.utils import timezone

from scheduling.models import Appointment, AppointmentStatus, DoctorException, ExceptionKind, KeptAppointment
from scheduling.models.appointment import NEXT_STATUSES
from scheduling.rules.slots import Slot, span_of
from scheduling.selectors.hours import bookable_by_doctor

OFFERED = 3
AHEAD_DAYS, MOST_DAYS = 21, 90


def undecided(exception: DoctorException, *, now: datetime) -> QuerySet:
    """Live appointments in the exception's time, by time, that nobody has moved, cancelled or decided to keep."""
    rows = _in_closed_time(now).filter(during__overlap=exception.during)
    if exception.kind == ExceptionKind.OPEN:
        return rows.none()
    if exception.doctor_id:
        rows = rows.filter(doctor_id=exception.doctor_id)
    if exception.facility_id:
        rows = rows.filter(facility_id=exception.facility_id)
    kept = KeptAppointment.objects.filter(exception=exception, appointment=OuterRef("pk"))
    return rows.exclude(Exists(kept)).select_related("patient", "doctor__user", "doctor__department").order_by("during__startswith", "id")


def with_undecided(exceptions: QuerySet, *, now: datetime) -> QuerySet:
    """Each with `undecided`, the number of such appointments: no further query."""
    rows = _in_closed_time(now).filter(during__overlap=OuterRef("during"))
    rows = rows.alias(
        closed_doctor=ExpressionWrapper(OuterRef("doctor_id"), output_field=BigIntegerField()),
        closed_facility=ExpressionWrapper(OuterRef("facility_id"), output_field=BigIntegerField()),
    )
    rows = rows.filter(
        Q(closed_doctor=None) | Q(closed_doctor=F("doctor_id")), Q(closed_facility=None) | Q(closed_facility=F("facility_id"))
    )
    kept = KeptAppointment.objects.filter(exception=OuterRef(OuterRef("pk")), appointment=OuterRef("pk"))
    counted = rows.exclude(Exists(kept)).order_by().annotate(n=Func(F("pk"), function="COUNT")).values("n")
    return exceptions.annotate(
        undecided=Case(When(kind=ExceptionKind.OPEN, then=0), default=Subquery(counted), output_field=IntegerField())
    )


def _in_closed_time(now: datetime) -> QuerySet:
    return Appointment.objects.live().filter(during__endswith__gt=now)


@dataclass(frozen=True)
class Stranded:
    """An appointment to decide on, and the next free times of its doctor: other ones for each patient."""

    appointment: Appointment
    offers: list[Slot]

    @property
    def can_move(self) -> bool:
        return AppointmentStatus.RESCHEDULED in NEXT_STATUSES[self.appointment.status]


def with_offers(appointments: list[Appointment], *, now: datetime) -> list[Stranded]:
    """3 queries, however many."""
    if not appointments:
        return []
    first = timezone.localdate(max(now, appointments[0].starts_at))
    last = timezone.localdate(max(each.starts_at for each in appointments))
    days = min((last - first).days + AHEAD_DAYS, MOST_DAYS)
    free = bookable_by_doctor({each.doctor_id for each in appointments}, first=first, days=days, now=now)
    pools = {doctor_id: [slot for day in found for slot in day.available] for doctor_id, found in free.items()}
    return [Stranded(each, _take(pools[each.doctor_id], each)) for each in appointments]


def _take(pool: list[Slot], appointment: Appointment) -> list[Slot]:
    """The first times from the old one on that are long enough; they leave the pool."""
    length, offers = appointment.ends_at - appointment.starts_at, []
    for slot in list(pool):
        if len(offers) == OFFERED:
            break
        if slot.start < appointment.starts_at or slot not in pool:
            continue
        if span := span_of(pool, slot.start, at_least=length):
            offers.append(slot)
            for used in span:
                pool.remove(used)
    return offers
