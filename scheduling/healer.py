"""The thread of each web process that keeps Redis' picture of the queue right (clinic/wsgi.py starts it).

It needs PostgreSQL and Redis, and neither the broker nor a worker: those come back to a restarted Redis
in their own time. One process heals at a time, by an advisory lock of PostgreSQL.
"""

import logging
import threading

from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from clinic.core.redis import RedisDown
from scheduling.locks import alone
from scheduling.services import projection

EVERY_S = 1.0
_NAME = "queue healer"

logger = logging.getLogger(__name__)


def start(*, stop: threading.Event | None = None, every_s: float = EVERY_S) -> threading.Thread:
    """Look once in every `every_s` seconds for as long as the process lives, or until `stop` is set."""
    thread = threading.Thread(target=_go_on, args=(stop or threading.Event(), every_s), name=_NAME, daemon=True)
    thread.start()
    return thread


def _go_on(stop: threading.Event, every_s: float) -> None:
    while not stop.wait(every_s):
        try:
            look()
        finally:
            connection.close()  # back to the pool, or away if it is broken


def look() -> int:
    """Heal today's queues, unless another process does at this moment; how many were written anew.

    A store that is down is no error: the next look comes soon.
    """
    try:
        with alone("queue healer") as is_alone:
            return projection.heal(timezone.localdate()) if is_alone else 0
    except (RedisDown, DatabaseError, InterfaceError):
        return 0
