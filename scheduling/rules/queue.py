"""Who is next, how long it may take, and what an undo takes back."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from math import ceil, floor
from statistics import quantiles

from scheduling.models import Priority
from scheduling.models.queue import HEAD_START, PRIORITY_BAND

_FEWEST_GAPS = 3
_LAST_GAPS = 20
_PAUSE = timedelta(minutes=60)  # a longer gap is a break of the doctor, not a consultation


def effective_at(*, arrived_at: datetime, appointment_start: datetime | None = None) -> datetime:
    """From when on a patient counts as waiting: the later of appointment and check-in; a walk-in's check-in."""
    return max(arrived_at, appointment_start) if appointment_start else arrived_at


def turn_at(*, effective_at: datetime, priority: str) -> datetime:
    """What the order of a queue follows, the earliest first; then who was given the token first.

    An emergency comes before everybody of its day. An urgent patient counts as an hour earlier, and so
    overtakes the routine patients of the last hour and nobody who has waited longer: nobody starves.
    PostgreSQL keeps it as a column of its own, which a test compares with this.
    """
    return effective_at - HEAD_START[Priority(priority)]


def band_of(priority: str) -> int:
    return PRIORITY_BAND[Priority(priority)]


def estimate_wait(
    *, position: int, calls: Sequence[tuple[datetime, str]], pace: tuple[float, float] | None = None
) -> dict[str, int] | None:
    """Minutes until the call of the person at `position` (1 is next), as {low, high}.

    `pace` is how many minutes a quick and a slow visit of this queue take (selectors/waits.py). One visit
    after the other, shared among the rooms into which today's `calls` (when, room) were made in the hour before the
    last one. Without a pace: from the quartiles of the gaps between those calls. None while nothing can be said.
    """
    if pace:
        rooms = _rooms_in_use(calls)
        quick, slow = (minutes / rooms for minutes in pace)
    else:
        times = sorted(at for at, _ in calls)
        gaps = [later - earlier for earlier, later in pairwise(times) if later - earlier <= _PAUSE][-_LAST_GAPS:]
        if len(gaps) < _FEWEST_GAPS:
            return None
        quick, _, slow = quantiles([gap.total_seconds() / 60 for gap in gaps], n=4, method="inclusive")
    return {"low": floor((position - 1) * quick), "high": max(1, ceil(position * slow))}


def _rooms_in_use(calls: Sequence[tuple[datetime, str]]) -> int:
    last = max((at for at, _ in calls), default=None)
    return len({room for at, room in calls if at > last - timedelta(hours=1)}) or 1


def last_effective(transitions: Sequence):
    """The last transition that was not undone; None when there is none. `is_undo` ones each take one back."""
    standing = []
    for transition in transitions:
        if not transition.is_undo:
            standing.append(transition)
        elif standing:
            standing.pop()
    return standing[-1] if standing else None


def code_candidates(name: str) -> Iterable[str]:
    """Codes for a queue of this name, the nicest first: 1 to 4 letters that can be called out."""
    letters = [c for c in name.upper() if "A" <= c <= "Z"] or ["Q"]
    initials = "".join(word[0] for word in name.upper().split() if "A" <= word[0] <= "Z")[:4]
    yield from dict.fromkeys(code for code in (initials, *("".join(letters[:n]) for n in range(1, 5))) if code)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    for size in (2, 3, 4):
        yield from _words(alphabet, size)


def _words(alphabet: str, size: int) -> Iterable[str]:
    if size == 0:
        yield ""
        return
    for head in alphabet:
        for tail in _words(alphabet, size - 1):
            yield head + tail
