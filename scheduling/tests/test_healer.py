"""A web process keeps Redis' picture of the queue right, with no broker and no worker."""

import threading
import time

import pytest
from django.db import connection
from django.utils import timezone

from clinic.accounts.tests.factories import DoctorFactory
from clinic.core import redis
from scheduling import healer, stores
from scheduling.locks import alone
from scheduling.tests.steps import arrive

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def running(settings):
    """The thread of a web process, in a hurry. Nobody listens where the broker should be."""
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    stop = threading.Event()
    thread = healer.start(stop=stop, every_s=0.02)
    yield thread
    stop.set()
    thread.join(10)
    assert not thread.is_alive()


def three_wait() -> tuple[str, list[int]]:
    """The queue's code, and its numbers in their order."""
    doctor, now = DoctorFactory(), timezone.now()
    tokens = [arrive(doctor, now=now, priority=priority) for priority in ("routine", "routine", "urgent")]
    return tokens[0].queue.code, [3, 1, 2]


def forget(pattern: str) -> None:
    for name in redis.client().scan_iter(redis.key(pattern)):
        redis.client().delete(name)


def comes_back(code: str, order: list[int]) -> bool:
    """Within half a minute, which is generous: the machine may be busy."""
    for _ in range(600):
        if stores.waiting_numbers(code, timezone.localdate()) == order:
            return True
        time.sleep(0.05)
    return False


def test_flushed_queue_comes_back_in_the_same_order(running):
    code, order = three_wait()
    assert comes_back(code, order)

    forget("queue:*")

    assert comes_back(code, order)


def test_goes_on_after_redis_was_away(running, settings):
    code, order = three_wait()
    url = settings.REDIS_URL
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert healer.look() == 0
    settings.REDIS_URL = url
    redis.breaker.reset()

    forget("queue:*")

    assert comes_back(code, order)


def test_goes_on_after_its_connection_was_cut(running):
    code, order = three_wait()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    forget("queue:*")

    assert comes_back(code, order)


def test_one_process_heals_at_a_time(at_once):
    three_wait()
    forget("queue:*")
    with alone("queue healer") as is_alone:
        elsewhere = at_once(healer.look)

    assert is_alone
    assert elsewhere == [0]
    assert healer.look() == 1


def test_every_web_process_has_one(monkeypatch):
    import importlib

    started = []
    monkeypatch.setattr(healer, "start", lambda: started.append(1))
    monkeypatch.setenv("DATABASE_POOL", "False")
    monkeypatch.setenv("BROKER_TIMEOUT_S", "5")

    importlib.reload(importlib.import_module("clinic.wsgi"))

    assert started
