"""Figures as a page, a file or paper shows them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from analytics.dashboards.asked import Asked
from analytics.dashboards.definition import ACROSS, DAY, MINUTES, MONEY, NUMBER, PERCENT, PERIOD, Column, Figure, Row
from clinic.core.templatetags.ui import amount

MOST_OPEN = 8  # rows of a table that stands open below its chart
MOST_COLUMNS = 5  # of a figure that shares the width of the page with another
MOST_ROWS = 50  # of a figure that is drawn by its first rows only; all of them stand in its files
TALL = 10  # rows from which lying bars need more room
KEPT_WHOLE = 20  # letters that are not broken into lines


@dataclass(frozen=True)
class Cell:
    label: str
    text: str
    is_numeric: bool
    value: str = ""  # what a chart draws
    url: str = ""
    short: str = ""  # of a row's heading, below a chart

    @property
    def is_whole(self) -> bool:
        return len(self.text) <= KEPT_WHOLE


@dataclass(frozen=True)
class ShownFigure:
    figure: Figure
    columns: Sequence[Column]
    rows: list[list[Cell]]
    number: int  # of rows in all
    as_of: datetime | None
    is_down: bool = False

    @property
    def is_wide(self) -> bool:
        return len(self.columns) > MOST_COLUMNS

    @property
    def is_cut(self) -> bool:
        return len(self.rows) < self.number

    @property
    def is_tall(self) -> bool:
        return self.figure.chart == ACROSS and min(len(self.rows), self.figure.charted or len(self.rows)) > TALL

    @property
    def is_open(self) -> bool:
        return not self.figure.chart or len(self.rows) <= MOST_OPEN


def words_of(value: Any, kind: str, *, by_day: bool = True) -> str:
    """A cell as people read it; what is not known is empty."""
    if value is None:
        return ""
    if isinstance(value, date):
        return f"{value.day} {value:%b %Y}" if kind == DAY or by_day else f"{value:%B %Y}"
    if kind == MONEY:
        return amount(value)
    if kind in {PERCENT, MINUTES, NUMBER}:
        return f"{value:,.10g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def file_rows(columns: Sequence[Column], rows: Iterable[Row]) -> Iterator[list[Any]]:
    """As a program reads them: dates by ISO, numbers plain."""
    for row in rows:
        cells = (row.cells[column.key] for column in columns)
        yield [cell.isoformat() if isinstance(cell, date) else cell for cell in cells]


def shown_figure(figure: Figure, rows: list[Row], *, asked: Asked, as_of: datetime | None) -> ShownFigure:
    shown = rows[:MOST_ROWS] if figure.charted else rows
    cells = [_cells(figure.columns, row, asked=asked, to=_address(figure, row, asked), chart=figure.chart) for row in shown]
    return ShownFigure(figure, figure.columns, cells, len(rows), as_of)


def shown_rows(columns: Sequence[Column], rows: list[Row], asked: Asked) -> list[list[Cell]]:
    return [_cells(columns, row, asked=asked, to=row.to) for row in rows]


def _cells(columns: Sequence[Column], row: Row, *, asked: Asked, to: str, chart: str = "") -> list[Cell]:
    cells = []
    for place, column in enumerate(columns):
        value = row.cells[column.key]
        text = words_of(value, column.kind, by_day=asked.by_day)
        cells.append(
            Cell(
                column.label,
                text,
                column.is_numeric,
                _drawn(value) if chart and column.is_numeric else "",
                "" if place else to,
                _short(value, column, asked) if chart and not place else "",
            )
        )
    return cells


def _drawn(value: Any) -> str:
    return "" if value is None else str(value) if isinstance(value, Decimal) else repr(value)


def _short(value: Any, column: Column, asked: Asked) -> str:
    if column.kind != PERIOD:
        return ""
    return f"{value.day} {value:%b}" if asked.by_day else f"{value:%b %Y}"


def _address(figure: Figure, row: Row, asked: Asked) -> str:
    """Of the rows behind one line, narrowed as the page is and by the line."""
    if row.to or row.behind is None or not figure.behind:
        return row.to
    return f"{reverse('analytics:rows', args=[figure.behind])}?{urlencode(query_of(asked) | row.behind)}"


def query_of(asked: Asked) -> dict[str, str]:
    narrowed = {name: getattr(asked, name) for name in ("doctor", "department", "facility")}
    days = {"date_from": asked.date_from.isoformat(), "date_to": asked.date_to.isoformat()}
    return days | {name: str(row.public_id) for name, row in narrowed.items() if row is not None}
