"""Appointments every so many weeks. Each date is booked by itself, and says what became of it."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID, uuid5

from django.utils import timezone

from clinic.audit.errors import KeyReused
from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry
from clinic.core.errors import Busy, DomainError, InvalidInput
from scheduling import locks
from scheduling.errors import InThePast, OutsideHours, WrongStatus
from scheduling.models import Appointment, AppointmentSeries, AppointmentStatus, SeriesDate
from scheduling.models.series import MOST_DATES, MOST_WEEKS_APART
from scheduling.rules.series import dates_of, instant_of
from scheduling.rules.slots import as_utc, day_bounds
from scheduling.selectors.hours import clinic_zone
from scheduling.services.booking import book_appointment, cancel_appointment, check_people


@dataclass(frozen=True)
class Repeat:
    """Every `every_weeks` weeks: `count` times, or `until` a day (included). Exactly one of the two."""

    every_weeks: int
    count: int | None = None
    until: date | None = None


def book_series(
    *, patient_id: int, doctor_id: int, start: datetime, repeat: Repeat, by, now: datetime, request_id: UUID, reason: str = ""
) -> AppointmentSeries:
    """Book the same wall-clock time on each date; a date that cannot be booked says why and stops no other.

    Each date is a booking of its own, in its own transaction. Repeating request_id goes on where the first
    request ended, and returns the same series. Raises InThePast, InvalidInput, PatientInactive,
    DoctorInactive, KeyReused; then nothing is written.
    """
    series = _plan(
        patient_id=patient_id, doctor_id=doctor_id, start=as_utc(start), repeat=repeat, by=by, now=now, request_id=request_id, reason=reason
    )
    for date_id in series.dates.order_by("on").values_list("pk", flat=True):
        _book_date(date_id, by=by, now=now)
    return series


@atomic_with_retry
def _plan(*, patient_id, doctor_id, start, repeat, by, now, request_id, reason) -> AppointmentSeries:
    locks.lock_request(request_id)
    if earlier := AppointmentSeries.objects.filter(request_id=request_id).first():
        asked = (earlier.patient_id, earlier.doctor_id, earlier.starts_at, earlier.every_weeks, earlier.reason)
        dates = list(earlier.dates.order_by("on").values_list("on", flat=True))
        if (*asked, dates) != (patient_id, doctor_id, start, repeat.every_weeks, reason, _dates(start, repeat)):
            raise KeyReused
        return earlier
    _check(start, repeat, now)
    doctor = locks.lock_doctors(doctor_id)[doctor_id]
    patient = locks.lock_patient(patient_id)
    check_people(patient, doctor)
    series = AppointmentSeries.objects.create(
        patient=patient,
        doctor=doctor,
        starts_at=start,
        every_weeks=repeat.every_weeks,
        reason=reason,
        booked_by=by,
        request_id=request_id,
    )
    dates = _dates(start, repeat)
    SeriesDate.objects.bulk_create([SeriesDate(series=series, on=on) for on in dates])
    changes = {"doctor": str(doctor.public_id), "start": start.isoformat(), "every_weeks": repeat.every_weeks, "dates": len(dates)}
    record(action="scheduling.series.asked", actor=by, subject=series, patient=patient, changes=changes)
    return series


def _check(start: datetime, repeat: Repeat, now: datetime) -> None:
    errors = {}
    if not 1 <= repeat.every_weeks <= MOST_WEEKS_APART:
        errors["every_weeks"] = [f"Every 1 to {MOST_WEEKS_APART} weeks."]
    if (repeat.count is None) == (repeat.until is None):
        errors["count"] = ["Say how many times, or until when; one of the two."]
    elif repeat.count is not None and not 2 <= repeat.count <= MOST_DATES:
        errors["count"] = [f"2 to {MOST_DATES} times."]
    if errors:
        raise InvalidInput(errors=errors)
    if start < now:
        raise InThePast
    if repeat.until is not None and not 2 <= len(_dates(start, repeat)) <= MOST_DATES:
        raise InvalidInput(errors={"until": [f"That has to give 2 to {MOST_DATES} dates."]})


def _dates(start: datetime, repeat: Repeat) -> list[date]:
    first = timezone.localtime(start).date()
    try:
        return dates_of(first, every_weeks=repeat.every_weeks, most=MOST_DATES, count=repeat.count, until=repeat.until)
    except OverflowError:
        raise InvalidInput(errors={"start": ["That is too far ahead."]}) from None


@atomic_with_retry
def _book_date(date_id: int, *, by, now: datetime) -> None:
    """Locks the date, then what booking locks. One that is decided stays as it is."""
    row = locks.lock_series_date(date_id)
    if row.status != "pending":
        return
    series = row.series
    try:
        row.appointment = _book_on(row, by=by, now=now)
    except Busy:  # no answer yet: the date stays to be tried
        raise
    except DomainError as refusal:
        row.refusal_code, row.refusal_detail = refusal.code, _words(refusal)
    row.save(update_fields=["appointment", "refusal_code", "refusal_detail"])
    if row.refusal_code:
        changes = {"on": row.on.isoformat(), "code": row.refusal_code}
        record(action="scheduling.series.date_refused", actor=by, subject=series, patient=series.patient, changes=changes)


def _book_on(row: SeriesDate, *, by, now: datetime) -> Appointment:
    series, tz = row.series, clinic_zone()
    start = instant_of(row.on, series.starts_at.astimezone(tz).time(), tz)
    if start is None:
        raise OutsideHours("The clocks skip that time on this day.")
    return book_appointment(
        patient_id=series.patient_id,
        doctor_id=series.doctor_id,
        start=start,
        reason=series.reason,
        by=by,
        now=now,
        request_id=uuid5(series.request_id, row.on.isoformat()),
        series_id=series.pk,
    )


def _words(refusal: DomainError) -> str:
    sentences = [words for each in refusal.errors.values() for words in each] if refusal.errors else [refusal.detail]
    return " ".join(sentences)[:300]


def cancel_series(*, series_id: int, from_on: date, reason: str, by, now: datetime) -> int:
    """Cancel what is still booked from that day on, moved ones included; how many. Each in its own transaction.

    What has begun, or is over, stays. Running it twice is harmless. Raises InvalidInput without a reason.
    """
    if not reason.strip():
        raise InvalidInput(errors={"reason": ["Say why they are cancelled."]})
    booked = Appointment.objects.filter(series_id=series_id, status=AppointmentStatus.BOOKED)
    ahead = booked.filter(during__startswith__gte=max(now, day_bounds(from_on, clinic_zone())[0]))
    return sum(_cancel(pk, reason, by, now) for pk in ahead.order_by("pk").values_list("pk", flat=True))


def _cancel(appointment_id: int, reason: str, by, now: datetime) -> bool:
    try:
        cancel_appointment(appointment_id=appointment_id, reason=reason, by=by, now=now)
    except WrongStatus:  # somebody did something else with it meanwhile
        return False
    return True
