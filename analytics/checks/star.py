"""The star schema against what it is derived from: facts against operational rows, sums against facts, views against sums."""

import time
from collections.abc import Iterator

from analytics.checks.results import TOO_LONG, CannotLook, Finding
from analytics.etl.sources import SOURCES, Source
from analytics.models import EtlState
from analytics.services.self_check import rows_of, within
from analytics.services.star_check import differing_now, named, suspects
from clinic.core.errors import Busy

NEVER_MADE = "The figures were never made: manage.py run_etl makes them."
AT_IT = "The figures are just being brought up to date: look again in a minute."
OTHERWISE = "The figures have this {subject} otherwise than it is; run_etl --full derives it anew."

# What each measure is of an appointment and of a visit; 0 where it is not named.
_OF_APPOINTMENT = {
    "appointments": "(status <> 'rescheduled')::int",
    "booked": "(status IN ('booked', 'checked_in', 'in_consultation'))::int",
    "completed": "(status = 'completed')::int",
    "cancelled": "(status = 'cancelled')::int",
    "no_shows": "(status = 'no_show')::int",
    "overbooked": "(is_overbooked AND status <> 'rescheduled')::int",
    "minutes": "CASE WHEN status IN ('rescheduled', 'cancelled') THEN 0 ELSE minutes END",
}
_OF_VISIT = {
    "visits": "1",
    "walk_ins": "is_walk_in::int",
    "waits": "(wait_minutes IS NOT NULL)::int",
    "wait_minutes": "COALESCE(wait_minutes, 0)",
    "consultations": "(consult_minutes IS NOT NULL)::int",
    "consult_minutes": "COALESCE(consult_minutes, 0)",
    "charge": "charge",
}
_MEASURES = [*_OF_APPOINTMENT, *_OF_VISIT]
# table: what names its rows, as it follows from a fact
_CELLS = {
    "doctor_day": {"date": "date", "doctor_id": "doctor_id", "facility_id": "facility_id", "department_id": "department_id"},
    "doctor_month": {
        "month": "date_trunc('month', date)::date",
        "doctor_id": "doctor_id",
        "facility_id": "facility_id",
        "department_id": "department_id",
    },
    "doctor_year": {"year": "extract(year FROM date)::int", "doctor_id": "doctor_id", "department_id": "department_id"},
    "department_month": {"month": "date_trunc('month', date)::date", "department_id": "department_id"},
}
_VIEWS = {
    "top_doctors": ("doctor_year", "year, doctor_id, department_id", "visits, walk_ins, completed, charge"),
    "doctor_workload": (
        "doctor_year",
        "year, doctor_id, department_id",
        "appointments, booked, completed, cancelled, no_shows, overbooked, minutes, visits, consultations, consult_minutes",
    ),
    "department_load": (
        "department_month",
        "month, department_id",
        "appointments, completed, cancelled, no_shows, visits, walk_ins, waits, wait_minutes, charge",
    ),
    "monthly_visits": ("department_month", "month", "appointments, no_shows, visits, walk_ins, consultations, consult_minutes, charge"),
}


def facts(seconds: float) -> Iterator[Finding]:
    """Each dimension and fact is what its operational row says now, unless that row's change still waits in the queue."""
    if not EtlState.objects.filter(as_of__isnull=False).exists():
        raise CannotLook(NEVER_MADE)
    ends = time.monotonic() + seconds
    for source in SOURCES:
        for public_id in _wrong(source, ends - time.monotonic()):
            yield Finding(public_id, OTHERWISE.format(subject=source.subject.label.lower()))


def _wrong(source: Source, seconds: float) -> list[str]:
    if seconds <= 0:
        raise CannotLook(TOO_LONG)
    try:
        with within(seconds):
            return named(source, differing_now(source, found)) if (found := suspects(source)) else []
    except Busy as error:
        raise CannotLook(AT_IT) from error


def _differing(one: str, other: str) -> str:
    return f"(({one} EXCEPT {other}) UNION ALL ({other} EXCEPT {one})) differing"


def _things() -> str:
    """A row for each fact that sums count, with all measures."""
    rows = [
        (_OF_APPOINTMENT, "fact_appointment"),
        (_OF_VISIT, "fact_visit WHERE status <> 'entered_in_error'"),
    ]
    selects = []
    for of, table in rows:
        measures = ", ".join(f"{of.get(name, 0)} AS {name}" for name in _MEASURES)
        selects.append(f"SELECT date, doctor_id, facility_id, department_id, {measures} FROM {table}")
    return " UNION ALL ".join(selects)


def _sums(table: str, cell: dict[str, str]) -> str:
    made = ", ".join(f"{sql} AS {name}" for name, sql in cell.items())
    sums = ", ".join(f"sum({name}) AS {name}" for name in _MEASURES)
    of_facts = f"SELECT {made}, {sums} FROM ({_things()}) things GROUP BY {', '.join(cell.values())}"
    there = f"SELECT {', '.join(cell)}, {', '.join(_MEASURES)} FROM {table}"
    return f"""
        SELECT DISTINCT concat_ws(' ', '{table}', {_named(cell)}), 'This sum is not that of its facts.' FROM {_differing(of_facts, there)}
    """


def _named(cell) -> str:
    """Days and months, and the public ids of what the keys stand for."""
    told = {
        "doctor_id": "(SELECT public_id FROM dim_doctor WHERE id = doctor_id)",
        "department_id": "(SELECT public_id FROM dim_department WHERE id = department_id)",
    }
    return ", ".join(told.get(name, name) for name in cell if name != "facility_id")


def _view(view: str, of: str, key: str, measures: str) -> str:
    sums = ", ".join(f"sum({name})" for name in measures.split(", "))
    made, there = f"SELECT {key}, {sums} FROM {of} GROUP BY {key}", f"SELECT {key}, {measures} FROM {view}"
    return f"""
        SELECT DISTINCT concat('{view} ', {key.split(",")[0]}), 'The view does not show its sums.' FROM {_differing(made, there)}
         WHERE NOT EXISTS (SELECT FROM etl_state WHERE views_behind)
    """


SUMS = rows_of(
    " UNION ALL ".join(
        [*(_sums(table, cell) for table, cell in _CELLS.items()), *(_view(view, *what) for view, what in _VIEWS.items())],
    )
)
