"""A real main database with a real copy that streams from it, and Django's connections to both."""

import os
import secrets
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from django.db import connections

from clinic.core.replica import REPLICA
from clinic.ops.servers.data_dir import DataDir
from clinic.ops.servers.postgres import Postgres
from clinic.ops.servers.service import NotReady, Service
from clinic.ops.servers.stopping import StopSwitch
from clinic.ops.servers.supervisor import Supervisor
from clinic.testing import migrated_database

PATIENCE_S = 60


@contextmanager
def supervised():
    """Runs servers in a throwaway folder."""
    data_dir = DataDir(Path(tempfile.gettempdir(), f"clinic-test-{secrets.token_hex(6)}"))
    data_dir.open_now()
    supervisor = Supervisor(data_dir, StopSwitch(), report=lambda sentence: None)
    try:
        yield supervisor
    finally:
        supervisor.shutdown()
        data_dir.close()
        data_dir.remove()


def program(server: Postgres, name: str, *arguments, given: bytes = b"") -> bytes:
    """What one of PostgreSQL's programs writes, run as the server's account."""
    command = [Path(server.argv[0]).parent / name, *arguments]
    options = server.popen_arguments
    done = subprocess.run(command, input=given, capture_output=True, env=server.env, cwd=server.cwd, check=False, **options)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def parts(url: str) -> dict:
    there = urlsplit(url)
    return {"USER": there.username, "PASSWORD": there.password, "HOST": there.hostname, "PORT": there.port, "NAME": there.path[1:]}


@contextmanager
def copied_to(server: Postgres):
    """Django's main database is a new one on that server meanwhile, with all migrations."""
    main = connections["default"]
    former = dict(main.settings_dict)
    url = server.url.rpartition("/")[0] + "/looked_back"
    with psycopg.connect(server.url, autocommit=True) as owner:
        owner.execute("CREATE DATABASE looked_back")
    with migrated_database() as name:
        of = "postgresql://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**former | {"NAME": name})
        dump = program(server, "pg_dump", "--no-owner", "--no-privileges", of)
    program(server, "psql", "-q", "-v", "ON_ERROR_STOP=1", url, given=dump)
    main.close()
    main.settings_dict |= parts(url)
    try:
        yield
    finally:
        main.close()
        main.settings_dict |= former


@dataclass
class Standby(Service):
    url: str = ""

    def check_ready(self):
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError as error:
            raise NotReady(error) from None


class Copy:
    """Streams from the main database; Django's `replica` meanwhile."""

    def __init__(self, supervisor: Supervisor, server: Postgres):
        self._supervisor, self._server, self._name = supervisor, server, f"standby-{secrets.token_hex(3)}"
        data, port = server.cwd / self._name, supervisor.data_dir.port(self._name)
        program(server, "pg_basebackup", "-D", data, "-R", "-X", "stream", "-c", "fast", "--no-sync", "-d", server.url)
        argv = [*server.argv[:2], data, *(each for each in server.argv[3:] if not each.startswith("--port=")), f"--port={port}"]
        former = urlsplit(server.url)
        self.url = former._replace(netloc=former.netloc.replace(f":{former.port}", f":{port}"), path="/looked_back").geturl()
        self._service = Standby(self._name, argv, server.env, server.cwd, signal.SIGINT, 20, server.popen_arguments, url=self.url)
        self.start()

    def start(self):
        self._supervisor.start([self._service])
        self.catch_up()

    def end(self):
        """At once, as in a crash, without a word to those who are connected; returns when all of it is gone."""
        first = int((self._server.cwd / self._name / "postmaster.pid").read_text().split()[0])
        os.kill(first, signal.SIGQUIT)
        os.waitpid(first, 0)

    def ask(self, sql: str):
        with psycopg.connect(self.url, autocommit=True) as owner:
            return owner.execute(sql).fetchone()[0]

    def catch_up(self):
        """Returns when it has all that the main database wrote until now."""
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT pg_current_wal_lsn()::text")
            written = cursor.fetchone()[0]
        self._wait_until(f"SELECT pg_last_wal_replay_lsn() >= '{written}'")

    @contextmanager
    def standing_still(self):
        """It takes nothing over meanwhile."""
        self.ask("SELECT pg_wal_replay_pause() IS NULL")
        self._wait_until("SELECT pg_get_wal_replay_pause_state() = 'paused'")
        yield
        self.ask("SELECT pg_wal_replay_resume() IS NULL")
        self.catch_up()

    def _wait_until(self, question: str):
        deadline = time.monotonic() + PATIENCE_S
        while not self.ask(question):
            assert time.monotonic() < deadline, question
            time.sleep(0.02)

    @contextmanager
    def known_to_django(self):
        connections.databases[REPLICA] = {**connections["default"].settings_dict, **parts(self.url)}
        connections.databases[REPLICA]["OPTIONS"] = {"connect_timeout": 2, "options": "-c default_transaction_read_only=on"}
        try:
            yield
        finally:
            connections[REPLICA].close()
            del connections[REPLICA]
            del connections.databases[REPLICA]
