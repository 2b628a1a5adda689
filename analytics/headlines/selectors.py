"""The four headline figures, from the materialized views; the edges of a stretch of days from the sums below them."""

from dataclasses import dataclass, field
from datetime import date

from django.db import connections

from analytics.headlines.rules import EVER, GRAINS, Grain, pieces_of
from analytics.models import EtlState
from clinic.core.replica import reads

_PERIODS = {
    "year": ("year >= {start} AND year < {until}", lambda day: day.year),
    "month": ("month >= {start} AND month < {until}", lambda day: day),
    "day": ("date >= {start} AND date < {until}", lambda day: day),
}
_AVERAGE = "round(sum({of})::numeric / NULLIF(sum({by}), 0), 1)::float8"
_WAIT = _AVERAGE.format(of="wait_minutes", by="waits")
_LENGTH = _AVERAGE.format(of="consult_minutes", by="consultations")


@dataclass(frozen=True)
class Asked:
    """Days from `start`, before `until`; of one doctor or one department when there is one."""

    start: date = EVER[0]
    until: date = EVER[1]
    doctor_id: int | None = None
    department_id: int | None = None

    @property
    def names(self) -> set[str]:
        return {name for name in ("doctor_id", "department_id") if getattr(self, name) is not None}


@dataclass(frozen=True)
class Headline:
    """One of the four. `views` by grain: where its sums stand, and what these can be narrowed by.

    `figures` are (name in the answer, SQL over sums). Where the view cannot tell what is asked, the sums
    by doctor can.
    """

    name: str
    by: str
    views: dict[Grain, list[tuple[str, set[str]]]]
    sums: tuple[str, ...]
    figures: dict[str, str]
    order: str
    having: str = "true"
    grains: tuple[Grain, ...] = field(default=GRAINS)

    def table(self, grain: Grain, asked: Asked) -> str:
        return next(table for table, told in self.views[grain] if asked.names <= told)


_BOTH = {"doctor_id", "department_id"}
_DAYS = [("doctor_day", _BOTH)]
_MONTHS = [("doctor_month", _BOTH)]
_BY_DOCTOR = "JOIN dim_doctor doctor ON doctor.id = key JOIN dim_department department ON department.id = doctor.department_id"
_OF_DOCTOR = {
    "doctor": "doctor.public_id",
    "doctor_name": "doctor.name",
    "department": "department.public_id",
    "department_name": "department.name",
}
_NAMED = {
    "doctor_id": (_BY_DOCTOR, _OF_DOCTOR, "doctor.id, department.id"),
    "department_id": (
        "JOIN dim_department department ON department.id = key",
        {"department": "department.public_id", "department_name": "department.name"},
        "department.id",
    ),
    "month": ("", {"month": "to_char(key, 'YYYY-MM')"}, "key"),
}


def _plain(*names: str) -> dict[str, str]:
    """Whole numbers, and money as it is."""
    return {name: f"sum({name})" if name == "charge" else f"sum({name})::bigint" for name in names}


TOP_DOCTORS = Headline(
    name="top_doctors",
    by="doctor_id",
    views={"year": [("top_doctors", _BOTH)], "month": _MONTHS, "day": _DAYS},
    sums=("visits", "walk_ins", "completed", "charge"),
    figures=_plain("visits", "walk_ins", "completed", "charge"),
    order="visits DESC, charge DESC, doctor_name, doctor",
    having="sum(visits) > 0",
)
DOCTOR_WORKLOAD = Headline(
    name="doctor_workload",
    by="doctor_id",
    views={"year": [("doctor_workload", _BOTH)], "month": _MONTHS, "day": _DAYS},
    sums=(
        "appointments",
        "booked",
        "completed",
        "cancelled",
        "no_shows",
        "overbooked",
        "minutes",
        "visits",
        "consultations",
        "consult_minutes",
    ),
    figures=_plain("appointments", "booked", "completed", "cancelled", "no_shows", "overbooked", "minutes", "visits")
    | {"average_consult_minutes": _LENGTH},
    order="appointments DESC, visits DESC, doctor_name, doctor",
)
DEPARTMENT_LOAD = Headline(
    name="department_load",
    by="department_id",
    views={"month": [("department_load", {"department_id"}), *_MONTHS], "day": _DAYS},
    sums=("appointments", "completed", "cancelled", "no_shows", "visits", "walk_ins", "waits", "wait_minutes", "charge"),
    figures=_plain("appointments", "completed", "cancelled", "no_shows", "visits", "walk_ins", "charge") | {"average_wait_minutes": _WAIT},
    order="visits DESC, appointments DESC, department_name, department",
    grains=("month", "day"),
)
MONTHLY_VISITS = Headline(
    name="monthly_visits",
    by="month",
    views={"month": [("monthly_visits", set()), ("department_month", {"department_id"}), *_MONTHS], "day": _DAYS},
    sums=("appointments", "no_shows", "visits", "walk_ins", "consultations", "consult_minutes", "charge"),
    figures=_plain("appointments", "no_shows", "visits", "walk_ins", "charge") | {"average_consult_minutes": _LENGTH},
    order="month",
    grains=("month", "day"),
)


def rows_of(headline: Headline, asked: Asked) -> list[tuple]:
    """One row for each doctor, department or month that has a figure, in the headline's order; columns are `columns_of`. 1 query."""
    parts, values = _parts(headline, asked)
    join, named, keys = _NAMED[headline.by]
    columns = ", ".join(f"{sql} AS {name}" for name, sql in (named | headline.figures).items())
    with connections[reads()].cursor() as cursor:
        cursor.execute(
            f"SELECT {columns} FROM ({parts}) parts {join} GROUP BY {keys} HAVING {headline.having} ORDER BY {headline.order}", values
        )
        return cursor.fetchall()


def columns_of(headline: Headline) -> list[str]:
    return [*_NAMED[headline.by][1], *headline.figures]


def figures_as_of():
    """What was committed by then is in the figures; None when they were never made."""
    return EtlState.objects.values_list("as_of", flat=True).first()


def _parts(headline: Headline, asked: Asked) -> tuple[str, list]:
    """The sums that are to be added up, as SQL."""
    selects, values = [], []
    for piece in pieces_of(asked.start, asked.until, headline.grains):
        period, shown = _PERIODS[piece.grain]
        conditions = [period.format(start="%s", until="%s"), *(f"{name} = %s" for name in sorted(asked.names))]
        key = "date_trunc('month', date)::date" if headline.by == "month" and piece.grain == "day" else headline.by
        selects.append(
            f"SELECT {key} AS key, {', '.join(headline.sums)} FROM {headline.table(piece.grain, asked)} WHERE {' AND '.join(conditions)}"
        )
        values += [shown(piece.start), shown(piece.until), *(getattr(asked, name) for name in sorted(asked.names))]
    return " UNION ALL ".join(selects), values
