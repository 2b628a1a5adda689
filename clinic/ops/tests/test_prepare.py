"""What a start does to a database that it did not make."""

import os
import secrets

import psycopg
import pytest

from clinic.accounts.models import User
from clinic.ops import freshness, prepare

pytestmark = pytest.mark.django_db


@pytest.fixture
def logins(tmp_path):
    path = tmp_path / "logins.json"
    path.write_text("{}")
    return path


def test_database_with_users_of_its_own_gets_no_demo_data(tmp_path, logins, capsys):
    User.objects.create_user("somebody")
    stamp = freshness.Stamp(tmp_path / "seed.stamp")

    prepare.seed(stamp, logins)

    assert "no demo data was added" in capsys.readouterr().out
    assert User.objects.count() == 1
    assert stamp.read() == {}


def test_database_that_this_folder_filled_is_left_as_it_is(tmp_path, logins, capsys):
    stamp = freshness.Stamp(tmp_path / "seed.stamp")
    stamp.write(prepare.seed_facts(logins) | {"done": True})

    prepare.seed(stamp, logins)

    assert capsys.readouterr().out == ""
    assert not User.objects.exists()


def test_new_passwords_are_reason_enough_to_fill_again(tmp_path, logins):
    stamp = freshness.Stamp(tmp_path / "seed.stamp")
    stamp.write(prepare.seed_facts(logins) | {"done": True})

    logins.write_text('{"doctor": {}}')

    assert not prepare.is_filled(stamp, logins)


def test_up_to_date_database_is_not_migrated(capsys):
    prepare.migrate()

    assert capsys.readouterr().out == ""


def test_start_with_nothing_changed_has_nothing_to_prepare(tmp_path, logins, prepared_database):
    (tmp_path / "static").mkdir()

    freshness.remember(tmp_path, logins, prepared_database)

    assert freshness.is_current(tmp_path, logins, prepared_database)


def test_whatever_changed_is_looked_at_again(tmp_path, logins, prepared_database, monkeypatch):
    (tmp_path / "static").mkdir()
    freshness.remember(tmp_path, logins, prepared_database)

    with psycopg.connect(prepared_database) as connection:
        connection.execute("delete from django_migrations")
    migrations_changed = not freshness.is_current(tmp_path, logins, prepared_database)
    freshness.remember(tmp_path, logins, prepared_database)
    monkeypatch.setattr(freshness, "SOURCES", ("manage.py",))
    sources_changed = not freshness.is_current(tmp_path, logins, prepared_database)
    freshness.remember(tmp_path, logins, prepared_database)
    logins.write_text("{ }")

    assert migrations_changed
    assert sources_changed
    assert not freshness.is_current(tmp_path, logins, prepared_database)


def test_database_without_tables_is_never_current(tmp_path, logins, empty_database):
    assert not freshness.is_current(tmp_path, logins, empty_database)


@pytest.fixture
def empty_database():
    """A database of the test's own, on the server of the run."""
    server = os.environ["DATABASE_URL"].rpartition("/")[0]
    name = f"test_fresh_{secrets.token_hex(6)}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"create database {name}")
        yield f"{server}/{name}"
        connection.execute(f"drop database {name}")


@pytest.fixture
def prepared_database(empty_database):
    """The two tables that are looked at; the real ones take ten seconds to make."""
    with psycopg.connect(empty_database) as connection:
        connection.execute("create table django_migrations (id int); insert into django_migrations values (1)")
        connection.execute("create table accounts_user (id int)")
    return empty_database
