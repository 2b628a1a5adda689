"""The week before, day by day with its drawer, and the appointments of the week to come."""

from collections.abc import Iterable
from datetime import date, datetime, time
from decimal import Decimal

from billing.models import Shift
from billing.selectors import expected_in
from billing.services.shifts import close_shift, open_shift
from clinic.core.db import atomic_with_retry
from clinic.ops.seed import plan
from clinic.ops.seed.demo import Demo, Tally
from clinic.ops.seed.history import backdate_shift
from clinic.ops.seed.ids import seed_id
from clinic.ops.seed.plan import Planned
from clinic.ops.seed.visits import make_appointment
from scheduling.models import Appointment

_FLOAT = Decimal("150.00")


def seed_past(demo: Demo) -> Tally:
    """Each day opens a drawer, works through its appointments and counts."""
    tallies = [_seed_day(demo, day) for day in plan.past_days(demo)]
    return Tally(sum(tally.made for tally in tallies), sum(tally.there for tally in tallies))


def seed_coming(demo: Demo) -> Tally:
    return _make(demo, plan.coming(demo))


def missing_of(planned: Iterable[Planned]) -> list[Planned]:
    planned = list(planned)
    ids = [each.request_id for each in planned]
    there = set(Appointment.objects.filter(request_id__in=ids).values_list("request_id", flat=True))
    return [each for each in planned if each.request_id not in there]


def open_drawer(demo: Demo, day: date, at: datetime) -> Shift:
    """The reception's shift of a day. Its time is set once, when it is made."""
    request_id = seed_id("shift", day)
    if earlier := Shift.objects.filter(request_id=request_id).first():
        return earlier
    return _open_at(demo, request_id, at)


@atomic_with_retry
def _open_at(demo: Demo, request_id, at: datetime) -> Shift:
    shift = open_shift(by=demo.user("reception"), opening_float=_FLOAT, request_id=request_id)
    backdate_shift(shift, opened=at)
    return shift


def _seed_day(demo: Demo, day: date) -> Tally:
    planned = plan.past_of(demo, day)
    if not planned:
        return Tally(0)
    shift = open_drawer(demo, day, datetime.combine(day, time(7, 50), tzinfo=demo.zone))
    tally = _make(demo, planned)
    if shift.is_open:
        _count_drawer(demo, shift, datetime.combine(day, time(19, 15), tzinfo=demo.zone))
    return tally


def _make(demo: Demo, planned: list[Planned]) -> Tally:
    missing = missing_of(planned)
    for each in missing:
        make_appointment(demo, each)
    return Tally(len(missing), len(planned) - len(missing))


@atomic_with_retry
def _count_drawer(demo: Demo, shift: Shift, at: datetime) -> None:
    """Mostly right to the cent; now and then some coins are missing."""
    counted = expected_in(shift)
    short = demo.dice("drawer", shift.request_id).random() < 0.3
    if short:
        counted["cash"] -= Decimal("1.50")
    reason = "Coins given as change, not found again." if short else ""
    close_shift(shift_id=shift.pk, counted=counted, by=demo.user("reception"), reason=reason)
    backdate_shift(shift, closed=at)
