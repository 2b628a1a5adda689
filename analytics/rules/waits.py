"""How long people waited: pure arithmetic."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from statistics import median

_MINUTE_S = 60


@dataclass(frozen=True)
class Waits:
    """Whole minutes. `median` and `longest` are of those who were called; `longest_now` of those who still wait."""

    called: int
    median: int | None
    longest: int | None
    longest_now: int | None


def waits_of(tokens: Iterable[tuple[datetime, datetime | None, bool]], *, now: datetime) -> Waits:
    """From (issued at, called at, still waiting) of each token."""
    called, waiting = [], []
    for issued_at, called_at, still_waiting in tokens:
        if still_waiting:
            waiting.append(_minutes(issued_at, now))
        elif called_at is not None:
            called.append(_minutes(issued_at, called_at))
    return Waits(
        called=len(called),
        median=round(median(called)) if called else None,
        longest=max(called, default=None),
        longest_now=max(waiting, default=None),
    )


def _minutes(start: datetime, end: datetime) -> int:
    return max(int((end - start).total_seconds() // _MINUTE_S), 0)
