"""The folder that holds a running clinic's data, passwords, ports and logs."""

import fcntl
import json
import os
import secrets
import shutil
import time
from pathlib import Path

from clinic.ops.servers.errors import ServerError
from clinic.ops.servers.ports import any_free_port, is_free

FORMER_RUN_SECONDS = 60
LOG_KEPT_BYTES = 10_000_000


def write_private(path: Path, text: str):
    """Replace a file in one step; nobody else can read it, not even for a moment."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(path)


class InUse(Exception):
    """The folder's lock is held; by this process when it took it, by its servers if that is gone."""

    def __init__(self, pid: str):
        super().__init__(pid)
        self.pid = pid


class DataDir:
    """One data folder, held by one supervisor at a time.

    The lock is inherited by every server, so that it is free only when all of them are gone:
    after a kill -9 the next start waits for the former servers instead of meeting them.
    """

    def __init__(self, path):
        self.path = Path(path).resolve()
        self.lock_fd = None

    def open(self, stop=None):
        """Take the folder; refuses when another run holds it, waits while a former one's servers end."""
        deadline = time.monotonic() + FORMER_RUN_SECONDS
        while True:
            try:
                return self.open_now()
            except InUse as held:
                if _is_alive(held.pid) or time.monotonic() > deadline:
                    raise ServerError(
                        f"The data folder {self.path} is in use by process {held.pid or 'unknown'}. "
                        "Stop that one first (Ctrl-C where it runs), or choose another folder with DATA_DIR=."
                    ) from None
            stop.sleep(0.1) if stop else time.sleep(0.1)

    def open_now(self):
        """Create the folder if need be and take its lock, or raise InUse."""
        try:
            # Root keeps the folder passable: PostgreSQL runs under another account below it.
            self.path.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
            self.logs.mkdir(mode=0o700, exist_ok=True)
            lock_fd = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise ServerError(
                f"The data folder {self.path} cannot be used: {error.strerror}. "
                "Choose another with DATA_DIR=, or run as the account that owns it."
            ) from None
        try:
            fcntl.flock(lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(lock_fd, 20, 0).decode()
            os.close(lock_fd)
            raise InUse(holder) from None
        os.ftruncate(lock_fd, 0)
        os.pwrite(lock_fd, str(os.getpid()).encode(), 0)
        self.lock_fd = lock_fd
        return self

    def close(self):
        if self.lock_fd is not None:
            os.close(self.lock_fd)
            self.lock_fd = None

    @property
    def logs(self) -> Path:
        return self.path / "log"

    def log_path(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def open_log(self, name: str):
        """Append to a log; a long one is set aside first, so that at most two are kept."""
        path = self.log_path(name)
        if path.exists() and path.stat().st_size > LOG_KEPT_BYTES:
            path.replace(path.with_suffix(".log.1"))
        return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")

    def log_tail(self, name: str, lines: int = 8) -> str:
        path = self.log_path(name)
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""

    def secret(self, name: str, length: int = 24) -> str:
        """A random value made once and kept."""
        return self._remember("secrets.json", name, lambda kept, others: kept or secrets.token_urlsafe(length))

    def port(self, name: str) -> int:
        """The port of the last start, or another one when somebody took it meanwhile."""

        def decide(kept, others):
            while not kept or kept in others or not is_free(kept):
                kept = any_free_port()
            return kept

        return self._remember("ports.json", name, decide)

    def note(self, name: str, value=None):
        """A fact about this folder that later starts need; with a value, records it."""
        return self._remember("facts.json", name, lambda kept, others: value if value is not None else kept)

    def _remember(self, file_name: str, key: str, decide):
        path = self.path / file_name
        kept = json.loads(path.read_text()) if path.exists() else {}
        former = kept.pop(key, None)
        value = decide(former, kept.values())
        if value is not None and value != former:
            write_private(path, json.dumps(kept | {key: value}, indent=1))
        return value

    def remove(self):
        """Delete a throwaway folder, PostgreSQL's part included where it had to live elsewhere."""
        home = self.note("postgres_home")
        if home and Path(home).is_absolute():
            shutil.rmtree(home, ignore_errors=True)
        shutil.rmtree(self.path, ignore_errors=True)


def _is_alive(pid: str) -> bool:
    if not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
