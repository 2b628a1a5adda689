"""When a doctor works: weekly sessions, dated exceptions, and opening a range of days."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db import IntegrityError
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils import timezone

from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry, constraint_of
from clinic.core.errors import InvalidInput, NotFound
from scheduling import locks
from scheduling.errors import HoursOverlap, InThePast
from scheduling.models import Appointment, DoctorException, DoctorSession, ExceptionKind
from scheduling.rules import slots as rules
from scheduling.selectors.hours import clinic_zone, hours_of
from scheduling.selectors.leave import undecided

MOST_DAYS = 366
MOST_SLOTS = 10_000

_REFUSALS = {"session_of_a_doctor_never_overlaps": HoursOverlap, "exception_opens_once": HoursOverlap}
_SHAPES = {
    "session_ends_after_start": ("ends", "It has to end after its start."),
    "session_slot_within_5_to_240_min": ("slot_minutes", "A slot lasts 5 to 240 minutes."),
    "session_buffers_at_most_60_min": ("buffer_after_minutes", "A buffer lasts at most 60 minutes."),
    "session_valid_period_not_empty": ("valid_until", "It has to be later than the first day."),
    "exception_not_empty": ("end", "It has to end after its start."),
    "exception_opens_for_a_doctor": ("doctor", "Extra hours are a doctor's."),
    "exception_buffers_at_most_60_min": ("buffer_after_minutes", "A buffer lasts at most 60 minutes."),
    "exception_slot_within_5_to_240_min": ("slot_minutes", "A slot lasts 5 to 240 minutes."),
}


@atomic_with_retry
def add_session(*, data: dict, by) -> DoctorSession:
    """Add a weekly session; `data` holds the fields of DoctorSession.

    Raises HoursOverlap, InvalidInput.
    """
    if not data["starts"] < data["ends"]:
        raise InvalidInput(errors={"ends": ["It has to end after its start."]})
    buffers = data.get("buffer_before_minutes", 0) + data.get("buffer_after_minutes", 0)
    if _minutes_between(data["starts"], data["ends"]) < data["slot_minutes"] + buffers:
        raise InvalidInput(errors={"slot_minutes": ["Not one slot fits in."]})
    session = _save(DoctorSession(**data))
    _record("session_added", session, by=by, changes={"weekday": session.weekday, "starts": str(session.starts), "ends": str(session.ends)})
    return session


@atomic_with_retry
def end_session(*, session_id: int, on: date, by) -> DoctorSession:
    """Let a weekly session hold no longer from `on` on. One that would never have held is removed. Appointments stay."""
    session = DoctorSession.objects.select_related("doctor").filter(pk=session_id).first()
    if session is None:
        raise NotFound
    if on <= session.valid_from:
        _record("session_removed", session, by=by)
        session.delete()
        return session
    session.valid_until = on
    session.save(update_fields=["valid_until"])
    _record("session_ended", session, by=by, changes={"valid_until": on.isoformat()})
    return session


@dataclass(frozen=True)
class Added:
    """An exception, and the live appointments that it leaves without hours: to be moved, cancelled or kept."""

    exception: DoctorException
    affected: list[Appointment]


@atomic_with_retry
def add_exception(*, data: dict, start: datetime, end: datetime, by, now: datetime | None = None) -> Added:
    """Close or open [start, end) for a doctor, or close it for the clinic; `data` holds the other fields.

    Locks the doctor, so that no booking slips in between. Appointments stay as they are until someone
    decides on each: `selectors.leave.undecided` lists them.
    Raises HoursOverlap, InvalidInput.
    """
    if not start < end:
        raise InvalidInput(errors={"end": ["It has to end after its start."]})
    if data.get("doctor"):
        locks.lock_doctors(data["doctor"].pk)
    exception = _save(DoctorException(during=DateTimeTZRange(start, end), **data))
    _record("exception_added", exception, by=by, changes={"kind": str(exception.kind), "start": start.isoformat(), "end": end.isoformat()})
    return Added(exception, list(undecided(exception, now=now or timezone.now())))


@atomic_with_retry
def remove_exception(*, exception_id: int, by) -> None:
    exception = DoctorException.objects.filter(pk=exception_id).first()
    if exception is None:
        raise NotFound
    _record("exception_removed", exception, by=by, changes={"kind": str(exception.kind)})
    exception.delete()


@dataclass(frozen=True)
class Range:
    """Days and wall-clock times to open; `weekdays` (ISO) narrows the days, None means each."""

    date_from: date
    date_to: date
    start: time
    end: time
    slot_minutes: int
    weekdays: tuple[int, ...] | None = None
    buffer_before_minutes: int = 0
    buffer_after_minutes: int = 0

    @property
    def step_minutes(self) -> int:
        return self.buffer_before_minutes + self.slot_minutes + self.buffer_after_minutes

    @property
    def days(self) -> list[date]:
        every = (self.date_from + timedelta(days=n) for n in range((self.date_to - self.date_from).days + 1))
        return [day for day in every if not self.weekdays or day.isoweekday() in self.weekdays]


@atomic_with_retry
def open_range(*, doctor, wanted: Range, by, on: date, facility=None) -> list[rules.Slot]:
    """Open extra hours on each day of a range; the slots that are there now and were not before.

    All days or none. Locks the doctor. Raises InThePast, InvalidInput, HoursOverlap.
    """
    _check_range(wanted, on)
    locks.lock_doctors(doctor.pk)
    tz = clinic_zone()
    before = hours_of(doctor.pk, wanted.date_from, wanted.date_to)
    spans = [tuple(datetime.combine(day, at, tzinfo=tz).astimezone(UTC) for at in (wanted.start, wanted.end)) for day in wanted.days]
    rows = [
        DoctorException(
            doctor=doctor,
            facility=facility,
            during=DateTimeTZRange(*span),
            kind=ExceptionKind.OPEN,
            slot_minutes=wanted.slot_minutes,
            buffer_before_minutes=wanted.buffer_before_minutes,
            buffer_after_minutes=wanted.buffer_after_minutes,
            reason="Opened for a range of days",
        )
        for span in spans
        if span[0] < span[1]
    ]
    _write(lambda: DoctorException.objects.bulk_create(rows))
    after = hours_of(doctor.pk, wanted.date_from, wanted.date_to)
    _record(
        "range_opened", doctor, by=by, changes={"from": wanted.date_from.isoformat(), "to": wanted.date_to.isoformat(), "days": len(rows)}
    )
    return [slot for day in wanted.days for slot in _new_slots(before, after, day, tz)]


def _new_slots(before: rules.Hours, after: rules.Hours, day: date, tz) -> list[rules.Slot]:
    known = {(slot.start, slot.end) for slot in rules.slots_of(before, day, tz)}
    return [slot for slot in rules.slots_of(after, day, tz) if (slot.start, slot.end) not in known]


def _check_range(wanted: Range, on: date) -> None:
    errors = {}
    length = _minutes_between(wanted.start, wanted.end)
    if wanted.date_to < wanted.date_from:
        errors["date_to"] = ["It lies before the first day."]
    elif (wanted.date_to - wanted.date_from).days >= MOST_DAYS:
        errors["date_to"] = [f"At most {MOST_DAYS} days at once."]
    elif not wanted.days:
        errors["weekdays"] = ["None of the days falls on these weekdays."]
    if length <= 0:
        errors["end"] = ["It has to end after its start."]
    elif length < wanted.step_minutes:
        errors["slot_minutes"] = ["Not one slot fits in."]
    if not errors and len(wanted.days) * (length // wanted.step_minutes) > MOST_SLOTS:
        errors["date_to"] = [f"At most {MOST_SLOTS} slots at once."]
    if errors:
        raise InvalidInput(errors=errors)
    if wanted.date_from < on:
        raise InThePast


def _minutes_between(start: time, end: time) -> int:
    return (end.hour * 60 + end.minute) - (start.hour * 60 + start.minute)


def _save(row):
    _write(row.save)
    return row


def _write(write) -> None:
    try:
        write()
    except IntegrityError as error:
        name = constraint_of(error)
        if name in _REFUSALS:
            raise _REFUSALS[name] from error
        if name in _SHAPES:
            field, words = _SHAPES[name]
            raise InvalidInput(errors={field: [words]}) from error
        raise


def _record(what: str, row, *, by, changes: dict | None = None) -> None:
    doctor = getattr(row, "doctor", None)
    record(
        action=f"scheduling.hours.{what}",
        actor=by,
        subject=row,
        changes=({"doctor": str(doctor.public_id)} if doctor else {}) | (changes or {}),
    )
