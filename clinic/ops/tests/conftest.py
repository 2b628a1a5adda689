"""Real servers in throwaway folders, started the way a person starts them."""

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from clinic.ops.servers.data_dir import DataDir, InUse
from clinic.ops.servers.stores import URL_NAMES

PROJECT = Path(__file__).resolve().parents[3]


class Run:
    """One `python -m clinic.ops.servers` on one data folder."""

    def __init__(self, folder: Path, *arguments, environment=None, before=(), module=("-m", "clinic.ops.servers")):
        self.folder = folder
        command = [*before, sys.executable, *module, "--data-dir", folder, *arguments]
        clean = {name: value for name, value in os.environ.items() if name not in URL_NAMES}
        self.process = subprocess.Popen(
            command, cwd=PROJECT, env=clean | (environment or {}), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def wait_ready(self):
        """The addresses, as it prints them; fails with its own words when it ends instead."""
        self.urls = {}
        for line in self.process.stdout:
            if line.startswith("Running"):
                return self
            name, _, url = line.strip().partition("=")
            self.urls[name] = url
        raise AssertionError(self.process.communicate(timeout=30)[1])

    def end(self, number=signal.SIGTERM):
        """(status, what it wrote to stderr)"""
        self.process.send_signal(number)
        return self.result()

    def result(self):
        errors = self.process.communicate(timeout=60)[1]
        return self.process.returncode, errors

    def wait_all_gone(self, seconds=30):
        """Every server inherits the lock: it can be taken only when none of them is left."""
        deadline = time.monotonic() + seconds
        folder = DataDir(self.folder)
        while True:
            try:
                folder.open_now()
                break
            except InUse:
                assert time.monotonic() < deadline, "a server is still running"
                time.sleep(0.05)
        folder.close()


def _throwaway() -> Path:
    """A data folder that other accounts may pass, unlike tmp_path."""
    return Path(tempfile.gettempdir(), f"clinic-test-{secrets.token_hex(6)}")


@pytest.fixture(scope="session")
def _used_folder():
    """A folder that has been started on once: most tests begin with a copy and save two seconds."""
    path = _throwaway()
    run = Run(path, "--no-fsync").wait_ready()
    assert run.end() == (0, "")
    yield path
    DataDir(path).remove()


@pytest.fixture
def folder(_used_folder):
    """A data folder of the test's own, used before."""
    path = _copy(_used_folder)
    yield path
    DataDir(path).remove()


@pytest.fixture(scope="session")
def running(_used_folder):
    """Servers that only get looked at, never stopped or changed."""
    path = _copy(_used_folder)
    run = Run(path).wait_ready()
    yield run
    run.end()
    DataDir(path).remove()


def _copy(used: Path) -> Path:
    path = _throwaway()
    subprocess.run(["cp", "-a", used, path], check=True)
    (path / "ports.json").unlink()  # tests that run side by side keep out of each other's way
    return path


@pytest.fixture
def new_folder():
    """Where a data folder may be made."""
    path = _throwaway()
    yield path
    DataDir(path).remove()


@pytest.fixture
def start_servers():
    """start_servers(folder, ...) starts them and returns the Run; all are stopped in the end."""
    runs = []

    def start(folder, *arguments, **options) -> Run:
        run = Run(folder, *arguments, **options)
        runs.append(run)
        return run

    yield start
    for run in runs:
        if run.process.poll() is None:
            run.end()
        run.process.stdout.close()
        run.process.stderr.close()
