"""The queue of a day, with the place of each token in it."""

from collections import defaultdict
from datetime import date, datetime

from django.db.models import Q, QuerySet
from django.utils import timezone

from scheduling.models import Priority, Token, TokenStatus, TokenTransition
from scheduling.models.queue import HEAD_START
from scheduling.rules.queue import estimate_wait
from scheduling.selectors.appointments import doctor_name, iso
from scheduling.selectors.waits import last_calls, pace_at

_FIELDS = (
    "pk", "public_id", "number", "status", "priority", "effective_at", "turn_at", "room", "issued_at", "called_at", "closed_at", "reason",
    "version", "queue_id", "queue__public_id", "queue__code", "queue__doctor__public_id", "queue__doctor__user__first_name",
    "queue__doctor__user__last_name", "queue__doctor__user__username", "queue__doctor__room", "queue__department__public_id",
    "queue__department__name", "patient__public_id", "patient__mrn", "patient__first_name", "patient__last_name", "patient__user_id",
    "appointment__public_id", "appointment__during", "appointment__doctor__public_id", "encounter__public_id",
)  # fmt: skip
# How a list of tokens is sorted: who is inside, who waits, who was passed over, who is gone.
_RANK = defaultdict(lambda: 3, {TokenStatus.IN_SERVICE: 0, TokenStatus.CALLED: 0, TokenStatus.WAITING: 1, TokenStatus.SKIPPED: 2})


def tokens_on(on: date, *, doctor=None, department=None) -> QuerySet:
    """The day's tokens of a doctor's or a department's queue (public ids); of all queues without either."""
    tokens = Token.objects.filter(on=on)
    if doctor:
        tokens = tokens.filter(queue__doctor__public_id=doctor)
    if department:
        tokens = tokens.filter(queue__department__public_id=department)
    return tokens


def queue_rows(tokens: QuerySet) -> list[dict]:
    """Rows of whole queues with `position` and `estimated_wait`: 1 query however many, and 1 per queue and hour for its pace."""
    now = timezone.now()
    rows = list(tokens.order_by("queue__code", "turn_at", "id").values(*_FIELDS))
    calls, waiting = defaultdict(list), defaultdict(int)
    for row in rows:
        if row["called_at"]:
            calls[row["queue_id"]].append((row["called_at"], row["room"]))
    for row in rows:
        row["position"] = row["estimated_wait"] = None
        if row["status"] == TokenStatus.WAITING:
            waiting[row["queue_id"]] += 1
            row["position"] = waiting[row["queue_id"]]
            pace = pace_at(row["queue_id"], now)
            row["estimated_wait"] = estimate_wait(position=row["position"], calls=calls[row["queue_id"]], pace=pace)
    return sorted(rows, key=lambda row: (_RANK[row["status"]], row["queue__code"], row["position"] or 0, row["number"]))


def token_row(token_id: int) -> dict:
    """One token with its place: 3 queries, whatever the length of the queue."""
    [row] = Token.objects.filter(pk=token_id).values(*_FIELDS, "on")
    row["position"] = row["estimated_wait"] = None
    if row["status"] == TokenStatus.WAITING:
        row["position"] = 1 + _ahead_of(row).count()
        calls, pace = last_calls(row["queue_id"], row["on"]), pace_at(row["queue_id"], timezone.now())
        row["estimated_wait"] = estimate_wait(position=row["position"], calls=calls, pace=pace)
    return row


def token_story(token_id: int) -> list[dict]:
    """What happened to the token, the first thing first, in words: 1 query."""
    rows = TokenTransition.objects.filter(token_id=token_id).select_related("by", "token").order_by("id")
    return [{"words": _transition_words(row), "at": row.at, "by": row.by, "reason": row.reason} for row in rows]


def _transition_words(row: TokenTransition) -> str:
    if row.to_priority:
        words = f"Priority {row.get_from_priority_display().lower()} to {row.get_to_priority_display().lower()}"
    elif not row.from_status:
        words = "Token given"
    else:
        words = row.get_to_status_display() + (f", {room_words(row.room)}" if row.room and row.to_status == TokenStatus.CALLED else "")
    return f"Taken back: {words[0].lower()}{words[1:]}" if row.is_undo else words


def _ahead_of(row: dict) -> QuerySet:
    before = Q(turn_at__lt=row["turn_at"]) | Q(turn_at=row["turn_at"], pk__lt=row["pk"])
    return Token.objects.filter(before, queue_id=row["queue_id"], on=row["on"], status=TokenStatus.WAITING)


def token_json(row: dict) -> dict:
    """A row as the API shows it."""
    return {
        "id": row["public_id"],
        "number": row["number"],
        "label": f"{row['queue__code']}-{row['number']}",
        "queue": row["queue__public_id"],
        "queue_name": queue_name(row),
        "status": row["status"],
        "priority": row["priority"],
        "position": row["position"],
        "patient": row["patient__public_id"],
        "patient_name": f"{row['patient__first_name']} {row['patient__last_name']}",
        "appointment": row["appointment__public_id"],
        "doctor": row["queue__doctor__public_id"] or row["appointment__doctor__public_id"],
        "department": row["queue__department__public_id"],
        "visit": row["encounter__public_id"],
        "room": row["room"],
        "issued_at": iso(row["issued_at"]),
        "called_at": iso(row["called_at"]),
        "estimated_wait": row["estimated_wait"],
    }


def queue_name(row: dict) -> str:
    if row["queue__department__name"]:
        return row["queue__department__name"]
    return doctor_name(row["queue__doctor__user__first_name"], row["queue__doctor__user__last_name"], row["queue__doctor__user__username"])


def room_words(room: str | None) -> str:
    """'Room 3' for a bare number; a room with a name is called by it."""
    return f"Room {room}" if room and room[0].isdigit() else room or ""


_PRIORITY_WORDS = {
    Priority.EMERGENCY: "Emergency: before everybody else. ",
    Priority.URGENT: "Urgent: counts as an hour earlier. ",
    Priority.ROUTINE: "",
}


def why_here(row: dict, now: datetime) -> str:
    """Why a waiting token stands where it stands, in words for the page."""
    return f"{_PRIORITY_WORDS[row['priority']]}{_since(row)}{_aged(row, now)}"


def _aged(row: dict, now: datetime) -> str:
    is_aged = row["priority"] == Priority.ROUTINE and now - row["effective_at"] >= HEAD_START[Priority.URGENT]
    return " Over an hour: urgent patients who come now go after." if is_aged else ""


def _since(row: dict) -> str:
    at = timezone.localtime(row["effective_at"]).strftime("%H:%M")
    during = row["appointment__during"]
    if during is None:
        return f"Walk-in at {at}."
    if row["effective_at"] > during.lower:
        return f"Appointment {timezone.localtime(during.lower):%H:%M}, arrived late: counts from {at}."
    return f"Appointment at {at}."
