"""A token's place in the queue as its patient sees it: no name of anybody."""

from dataclasses import dataclass
from uuid import UUID

from scheduling.models import Token, TokenStatus
from scheduling.selectors.queue import room_words, token_row

_WORDS = {
    TokenStatus.WAITING: "Please wait until your number is called.",
    TokenStatus.CALLED: "It is your turn. Please come in.",
    TokenStatus.IN_SERVICE: "You are being seen.",
    TokenStatus.SKIPPED: "You were called and were not there. Please tell reception that you are here.",
    TokenStatus.TRANSFERRED: "You have a new number in another queue. Reception tells you which.",
}


@dataclass(frozen=True)
class Place:
    """`estimated_wait` is {low, high} in minutes, None while nothing can be said."""

    key: UUID
    label: str
    status: str
    words: str
    position: int | None
    estimated_wait: dict | None
    room: str

    @property
    def is_final(self) -> bool:
        return self.status not in _WORDS


def place_of(token: Token) -> Place:
    """3 queries, whatever the length of the queue."""
    row = token_row(token.pk)
    room = room_words(row["room"] or row["queue__doctor__room"]) if row["status"] == TokenStatus.CALLED else ""
    return Place(
        key=token.slip_key,
        label=f"{row['queue__code']}-{row['number']}",
        status=row["status"],
        words=_WORDS.get(row["status"], "Your visit to this queue is over."),
        position=row["position"],
        estimated_wait=row["estimated_wait"],
        room=room,
    )
