import logging
import time

from clinic.core import redis

logger = logging.getLogger(__name__)

_PAUSE_S = 1.0
_last = 0.0


def wake_relay() -> None:
    """Ask a worker to ship the outbox, at most once a second per process. The schedule sweeps what is missed."""
    global _last
    now = time.monotonic()
    if now - _last < _PAUSE_S:
        return
    _last = now
    try:
        _send()
    except redis.RedisDown:
        logger.info("relay not woken, the sweep will ship")


@redis.guarded
def _send() -> None:
    from clinic.audit.tasks import relay_outbox  # tasks import services

    try:
        relay_outbox.apply_async(retry=False, ignore_result=True)
    except relay_outbox.OperationalError as error:
        raise redis.RedisConnectionError(str(error)) from error
