"""Bring the demo's database and static files up to date: one Django start, and only what is needed.

Run by clinic.ops.demo as a process of its own, so that the supervisor never loads Django.
"""

import hashlib
import os
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from clinic.ops.freshness import IDENTITY_SQL, Stamp, digest, remember


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")
    import django

    django.setup()
    from django.core.management import CommandError
    from django.db import DatabaseError

    data_dir, logins = Path(os.environ["DATA_DIR"]), Path(os.environ["CLINIC_LOGINS_FILE"])
    try:
        migrate()
        grant()
        collect_static(Stamp(data_dir / "static.stamp"))
        seed(Stamp(data_dir / "seed.stamp"), logins)
    except (CommandError, DatabaseError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    remember(data_dir, logins, os.environ["DATABASE_URL"])
    return 0


@contextmanager
def _step(title: str):
    """A line that says what takes the time."""
    print(f"  {title} ...", end="", flush=True)
    started = time.monotonic()
    yield
    print(f" {time.monotonic() - started:.1f} s", flush=True)


class Indented:
    """What a management command writes to: its lines stand below the line of our step."""

    def __init__(self, stream):
        self._stream = stream

    def write(self, line: str):
        self._stream.write(f"    {line}")

    def flush(self):
        self._stream.flush()


def migrate():
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        with _step("Setting up the database"):
            call_command("migrate", interactive=False, verbosity=0)


def grant():
    """Also when there is nothing to migrate: what the application's role may do can change by itself."""
    from clinic.ops.grants import app_role, grant_to

    if role := app_role():
        grant_to(role)


def collect_static(stamp: Stamp):
    from django.conf import settings
    from django.contrib.staticfiles.management.commands.collectstatic import Command
    from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
    from django.core.management import call_command

    command = Command()
    # The names and the manifest of production without its compression, which takes twenty times as long.
    command.storage = ManifestStaticFilesStorage()
    facts = {"root": str(settings.STATIC_ROOT), "files": _static_fingerprint()}
    if stamp.read() != facts or not Path(settings.STATIC_ROOT).exists():
        with _step("Collecting static files"):
            call_command(command, interactive=False, verbosity=0, clear=True)
        stamp.write(facts)


def _static_fingerprint() -> str:
    """Changes whenever a static file of the project or of a library does."""
    from django.contrib.staticfiles.finders import get_finders

    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list(ignore_patterns=[]):
            facts = Path(storage.path(name)).stat()
            digest.update(f"{name} {facts.st_size} {facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def seed(stamp: Stamp, logins: Path):
    """Fill an empty database, or finish one that we began to fill. A database with users that we know
    nothing of is somebody's clinic: it is left alone."""
    from django.contrib.auth import get_user_model
    from django.core.management import call_command

    if is_filled(stamp, logins):
        return
    facts = seed_facts(logins)
    ours = stamp.read().get("database") == facts["database"]
    if get_user_model().objects.exists() and not ours:
        print("  This database already has users: no demo data was added, and the logins below may not work.")
        return
    stamp.write(facts | {"done": False})
    print("  Filling the demo clinic:", flush=True)
    call_command("load_icd10", stdout=Indented(sys.stdout))
    call_command("seed", scale="small", stdout=Indented(sys.stdout))
    call_command("load_interactions", stdout=Indented(sys.stdout))
    stamp.write(facts | {"done": True})


def is_filled(stamp: Stamp, logins: Path) -> bool:
    return stamp.read() == seed_facts(logins) | {"done": True}


def seed_facts(logins: Path) -> dict:
    """What the demo data was made for: this database, these passwords."""
    return {"database": _database_identity(), "logins": digest(logins)}


def _database_identity() -> str:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(IDENTITY_SQL)
        return cursor.fetchone()[0]


if __name__ == "__main__":
    sys.exit(main())
