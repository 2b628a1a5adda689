"""Who is expected today and who has come: what the desk looks at."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from scheduling.models import Appointment, AppointmentStatus, Queue, Token, TokenStatus
from scheduling.rules.slots import day_bounds
from scheduling.selectors.hours import clinic_zone

LATE_AFTER = timedelta(minutes=15)
_GONE = (AppointmentStatus.CANCELLED, AppointmentStatus.RESCHEDULED)
HERE = (AppointmentStatus.CHECKED_IN, AppointmentStatus.IN_CONSULTATION)


@dataclass(frozen=True)
class Arrival:
    """An appointment of today with its token, if there is one."""

    appointment: Appointment
    token: Token | None
    is_late: bool = False


def arrivals_on(on: date, *, now: datetime, statuses=None) -> list[Arrival]:
    """The day's appointments that are not cancelled or moved, by time: 1 query."""
    start, end = day_bounds(on, clinic_zone())
    rows = _with_tokens(Appointment.objects.filter(during__startswith__gte=start, during__startswith__lt=end))
    rows = rows.filter(status__in=statuses) if statuses else rows.exclude(status__in=_GONE)
    return [_arrival(row, now) for row in rows.order_by("during__startswith", "id")]


def arrival(appointment_id: int) -> Arrival:
    return _arrival(_with_tokens(Appointment.objects.filter(pk=appointment_id)).get(), timezone.now())


def todays_appointments_of(patients, *, on: date) -> dict[int, list[Appointment]]:
    """Live appointments of the day by the patient's primary key: 1 query."""
    start, end = day_bounds(on, clinic_zone())
    found = defaultdict(list)
    live = Appointment.objects.live().filter(patient__in=patients, during__startswith__gte=start, during__startswith__lt=end)
    for appointment in live.select_related("doctor__user").order_by("during__startswith", "id"):
        found[appointment.patient_id].append(appointment)
    return found


def count_by_status(arrivals: list[Arrival]) -> dict[str, int]:
    counted = Counter(each.appointment.status for each in arrivals)
    return {
        "expected": counted[AppointmentStatus.BOOKED],
        "here": sum(counted[status] for status in HERE),
        "seen": counted[AppointmentStatus.COMPLETED],
        "no_show": counted[AppointmentStatus.NO_SHOW],
    }


@dataclass
class QueueState:
    """A queue at a glance."""

    queue: Queue
    waiting: int = 0
    longest_since: datetime | None = None
    current: Token | None = None

    def longest_min(self, now: datetime) -> int:
        return int((now - self.longest_since).total_seconds() // 60) if self.longest_since else 0


def queue_states(on: date) -> list[QueueState]:
    """The day's queues in which someone waits or is inside, by code: 1 query."""
    states: dict[int, QueueState] = {}
    tokens = Token.objects.filter(on=on, status__in=[TokenStatus.WAITING, TokenStatus.CALLED, TokenStatus.IN_SERVICE])
    for token in tokens.select_related("queue__doctor__user", "queue__doctor__department", "queue__department").order_by(
        "queue__code", "issued_at", "id"
    ):
        state = states.setdefault(token.queue_id, QueueState(token.queue))
        if token.status == TokenStatus.WAITING:
            state.waiting += 1
            state.longest_since = state.longest_since or token.issued_at
        elif state.current is None or (token.called_at and token.called_at > (state.current.called_at or token.issued_at)):
            state.current = token
    return list(states.values())


def _with_tokens(rows: QuerySet) -> QuerySet:
    return rows.select_related("patient", "doctor__user", "token__queue")


def _arrival(row: Appointment, now: datetime) -> Arrival:
    is_late = row.status == AppointmentStatus.BOOKED and now > row.starts_at + LATE_AFTER
    return Arrival(row, getattr(row, "token", None), is_late)
