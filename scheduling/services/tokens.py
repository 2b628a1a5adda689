"""The one place that changes a token's status."""

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError

from clinic.audit.services.recording import record
from clinic.core.db import constraint_of
from scheduling import locks
from scheduling.errors import AlreadyInQueue, RoomOccupied
from scheduling.models import OPEN_STATUSES, Token, TokenStatus, TokenTransition
from scheduling.services.projection import project_later

_REFUSALS = {"token_one_current_per_room": RoomOccupied, "token_one_open_per_patient_and_queue": AlreadyInQueue}


def done_before(request_id: UUID | None) -> Token | None:
    """The token that this request has changed already. Holds off a second press of the same button until the first is done."""
    if request_id is None:
        return None
    locks.lock_request(request_id)
    rows = Token.objects.select_related("queue__doctor__user", "queue__department", "patient")
    return rows.filter(transitions__request_id=request_id).first()


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


def _times(token: Token, to: TokenStatus, now: datetime) -> dict:
    if to == TokenStatus.WAITING:
        return {"called_at": None, "closed_at": None, "room": ""}
    if to == TokenStatus.CALLED:
        return {"called_at": now, "closed_at": None}
    return {"closed_at": None if to in OPEN_STATUSES else now}
