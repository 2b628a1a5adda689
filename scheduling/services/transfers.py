"""From one queue to another, in one transaction."""

from datetime import datetime
from uuid import UUID

from django.utils import timezone

from clinic.accounts.models import Department, Doctor
from clinic.core.db import atomic_with_retry
from clinic.core.errors import InvalidInput
from patients.errors import DoctorInactive
from scheduling import locks
from scheduling.errors import NothingToUndo, NotToday, WrongStatus
from scheduling.models import Queue, Token, TokenStatus, TokenTransition
from scheduling.models.queue import BEFORE_SERVICE, NEXT_STATUSES
from scheduling.rules.queue import last_effective
from scheduling.services.queues import queue_of
from scheduling.services.tokens import issue_token, move_token


@atomic_with_retry
def transfer_token(
    *, token_id: int, by, now: datetime, doctor_id: int | None = None, department_id: int | None = None, request_id: UUID | None = None
) -> Token:
    """Close the token and give its patient one in another queue, of the same priority and waiting since the same time.

    Before the visit its appointment and its record go along; a visit that has begun stays with the token
    that it began from. Locks the request, the appointment, the other queue's day, then the token. Repeating
    request_id returns the new token. Raises InvalidInput, DoctorInactive, NotToday, WrongStatus, AlreadyInQueue.
    """
    locks.lock_request(request_id)
    if earlier := _made_by(request_id):
        return earlier
    queue = _wanted_queue(doctor_id, department_id)
    if appointment_id := Token.objects.filter(pk=token_id).values_list("appointment_id", flat=True).first():
        locks.lock_appointment(appointment_id)
    day = locks.lock_queue_day(queue.pk, timezone.localdate(now))
    token = locks.lock_token(token_id)
    _check_transferable(token, queue, now)
    goes_along = {}
    if token.status in BEFORE_SERVICE:
        goes_along = {"appointment": token.appointment, "encounter": token.encounter}
    move_token(token, TokenStatus.TRANSFERRED, by=by, now=now, **dict.fromkeys(goes_along))
    kept = {name: getattr(token, name) for name in ("patient", "priority", "reason", "effective_at")}
    return issue_token(day, queue=queue, by=by, now=now, request_id=request_id, transferred_from=token, **kept, **goes_along)


def lock_former(token_id: int) -> None:
    """The token from which this one was transferred, if any: the older one is locked first."""
    if former_id := Token.objects.filter(pk=token_id).values_list("transferred_from_id", flat=True).first():
        if appointment_id := Token.objects.filter(pk=token_id).values_list("appointment_id", flat=True).first():
            locks.lock_appointment(appointment_id)
        locks.lock_token(former_id)


def take_back(token: Token, *, by, now: datetime, request_id: UUID | None) -> Token:
    """Undo the transfer that made this token: its former one stands again as it stood. The caller holds the locks of both.

    Raises AlreadyInQueue or RoomOccupied when the former place was taken meanwhile.
    """
    goes_back = {name: getattr(token, name) for name in ("appointment", "encounter") if getattr(token, f"{name}_id")}
    former = Token.objects.select_related("queue__doctor__user", "queue__department", "patient").get(pk=token.transferred_from_id)
    last = last_effective(list(TokenTransition.objects.filter(token=former).order_by("id")))
    if last is None or last.to_status != TokenStatus.TRANSFERRED:
        raise NothingToUndo
    # The OneToOne that a second transfer would need is given free as well.
    move_token(
        token, TokenStatus.LEFT, by=by, now=now, is_undo=True, request_id=request_id, **dict.fromkeys(goes_back), transferred_from=None
    )
    back = TokenStatus(last.from_status)
    kept = {"called_at": former.called_at} if back == TokenStatus.CALLED else {}
    move_token(former, back, by=by, now=now, is_undo=True, **kept, **goes_back)
    return token


def _made_by(request_id: UUID | None) -> Token | None:
    if request_id is None:
        return None
    return Token.objects.select_related("queue__doctor__user", "queue__department", "patient").filter(request_id=request_id).first()


def _wanted_queue(doctor_id: int | None, department_id: int | None) -> Queue:
    doctor = Doctor.objects.select_related("user").filter(pk=doctor_id).first() if doctor_id else None
    department = Department.objects.filter(pk=department_id).first() if department_id else None
    if doctor and not doctor.is_active:
        raise DoctorInactive
    return queue_of(doctor=doctor, department=department)


def _check_transferable(token: Token, queue: Queue, now: datetime) -> None:
    if TokenStatus.TRANSFERRED not in NEXT_STATUSES[token.status]:
        raise WrongStatus(f"Token {token.label} is {token.get_status_display().lower()}.", current_status=token.status)
    if token.on != timezone.localdate(now):
        raise NotToday("This token is of another day.")
    if token.queue_id == queue.pk:
        raise InvalidInput(errors={"department" if queue.department_id else "doctor": ["The patient is in this queue already."]})
