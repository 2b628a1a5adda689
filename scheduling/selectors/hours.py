"""A doctor's hours and free slots, in the shape of the rules."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils import timezone

from clinic.core.redis import RedisDown
from scheduling import stores
from scheduling.models import LONGEST_BUFFER_MIN, Appointment, DoctorException, DoctorSession, WaitlistOffer
from scheduling.rules import slots as rules

_BUFFERS = ("buffer_before_minutes", "buffer_after_minutes")


def clinic_zone() -> ZoneInfo:
    return timezone.get_default_timezone()


def hours_of(doctor_id: int, first: date, last: date) -> rules.Hours:
    """Weekly sessions and exceptions that matter from `first` to `last` (both included)."""
    return hours_by_doctor([doctor_id], first, last)[doctor_id]


def hours_by_doctor(doctor_ids: Iterable[int], first: date, last: date) -> dict[int, rules.Hours]:
    """The same for several doctors: 2 queries."""
    ids = list(doctor_ids)
    sessions, exceptions = defaultdict(list), defaultdict(list)
    for doctor_id, before, after, *fields in _session_rows(ids, first, last):
        sessions[doctor_id].append(rules.Session(*fields, buffers=rules.Buffers.of_minutes(before, after)))
    for doctor_id, exception in _exception_rows(ids, first, last):
        exceptions[doctor_id].append(exception)
    everybody = exceptions[None]
    return {doctor_id: rules.Hours(sessions[doctor_id], everybody + exceptions[doctor_id]) for doctor_id in ids}


def _session_rows(doctor_ids: list[int], first: date, last: date):
    holding = DoctorSession.objects.filter(Q(valid_until=None) | Q(valid_until__gt=first), doctor_id__in=doctor_ids, valid_from__lte=last)
    fields = ("weekday", "starts", "ends", "slot_minutes", "valid_from", "valid_until", "facility_id")
    return holding.order_by("doctor_id", "weekday", "starts", "id").values_list("doctor_id", *_BUFFERS, *fields)


def _exception_rows(doctor_ids: list[int], first: date, last: date):
    tz = clinic_zone()
    span = rules.day_bounds(first, tz)[0], rules.day_bounds(last, tz)[1] + rules.LONGEST_SLOT
    rows = DoctorException.objects.filter(Q(doctor_id__in=doctor_ids) | Q(doctor=None), during__overlap=span)
    fields = ("doctor_id", "kind", "during", "slot_minutes", "facility_id", *_BUFFERS)
    for doctor_id, kind, during, minutes, facility_id, *buffers in rows.order_by("during", "id").values_list(*fields):
        start, end = during.lower or span[0], during.upper or span[1]
        given = {"is_clinic_wide": doctor_id is None, "buffers": rules.Buffers.of_minutes(*buffers)}
        yield doctor_id, rules.Exceptional(rules.Kind(kind), start, end, minutes, facility_id, **given)


def bookable_days(*, doctor_id: int, first: date, days: int, now: datetime) -> list[rules.Day]:
    """What can be booked with this doctor, whoever holds a time at the moment. 4 queries."""
    last = first + timedelta(days=days - 1)
    hours, taken = hours_of(doctor_id, first, last), taken_by_doctor([doctor_id], first, last, now)[doctor_id]
    return rules.compute_days(hours, taken, first=first, days=days, tz=clinic_zone(), now=now)


def bookable_by_doctor(doctor_ids: Iterable[int], *, first: date, days: int, now: datetime) -> dict[int, list[rules.Day]]:
    """The same for several doctors: 4 queries."""
    ids, last = list(doctor_ids), first + timedelta(days=days - 1)
    hours, taken = hours_by_doctor(ids, first, last), taken_by_doctor(ids, first, last, now)
    return {pk: rules.compute_days(hours[pk], taken[pk], first=first, days=days, tz=clinic_zone(), now=now) for pk in ids}


def free_days(*, doctor_id: int, first: date, days: int, now: datetime, user=None) -> list[rules.Day]:
    """The same for this user: a time that somebody else holds counts as taken."""
    return _without_held(bookable_days(doctor_id=doctor_id, first=first, days=days, now=now), doctor_id, user)


def _without_held(days: list[rules.Day], doctor_id: int, user) -> list[rules.Day]:
    """Slots that someone else is about to book are not available. With Redis down nothing is held."""
    starts = [slot.start for day in days for slot in day.available]
    try:
        held = stores.read_holds(doctor_id, starts)
    except RedisDown:
        return days
    own = str(user.public_id) if user is not None else ""
    others = {start for start, value in held.items() if value.partition(":")[0] != own}
    return [_without(day, others) for day in days] if others else days


def _without(day: rules.Day, starts: set[datetime]) -> rules.Day:
    slots = tuple(replace(slot, available=slot.available and slot.start not in starts) for slot in day.slots)
    is_full = bool(slots) and not any(slot.available for slot in slots)
    return replace(day, slots=slots, reason=rules.Reason.FULL if is_full else day.reason)


def taken_by_doctor(doctor_ids: Iterable[int], first: date, last: date, now: datetime) -> dict[int, list[rules.Span]]:
    """Spans of live appointments, buffers included, and of times that are offered to someone on the waitlist: 2 queries."""
    tz, ids = clinic_zone(), list(doctor_ids)
    start, end = rules.day_bounds(first, tz)[0] - timedelta(minutes=LONGEST_BUFFER_MIN), rules.day_bounds(last, tz)[1] + rules.LONGEST_SLOT
    live = Appointment.objects.live().occupying(start, end).filter(doctor_id__in=ids)
    offered = WaitlistOffer.objects.open_at(now).filter(doctor_id__in=ids, starts_at__lt=end, ends_at__gt=start)
    spans = defaultdict(list)
    for doctor_id, occupied in live.order_by().values_list("doctor_id", "occupied"):
        spans[doctor_id].append((occupied.lower, occupied.upper))
    for doctor_id, *span in offered.values_list("doctor_id", "starts_at", "ends_at"):
        spans[doctor_id].append(tuple(span))
    return spans
