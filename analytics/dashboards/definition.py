"""A figure is defined once; page, chart, table, file, paper and the way to the rows follow from the definition."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from analytics.dashboards.asked import Asked
from analytics.permissions import VIEW_OWN_FIGURES, VIEW_REPORTS

WORDS, DAY, PERIOD, COUNT, MONEY, MINUTES, PERCENT, NUMBER = "words", "day", "period", "count", "money", "minutes", "percent", "number"
_WORDY = {WORDS, DAY, PERIOD}
BARS, ACROSS, LINE = "bars", "across", "line"


@dataclass(frozen=True)
class Column:
    key: str
    label: str
    kind: str = COUNT
    drawn: bool = False  # a series of the chart

    @property
    def is_numeric(self) -> bool:
        return self.kind not in _WORDY


@dataclass(frozen=True)
class Row:
    """One line: its cells by column, and the query that narrows to what is behind it, or a page of its own."""

    cells: Mapping[str, Any]
    behind: Mapping[str, Any] | None = None
    to: str = ""


@dataclass(frozen=True)
class Figure:
    """`rows` asks the stores; the first column names a row. `behind` is the list that a row leads to."""

    key: str
    title: str
    columns: tuple[Column, ...]
    rows: Callable[[Asked], list[Row]]
    chart: str = ""
    stacked: bool = False
    charted: int = 0  # only the first so many rows are drawn; 0 for all
    note: str = ""
    behind: str = ""
    empty: str = "Nothing in these days."
    live: bool = False  # from the stores themselves, not from the star schema


@dataclass(frozen=True)
class Stat:
    """One number at the top of a page, worked out of its figures' rows."""

    label: str
    kind: str
    of: Callable[[Mapping[str, list[Row]]], Any]
    live: bool = False  # of now, whatever days are asked for


@dataclass(frozen=True)
class Dashboard:
    key: str
    title: str
    subtitle: str
    figures: tuple[Figure, ...]
    stats: tuple[Stat, ...] = ()
    days: int = 31  # back from today, where no days are asked for
    ahead: bool = False  # of days to come: takes no days
    filters: tuple[str, ...] = ("department", "doctor", "facility")
    codenames: tuple[str, ...] = (VIEW_REPORTS, VIEW_OWN_FIGURES)
    own_only: bool = False  # a doctor's own page
