"""Rows into tables by COPY, as fast as the database takes them, and all of its rules checked once at the end."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from django.db import connection, models
from django.db.models import NOT_PROVIDED
from psycopg import sql

_CHUNK = 5_000
NULL = r"\N"


class Sheet:
    """Lines of COPY for one table: the columns that vary are given, every other one has its field's default."""

    def __init__(self, model: type[models.Model], *varying: str):
        constant = {name: value for name, value in _defaults(model) if name not in varying}
        self.model = model
        self.columns = [*varying, *constant]
        self._line = "\t".join(["%s"] * len(varying) + [text.replace("%", "%%") for text in constant.values()]) + "\n"

    def line(self, *values) -> str:
        """In the order of the varying columns; text must be free of tabs, line breaks and backslashes. NULL stands for no value."""
        return self._line % values

    @property
    def copy_statement(self) -> sql.Composed:
        columns = sql.SQL(", ").join(map(sql.Identifier, self.columns))
        return sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(self.model._meta.db_table), columns)

    def first_free_id(self) -> int:
        return (self.model.objects.aggregate(models.Max("pk"))["pk__max"] or 0) + 1


def copy_into(sheet: Sheet, lines: Iterable[str], *, tick: Callable[[int], None]) -> int:
    """How many rows there were. Memory holds one chunk of them; `tick` is told the size of each."""
    total = 0
    with connection.cursor() as cursor, cursor.copy(sheet.copy_statement) as copy:
        for chunk in _chunks(lines):
            copy.write("".join(chunk))
            total += len(chunk)
            tick(len(chunk))
    _advance_sequence(sheet.model)
    return total


def uuid_of(kind: str, number: int) -> str:
    """The same in every run, and spread over the index as random ones are."""
    text = hashlib.md5(f"{kind}:{number}".encode(), usedforsecurity=False).hexdigest()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


@contextmanager
def rules_set_aside(tables: list[str]) -> Iterator[None]:
    """Indexes, constraints and triggers of the tables are taken away and put back in the transaction that this runs in.

    PostgreSQL checks every row against each constraint as it is put back, and a failure, a crash or a
    kill on the way rolls the rules' absence back too. Triggers do not look back: what they hold is
    the generator's to keep, and `manage.py verify` checks it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL maintenance_work_mem = '256MB'")
        cursor.execute("SET LOCAL lock_timeout = '10s'")
        cursor.execute("SET LOCAL statement_timeout = 0")
        taken = _take_away(cursor, tables)
        yield
        for statement in taken:
            cursor.execute(statement)
        for table in tables:
            cursor.execute(f'ALTER TABLE "{table}" ENABLE TRIGGER USER')


def _take_away(cursor, tables: list[str]) -> list[str]:
    """Statements that put back what was taken, in an order that works."""
    for table in tables:
        cursor.execute(f'ALTER TABLE "{table}" DISABLE TRIGGER USER')
    cursor.execute(_CONSTRAINTS, [tables])
    constraints = cursor.fetchall()
    for table, name, _ in reversed(constraints):
        cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    cursor.execute(_INDEXES, [tables])
    indexes = cursor.fetchall()
    for name, _ in indexes:
        cursor.execute(f'DROP INDEX "{name}"')
    return [definition for _, definition in indexes] + [
        f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}' for table, name, definition in constraints
    ]


# What a foreign key points at stays; foreign keys themselves come back last.
_CONSTRAINTS = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE conrelid = ANY(%s::regclass[]) AND contype IN ('f', 'x', 'u')
      AND (contype = 'f' OR NOT EXISTS (
          SELECT FROM pg_constraint AS pointing WHERE pointing.contype = 'f' AND pointing.conindid = pg_constraint.conindid
      ))
    ORDER BY contype = 'f', oid
"""
_INDEXES = """
    SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
    WHERE indrelid = ANY(%s::regclass[])
      AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
    ORDER BY indexrelid
"""


def _defaults(model: type[models.Model]) -> Iterator[tuple[str, str]]:
    """(column, text of COPY) of all columns that Django, and not the database, would fill."""
    for field in model._meta.concrete_fields:
        if field.primary_key or field.generated or field.db_default is not NOT_PROVIDED:
            continue
        value = field.get_db_prep_save(field.get_default(), connection)
        yield field.column, NULL if value is None else str(value)


def _chunks(lines: Iterable[str]) -> Iterator[list[str]]:
    chunk = []
    for line in lines:
        chunk.append(line)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _advance_sequence(model: type[models.Model]) -> None:
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM \"{table}\"))")
