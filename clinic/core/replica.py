"""Reads that only look back, sent to a copy that follows the main database, where DATABASE_REPLICA_URL names one.

All writes, and all reads that decide something, stay with the main database. It also answers when the copy cannot,
or is late; then that is said.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connections
from django.db.models import TextChoices

from clinic.core.breaker import Breaker
from clinic.core.db import is_database_down, sqlstate_of

REPLICA = "replica"
MOST_LAG_S = 60
_WRITTEN = "SELECT pg_current_wal_lsn()"
# Whether it follows at all; whether it has all that was written, or of late took something over.
_FOLLOWED = """
    SELECT pg_is_in_recovery(),
           pg_last_wal_replay_lsn() >= %s::pg_lsn OR pg_last_xact_replay_timestamp() > now() - make_interval(secs => %s)
"""
_CONFLICT_WITH_RECOVERY = "40001"

Answer = TypeVar("Answer")


class Instead(TextChoices):
    """Why the main database answered in place of its copy."""

    DOWN = "down", "The copy of the database that is meant for reading cannot be reached. The main database answered."
    LATE = "late", "The copy of the database that is meant for reading is more than a minute behind. The main database answered."
    NO_COPY = "no-copy", "DATABASE_REPLICA_URL names a database that follows no other. The main database answered."


class ReplicaDown(Exception):
    """It failed a moment ago and is not asked again yet."""


breaker = Breaker(ReplicaDown, open_for_s=10.0)
_reads: ContextVar[str] = ContextVar("reads", default=DEFAULT_DB_ALIAS)


class Router:
    """One database under two addresses."""

    def db_for_read(self, model, **hints) -> str:
        return _reads.get()

    def db_for_write(self, model, **hints) -> str:
        return DEFAULT_DB_ALIAS

    def allow_relation(self, one, other, **hints) -> bool:
        return True

    def allow_migrate(self, db, app_label, **hints) -> bool:
        return db == DEFAULT_DB_ALIAS


def reads() -> str:
    """The alias of the database that is to be read from here, for SQL: `connections[reads()]`."""
    return _reads.get()


def looking_back(ask: Callable[[], Answer]) -> tuple[Answer, str]:
    """(what ask() answers, reading from the copy where there is one; why the main database answered instead, or "").

    `ask` may run twice: it writes nothing, and what it returns is whole, not still to be read.
    """
    if REPLICA not in connections.databases:
        return ask(), ""
    try:
        breaker.check()
        if instead := _unfit():
            return ask(), instead
        with _reading_from(REPLICA):
            return ask(), ""
    except ReplicaDown:
        return ask(), Instead.DOWN
    except (OperationalError, InterfaceError) as error:
        if not is_database_down(error) and sqlstate_of(error) != _CONFLICT_WITH_RECOVERY:
            raise
        connections[REPLICA].close()
        breaker.trip()
        return ask(), Instead.DOWN


def _unfit() -> str:
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(_WRITTEN)
        written = cursor.fetchone()[0]
    with connections[REPLICA].cursor() as cursor:
        cursor.execute(_FOLLOWED, [written, MOST_LAG_S])
        follows, is_near = cursor.fetchone()
    if not follows:
        return Instead.NO_COPY
    return "" if is_near else Instead.LATE


@contextmanager
def _reading_from(alias: str) -> Iterator[None]:
    token = _reads.set(alias)
    try:
        yield
    finally:
        _reads.reset(token)
