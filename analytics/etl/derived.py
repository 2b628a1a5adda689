"""Tables that are derived from others by SQL: brought up to date in the same statement that finds out what differs."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.conf import settings
from django.db import connection, models


@dataclass(frozen=True)
class Scope:
    """Which rows: a condition on the derived table, one on what it is derived from, and their parameters."""

    of_target: str
    of_source: str
    params: dict[str, Any]


@dataclass(frozen=True)
class Derived:
    """`sql` selects the table's columns by name, in any order, from rows that meet {scope}; {zone} is the clinic's time zone.

    `keys` tell its rows apart. `cell` are columns of which a change tells what its sums are made of.
    """

    model: type[models.Model]
    sql: str
    keys: tuple[str, ...]
    cell: tuple[str, ...] = ()

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    @cached_property
    def columns(self) -> list[str]:
        return [field.column for field in self.model._meta.local_concrete_fields if not isinstance(field, models.AutoField)]

    def refresh(self, scope: Scope) -> int:
        """How many rows of the scope were not what they should be. They are now; rows that were right are not written."""
        with connection.cursor() as cursor:
            cursor.execute(f"{self._statement(scope)} SELECT count(*) FROM changed", self._params(scope))
            return cursor.fetchone()[0]

    def refresh_cells(self, scope: Scope) -> tuple[int, set[tuple]]:
        """As refresh, and the cells that lost, got or changed a row."""
        width = len(self.cell)
        with connection.cursor() as cursor:
            cursor.execute(f"{self._statement(scope)} SELECT * FROM changed", self._params(scope))
            rows = cursor.fetchall()
        cells = {row[:width] for row in rows} | {row[width:] for row in rows}
        return len(rows), cells - {(None,) * width}

    def is_empty(self) -> bool:
        return not self.model._base_manager.exists()

    def fill(self, scope: Scope) -> int:
        """As refresh, of a table that has no row of the scope: several times as fast, and without a look at its unique keys."""
        columns = ", ".join(self.columns)
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {self.table} ({columns}) SELECT {columns} FROM ({self._derived(scope)}) derived", self._params(scope)
            )
            return cursor.rowcount

    def differing(self, scope: Scope) -> tuple[str, dict]:
        """SQL, with its parameters, of the last key of each row that is not what it should be."""
        columns = ", ".join(self.columns)
        derived = f"SELECT {columns} FROM ({self._derived(scope)}) derived"
        there = f"SELECT {columns} FROM {self.table} target WHERE {scope.of_target}"
        return (
            f"SELECT DISTINCT {self.keys[-1]} FROM (({derived} EXCEPT {there}) UNION ({there} EXCEPT {derived})) differing",
            self._params(scope),
        )

    def _derived(self, scope: Scope) -> str:
        return self.sql.format(scope=scope.of_source, zone="%(zone)s")

    def _params(self, scope: Scope) -> dict:
        return {"zone": settings.TIME_ZONE} | scope.params

    def _statement(self, scope: Scope) -> str:
        """`changed` has (the cell before, the cell now) of each row that is written or removed."""
        table, columns = self.table, ", ".join(self.columns)
        values = [name for name in self.columns if name not in self.keys]
        assigned = ", ".join(f"{name} = EXCLUDED.{name}" for name in values)
        now, new = (", ".join(f"{of}.{name}" for name in values) for of in (table, "EXCLUDED"))
        same_key = " AND ".join(f"derived.{name} = target.{name}" for name in self.keys)
        cell = self.cell or self.keys[:1]
        before = ", ".join(f"old.{name} AS old_{name}" for name in cell)
        after = ", ".join(f"new.{name} AS new_{name}" for name in cell)
        return f"""
            WITH derived AS MATERIALIZED ({self._derived(scope)}),
            gone AS (
                DELETE FROM {table} target WHERE {scope.of_target} AND NOT EXISTS (SELECT FROM derived WHERE {same_key})
                RETURNING {before}, {after}
            ),
            written AS (
                INSERT INTO {table} ({columns}) SELECT {columns} FROM derived
                ON CONFLICT ({", ".join(self.keys)}) DO UPDATE SET {assigned} WHERE ({now}) IS DISTINCT FROM ({new})
                RETURNING {before}, {after}
            ),
            changed AS (SELECT * FROM gone UNION ALL SELECT * FROM written)
        """
