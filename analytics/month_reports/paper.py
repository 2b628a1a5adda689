"""The month's report as PDF: the same figures as on the dashboards, of one month and the whole clinic."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import orjson
import typst
from django.conf import settings
from django.utils import timezone

from analytics.dashboards.asked import Asked, last_of
from analytics.dashboards.definition import MONEY, PERCENT, Dashboard, Figure, Row
from analytics.dashboards.registry import NO_SHOWS, OVERVIEW, REVENUE, STOCK, WAITS
from analytics.dashboards.showing import words_of
from analytics.models import EtlState
from clinic.core.paper import fonts

_LAYOUT = settings.BASE_DIR / "templates" / "analytics" / "month_report.typ"
MOST_ROWS = 31  # of a figure that says nothing of it; the longest shows each day of a month

# Of each dashboard the figures that a page of paper has room for.
CHAPTERS = (
    (OVERVIEW, ("department-load", "top-doctors", "monthly-visits")),
    (REVENUE, ("by-way", "by-department")),
    (WAITS, ("by-department", "by-weekday")),
    (NO_SHOWS, ("by-weekday", "by-lead")),
    (STOCK, ("given",)),
)


def month_pdf(month: date, *, today: date) -> bytes:
    """A4, two pages or three. `month` is its first day."""
    asked = Asked(today=today, date_from=month, date_to=last_of(month))
    as_of = EtlState.objects.values_list("as_of", flat=True).first()
    words = {
        "clinic": settings.CLINIC_NAME,
        "currency": settings.CURRENCY,
        "month": f"{month:%B %Y}",
        "as_of": f"{timezone.localtime(as_of):%Y-%m-%d %H:%M}" if as_of else "",
        "chapters": [_chapter(page, keys, asked) for page, keys in CHAPTERS],
    }
    data = orjson.dumps(words).decode()
    return typst.compile(_LAYOUT.read_bytes(), format="pdf", font_paths=fonts(), sys_inputs={"data": data})


def _chapter(page: Dashboard, keys: tuple[str, ...], asked: Asked) -> dict:
    answers = {figure.key: figure.rows(asked) for figure in page.figures if not figure.live}
    shown = [figure for figure in page.figures if figure.key in keys]
    return {
        "title": page.title,
        "stats": _stats(page, answers),
        "figures": [_figure(figure, answers[figure.key]) for figure in shown],
    }


def _stats(page: Dashboard, answers: Mapping[str, list[Row]]) -> list[dict]:
    """Those that are of the month."""
    units = {MONEY: settings.CURRENCY, PERCENT: "%"}
    return [
        {"label": stat.label, "value": words_of(stat.of(answers), stat.kind) or "–", "unit": units.get(stat.kind, "")}
        for stat in page.stats
        if not stat.live
    ]


def _figure(figure: Figure, found: list[Row]) -> dict:
    rows = found[: figure.charted or MOST_ROWS]
    cut = f"The first {len(rows)} of {len(found)}; the others stand on the page." if len(rows) < len(found) else ""
    drawn = next((column.key for column in figure.columns if column.drawn), "")
    most = max((_size(row, drawn) for row in rows), default=0)
    return {
        "title": figure.title,
        "empty": figure.empty,
        "columns": [{"label": column.label, "numeric": column.is_numeric} for column in figure.columns],
        "rows": [[words_of(row.cells[column.key], column.kind) for column in figure.columns] for row in rows],
        "bars": [round(_size(row, drawn) / most, 4) if most else 0 for row in rows],
        "note": " ".join(filter(None, (cut, figure.note))),
    }


def _size(row: Row, column: str) -> float:
    value = row.cells.get(column) or 0
    return max(float(value), 0.0) if isinstance(value, int | float | Decimal) else 0.0
