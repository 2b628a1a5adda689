"""Which slots a doctor's hours give, and why a day gives none.

Hours are wall-clock times of the clinic's zone; slots are instants. A time that the clocks skip in
spring is no slot; one that they repeat in autumn is a slot once, at its first pass.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

# The last slot of a day may run this far past midnight.
LONGEST_SLOT = timedelta(minutes=240)


@dataclass(frozen=True)
class Buffers:
    """Minutes of the doctor's time before and after each appointment. The patient does not see them."""

    before: timedelta = timedelta(0)
    after: timedelta = timedelta(0)

    @classmethod
    def of_minutes(cls, before: int, after: int) -> "Buffers":
        return cls(timedelta(minutes=before), timedelta(minutes=after))


NO_BUFFERS = Buffers()


@dataclass(frozen=True)
class Session:
    """A weekly stretch. `weekday` is ISO (1 Monday); `valid_until` is exclusive, None for ever."""

    weekday: int
    starts: time
    ends: time
    slot_minutes: int
    valid_from: date
    valid_until: date | None = None
    facility_id: int | None = None
    buffers: Buffers = NO_BUFFERS

    def holds_on(self, day: date) -> bool:
        return day.isoweekday() == self.weekday and self.valid_from <= day and (self.valid_until is None or day < self.valid_until)


class Kind(StrEnum):
    LEAVE = "leave"
    HOLIDAY = "holiday"
    BREAK = "break"
    OPEN = "open"


@dataclass(frozen=True)
class Exceptional:
    """A dated exception to the weekly hours: [start, end), aware."""

    kind: Kind
    start: datetime
    end: datetime
    slot_minutes: int = 15
    facility_id: int | None = None
    is_clinic_wide: bool = False
    buffers: Buffers = NO_BUFFERS

    def overlaps(self, start: datetime, end: datetime) -> bool:
        return self.start < end and start < self.end


@dataclass(frozen=True)
class Hours:
    sessions: Sequence[Session] = ()
    exceptions: Sequence[Exceptional] = ()

    def of_day(self, on: date, tz: ZoneInfo) -> "Hours":
        start, end = day_bounds(on, tz)
        near = [e for e in self.exceptions if e.overlaps(start, end + LONGEST_SLOT)]
        return Hours([s for s in self.sessions if s.holds_on(on)], near)


@dataclass(frozen=True)
class Slot:
    """[start, end) in UTC, as the patient sees it. Slots of one `block` belong to one stretch of hours."""

    start: datetime
    end: datetime
    block: int = 0
    facility_id: int | None = None
    is_extra: bool = False
    available: bool = True
    buffers: Buffers = NO_BUFFERS

    @property
    def occupied(self) -> "Span":
        """What it takes of the doctor's time."""
        return self.start - self.buffers.before, self.end + self.buffers.after

    def overlaps(self, span: "Span") -> bool:
        start, end = self.occupied
        return start < span[1] and span[0] < end


class Reason(StrEnum):
    """Why a day offers nothing."""

    NO_SESSION = "no_session"
    FULL = "full"
    HOLIDAY = "holiday"
    LEAVE = "leave"
    PAST = "past"


@dataclass(frozen=True)
class Day:
    on: date
    slots: tuple[Slot, ...]
    reason: Reason | None = None

    @property
    def available(self) -> list[Slot]:
        return [slot for slot in self.slots if slot.available]


Span = tuple[datetime, datetime]


def compute_days(hours: Hours, taken: Iterable[Span], *, first: date, days: int, tz: ZoneInfo, now: datetime) -> list[Day]:
    """What can still be booked on each of `days` days from `first`. `taken` are [start, end) of live appointments, buffers included."""
    spans = list(taken)
    return [_compute_day(hours, spans, first + timedelta(days=n), tz, now) for n in range(days)]


def _compute_day(hours: Hours, taken: list[Span], on: date, tz: ZoneInfo, now: datetime) -> Day:
    hours = hours.of_day(on, tz)
    candidates = _candidates(hours, on, tz)
    opened = [slot for slot in candidates if not closures_of(hours, slot)]
    ahead = [slot for slot in opened if slot.start >= now]
    slots = tuple(replace(slot, available=not _is_taken(slot, taken)) for slot in ahead)
    if any(slot.available for slot in slots):
        return Day(on, slots)
    if slots:
        return Day(on, slots, Reason.FULL)
    if opened or on < now.astimezone(tz).date():
        return Day(on, slots, Reason.PAST)
    return Day(on, slots, _why_closed(hours, candidates, day_bounds(on, tz)))


def _why_closed(hours: Hours, candidates: list[Slot], bounds: Span) -> Reason:
    todays = {e.kind for e in hours.exceptions if e.overlaps(*bounds)}
    closing = {e.kind for slot in candidates for e in closures_of(hours, slot)} if candidates else todays
    for kind, reason in ((Kind.HOLIDAY, Reason.HOLIDAY), (Kind.LEAVE, Reason.LEAVE)):
        if kind in closing:
            return reason
    return Reason.NO_SESSION


def slots_of(hours: Hours, on: date, tz: ZoneInfo) -> list[Slot]:
    """Every slot of the day that hours and exceptions give, past and taken ones included."""
    hours = hours.of_day(on, tz)
    return [slot for slot in _candidates(hours, on, tz) if not closures_of(hours, slot)]


def closures_of(hours: Hours, slot: Slot) -> list[Exceptional]:
    """The exceptions that close this slot.

    Extra hours were opened for this doctor by name, so a holiday of the whole clinic does not close
    them; the doctor's own leave does.
    """
    return [
        e
        for e in hours.exceptions
        if e.kind != Kind.OPEN
        and e.overlaps(slot.start, slot.end)
        and (e.facility_id is None or e.facility_id == slot.facility_id)
        and not (slot.is_extra and e.is_clinic_wide)
    ]


def span_of(slots: Sequence[Slot], start: datetime, *, end: datetime | None = None, at_least: timedelta = timedelta(0)) -> list[Slot]:
    """The adjoining slots of one block that an appointment from `start` fills; empty when there are none.

    With `end` they must end exactly there; else they are as few as last `at_least`.
    """
    found: list[Slot] = []
    for slot in slots:
        begins = not found and slot.start == start
        goes_on = bool(found) and slot.block == found[0].block and slot.occupied[0] == found[-1].occupied[1]
        if not (begins or goes_on):
            continue
        found.append(slot)
        if slot.end == end or (end is None and slot.end - start >= at_least):
            return found
    return []


def as_utc(at: datetime | None) -> datetime | None:
    """The same instant in UTC. Python never finds a wall-clock time that is repeated or skipped equal to one in another zone.

    One at the very end of the calendar, which has no UTC, stays as it is: it can be compared.
    """
    try:
        return at.astimezone(UTC) if at is not None else None
    except OverflowError:
        return at


def day_bounds(on: date, tz: ZoneInfo) -> Span:
    """Midnight to midnight of the clinic's calendar, as instants."""
    start, end = (datetime.combine(day, time(), tzinfo=tz).astimezone(UTC) for day in (on, on + timedelta(days=1)))
    return start, end


def _is_taken(slot: Slot, taken: list[Span]) -> bool:
    return any(slot.overlaps(span) for span in taken)


# --- The grid ----------------------------------------------------------------------------


def _candidates(hours: Hours, on: date, tz: ZoneInfo) -> list[Slot]:
    """Slots before closing anything: weekly sessions first, extra hours where they leave room."""
    found: list[Slot] = []
    for block, (grid, stretch, is_extra) in enumerate(_grids(hours, on, tz)):
        for start, end in grid:
            slot = Slot(start, end, block, stretch.facility_id, is_extra, buffers=stretch.buffers)
            if not any(earlier.overlaps(slot.occupied) for earlier in found):
                found.append(slot)
    return sorted(found, key=lambda slot: slot.start)


def _grids(hours: Hours, on: date, tz: ZoneInfo) -> Iterator[tuple[list[Span], Session | Exceptional, bool]]:
    for session in hours.sessions:
        opens, closes = datetime.combine(on, session.starts), datetime.combine(on, session.ends)
        within = _instant(opens, tz), _instant(closes, tz)
        yield list(_grid(opens, closes, session, within, tz)), session, False
    for extra in hours.exceptions:
        if extra.kind == Kind.OPEN:
            opens, closes = (at.astimezone(tz).replace(tzinfo=None) for at in (extra.start, extra.end))
            spans = _grid(opens, closes, extra, (extra.start, extra.end), tz)
            yield [span for span in spans if span[0].astimezone(tz).date() == on], extra, True


def _grid(opens: datetime, closes: datetime, stretch: Session | Exceptional, within: Span, tz: ZoneInfo) -> Iterator[Span]:
    """Slots of the wall-clock stretch [opens, closes), inside the instants `within`, their buffers too."""
    length, buffers = timedelta(minutes=stretch.slot_minutes), stretch.buffers
    step = buffers.before + length + buffers.after
    wall = opens
    while wall + step <= closes:
        occupied = _instant_within(wall, within, tz)
        wall += step
        if occupied is not None and occupied + step <= within[1]:
            start = occupied + buffers.before
            if start == occupied or _instant_within(start.astimezone(tz).replace(tzinfo=None), within, tz) == start:
                yield start, start + length


def _instant_within(wall: datetime, within: Span, tz: ZoneInfo) -> datetime | None:
    """The first instant inside `within` at which the clinic's clocks show `wall`; None when they never do."""
    for fold in (0, 1):
        at = wall.replace(tzinfo=tz, fold=fold).astimezone(UTC)
        if at.astimezone(tz).replace(tzinfo=None) == wall and within[0] <= at < within[1]:
            return at
    return None


def _instant(wall: datetime, tz: ZoneInfo) -> datetime:
    """When the clocks reach `wall`: the moment of the jump for a time that they skip."""
    at = wall.replace(tzinfo=tz).astimezone(UTC)
    if at.astimezone(tz).replace(tzinfo=None) == wall:
        return at
    # Skipped: read with the offset from before the jump (fold 0) it lies after the jump, by less than a day.
    while (at - timedelta(minutes=1)).astimezone(tz).replace(tzinfo=None) > wall:
        at -= timedelta(minutes=1)
    return at
