"""Which sums are made of what. Each level is summed from the one below, the lowest from facts."""

from dataclasses import dataclass

from analytics.etl.derived import Derived, Scope
from analytics.models import DepartmentMonth, DoctorDay, DoctorMonth, DoctorYear
from analytics.models.rollups import MEASURES

_TYPES = {"date": "date", "month": "date", "year": "int", "doctor_id": "bigint", "facility_id": "bigint", "department_id": "bigint"}
_SUMS = ", ".join(f"sum({name}) AS {name}" for name in MEASURES)

DAY = """
    WITH booked AS (
        SELECT fact.date, fact.doctor_id, fact.facility_id, max(fact.department_id) AS department_id,
               count(*) FILTER (WHERE status <> 'rescheduled') AS appointments,
               count(*) FILTER (WHERE status IN ('booked', 'checked_in', 'in_consultation')) AS booked,
               count(*) FILTER (WHERE status = 'completed') AS completed,
               count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
               count(*) FILTER (WHERE is_no_show) AS no_shows,
               count(*) FILTER (WHERE is_overbooked AND status <> 'rescheduled') AS overbooked,
               COALESCE(sum(minutes) FILTER (WHERE status NOT IN ('rescheduled', 'cancelled')), 0) AS minutes
          FROM fact_appointment fact
         WHERE {scope}
         GROUP BY 1, 2, 3
    ),
    seen AS (
        SELECT fact.date, fact.doctor_id, fact.facility_id, max(fact.department_id) AS department_id,
               count(*) AS visits, count(*) FILTER (WHERE is_walk_in) AS walk_ins,
               count(wait_minutes) AS waits, COALESCE(sum(wait_minutes), 0) AS wait_minutes,
               count(consult_minutes) AS consultations, COALESCE(sum(consult_minutes), 0) AS consult_minutes,
               sum(charge) AS charge
          FROM fact_visit fact
         WHERE fact.status <> 'entered_in_error' AND {scope}
         GROUP BY 1, 2, 3
    )
    SELECT date, doctor_id, facility_id, COALESCE(booked.department_id, seen.department_id) AS department_id,
           COALESCE(appointments, 0) AS appointments, COALESCE(booked, 0) AS booked, COALESCE(completed, 0) AS completed,
           COALESCE(cancelled, 0) AS cancelled, COALESCE(no_shows, 0) AS no_shows, COALESCE(overbooked, 0) AS overbooked,
           COALESCE(minutes, 0) AS minutes, COALESCE(visits, 0) AS visits, COALESCE(walk_ins, 0) AS walk_ins,
           COALESCE(waits, 0) AS waits, COALESCE(wait_minutes, 0) AS wait_minutes, COALESCE(consultations, 0) AS consultations,
           COALESCE(consult_minutes, 0) AS consult_minutes, COALESCE(charge, 0) AS charge
      FROM booked FULL JOIN seen USING (date, doctor_id, facility_id)
"""
MONTH = f"""
    WITH wanted AS MATERIALIZED ({{scope}})
    SELECT wanted.month, wanted.doctor_id, wanted.facility_id, max(part.department_id) AS department_id, {_SUMS}
      FROM wanted JOIN doctor_day part
        ON part.doctor_id = wanted.doctor_id AND part.facility_id = wanted.facility_id
       AND part.date >= wanted.month AND part.date < wanted.month + interval '1 month'
     GROUP BY 1, 2, 3
"""
YEAR = f"""
    WITH wanted AS MATERIALIZED ({{scope}})
    SELECT wanted.year, wanted.doctor_id, max(part.department_id) AS department_id, {_SUMS}
      FROM wanted JOIN doctor_month part
        ON part.doctor_id = wanted.doctor_id
       AND part.month >= make_date(wanted.year, 1, 1) AND part.month < make_date(wanted.year + 1, 1, 1)
     GROUP BY 1, 2
"""
DEPARTMENT_MONTH = f"""
    WITH wanted AS MATERIALIZED ({{scope}})
    SELECT wanted.month, wanted.department_id, {_SUMS}
      FROM wanted JOIN doctor_month part USING (month, department_id)
     GROUP BY 1, 2
"""


@dataclass(frozen=True)
class Rollup:
    """A table of sums of facts, or of the sums below it; `everything` selects all of its keys from those."""

    derived: Derived
    everything: str = "true"
    of_facts: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        return self.derived.keys

    def by_cells(self, cells: set[tuple]) -> Scope:
        columns = {name: [cell[place] for cell in sorted(cells)] for place, name in enumerate(self.keys)}
        arrays = ", ".join(f"%({name})s::{_TYPES[name]}[]" for name in self.keys)
        wanted = f"SELECT * FROM unnest({arrays}) wanted ({', '.join(self.keys)})"
        of_target, of_fact = (f"({', '.join(f'{of}.{name}' for name in self.keys)}) IN ({wanted})" for of in ("target", "fact"))
        return Scope(of_target, of_fact if self.of_facts else wanted, columns)

    def whole(self) -> Scope:
        return Scope("true", self.everything, {})


DOCTOR_DAY = Rollup(
    Derived(DoctorDay, DAY, keys=("doctor_id", "date", "facility_id"), cell=("date", "doctor_id", "facility_id", "department_id")),
    of_facts=True,
)
DOCTOR_MONTH = Rollup(
    Derived(DoctorMonth, MONTH, keys=("doctor_id", "month", "facility_id"), cell=("month", "doctor_id", "department_id")),
    "SELECT DISTINCT date_trunc('month', date)::date AS month, doctor_id, facility_id FROM doctor_day",
)
DOCTOR_YEAR = Rollup(
    Derived(DoctorYear, YEAR, keys=("doctor_id", "year")),
    "SELECT DISTINCT extract(year FROM month)::int AS year, doctor_id FROM doctor_month",
)
DEPARTMENT_MONTHS = Rollup(
    Derived(DepartmentMonth, DEPARTMENT_MONTH, keys=("department_id", "month")),
    "SELECT DISTINCT month, department_id FROM doctor_month",
)
ROLLUPS = (DOCTOR_DAY, DOCTOR_MONTH, DOCTOR_YEAR, DEPARTMENT_MONTHS)


def refresh_touched(cells: set[tuple]) -> int:
    """Bring all sums up to date that cells (date, doctor, facility) of facts are part of; how many rows changed."""
    if not cells:
        return 0
    by_day = {(doctor, day, facility) for day, doctor, facility in cells}
    changed, days = DOCTOR_DAY.derived.refresh_cells(DOCTOR_DAY.by_cells(by_day))
    if not days:
        return changed
    by_month = {(doctor, day.replace(day=1), facility) for day, doctor, facility, _ in days}
    written, months = DOCTOR_MONTH.derived.refresh_cells(DOCTOR_MONTH.by_cells(by_month))
    changed += written
    if months:
        changed += DOCTOR_YEAR.derived.refresh(DOCTOR_YEAR.by_cells({(doctor, month.year) for month, doctor, _ in months}))
        changed += DEPARTMENT_MONTHS.derived.refresh(DEPARTMENT_MONTHS.by_cells({(department, month) for month, _, department in months}))
    return changed
