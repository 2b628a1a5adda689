"""How a stretch of days is put together from whole years, whole months and days, so that as few sums as can be are read."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

Grain = Literal["year", "month", "day"]
GRAINS: tuple[Grain, ...] = ("year", "month", "day")

EVER = (date(1900, 1, 1), date(9000, 1, 1))


@dataclass(frozen=True)
class Piece:
    """Days from `start`, before `until`; both begin a year or a month where that is the grain."""

    grain: Grain
    start: date
    until: date


def pieces_of(start: date, until: date, grains: tuple[Grain, ...] = GRAINS) -> list[Piece]:
    """Pieces that cover [start, until) once, in order, the coarsest inside and finer ones at its edges."""
    if start >= until:
        return []
    coarsest, *finer = grains
    if coarsest == "day":
        return [Piece("day", start, until)]
    first, last = _begin_from(start, coarsest), _begin_of(until, coarsest)
    if first >= last:
        return pieces_of(start, until, tuple(finer))
    return [*pieces_of(start, first, tuple(finer)), Piece(coarsest, first, last), *pieces_of(last, until, tuple(finer))]


def _begin_of(day: date, grain: Grain) -> date:
    return day.replace(month=1, day=1) if grain == "year" else day.replace(day=1)


def _begin_from(day: date, grain: Grain) -> date:
    """The first begin of a year or a month that is not before the day."""
    begin = _begin_of(day, grain)
    return begin if begin == day else next_begin(begin, grain)


def next_begin(begin: date, grain: Grain) -> date:
    if grain == "year" or begin.month == 12:
        return date(begin.year + 1, 1, 1)
    return begin.replace(month=begin.month + 1)
