"""Servers that somebody else runs, named by a URL in the environment."""

import re
from urllib.parse import unquote, urlsplit

import psycopg
import pymongo.errors
import redis

from clinic.ops.servers import mongodb
from clinic.ops.servers.errors import ServerError

TIMEOUT_SECONDS = 5


def check_database(url: str):
    if urlsplit(url).scheme not in ("postgresql", "postgres"):
        raise _refusal("DATABASE_URL", url, "only postgresql:// addresses work")
    try:
        with psycopg.connect(url, connect_timeout=TIMEOUT_SECONDS) as connection:
            connection.execute("select 1")
    except psycopg.Error as error:
        raise _refusal("DATABASE_URL", url, error) from None


def check_redis(url: str):
    try:
        client = redis.Redis.from_url(url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS)
        with client:
            client.ping()
    except (redis.RedisError, ValueError) as error:
        raise _refusal("REDIS_URL", url, error) from None


def check_mongodb(url: str) -> str:
    """What kind of server it says it is."""
    try:
        return mongodb.describe(url)
    except (pymongo.errors.PyMongoError, ValueError) as error:
        raise _refusal("MONGODB_URL", url, error) from None


def hide_password(url: str) -> str:
    """The URL as it may be shown: up to the last @ of the authority everything after : is the password."""
    scheme, separator, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    user, at, host = authority.rpartition("@")
    if at:
        name = user.partition(":")[0]
        authority = f"{name}:***@{host}" if ":" in user else f"{name}@{host}"
    path = re.sub(r"(password=)[^&]*", r"\1***", path)
    return f"{scheme}{separator}{authority}{slash}{path}"


def _refusal(variable: str, url: str, reason) -> ServerError:
    sentence = " ".join(str(reason).split())
    password = urlsplit(url).password
    for secret in filter(None, (password, password and unquote(password))):
        sentence = sentence.replace(secret, "***")
    return ServerError(
        f"{variable} names {hide_password(url)}, which cannot be used: {sentence[:300]}\n"
        f"Start that server, correct {variable}, or unset it: then a server of our own is started."
    )
