from django.db import DatabaseError, InterfaceError, connection
from pymongo.errors import PyMongoError
from redis.exceptions import RedisError

from clinic.core import mongo, redis


def check_stores() -> dict[str, str]:
    """Ask each store once: {"postgresql": "ok" | "down", "redis": ..., "mongodb": ...}."""
    return {"postgresql": _postgresql(), "redis": _redis(), "mongodb": _mongodb()}


def _postgresql() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError):
        return "down"
    return "ok"


def _redis() -> str:
    try:
        redis.client().ping()
    except RedisError:
        return "down"
    return "ok"


def _mongodb() -> str:
    try:
        mongo.database().command("ping")
    except (PyMongoError, mongo.MongoDown):
        return "down"
    return "ok"
