"""When the doctors work: as the demo was made, whatever people have changed since."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from clinic.accounts.models import Facility
from clinic.ops.seed.data.clinic_facts import DOCTORS, MORNING, SATURDAY, WEEK, Colleague
from clinic.ops.seed.demo import Demo, Tally
from clinic.ops.seed.ids import seed_id
from scheduling.models import DoctorException, DoctorSession, ExceptionKind
from scheduling.services.hours import add_exception, add_session

# Whose doors stand open around the moment at which the demo is made, so that today has patients at any hour.
ON_CALL = ("doctor", "doctor2", "dr.tanaka")
_OPEN_FOR = timedelta(hours=4)


def seed_hours(demo: Demo) -> Tally:
    rows = [(colleague, weekday, *session) for colleague in DOCTORS for weekday, session in _weekly(colleague)]
    wanted = [seed_id("session", colleague.login, weekday, starts) for colleague, weekday, starts, _ in rows]
    there = set(DoctorSession.objects.filter(public_id__in=wanted).values_list("public_id", flat=True))
    for public_id, (colleague, weekday, starts, ends) in zip(wanted, rows, strict=True):
        if public_id not in there:
            data = {"public_id": public_id, "weekday": weekday, "starts": starts, "ends": ends, "slot_minutes": colleague.slot_minutes}
            data |= {"doctor": demo.doctor(colleague.login), "facility": _facility(demo, colleague)}
            add_session(data=data | {"valid_from": demo.today - timedelta(days=120)}, by=demo.user("admin"))
    extra = sum(_add_extra(demo, colleague, *span) for colleague in DOCTORS for span in extra_hours(demo, colleague))
    return Tally(len(rows) - len(there) + extra, len(there))


def slots_on(demo: Demo, colleague: Colleague, day: date) -> list[datetime]:
    """The starts of the doctor's slots on a day, in order."""
    spans = [_span(demo, day, *session) for weekday, session in _weekly(colleague) if weekday == day.isoweekday()]
    if day == demo.today:
        spans += extra_hours(demo, colleague)
    step = timedelta(minutes=colleague.slot_minutes)
    starts = []
    for start, end in sorted(spans):
        while start + step <= end:
            starts.append(start)
            start += step
    return starts


def extra_hours(demo: Demo, colleague: Colleague) -> list[tuple[datetime, datetime]]:
    """What the weekly hours of today leave open around the moment of the demo."""
    if colleague.login not in ON_CALL:
        return []
    midnight = datetime.combine(demo.today, time(), tzinfo=demo.zone)
    now = demo.now.astimezone(demo.zone).replace(minute=0, second=0, microsecond=0)
    start, end = max(now - _OPEN_FOR, midnight), min(now + _OPEN_FOR, midnight + timedelta(days=1))
    spans = []
    for begins, ends in sorted(
        _span(demo, demo.today, *session) for weekday, session in _weekly(colleague) if weekday == demo.today.isoweekday()
    ):
        if start < begins:
            spans.append((start, min(begins, end)))
        start = max(start, ends)
    spans.append((start, end))
    return [(begins, ends) for begins, ends in spans if ends - begins >= timedelta(minutes=colleague.slot_minutes)]


def _weekly(colleague: Colleague) -> Iterator[tuple[int, tuple[time, time]]]:
    yield from ((weekday, session) for weekday in WEEK for session in colleague.sessions)
    if colleague.on_saturday:
        yield SATURDAY, MORNING


def _span(demo: Demo, day: date, starts: time, ends: time) -> tuple[datetime, datetime]:
    return datetime.combine(day, starts, tzinfo=demo.zone), datetime.combine(day, ends, tzinfo=demo.zone)


def _facility(demo: Demo, colleague: Colleague) -> Facility:
    return demo.doctor(colleague.login).department.facility


def _add_extra(demo: Demo, colleague: Colleague, start: datetime, end: datetime) -> bool:
    public_id = seed_id("extra hours", colleague.login, start.isoformat())
    if DoctorException.objects.filter(public_id=public_id).exists():
        return False
    data = {"public_id": public_id, "doctor": demo.doctor(colleague.login), "facility": _facility(demo, colleague)}
    data |= {"kind": ExceptionKind.OPEN, "slot_minutes": colleague.slot_minutes, "reason": "On call"}
    add_exception(data=data, start=start, end=end, by=demo.user("manager"))
    return True
