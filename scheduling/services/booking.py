"""Booking, moving and closing appointments.

Every path comes through here. The doctor's row is locked first, so that racing bookings wait for
each other; the exclusion constraints of the table are what cannot be got around.
"""

from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry, constraint_of
from clinic.core.errors import Forbidden, InvalidInput, NotFound, RequestReused
from clinic.core.http import check_version
from patients.errors import DoctorInactive, PatientInactive
from scheduling import locks
from scheduling.errors import PatientBusy, SlotTaken, TooEarly, WrongStatus
from scheduling.models import Appointment, AppointmentStatus, Token, TokenStatus
from scheduling.models.appointment import NEXT_STATUSES
from scheduling.permissions import OVERBOOK_APPOINTMENT
from scheduling.rules.slots import as_utc
from scheduling.services import holds
from scheduling.services.placing import Details, place_of
from scheduling.services.tokens import move_token

_REFUSALS = {"appointment_doctor_booked_once": SlotTaken, "appointment_patient_booked_once": PatientBusy}


def book_appointment(
    *, patient_id: int, doctor_id: int, start: datetime, by, now: datetime, request_id: UUID | None = None, **details
) -> Appointment:
    """Promise a span of a doctor's time to a patient. `details` are the fields of Details.

    Without an end it takes one slot; an end has to be the end of a later slot of the same stretch of
    hours. An overbooking needs its permission and may lie outside the hours and over others, but not
    in the past. Locks the doctor, then the patient. Repeating request_id returns the first appointment.
    Raises InThePast, OutsideHours, DoctorOnLeave, SlotTaken, SlotHeld, SlotOffered, PatientBusy, PatientInactive,
    DoctorInactive, InvalidInput, Forbidden, RequestReused.
    """
    start, details["end"] = as_utc(start), as_utc(details.get("end"))
    wanted = Details(**details)
    if wanted.overbook_reason and by is not None and not by.has_perm(OVERBOOK_APPOINTMENT):
        raise Forbidden
    if not wanted.overbook_reason and not wanted.offer:
        holds.check_hold(doctor_id=doctor_id, start=start, hold=wanted.hold, by=by)
    return _book(patient_id=patient_id, doctor_id=doctor_id, start=start, wanted=wanted, by=by, now=now, request_id=request_id)


@atomic_with_retry
def _book(*, patient_id, doctor_id, start, wanted, by, now, request_id) -> Appointment:
    doctor = locks.lock_doctors(doctor_id)[doctor_id]
    if earlier := _earlier(request_id, doctor, start):
        if earlier.patient_id != patient_id:
            raise RequestReused
        return earlier
    patient = locks.lock_patient(patient_id)
    check_people(patient, doctor)
    place = place_of(doctor, start, wanted, now)
    appointment = Appointment(
        patient=patient,
        doctor=doctor,
        **place.fields,
        reason=wanted.reason,
        notes=wanted.notes,
        is_overbooked=bool(wanted.overbook_reason),
        overbook_reason=wanted.overbook_reason,
        series_id=wanted.series_id,
        booked_by=by,
        request_id=request_id,
    )
    _insert(appointment)
    record(
        action="scheduling.appointment.booked",
        actor=by,
        subject=appointment,
        patient=patient,
        changes={"doctor": str(doctor.public_id), "start": start.isoformat(), "overbooked": appointment.is_overbooked},
    )
    _release_later(doctor, start, wanted.hold)
    return appointment


def reschedule_appointment(
    *,
    appointment_id: int,
    start: datetime,
    by,
    now: datetime,
    doctor_id: int | None = None,
    end: datetime | None = None,
    hold: str = "",
    request_id: UUID | None = None,
) -> Appointment:
    """Move a booked appointment: a new row takes its place, the old one points at it.

    At least as long as before. Locks both doctors in id order, the appointment, the patient. Repeating
    request_id returns the first result. Raises WrongStatus, RequestReused, and what booking raises.
    """
    old_doctor_id = Appointment.objects.filter(pk=appointment_id).values_list("doctor_id", flat=True).first()
    if old_doctor_id is None:
        raise NotFound
    doctor_id = doctor_id or old_doctor_id
    start, end = as_utc(start), as_utc(end)
    holds.check_hold(doctor_id=doctor_id, start=start, hold=hold, by=by)
    wanted = Details(end=end, hold=hold)
    return _move(appointment_id, doctor_ids=(old_doctor_id, doctor_id), start=start, wanted=wanted, by=by, now=now, request_id=request_id)


@atomic_with_retry
def _move(appointment_id, *, doctor_ids, start, wanted, by, now, request_id) -> Appointment:
    doctor = locks.lock_doctors(*doctor_ids)[doctor_ids[1]]
    earlier = _earlier(request_id, doctor, start)
    old = locks.lock_appointment(appointment_id)
    if earlier:
        if old.rescheduled_to_id != earlier.pk:
            raise RequestReused
        return earlier
    require_next(old, AppointmentStatus.RESCHEDULED)
    patient = locks.lock_patient(old.patient_id)
    check_people(patient, doctor)
    place = place_of(doctor, start, wanted, now, at_least=old.during.upper - old.during.lower)
    new = Appointment(
        pk=_next_id(),
        patient=patient,
        doctor=doctor,
        **place.fields,
        reason=old.reason,
        notes=old.notes,
        series_id=old.series_id,
        booked_by=by,
        request_id=request_id,
    )
    # The old one goes first, so that the new one may lie over it; its link is checked at the commit.
    old.save_changes(status=AppointmentStatus.RESCHEDULED, rescheduled_to_id=new.pk)
    _insert(new)
    record(
        action="scheduling.appointment.rescheduled",
        actor=by,
        subject=old,
        patient=patient,
        changes={"to": str(new.public_id), "doctor": str(doctor.public_id), "start": start.isoformat()},
    )
    _release_later(doctor, start, wanted.hold)
    return new


@atomic_with_retry
def cancel_appointment(*, appointment_id: int, reason: str, by, now: datetime, expected_version: int | None = None) -> Appointment:
    """Give the time back. A token of the appointment leaves its queue. Locks appointment, then token.

    Raises WrongStatus, InvalidInput without a reason.
    """
    if not reason.strip():
        raise InvalidInput(errors={"reason": ["Say why it is cancelled."]})
    appointment = locks.lock_appointment(appointment_id)
    check_version(appointment, expected_version)
    require_next(appointment, AppointmentStatus.CANCELLED)
    appointment.save_changes(status=AppointmentStatus.CANCELLED, closed_reason=reason.strip()[:200])
    _close_token(appointment, TokenStatus.LEFT, by, now)
    record(action="scheduling.appointment.cancelled", actor=by, subject=appointment, patient=appointment.patient)
    return appointment


@atomic_with_retry
def mark_no_show(*, appointment_id: int, by, now: datetime) -> Appointment:
    """The patient did not come. Locks appointment, then token. Raises WrongStatus, TooEarly."""
    appointment = locks.lock_appointment(appointment_id)
    require_next(appointment, AppointmentStatus.NO_SHOW)
    if now < appointment.during.lower:
        raise TooEarly
    appointment.save_changes(status=AppointmentStatus.NO_SHOW)
    _close_token(appointment, TokenStatus.NO_SHOW, by, now)
    record(action="scheduling.appointment.no_show", actor=by, subject=appointment, patient=appointment.patient)
    return appointment


@atomic_with_retry
def change_details(*, appointment_id: int, changes: dict, by, expected_version: int | None = None) -> Appointment:
    """Change `reason` or `notes`, which is all that can change without a new appointment. Raises StaleVersion."""
    appointment = locks.lock_appointment(appointment_id)
    check_version(appointment, expected_version)
    changes = {name: changes[name] for name in ("reason", "notes") if name in changes and changes[name] != getattr(appointment, name)}
    if changes:
        appointment.save_changes(**changes)
        record(
            action="scheduling.appointment.changed",
            actor=by,
            subject=appointment,
            patient=appointment.patient,
            changes={"fields": sorted(changes)},
        )
    return appointment


def require_next(appointment: Appointment, status: AppointmentStatus) -> None:
    """Raises WrongStatus when the appointment cannot go there. The caller holds its lock."""
    if status not in NEXT_STATUSES[appointment.status]:
        raise WrongStatus(
            f"The appointment is {appointment.get_status_display().lower()}; this cannot be done any more.",
            current_status=appointment.status,
        )


# --- Checks ------------------------------------------------------------------------------


def _earlier(request_id: UUID | None, doctor, start: datetime) -> Appointment | None:
    """What this request booked already. Raises RequestReused when that was another doctor's time, or another time."""
    if request_id is None:
        return None
    earlier = Appointment.objects.select_related("patient", "doctor__user").filter(request_id=request_id).first()
    if earlier and (earlier.doctor_id, earlier.starts_at) != (doctor.pk, start):
        raise RequestReused
    return earlier


def check_people(patient, doctor) -> None:
    """Raises DoctorInactive, PatientInactive."""
    if not doctor.is_active:
        raise DoctorInactive
    if not patient.is_active:
        raise PatientInactive


# --- Writing -------------------------------------------------------------------------------


def _insert(appointment: Appointment) -> None:
    try:
        appointment.save(force_insert=True)
    except IntegrityError as error:
        if refusal := _REFUSALS.get(constraint_of(error)):
            raise refusal from error
        raise


def _next_id() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id'))", [Appointment._meta.db_table])
        return cursor.fetchone()[0]


def _close_token(appointment: Appointment, status: TokenStatus, by, now: datetime) -> None:
    token_id = Token.objects.open().filter(appointment=appointment).values_list("pk", flat=True).first()
    if token_id:
        move_token(locks.lock_token(token_id), status, by=by, now=now)


def _release_later(doctor, start: datetime, hold: str) -> None:
    if hold:
        transaction.on_commit(partial(holds.release_hold, doctor_id=doctor.pk, start=start, hold=hold))
