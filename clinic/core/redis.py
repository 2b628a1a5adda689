"""The one way to Redis. It carries live views and wakes tasks; it is never the truth of anything."""

import functools
from collections.abc import AsyncIterator

import redis as redis_py
from django.conf import settings
from redis.asyncio import Redis as AsyncRedis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from clinic.core.breaker import Breaker

TIMEOUT_S = 0.3
_SILENCE_S = 5  # after which a subscription is asked whether it is still there


class RedisDown(Exception):
    """Redis failed, or failed a moment ago and is not asked again yet."""


breaker = Breaker(RedisDown, open_for_s=2.0)


@functools.cache
def _client(url: str) -> redis_py.Redis:
    return redis_py.Redis.from_url(
        url,
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
        decode_responses=True,
        # One quiet retry, since a pooled connection may have been closed by a restart; none for an answer that does not come.
        retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
    )


def client() -> redis_py.Redis:
    return _client(settings.REDIS_URL)


def key(name: str) -> str:
    """A key of ours; the prefix keeps test runs apart."""
    return f"{settings.REDIS_KEY_PREFIX}{name}"


def guarded(call):
    """Decorate a store's function: failures become RedisDown, and for 2 s nobody waits for Redis again."""

    @functools.wraps(call)
    def run(*args, **kwargs):
        breaker.check()
        try:
            return call(*args, **kwargs)
        except (RedisConnectionError, RedisTimeoutError) as error:
            breaker.trip()
            raise RedisDown from error
        except RedisError as error:  # a wrong-typed key, a server still loading
            raise RedisDown from error

    return run


async def messages(channel: str) -> AsyncIterator[str]:
    """Each message on a channel of ours, as it comes. Raises RedisDown when Redis fails, or does not answer any more."""
    connection = AsyncRedis.from_url(settings.REDIS_URL, socket_connect_timeout=TIMEOUT_S, socket_timeout=TIMEOUT_S, decode_responses=True)
    asked = False
    try:
        async with connection, connection.pubsub() as subscription:
            await subscription.subscribe(key(channel))
            while True:
                message = await subscription.get_message(timeout=_SILENCE_S)  # None is silence; an answered ping is a message too
                if message is None and asked:
                    raise RedisDown
                if message is None:
                    await subscription.ping()
                elif message["type"] == "message":
                    yield message["data"]
                asked = message is None
    except (RedisError, OSError) as error:
        raise RedisDown from error
