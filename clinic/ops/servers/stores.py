"""Which server answers for each store, and how to reach it."""

import re
import shlex
from dataclasses import dataclass, field

from clinic.ops.servers import external, mongodb
from clinic.ops.servers.data_dir import DataDir, write_private
from clinic.ops.servers.postgres import Postgres
from clinic.ops.servers.valkey import Valkey

CHECKS = {
    "DATABASE_URL": external.check_database,
    "DATABASE_APP_URL": external.check_application_database,
    "REDIS_URL": external.check_redis,
    "MONGODB_URL": external.check_mongodb,
}
URL_NAMES = tuple(CHECKS)
NO_MONGODB = "none"
NEEDS_QUOTES = re.compile(r"""[\s&;|<>()$`"'\\*#~]""")


@dataclass
class Stores:
    """The addresses, the own servers behind them, and a word on each for the person who starts.

    DATABASE_URL is the owner's, DATABASE_APP_URL the application's own role in the same database; a database
    that is named by the former alone is used by its owner alone.
    """

    urls: dict = field(default_factory=dict)
    own: list = field(default_factory=list)
    words: dict = field(default_factory=dict)
    mongodb_kind: str = NO_MONGODB

    def environment(self) -> dict:
        return self.urls | {"MONGODB_KIND": self.mongodb_kind}


def start(supervisor, environ, *, durable=True, max_connections=100) -> Stores:
    """Check the servers that environ names, start an own one for each that it does not.

    A MongoDB that is neither named nor installed is left out: its URL stays empty.
    """
    data_dir = supervisor.data_dir
    stores = Stores(urls={name: environ.get(name, "").strip() for name in URL_NAMES})
    if not stores.urls["DATABASE_URL"]:
        stores.urls["DATABASE_APP_URL"] = ""  # of another database
    _check_named(stores)
    if not stores.urls["DATABASE_URL"]:
        server = Postgres(data_dir, durable=durable, max_connections=max_connections)
        _add(stores, "DATABASE_URL", server)
        stores.urls["DATABASE_APP_URL"] = server.app_url
    if not stores.urls["REDIS_URL"]:
        _add(stores, "REDIS_URL", Valkey(data_dir, durable=durable))
    if not stores.urls["MONGODB_URL"] and (server := mongodb.own_server(data_dir, durable=durable)):
        _add(stores, "MONGODB_URL", server)
    supervisor.start(stores.own)
    if stores.urls["MONGODB_URL"]:
        stores.mongodb_kind = mongodb.describe(stores.urls["MONGODB_URL"])
    return stores


def _check_named(stores):
    for name, check in CHECKS.items():
        if stores.urls[name]:
            check(stores.urls[name])
            stores.words[name] = external.hide_password(stores.urls[name])


def _add(stores, name, server):
    stores.urls[name] = server.url
    stores.own.append(server)
    stores.words[name] = external.hide_password(server.url)


def write_servers_env(data_dir: DataDir, values: dict):
    """KEY=value lines for a shell and for a plain line reader: quoted only where a shell would stumble."""
    lines = (f"{key}={shlex.quote(value) if NEEDS_QUOTES.search(value) else value}\n" for key, value in values.items())
    write_private(servers_env_path(data_dir), "".join(lines))


def servers_env_path(data_dir: DataDir):
    return data_dir.path / "servers.env"
