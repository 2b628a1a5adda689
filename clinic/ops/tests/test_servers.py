"""The own data servers, started and ended in every way a machine can do it."""

import contextlib
import json
import os
import signal
import socket
import stat
import time
from pathlib import Path

import psycopg
import pymongo
import pytest
import redis

from clinic.ops.servers import external, ports


def write_everywhere(urls):
    """One acknowledged write in each store."""
    with psycopg.connect(urls["DATABASE_URL"]) as connection:
        connection.execute("create table kept (word text)")
        connection.execute("insert into kept values ('kept')")
    with redis.Redis.from_url(urls["REDIS_URL"]) as client:
        client.set("word", "kept")
        client.waitaof(1, 0, 5000)  # Valkey syncs once a second; the others before they answer
    with pymongo.MongoClient(urls["MONGODB_URL"]) as client:
        client.clinic.kept.insert_one({"word": "kept"})


def read_everywhere(urls):
    with psycopg.connect(urls["DATABASE_URL"]) as connection:
        yield connection.execute("select word from kept").fetchone()[0]
    with redis.Redis.from_url(urls["REDIS_URL"], decode_responses=True) as client:
        yield client.get("word")
    with pymongo.MongoClient(urls["MONGODB_URL"]) as client:
        yield client.clinic.kept.find_one()["word"]


def process_ids(folder, urls):
    """By each server's own account, so that a test can kill it."""
    with redis.Redis.from_url(urls["REDIS_URL"]) as client:
        valkey = client.info("server")["process_id"]
    home = Path(json.loads((folder / "facts.json").read_text())["postgres_home"])
    postgres = int((folder / home / "data" / "postmaster.pid").read_text().split()[0])
    return {"DATABASE_URL": postgres, "REDIS_URL": valkey}


def test_stop_is_clean_and_the_data_stays(start_servers, folder):
    run = start_servers(folder).wait_ready()
    write_everywhere(run.urls)
    settings = folder / "servers.env"

    lines = dict(line.split("=", 1) for line in settings.read_text().splitlines())
    assert lines == run.urls
    assert stat.S_IMODE(settings.stat().st_mode) == 0o600
    assert run.end(signal.SIGINT) == (0, "")
    run.wait_all_gone(seconds=0.1)
    assert not settings.exists()
    again = start_servers(folder).wait_ready()
    assert again.urls == run.urls
    assert list(read_everywhere(again.urls)) == ["kept"] * 3


@pytest.mark.parametrize("environment", [{}, {"CLINIC_FORCE_WATCHDOG": "1"}], ids=["by the kernel", "by the watchdog"])
def test_kill_of_the_supervisor_leaves_no_process_and_loses_nothing(start_servers, folder, environment):
    run = start_servers(folder, environment=environment).wait_ready()
    write_everywhere(run.urls)

    run.end(signal.SIGKILL)
    run.wait_all_gone()
    again = start_servers(folder, environment=environment).wait_ready()

    assert list(read_everywhere(again.urls)) == ["kept"] * 3


def test_start_right_after_a_kill_waits_for_the_former_servers(start_servers, folder):
    run = start_servers(folder).wait_ready()
    write_everywhere(run.urls)

    run.end(signal.SIGKILL)
    again = start_servers(folder).wait_ready()

    assert list(read_everywhere(again.urls)) == ["kept"] * 3


def test_server_that_dies_is_started_again_on_its_port(start_servers, folder):
    run = start_servers(folder).wait_ready()
    write_everywhere(run.urls)
    before = process_ids(folder, run.urls)

    for pid in before.values():
        os.kill(pid, signal.SIGKILL)

    assert words_within(30, run.urls) == ["kept"] * 3
    assert not set(before.values()) & set(process_ids(folder, run.urls).values())
    status, errors = run.end()
    assert status == 0
    assert errors == ""


def words_within(seconds, urls):
    deadline = time.monotonic() + seconds
    while True:
        try:
            return list(read_everywhere(urls))
        except (psycopg.Error, redis.RedisError, pymongo.errors.PyMongoError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def test_second_start_on_a_folder_in_use_is_refused(start_servers, running):
    status, errors = start_servers(running.folder).result()

    assert status == 1
    assert f"in use by process {running.process.pid}" in errors
    assert len(list(urls_that_answer(running.urls))) == 3


def urls_that_answer(urls):
    external.check_database(urls["DATABASE_URL"])
    yield "DATABASE_URL"
    external.check_redis(urls["REDIS_URL"])
    yield "REDIS_URL"
    external.check_mongodb(urls["MONGODB_URL"])
    yield "MONGODB_URL"


def test_taken_ports_are_replaced_by_others(start_servers, folder):
    start_servers(folder, "--no-fsync").wait_ready().end()
    former = json.loads((folder / "ports.json").read_text())

    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):  # somebody else was faster, which is as good
            other.bind((ports.LOOPBACK, former["postgres"]))
            other.listen()
        urls = start_servers(folder, "--no-fsync").wait_ready().urls

    now = json.loads((folder / "ports.json").read_text())
    assert now["postgres"] != former["postgres"]
    assert f":{now['postgres']}/" in urls["DATABASE_URL"]
    assert f":{now['valkey']}/" in urls["REDIS_URL"]


def test_data_of_another_postgresql_is_refused_and_left_alone(start_servers, folder):
    start_servers(folder, "--no-fsync").wait_ready().end()
    version_file = next(folder.glob("postgres/data/PG_VERSION"))
    version_file.write_text("17\n")

    status, errors = start_servers(folder, "--no-fsync").result()

    assert status == 1
    assert "was made by PostgreSQL 17; this is PostgreSQL 18" in errors
    assert "Traceback" not in errors
    assert version_file.read_text() == "17\n"


def test_passwords_are_asked_for(running):
    for name, check in (("DATABASE_URL", psycopg.connect), ("REDIS_URL", ping_redis), ("MONGODB_URL", list_collections)):
        scheme, _, place = running.urls[name].partition("://")
        with pytest.raises((psycopg.OperationalError, redis.AuthenticationError, pymongo.errors.OperationFailure)):
            check(f"{scheme}://clinic:wrong@{place.rpartition('@')[2]}")


def ping_redis(url):
    with redis.Redis.from_url(url) as client:
        client.ping()


def list_collections(url):
    with pymongo.MongoClient(url) as client:
        client.clinic.list_collection_names()


def test_settings_keep_what_was_acknowledged(running):
    with psycopg.connect(running.urls["DATABASE_URL"]) as connection:
        shown = {name: connection.execute(f"show {name}").fetchone()[0] for name in ("fsync", "synchronous_commit", "full_page_writes")}
        provider = connection.execute("select datlocprovider, datlocale from pg_database where datname = 'clinic'").fetchone()
        connection.execute("create extension if not exists pg_stat_statements")
    with redis.Redis.from_url(running.urls["REDIS_URL"], decode_responses=True) as client:
        config = client.config_get("appendonly", "appendfsync", "maxmemory-policy")

    assert set(shown.values()) == {"on"}
    assert provider == ("b", "C.UTF-8")
    assert config == {"appendonly": "yes", "appendfsync": "everysec", "maxmemory-policy": "noeviction"}
