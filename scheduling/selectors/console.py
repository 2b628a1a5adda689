"""What a doctor's or nurse's queue page and the public board show."""

from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import F, QuerySet, Sum
from django.utils import timezone

from clinic.accounts.models import Doctor
from scheduling.models import Queue, Token, TokenStatus, TokenTransition
from scheduling.selectors.arrivals import QueueState, queue_states
from scheduling.selectors.queue import queue_rows, room_words, tokens_on, why_here

INSIDE = (TokenStatus.CALLED, TokenStatus.IN_SERVICE)
LAST_CLOSED = 6
ON_BOARD, NEXT_ON_BOARD = 6, 12
_LATEST = 200


@dataclass(frozen=True)
class Console:
    queue: Queue | None
    states: list[QueueState]
    inside: list[dict] = field(default_factory=list)
    waiting: list[dict] = field(default_factory=list)
    skipped: list[dict] = field(default_factory=list)
    closed: list[dict] = field(default_factory=list)
    room: str = ""


def console(*, user, queue_id=None, department=None, now: datetime) -> Console:
    """The chosen queue (public id), else the own one, else the first in which something happens. 2 to 4 queries."""
    on = timezone.localdate(now)
    states = [state for state in queue_states(on) if not department or department in _departments(state.queue)]
    queue = _choose(queue_id, user, states, department)
    if queue is None:
        return Console(None, states)
    rows = [_told(row, now) for row in queue_rows(tokens_on(on).filter(queue=queue))]
    by_status = {name: [row for row in rows if row["status"] in wanted] for name, wanted in _PARTS.items()}
    closed = [row for row in rows if row["closed_at"]]
    by_status["closed"] = sorted(closed, key=lambda row: row["closed_at"], reverse=True)[:LAST_CLOSED]
    own = getattr(user, "doctor", None)
    return Console(queue, states, room=(own or queue.doctor).room if own or queue.doctor else "", **by_status)


_PARTS = {"inside": INSIDE, "waiting": (TokenStatus.WAITING,), "skipped": (TokenStatus.SKIPPED,)}


def _choose(queue_id, user, states: list[QueueState], department) -> Queue | None:
    queues = Queue.objects.select_related("doctor__user", "doctor__department", "department")
    if queue_id:
        return queues.filter(public_id=queue_id).first()
    own = getattr(user, "doctor", None)
    if own and not department and (mine := queues.filter(doctor=own).first()):
        return mine
    return states[0].queue if states else None


def _departments(queue: Queue) -> set:
    """Public ids of the departments whose patients wait here."""
    return {queue.department.public_id} if queue.department else {queue.doctor.department.public_id}


def _told(row: dict, now: datetime) -> dict:
    return row | {
        "label": f"{row['queue__code']}-{row['number']}",
        "name": f"{row['patient__first_name']} {row['patient__last_name']}",
        "room_words": room_words(row["room"]),
        "waited_min": int((now - row["issued_at"]).total_seconds() // 60),
        "why": why_here(row, now) if row["status"] == TokenStatus.WAITING else "",
    }


def doctors_for(queue: Queue) -> list[Doctor]:
    """Who may see a patient of a department's queue."""
    if queue.department is None:
        return []
    return list(Doctor.objects.filter(is_active=True, department=queue.department).select_related("user"))


@dataclass(frozen=True)
class Board:
    called: list[dict]
    following: list[str]
    at: datetime


def board(*, department=None, now: datetime) -> Board:
    """Labels and rooms only: the last called first, then who is next. 2 queries."""
    tokens = Token.objects.filter(on=timezone.localdate(now))
    if department:
        tokens = tokens.filter(queue__department__public_id=department) | tokens.filter(queue__doctor__department__public_id=department)
    called = tokens.filter(status__in=INSIDE).order_by(F("called_at").desc(nulls_last=True), "-id")[:ON_BOARD]
    fields = called.values_list("queue__code", "number", "room", "queue__doctor__room", "called_at", "status")
    return Board([_on_board(*row) for row in fields], _next_labels(tokens), now)


def latest_changes() -> int:
    """A number that is another one after every change of a token; 1 query of the same cost however many there were.

    The sum over the last ids and not the highest one: transactions end in another order than they took their ids.
    """
    latest = TokenTransition.objects.order_by("-id").values("id")[:_LATEST]
    return latest.aggregate(sum=Sum("id"))["sum"] or 0


def _on_board(code: str, number: int, room: str, doctors_room: str | None, called_at: datetime | None, status: str) -> dict:
    is_called = status == TokenStatus.CALLED
    return {"label": f"{code}-{number}", "room": room_words(room or doctors_room), "called_at": called_at, "is_called": is_called}


def _next_labels(tokens: QuerySet) -> list[str]:
    waiting = tokens.filter(status=TokenStatus.WAITING).order_by("turn_at", "id")
    return [f"{code}-{number}" for code, number in waiting.values_list("queue__code", "number")[:NEXT_ON_BOARD]]
