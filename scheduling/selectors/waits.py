"""How long visits took on past days, what that says about a wait, and how true it was."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

from django.conf import settings
from django.db import connection
from django.utils import timezone

from scheduling.models import Queue, Token, TokenStatus
from scheduling.rules.queue import estimate_wait, turn_at

WEEKS = 8
FEWEST = 8  # visits from which a pace is told
_LAST_CALLS = 21
_SHOWN_DAYS = 28

# Of the same weekday and hour; else of the same weekday; else of all days.
_PACE = """
WITH visit AS (
    SELECT extract(epoch FROM closed_at - called_at) / 60 AS minutes,
           extract(isodow FROM "on") = %(weekday)s AS same_day,
           extract(hour FROM called_at AT TIME ZONE %(zone)s) = %(hour)s AS same_hour
    FROM scheduling_token
    WHERE queue_id = %(queue)s AND "on" >= %(since)s AND "on" < %(on)s AND status = 'done'
      AND called_at < closed_at AND closed_at < called_at + interval '3 hours'
)
SELECT count(*) FILTER (WHERE same_day AND same_hour),
       percentile_cont(ARRAY[0.2, 0.8]) WITHIN GROUP (ORDER BY minutes) FILTER (WHERE same_day AND same_hour),
       count(*) FILTER (WHERE same_day),
       percentile_cont(ARRAY[0.2, 0.8]) WITHIN GROUP (ORDER BY minutes) FILTER (WHERE same_day),
       count(*),
       percentile_cont(ARRAY[0.2, 0.8]) WITHIN GROUP (ORDER BY minutes)
FROM visit
"""

_TOLD = """
WITH told AS (
    SELECT queue_id, predicted_low_min AS low, predicted_high_min AS high, extract(epoch FROM called_at - issued_at) / 60 AS waited
    FROM scheduling_token
    WHERE "on" > %(since)s AND "on" <= %(on)s AND predicted_low_min IS NOT NULL AND called_at >= issued_at
)
SELECT queue_id, count(*), count(*) FILTER (WHERE waited BETWEEN low AND high), avg((low + high) / 2.0), avg(waited),
       avg(greatest(low - waited, waited - high, 0)), count(*) FILTER (WHERE waited > high)
FROM told GROUP BY queue_id
"""


@lru_cache(maxsize=2048)
def pace_of(queue_id: int, on: date, hour: int) -> tuple[float, float] | None:
    """Minutes of a quick and a slow visit (20th and 80th percentile) at this weekday and hour; None when too few are known.

    Past days do not change any more: each process asks once per queue, day and hour.
    """
    asked = {"weekday": on.isoweekday(), "zone": settings.TIME_ZONE, "hour": hour, "queue": queue_id}
    with connection.cursor() as cursor:
        cursor.execute(_PACE, asked | {"since": on - timedelta(weeks=WEEKS), "on": on})
        found = cursor.fetchone()
    for count, percentiles in zip(found[::2], found[1::2], strict=True):
        if count >= FEWEST:
            quick, slow = percentiles
            return float(quick), float(slow)
    return None


def pace_at(queue_id: int, at: datetime) -> tuple[float, float] | None:
    local = timezone.localtime(at)
    return pace_of(queue_id, local.date(), local.hour)


def last_calls(queue_id: int, on: date) -> list[tuple[datetime, str]]:
    calls = Token.objects.filter(queue_id=queue_id, on=on, called_at__isnull=False).order_by("-called_at")
    return list(calls.values_list("called_at", "room")[:_LAST_CALLS])


def predict(*, queue_id: int, on: date, effective_at: datetime, priority: str, now: datetime) -> dict[str, int | None]:
    """What a token that is given now is told, as its columns: 2 queries."""
    turn = turn_at(effective_at=effective_at, priority=priority)
    ahead = Token.objects.filter(queue_id=queue_id, on=on, status=TokenStatus.WAITING, turn_at__lte=turn).count()
    told = estimate_wait(position=ahead + 1, calls=last_calls(queue_id, on), pace=pace_at(queue_id, now)) or {"low": None, "high": None}
    return {f"predicted_{end}_min": minutes and min(minutes, 32_767) for end, minutes in told.items()}


@dataclass(frozen=True)
class Told:
    """How true the estimates of one queue were. Minutes; `off_min` is how far outside of the range, on average."""

    queue: Queue
    count: int
    inside: int
    late: int
    predicted_min: float
    waited_min: float
    off_min: float

    @property
    def share_inside(self) -> int:
        return round(100 * self.inside / self.count)


def told_and_true(on: date) -> list[Told]:
    """Of the last four weeks, by queue: 2 queries."""
    with connection.cursor() as cursor:
        cursor.execute(_TOLD, {"since": on - timedelta(days=_SHOWN_DAYS), "on": on})
        found = {row[0]: row[1:] for row in cursor.fetchall()}
    queues = Queue.objects.filter(pk__in=found).select_related("doctor__user", "department")
    return [_told(queue, *found[queue.pk]) for queue in queues]


def _told(queue: Queue, count: int, inside: int, predicted, waited, off, late: int) -> Told:
    return Told(queue, count, inside, late, *(round(float(minutes), 1) for minutes in (predicted, waited, off)))
