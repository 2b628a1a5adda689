"""How likely a patient is to stay away, from two things that are known on the day before: how long ahead the appointment
was booked, and how often this patient stayed away until then.

Each combination is a cell; its rate is drawn towards the rate of all, the more the fewer appointments it has seen. The
rates are learned from earlier appointments and measured on later ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass

LEAD_BANDS = ((0, "same day"), (1, "1-2 days"), (3, "3-7 days"), (8, "8-14 days"), (15, "15 days or more"))
FORMER = ((0, "none"), (1, "one"), (2, "two or more"))
MANY_FORMER = FORMER[-1][0]  # and more
FIRST_TIME = -1  # nothing is known of the patient
_FORMER_WORDS = {FIRST_TIME: "first appointment", **dict(FORMER)}
_DRAWN_BY = 20  # appointments at the rate of all that each cell starts with
LEAST_TESTED = 100
_RISK_BANDS = ((0.0, "under 5 %"), (0.05, "5-10 %"), (0.1, "10-20 %"), (0.2, "20-30 %"), (0.3, "30 % or more"))


@dataclass(frozen=True, order=True)
class Cell:
    lead: int  # the lower end of a lead band, days
    former: int  # no-shows before: FIRST_TIME, 0, 1, or 2 for more

    @property
    def lead_words(self) -> str:
        return dict(LEAD_BANDS)[self.lead]

    @property
    def former_words(self) -> str:
        return _FORMER_WORDS[self.former]


@dataclass(frozen=True)
class Seen:
    """Appointments of which it is known whether the patient came."""

    appointments: int = 0
    missed: int = 0

    def __add__(self, other: "Seen") -> "Seen":
        return Seen(self.appointments + other.appointments, self.missed + other.missed)


Table = Mapping[Cell, Seen]


@dataclass(frozen=True)
class Band:
    """Appointments of about one risk: what was expected of them, and what came."""

    words: str
    appointments: int
    expected: float
    came: float


@dataclass(frozen=True)
class BackTest:
    """Brier scores: the mean square of (risk - what happened), 0 is best. `base` gives everyone the rate of all."""

    tested: int
    score: float
    base: float
    bands: tuple[Band, ...]

    @property
    def helps(self) -> bool:
        """Whether the risks tell more than the rate of all does."""
        return self.score < self.base


def cell_of(*, lead_days: int, former: int, before: int) -> Cell:
    """`former` no-shows of `before` appointments that the patient had until then."""
    lead = max(start for start, _ in LEAD_BANDS if start <= max(lead_days, 0))
    return Cell(lead, FIRST_TIME if before == 0 else min(former, MANY_FORMER))


def all_cells() -> list[Cell]:
    return [Cell(lead, former) for lead, _ in LEAD_BANDS for former in _FORMER_WORDS]


def overall(table: Table) -> Seen:
    return sum(table.values(), Seen())


def rate_of_all(table: Table) -> float:
    """0 where nothing was seen."""
    seen = overall(table)
    return seen.missed / seen.appointments if seen.appointments else 0.0


def risk(table: Table, cell: Cell) -> float:
    """Between 0 and 1. A cell never seen has the rate of all."""
    seen = table.get(cell, Seen())
    return (seen.missed + _DRAWN_BY * rate_of_all(table)) / (seen.appointments + _DRAWN_BY)


def back_test(earlier: Table, later: Table) -> BackTest | None:
    """What rates of the earlier appointments are worth on the later ones; None where those are too few to tell."""
    tested = overall(later).appointments
    if tested < LEAST_TESTED or not overall(earlier).appointments:
        return None
    base = rate_of_all(earlier)
    risks = {cell: risk(earlier, cell) for cell in later}
    return BackTest(
        tested=tested,
        score=sum(_squares(risks[cell], seen) for cell, seen in later.items()) / tested,
        base=_squares(base, overall(later)) / tested,
        bands=tuple(_bands(risks, later)),
    )


def _squares(expected: float, seen: Seen) -> float:
    return seen.missed * (1 - expected) ** 2 + (seen.appointments - seen.missed) * expected**2


def _bands(risks: Mapping[Cell, float], later: Table):
    ends = [start for start, _ in _RISK_BANDS[1:]] + [2.0]
    for (start, words), end in zip(_RISK_BANDS, ends, strict=True):
        cells = [cell for cell, expected in risks.items() if start <= expected < end]
        seen = sum((later[cell] for cell in cells), Seen())
        if seen.appointments:
            expected = sum(risks[cell] * later[cell].appointments for cell in cells) / seen.appointments
            yield Band(words, seen.appointments, expected, seen.missed / seen.appointments)
