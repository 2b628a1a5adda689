"""Holds the figures of the dashboards against what the operational tables say."""

from decimal import Decimal
from itertools import chain

from analytics.dashboards.registry import DASHBOARDS
from analytics.tests.independent import FIGURES, STATS, by_sql
from scheduling.models import AppointmentStatus

_HALF_A_TENTH = 0.0501  # what rounding to one decimal may do


def difference(asked):
    """{figure: (on the page, by SQL)} of those that differ, each with the rows that the other has not."""
    found = {}
    for (page, key), (columns, sql) in FIGURES.items():
        figure = next(each for each in DASHBOARDS[page].figures if each.key == key)
        shown = [tuple(row.cells[column.strip("~")] for column in columns) for row in figure.rows(asked)]
        exact = sum(not column.startswith("~") for column in columns)
        shown = sorted(map(_plain, filter(_page_has, shown)), key=lambda row: str(row[:exact]))
        true = sorted(map(_plain, _labelled(page, key, by_sql(sql, asked))), key=lambda row: str(row[:exact]))
        if not same(shown, true, exact):
            found[page, key] = ([row for row in shown if row not in true], [row for row in true if row not in shown])
    return found


def differing_stats(asked):
    """{(page, number of the heading): (on the page, by SQL)} of those that differ."""
    found = {}
    for (page, number), sql in STATS.items():
        dashboard = DASHBOARDS[page]
        shown = dashboard.stats[number].of({figure.key: figure.rows(asked) for figure in dashboard.figures})
        [(true,)] = by_sql(sql, asked)
        if not same([_plain((shown,))], [_plain((true,))], 0 if "100.0" in sql else 1):
            found[page, number] = (shown, true)
    return found


def same(shown, true, exact) -> bool:
    """Row by row: the first columns equal, the others to one decimal."""
    if len(shown) != len(true) or [row[:exact] for row in shown] != [row[:exact] for row in true]:
        return False
    pairs = chain.from_iterable(zip(one[exact:], other[exact:], strict=True) for one, other in zip(shown, true, strict=True))
    return all(one is other or (None not in (one, other) and abs(float(one) - float(other)) <= _HALF_A_TENTH) for one, other in pairs)


def _page_has(row):
    """A day without anything stands on the page as zeros, and not in the SQL."""
    return any(row[1:])


def _plain(row):
    return tuple(float(value) if isinstance(value, int | Decimal) else value for value in row)


def _labelled(page, key, rows):
    if (page, key) == ("own", "outcomes"):
        return [(AppointmentStatus(status).label, number) for status, number in rows]
    return rows
