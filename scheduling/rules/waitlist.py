"""Which free time is offered to whom, and for how long."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from scheduling.rules.slots import Day, Slot

OFFERED_FOR = timedelta(hours=2)
# Nobody is offered a time that they cannot reach, and the last minutes are for whoever stands at the desk.
LEAST_AHEAD = timedelta(hours=1)
ANSWERED_BEFORE = timedelta(minutes=30)


@dataclass(frozen=True)
class Wish:
    """An entry of the waitlist: days (both included), and the doctors that suit."""

    entry_id: int
    first_on: date
    last_on: date
    doctor_ids: frozenset[int]


@dataclass(frozen=True)
class Match:
    entry_id: int
    doctor_id: int
    slot: Slot


def expiry_of(start: datetime, now: datetime) -> datetime:
    return min(now + OFFERED_FOR, start - ANSWERED_BEFORE)


def match(
    wishes: Sequence[Wish], free: dict[int, list[Day]], *, refused: Iterable[tuple[int, int, datetime]], now: datetime
) -> list[Match]:
    """The earliest free time for each wish, in the order of the wishes; no time twice.

    `refused` are (entry, doctor, start) that were offered before: a time is offered once to the same entry.
    """
    taken: set[tuple[int, datetime]] = set()
    refused = set(refused)
    found = []
    for wish in wishes:
        candidates = sorted(_suitable(wish, free, now), key=lambda each: each[:2])
        for start, doctor_id, slot in candidates:
            if (doctor_id, start) not in taken and (wish.entry_id, doctor_id, start) not in refused:
                taken.add((doctor_id, start))
                found.append(Match(wish.entry_id, doctor_id, slot))
                break
    return found


def _suitable(wish: Wish, free: dict[int, list[Day]], now: datetime) -> Iterator[tuple[datetime, int, Slot]]:
    for doctor_id in wish.doctor_ids:
        for day in free.get(doctor_id, ()):
            if wish.first_on <= day.on <= wish.last_on:
                yield from ((slot.start, doctor_id, slot) for slot in day.available if slot.start >= now + LEAST_AHEAD)
