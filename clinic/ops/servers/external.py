"""Servers that somebody else runs, named by a URL in the environment."""

import re
from urllib.parse import unquote, urlsplit

import psycopg
import pymongo.errors
import redis

from clinic.ops.servers import mongodb
from clinic.ops.servers.errors import ServerError

TIMEOUT_SECONDS = 5


def check_database(url: str, variable: str = "DATABASE_URL"):
    if urlsplit(url).scheme not in ("postgresql", "postgres"):
        raise _refusal(variable, url, "only postgresql:// addresses work")
    try:
        with psycopg.connect(url, connect_timeout=TIMEOUT_SECONDS) as connection:
            connection.execute("select 1")
    except psycopg.Error as error:
        raise _refusal(variable, url, error) from None


def check_application_database(url: str):
    check_database(url, "DATABASE_APP_URL")


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
    """The URL as it may be shown. All from the user's ':' to the last '@' counts as password, so that one
    with characters that should have been escaped is hidden too."""
    scheme, separator, rest = url.partition("://")
    credentials, at, place = rest.rpartition("@")
    user, colon, _ = credentials.partition(":")
    shown = f"{user}{colon and ':***'}{at}{place}"
    return scheme + separator + re.sub(r"(password=)[^&]*", r"\1***", shown)


def _refusal(variable: str, url: str, reason) -> ServerError:
    return ServerError(
        f"{variable} names {hide_password(url)}, which cannot be used: {_sentence(url, reason)}\n"
        f"Start that server, correct {variable}, or unset it: then a server of our own is started."
    )


def _sentence(url: str, reason) -> str:
    """The driver's reason in one line, without the password and without pymongo's topology."""
    password = url.partition("://")[2].rpartition("@")[0].partition(":")[2]
    if re.search(r"[@/]", password):  # the driver took a part of it for the host and would quote that
        return "its password holds '@' or '/', which must be written %40 and %2F."
    words = " ".join(str(reason).split())
    for secret in filter(None, (password, unquote(password))):
        words = words.replace(secret, "***")
    return re.split(r" \(configured timeouts|, Timeout:|, full error:", words)[0][:300]
