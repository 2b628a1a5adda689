"""The one place that makes a token and changes its status or priority."""

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError
from django.utils import timezone

from clinic.audit.services.recording import record
from clinic.core.db import constraint_of
from patients.models import Patient
from scheduling import locks
from scheduling.errors import AlreadyInQueue, RoomOccupied
from scheduling.models import OPEN_STATUSES, Priority, Queue, QueueDay, Token, TokenStatus, TokenTransition
from scheduling.rules.queue import band_of
from scheduling.selectors.waits import predict
from scheduling.services.projection import project_later

_REFUSALS = {"token_one_current_per_room": RoomOccupied, "token_one_open_per_patient_and_queue": AlreadyInQueue}


def done_before(request_id: UUID | None) -> Token | None:
    """The token that this request has changed already. Holds off a second press of the same button until the first is done."""
    if request_id is None:
        return None
    locks.lock_request(request_id)
    rows = Token.objects.select_related("queue__doctor__user", "queue__department", "patient")
    return rows.filter(transitions__request_id=request_id).first()


def issue_token(day: QueueDay, *, queue: Queue, by, now: datetime, request_id: UUID | None, **fields) -> Token:
    """The next number of the day, with its transition, its audit event and its picture in Redis.

    The caller holds the lock of the day. Raises AlreadyInQueue: one open token per patient and queue.
    """
    _refuse_second(queue, fields["patient"], by=by, now=now)
    day.last_number += 1
    day.save(update_fields=["last_number"])
    told = predict(queue_id=queue.pk, on=day.on, effective_at=fields["effective_at"], priority=fields["priority"], now=now)
    token = Token.objects.create(
        queue=queue, on=day.on, number=day.last_number, band=band_of(fields["priority"]), issued_at=now, issued_by=by,
        request_id=request_id, **fields, **told,
    )  # fmt: skip
    TokenTransition.objects.create(token=token, from_status="", to_status=token.status, by=by, at=now)
    changes = {"queue": queue.code, "number": token.number, "priority": str(token.priority)}
    if token.transferred_from:
        changes["transferred_from"] = str(token.transferred_from.public_id)
    record(action="scheduling.token.issued", actor=by, subject=token, patient=token.patient, changes=changes)
    project_later(token)
    return token


def _refuse_second(queue: Queue, patient: Patient, *, by, now: datetime) -> None:
    """One left over from an earlier day does not bar the way: it is closed."""
    open_one = Token.objects.open().filter(queue=queue, patient=patient).only("pk", "on").first()
    if open_one is None:
        return
    if open_one.on >= timezone.localdate(now):
        raise AlreadyInQueue
    move_token(locks.lock_token(open_one.pk), TokenStatus.LEFT, by=by, now=now)


def move_token(
    token: Token, to: TokenStatus, *, by, now: datetime, is_undo: bool = False, request_id: UUID | None = None, **changes
) -> Token:
    """Write the new status with its transition, its audit event and its picture in Redis.

    The caller holds the token's lock and has decided that it may go there. `changes` are further
    fields, e.g. room. Raises RoomOccupied or AlreadyInQueue when a constraint says so.
    """
    was = token.status
    try:
        token.save_changes(status=to, **(_times(token, to, now) | changes))
    except IntegrityError as error:
        if refusal := _REFUSALS.get(constraint_of(error)):
            raise refusal from error
        raise
    TokenTransition.objects.create(
        token=token, from_status=was, to_status=to, by=by, room=token.room, is_undo=is_undo, at=now, request_id=request_id
    )
    record(
        action="scheduling.token.undone" if is_undo else f"scheduling.token.{to}",
        actor=by,
        subject=token,
        patient=token.patient,
        changes={"from": str(was), "to": str(to), "room": token.room},
    )
    project_later(token)
    return token


def set_priority(
    token: Token, priority: Priority, *, reason: str, by, now: datetime, is_undo: bool = False, request_id: UUID | None = None
) -> Token:
    """Write the new priority, and with it the place in the queue. The caller holds the token's lock."""
    was = token.priority
    token.save_changes(priority=priority, band=band_of(priority))
    token.refresh_from_db(fields=["turn_at"])
    TokenTransition.objects.create(
        token=token, from_status=token.status, to_status=token.status, from_priority=was, to_priority=priority, reason=reason,
        by=by, room=token.room, is_undo=is_undo, at=now, request_id=request_id,
    )  # fmt: skip
    record(
        action="scheduling.token.priority_changed",
        actor=by,
        subject=token,
        patient=token.patient,
        changes={"from": str(was), "to": str(priority), "is_undo": is_undo},
    )
    project_later(token)
    return token


def _times(token: Token, to: TokenStatus, now: datetime) -> dict:
    if to == TokenStatus.WAITING:
        return {"called_at": None, "closed_at": None, "room": ""}
    if to == TokenStatus.CALLED:
        return {"called_at": now, "closed_at": None}
    return {"closed_at": None if to in OPEN_STATUSES else now}
