"""The one way to MongoDB: short timeouts, and a breaker so that a hung server costs nobody a second time."""

import functools

from django.conf import settings
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import ConnectionFailure, ExecutionTimeout, PyMongoError

from clinic.core.breaker import Breaker

TIMEOUT_MS = 1_000


class MongoDown(Exception):
    """MongoDB is not configured, or failed a moment ago and is not asked again yet."""


breaker = Breaker(MongoDown, open_for_s=5.0)


_clients: list[MongoClient] = []


@functools.cache
def _client(url: str) -> MongoClient:
    # Made at first use, after the web server has forked: a client does not survive a fork.
    client = MongoClient(
        url,
        serverSelectionTimeoutMS=TIMEOUT_MS,
        connectTimeoutMS=TIMEOUT_MS,
        socketTimeoutMS=TIMEOUT_MS * 2,
        tz_aware=True,
        uuidRepresentation="standard",
        w="majority",
    )
    _clients.append(client)
    return client


def close_clients() -> None:
    """Let go of the connections, at the end of a process or a test."""
    for client in _clients:
        client.close()
    _clients.clear()
    _client.cache_clear()


def database() -> Database:
    """The clinic's database. Raises MongoDown when no server is configured."""
    if not settings.MONGODB_URL:
        raise MongoDown
    return _client(settings.MONGODB_URL)[settings.MONGODB_DATABASE]


def guarded(call):
    """Decorate a store's function: any failure of the server becomes MongoDown and opens the breaker.

    What the server refuses on its merits (a duplicate, an invalid document) passes through.
    """

    @functools.wraps(call)
    def run(*args, **kwargs):
        breaker.check()
        try:
            return call(*args, **kwargs)
        except (ConnectionFailure, ExecutionTimeout) as error:
            breaker.trip()
            raise MongoDown from error

    return run


@functools.cache
def _kind(url: str) -> str:
    info = _client(url).admin.command("buildInfo")
    if "secantusVersion" in info:
        return f"SecantusDB {info['secantusVersion']}, a MongoDB-compatible substitute"
    return f"MongoDB {info.get('version', '')}"


def server_kind() -> str:
    """Which server answers, in words for a page; says so when none does."""
    try:
        breaker.check()
        return _kind(settings.MONGODB_URL) if settings.MONGODB_URL else "MongoDB is not configured"
    except (PyMongoError, MongoDown):
        breaker.trip()
        return "MongoDB is not reachable"
