"""Whether a start has anything to prepare, found out without starting Django.

Asking Django costs one to two seconds, five on a busy machine: most of what a second start takes.
"""

import hashlib
import json
from pathlib import Path

import psycopg

PROJECT = Path(__file__).resolve().parents[2]
# What the database, its roles' rights and the static files are made from. Libraries change only with the requirements.
SOURCES = (
    "*/migrations/*.py",
    "clinic/*/migrations/*.py",
    "*/models/**/*.py",
    "clinic/*/models.py",
    "clinic/core/privileges.py",
    "clinic/ops/grants.py",
    "static/**/*",
    "requirements*.txt",
)
# The same for every address of one database, another one for a new database of the same name.
IDENTITY_SQL = """
    select (select system_identifier from pg_control_system()) || '/' || oid
    from pg_database where datname = current_database()
"""
CONTENT_SQL = "select (select count(*) from django_migrations), exists (select from accounts_user)"


class Stamp:
    """Remembers what a step was last done for."""

    def __init__(self, path: Path):
        self._path = path

    def read(self) -> dict:
        return json.loads(self._path.read_text()) if self._path.exists() else {}

    def write(self, facts: dict):
        self._path.write_text(json.dumps(facts))


def is_current(data_dir: Path, logins: Path, database_url: str) -> bool:
    """True if nothing has changed since the last complete preparation."""
    known = Stamp(data_dir / "prepared.stamp").read()
    return bool(known) and known == _facts(logins, database_url) and (data_dir / "static").exists()


def remember(data_dir: Path, logins: Path, database_url: str):
    """Say that all is prepared for what is there now."""
    Stamp(data_dir / "prepared.stamp").write(_facts(logins, database_url))


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _facts(logins: Path, database_url: str) -> dict:
    return {"sources": _sources(), "logins": digest(logins), "database": _database(database_url)}


def _sources() -> str:
    """Changes whenever one of the files does; by size and time, for they are many."""
    found = hashlib.sha256()
    for pattern in SOURCES:
        for path in sorted(PROJECT.glob(pattern)):
            facts = path.stat()
            found.update(f"{path} {facts.st_size} {facts.st_mtime_ns}\n".encode())
    return found.hexdigest()


def _database(url: str) -> list:
    """Which database it is, how many migrations it has had, whether it has users; [] without tables."""
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            return [*connection.execute(IDENTITY_SQL).fetchone(), *connection.execute(CONTENT_SQL).fetchone()]
    except psycopg.errors.UndefinedTable:
        return []
