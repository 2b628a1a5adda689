"""PostgreSQL's rows out of and into a folder, by COPY, on a connection of its own."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import connection
from psycopg import sql

from clinic.ops.backup.errors import BackupError
from clinic.ops.backup.folder import Folder, Manifest, Part, sha256_of

STORE = "postgresql"
# No limit of time, and every value in one way of writing, whatever the server's settings are.
SETTINGS = "-c statement_timeout=0 -c lock_timeout=10s -c timezone=UTC -c datestyle=ISO -c intervalstyle=postgres -c bytea_output=hex"
# What a migration puts there before anybody uses the clinic.
MADE_BY_MIGRATIONS = {"auth_group", "auth_permission", "django_content_type", "django_migrations", "pharmacy_store"}
_COLUMNS = """
    SELECT c.relname::text, array_agg(a.attname::text ORDER BY a.attnum) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
     GROUP BY c.relname ORDER BY c.relname
"""
_SEQUENCES = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'S' ORDER BY 1"
_KEYS = """
    SELECT a.attname::text FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
     WHERE i.indrelid = %s::regclass AND i.indisprimary ORDER BY a.attnum
"""
_VIEWS = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'm' ORDER BY oid"


@contextmanager
def connected() -> Iterator[psycopg.Connection]:
    known = connection.get_connection_params()
    address = {name: known[name] for name in ("host", "port", "user", "password", "dbname") if name in known}
    with psycopg.connect(**address, options=SETTINGS, connect_timeout=5) as own:
        yield own


def migrations(database: psycopg.Connection) -> list[str]:
    """All that are applied; [] in a database without any. Raises BackupError when there are no tables."""
    try:
        found = database.execute("SELECT app || '.' || name FROM django_migrations ORDER BY 1").fetchall()
    except psycopg.errors.UndefinedTable as error:
        raise BackupError("The database has no tables: run 'manage.py migrate' first.") from error
    return [name for (name,) in found]


def tables(database: psycopg.Connection) -> dict[str, list[str]]:
    """The columns of each table, without those that PostgreSQL computes."""
    return dict(database.execute(_COLUMNS).fetchall())


# --- Out ---------------------------------------------------------------------------------------


def begin_snapshot(database: psycopg.Connection) -> None:
    """What is read from here on is of this moment."""
    database.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    database.read_only = True


def dump(database: psycopg.Connection, folder: Folder, manifest: Manifest) -> None:
    for table, columns in tables(database).items():
        count = database.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()[0]
        manifest.tables[table] = Part(count, folder.write(STORE, table, _rows_of(database, table, columns)), columns)
    for (name,) in database.execute(_SEQUENCES).fetchall():
        state = database.execute(sql.SQL("SELECT last_value, is_called FROM {}").format(sql.Identifier(name))).fetchone()
        manifest.sequences[name] = list(state)


def _rows_of(database: psycopg.Connection, table: str, columns: list[str]) -> Iterator[bytes]:
    """In the order of the key: the same rows are the same bytes."""
    keys = [name for (name,) in database.execute(_KEYS, [table]).fetchall()]
    copy = sql.SQL("COPY (SELECT {} FROM {} ORDER BY {}) TO STDOUT").format(_listed(columns), sql.Identifier(table), _listed(keys))
    with database.cursor() as cursor, cursor.copy(copy) as pieces:
        yield from map(bytes, pieces)


def _listed(names: list[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


# --- Back --------------------------------------------------------------------------------------


def check_target(database: psycopg.Connection, manifest: Manifest) -> None:
    """Raises BackupError when the database holds anything, or is not made by the same migrations as the backup's."""
    here, there = set(migrations(database)), set(manifest.migrations)
    if here != there:
        raise BackupError(
            "The backup was made by another version. "
            f"Only in the backup: {_some(there - here)}. Only here: {_some(here - there)}. "
            "Restore with the version of the backup, then update."
        )
    used = [name for name in tables(database) if name not in MADE_BY_MIGRATIONS and _has_rows(database, name)]
    if used:
        raise BackupError(f"The database is not empty; there are rows in {_some(used)}. A restore is into an empty one only.")


def _some(names) -> str:
    named = sorted(names)
    return ", ".join(named[:5]) + (f" and {len(named) - 5} more" if len(named) > 5 else "") or "none"


def _has_rows(database: psycopg.Connection, table: str) -> bool:
    return database.execute(sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.Identifier(table))).fetchone()[0]


def load(database: psycopg.Connection, folder: Folder, manifest: Manifest) -> None:
    """All rows, in the transaction that this runs in. Triggers are set aside meanwhile: they did their work once."""
    _switch_triggers(database, manifest, "DISABLE")
    database.execute(sql.SQL("TRUNCATE {}").format(_listed(list(manifest.tables))))
    database.execute("SET CONSTRAINTS ALL DEFERRED")
    for table, part in manifest.tables.items():
        copy = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), _listed(part.columns))
        with database.cursor() as cursor, cursor.copy(copy) as into:
            for piece in folder.read(STORE, table):
                into.write(piece)
    database.execute("SET CONSTRAINTS ALL IMMEDIATE")
    _switch_triggers(database, manifest, "ENABLE")
    for name, (last_value, is_called) in manifest.sequences.items():
        database.execute("SELECT setval(%s::regclass, %s, %s)", [f'public."{name}"', last_value, is_called])
    for (name,) in database.execute(_VIEWS).fetchall():
        database.execute(sql.SQL("REFRESH MATERIALIZED VIEW {}").format(sql.Identifier(name)))


def _switch_triggers(database: psycopg.Connection, manifest: Manifest, verb: str) -> None:
    for table in manifest.tables:
        database.execute(sql.SQL("ALTER TABLE {} {} TRIGGER USER").format(sql.Identifier(table), sql.SQL(verb)))


def differing(database: psycopg.Connection, manifest: Manifest) -> list[str]:
    """Tables whose rows are not, byte for byte, those of the backup."""
    return [table for table, part in manifest.tables.items() if sha256_of(_rows_of(database, table, part.columns)) != part.sha256]
