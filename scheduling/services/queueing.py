"""Arrivals, calls, and what becomes of a token."""

from datetime import datetime
from uuid import UUID

from django.utils import timezone

from clinic.accounts.models import Department, Doctor
from clinic.core.db import atomic_with_retry
from clinic.core.errors import InvalidInput, NotFound, RequestReused
from clinic.core.http import check_version
from patients.errors import DoctorInactive, PatientInactive
from patients.models import Patient
from scheduling import locks
from scheduling.errors import AlreadyCheckedIn, EmptyQueue, NothingToUndo, NotToday, VisitSigned, WrongStatus
from scheduling.models import AppointmentStatus, Priority, Queue, Token, TokenStatus, TokenTransition
from scheduling.models.queue import BEFORE_SERVICE, NEXT_STATUSES
from scheduling.rules.queue import effective_at, last_effective
from scheduling.services import arrivals, transfers
from scheduling.services.queues import queue_of
from scheduling.services.tokens import done_before, issue_token, move_token, set_priority


@atomic_with_retry
def check_in(*, appointment_id: int, by, now: datetime, priority: str = Priority.ROUTINE, request_id: UUID | None = None) -> Token:
    """Give the patient of today's appointment a token in the doctor's queue.

    Locks the appointment, then the queue's day. Repeating request_id returns the first token.
    Raises AlreadyCheckedIn, WrongStatus, NotToday, PatientInactive, AlreadyInQueue, RequestReused.
    """
    appointment = locks.lock_appointment(appointment_id)
    if earlier := _earlier(request_id, appointment.patient_id):
        return earlier
    if appointment.status in {AppointmentStatus.CHECKED_IN, AppointmentStatus.IN_CONSULTATION}:
        raise AlreadyCheckedIn
    if appointment.status != AppointmentStatus.BOOKED:
        raise WrongStatus(f"The appointment is {appointment.get_status_display().lower()}.", current_status=appointment.status)
    if timezone.localdate(appointment.during.lower) != timezone.localdate(now):
        raise NotToday
    if not appointment.patient.is_active:
        raise PatientInactive
    token = _issue(
        queue_of(doctor=appointment.doctor),
        by=by,
        now=now,
        patient=appointment.patient,
        appointment=appointment,
        priority=priority,
        reason=appointment.reason,
        effective_at=effective_at(arrived_at=now, appointment_start=appointment.during.lower),
        request_id=request_id,
    )
    appointment.save_changes(status=AppointmentStatus.CHECKED_IN)
    return token


@atomic_with_retry
def walk_in(
    *, patient_id: int, priority: str, reason: str, by, now: datetime, doctor_id: int | None = None, department_id: int | None = None,
    request_id: UUID | None = None,
) -> Token:  # fmt: skip
    """Give a patient without an appointment a token in a doctor's or a department's queue.

    Locks the queue's day. Repeating request_id returns the first token. Raises InvalidInput unless one
    of doctor and department is given, PatientInactive, DoctorInactive, AlreadyInQueue, RequestReused.
    """
    patient = Patient.objects.filter(pk=patient_id).first()
    if patient is None:
        raise NotFound
    if not patient.is_active:
        raise PatientInactive
    doctor = Doctor.objects.select_related("user").filter(pk=doctor_id).first() if doctor_id else None
    department = Department.objects.filter(pk=department_id).first() if department_id else None
    if doctor and not doctor.is_active:
        raise DoctorInactive
    return _issue(
        queue_of(doctor=doctor, department=department),
        by=by,
        now=now,
        patient=patient,
        priority=priority,
        reason=reason,
        effective_at=effective_at(arrived_at=now),
        request_id=request_id,
    )


@atomic_with_retry
def call_next(*, queue_id: int, by, now: datetime, room: str = "", request_id: UUID | None = None) -> Token:
    """Call the first waiting token of today's queue; exactly one, however many call at once.

    Locks the request, then one waiting token, and passes over those that others hold. Repeating
    request_id calls nobody else: it returns the token that was called. Raises EmptyQueue, RoomOccupied.
    """
    if earlier := done_before(request_id):
        return earlier
    token = locks.lock_next_token(queue_id, timezone.localdate(now))
    if token is None:
        raise EmptyQueue
    return move_token(token, TokenStatus.CALLED, by=by, now=now, room=room.strip(), request_id=request_id)


@atomic_with_retry
def change_status(*, token_id: int, to: str, by, now: datetime, room: str | None = None, expected_version: int | None = None) -> Token:
    """Move a token along NEXT_STATUSES, and its appointment with it. Setting the status it has changes nothing.

    Locks the appointment, then the token. Raises WrongStatus, RoomOccupied, StaleVersion, InvalidInput.
    """
    if to not in TokenStatus.values:
        raise InvalidInput(errors={"status": ["There is no such status."]})
    to = TokenStatus(to)
    if to == TokenStatus.TRANSFERRED:
        raise InvalidInput(errors={"status": ["A transfer needs the queue to go to."]})
    token, appointment = _lock_both(token_id)
    check_version(token, expected_version)
    if to == token.status:
        return token
    if to not in NEXT_STATUSES[token.status]:
        raise WrongStatus(f"Token {token.label} is {token.get_status_display().lower()}.", current_status=token.status)
    move_token(token, to, by=by, now=now, **({} if room is None else {"room": room.strip()}))
    if appointment:
        arrivals.follow_token(appointment, to, by=by)
    return token


@atomic_with_retry
def change_priority(*, token_id: int, priority: str, reason: str, by, now: datetime, request_id: UUID | None = None) -> Token:
    """What triage finds: another priority for somebody who still waits, with the reason.

    Locks the request, then the token. Repeating request_id changes nothing more. Raises InvalidInput, WrongStatus.
    """
    if earlier := done_before(request_id):
        return earlier
    errors = {} if priority in Priority.values else {"priority": ["Choose a priority."]}
    if not reason.strip():
        errors["reason"] = ["Say why."]
    if errors:
        raise InvalidInput(errors=errors)
    token = locks.lock_token(token_id)
    if token.status not in BEFORE_SERVICE:
        raise WrongStatus(f"Token {token.label} is {token.get_status_display().lower()}.", current_status=token.status)
    if priority == token.priority:
        return token
    return set_priority(token, Priority(priority), reason=reason.strip(), by=by, now=now, request_id=request_id)


@atomic_with_retry
def undo_last_change(*, token_id: int, by, now: datetime, request_id: UUID | None = None) -> Token:
    """Take back today's last change of a token that still stands; the check-in itself at the end.

    Locks the request, the appointment, then the token. Repeating request_id takes back nothing more.
    Raises NothingToUndo, VisitSigned, and SlotTaken, PatientBusy, AlreadyInQueue or RoomOccupied when
    the place was given away meanwhile.
    """
    if earlier := done_before(request_id):
        return earlier
    transfers.lock_former(token_id)
    token, appointment = _lock_both(token_id)
    last = last_effective(list(TokenTransition.objects.filter(token=token).order_by("id")))
    if last is None or token.on != timezone.localdate(now):
        raise NothingToUndo
    if token.encounter_id and not token.encounter.is_open:
        raise VisitSigned
    if last.to_priority:
        return set_priority(token, Priority(last.from_priority), reason=last.reason, by=by, now=now, is_undo=True, request_id=request_id)
    if last.to_status == TokenStatus.TRANSFERRED:
        raise NothingToUndo(f"Take the transfer back at its new token {token.transferred_to.label}.")
    if not last.from_status and token.transferred_from_id:
        return transfers.take_back(token, by=by, now=now, request_id=request_id)
    if not last.from_status:
        move_token(token, TokenStatus.LEFT, by=by, now=now, is_undo=True, request_id=request_id, appointment=None)
        if appointment:
            arrivals.take_back_check_in(appointment, by=by)
        return token
    back = TokenStatus(last.from_status)
    kept = {"called_at": token.called_at} if back == TokenStatus.CALLED else {}
    move_token(token, back, by=by, now=now, is_undo=True, request_id=request_id, **kept)
    if appointment:
        arrivals.return_with_token(appointment, back, by=by)
    return token


def _issue(queue: Queue, *, by, now: datetime, request_id: UUID | None, **fields) -> Token:
    day = locks.lock_queue_day(queue.pk, timezone.localdate(now))
    if earlier := _earlier(request_id, fields["patient"].pk):
        if earlier.queue_id != queue.pk:
            raise RequestReused
        return earlier
    return issue_token(day, queue=queue, by=by, now=now, request_id=request_id, **fields)


def _earlier(request_id: UUID | None, patient_id: int) -> Token | None:
    """The token that this request gave already. Raises RequestReused when it was another patient's."""
    if request_id is None:
        return None
    rows = Token.objects.select_related("queue__doctor__user", "queue__department", "patient")
    earlier = rows.filter(request_id=request_id).first()
    if earlier and earlier.patient_id != patient_id:
        raise RequestReused
    return earlier


def _lock_both(token_id: int) -> tuple[Token, object | None]:
    """The token and its appointment, the appointment locked first."""
    appointment_id = Token.objects.filter(pk=token_id).values_list("appointment_id", flat=True).first()
    appointment = locks.lock_appointment(appointment_id) if appointment_id else None
    return locks.lock_token(token_id), appointment
