"""Shared pytest fixtures: real PostgreSQL, Redis and MongoDB, each with a name space of the run's own.

Start the tests through `make test`, or with DATABASE_URL, REDIS_URL and MONGODB_URL set.
"""

import hashlib
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from unittest import mock
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent

for name, value in {
    "SECRET_KEY": "only-for-tests-only-for-tests-only-for-tests",
    "AUDIT_KEY": "only-for-audits-in-tests-only-for-audits-in-tests",
    "DEBUG": "True",
    "SECURE_COOKIES": "False",
    "SECURE_SSL_REDIRECT": "False",
    "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
    "EMAIL_URL": "memorymail://",
    "DJANGO_ALLOW_ASYNC_UNSAFE": "true",
    "STATIC_ROOT": str(ROOT / "static"),  # whitenoise wants a folder that is there
}.items():
    os.environ[name] = value
# What a developer's shell has set for the running clinic must not steer the tests.
for name in (
    "DATABASE_APP_URL",
    "DATABASE_REPLICA_URL",
    "DEMO",
    "AUDIT_FORMER_KEYS",
    "AUDIT_ANCHOR_FILE",
    "METRICS_TOKEN",
    "DATABASE_POOL",
    "BROKER_TIMEOUT_S",
    "TIME_ZONE",
    "CURRENCY",
    "PAY_BEFORE_DISPENSE",
    "IDLE_LOCK_MINUTES",
    "IDLE_SIGN_OUT_MINUTES",
    "PRESCRIPTION_VALID_DAYS",
    "CONTROLLED_PRESCRIPTION_VALID_DAYS",
):
    os.environ.pop(name, None)

import pytest


def pytest_configure():
    """The tests' flush empties tables that the clinic's own connections cannot truncate; a busy machine is slow, not wrong."""
    from django.db.backends.signals import connection_created
    from hypothesis import HealthCheck, settings

    settings.register_profile("busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("busy machine")
    connection_created.connect(_may_truncate, dispatch_uid="tests may truncate")


def _may_truncate(connection, **kwargs):
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET clinic.may_truncate = 'on'")


@pytest.fixture(scope="session")
def _copied_from_template(django_db_blocker):
    """Every process's database is a copy of one that was migrated once, for all of them and for later runs."""
    from django.db import connection

    with django_db_blocker.unblock():
        connection.settings_dict["TEST"]["TEMPLATE"] = _migrated_template(connection)


def _migrated_template(connection) -> str:
    """The name of a database with all migrations, as their files stand now; made by whoever comes first."""
    name = f"template_{_hash_of_migrations()[:16]}"
    with connection._nodb_cursor() as cursor:
        cursor.execute("SET statement_timeout = 0; SET lock_timeout = 0")
        cursor.execute("SELECT pg_advisory_lock(hashtext(%s))", [name])
        cursor.execute("SELECT EXISTS (SELECT FROM pg_database WHERE datname = %s)", [name])
        if not cursor.fetchone()[0]:
            cursor.execute(f"DROP DATABASE IF EXISTS {name}_unfinished")
            cursor.execute(f"CREATE DATABASE {name}_unfinished")
            url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}_unfinished").geturl()
            subprocess.run(
                [sys.executable, ROOT / "manage.py", "migrate", "-v0", "--skip-checks"], env=os.environ | {"DATABASE_URL": url}, check=True
            )
            cursor.execute(f"ALTER DATABASE {name}_unfinished RENAME TO {name}")
    return name


@contextmanager
def migrated_database() -> Iterator[str]:
    """The name of a database of the test's own with all migrations, beside the tests' database."""
    from django.db import connection

    name = f"migrated_{secrets.token_hex(4)}"
    template = _migrated_template(connection)
    with connection._nodb_cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield name
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _hash_of_migrations() -> str:
    """Of the product's own; a copy that lacks one of a library's is brought up to date like any other database."""
    files = sorted(ROOT.glob("*/migrations/*.py")) + sorted(ROOT.glob("clinic/*/migrations/*.py"))
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()


@pytest.fixture(scope="session", autouse=True)
def _own_name_space(request):
    """MongoDB database and Redis keys named after the test database; both are emptied at the end."""
    from django.conf import settings
    from django.db import connection
    from django.test.utils import override_settings

    from clinic.core import mongo

    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    name = f"{settings.DATABASES['default']['TEST']['NAME'] or 'test_' + connection.settings_dict['NAME']}{worker}"
    hashers = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    with override_settings(MONGODB_DATABASE=name, REDIS_KEY_PREFIX=f"{name}:", CELERY_TASK_ALWAYS_EAGER=False, PASSWORD_HASHERS=hashers):
        yield
        _empty_stores(name)
        mongo.close_clients()


@pytest.fixture(scope="session", autouse=True)
def _no_healer():
    """The live server's process would heal queues behind the tests' backs, for as long as the run lasts."""
    with mock.patch.dict(os.environ), mock.patch("scheduling.healer.start"):
        import_module("clinic.wsgi")


@pytest.fixture(scope="session", autouse=True)
def _no_session_left(_copied_from_template, django_db_setup, django_db_blocker):
    """A browser's idle connection keeps a thread of the live server, and its session, beyond the last test.

    The database lets nobody in any more, so that none of them comes back before it is dropped.
    """
    yield
    from django.db import connection

    name = connection.settings_dict["NAME"]
    connection.close()
    with django_db_blocker.unblock(), connection._nodb_cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")
        cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])


def _empty_stores(name: str) -> None:
    from django.conf import settings
    from redis import Redis

    from clinic.core import mongo

    if settings.MONGODB_URL:
        mongo.database().client.drop_database(name)
    client = Redis.from_url(settings.REDIS_URL)
    for key in client.scan_iter(f"{name}:*"):
        client.delete(key)
    client.close()


@pytest.fixture(autouse=True)
def _closed_breakers():
    """A test that broke a store leaves no open breaker to the next."""
    from clinic.core import mongo, redis

    mongo.breaker.reset()
    redis.breaker.reset()


@pytest.fixture(autouse=True)
def _no_waking(monkeypatch):
    """Tests call tasks themselves; nothing is put on the broker."""
    monkeypatch.setattr("clinic.audit.services.waking._send", lambda: None)


@pytest.fixture
def mongodb_down(settings):
    """MongoDB cannot be reached for the length of the test."""
    from clinic.core import mongo

    settings.MONGODB_URL = "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=50"
    yield
    mongo.breaker.reset()
    mongo.close_clients()


@pytest.fixture
def mid_morning(settings):
    """The clinic's clock shows ten something, whenever the suite runs: its zone is one where that is so."""
    from datetime import UTC, datetime

    offset = (10 - datetime.now(UTC).hour + 12) % 24 - 12
    settings.TIME_ZONE = f"Etc/GMT{-offset:+d}"  # POSIX signs: Etc/GMT-3 is three hours east


@pytest.fixture
def api_as():
    """`api_as(user)`: an APIClient signed in by a real bearer token; `api_as(None)` a stranger."""
    from rest_framework.test import APIClient

    from clinic.accounts.services.tokens import open_session

    def make(user=None):
        client = APIClient()
        if user is not None:
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {open_session(user=user).access}")
        return client

    return make


@pytest.fixture
def client_as():
    """`client_as(user)`: Django's test client with the user's session; follows no redirects."""
    from django.test import Client

    def make(user):
        client = Client()
        client.force_login(user)
        return client

    return make


@pytest.fixture(scope="session")
def application_role(django_db_setup, django_db_blocker):
    """(name, password) of a database role with the application's privileges in the tests' database."""
    from django.db import connection

    from clinic.ops.grants import grant_to

    with django_db_blocker.unblock(), connection.cursor() as cursor:
        name, password = f"{connection.settings_dict['NAME']}_app", "only-for-tests"
        cursor.execute(f"DROP ROLE IF EXISTS {name}")
        cursor.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
        grant_to(name)
    yield name, password
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")


@pytest.fixture
def as_application(application_role, transactional_db):
    """While the test runs each connection to PostgreSQL has the privileges of the application's role, and no more."""
    from django.db import connection
    from django.db.backends.signals import connection_created

    def take_role(connection, **kwargs):
        with connection.cursor() as cursor:
            cursor.execute(f"SET ROLE {application_role[0]}")

    connection_created.connect(take_role)
    take_role(connection)
    yield
    connection_created.disconnect(take_role)
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")


@pytest.fixture
def at_once():
    """`at_once(call, call, ...)`: run the calls in parallel threads, each with its own connection.

    Returns, in order, what each returned or the exception that it raised. Needs
    `@pytest.mark.django_db(transaction=True)`: the threads must see committed rows.
    """
    from django.db import connection

    def run(*calls):
        results = [None] * len(calls)
        gate = threading.Barrier(len(calls))

        def work(index, call):
            gate.wait()
            try:
                results[index] = call()
            except Exception as error:  # noqa: BLE001  the test looks at it
                results[index] = error
            finally:
                connection.close()

        threads = [threading.Thread(target=work, args=item) for item in enumerate(calls)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        return results

    return run
