"""The one command, as a person and a script meet it."""

import http.client
import json
import os
import signal
import socket
import stat
import subprocess
import sys

import psycopg
import pytest

from clinic.ops.servers import ports
from clinic.ops.servers.stores import URL_NAMES
from clinic.ops.tests.conftest import PROJECT, Run

NOT_FOR_THE_DEMO = (*URL_NAMES, "EMAIL_URL", "DJANGO_ALLOW_ASYNC_UNSAFE")


class Demo(Run):
    def __init__(self, folder, port):
        self.folder = folder
        environment = {name: value for name, value in os.environ.items() if name not in NOT_FOR_THE_DEMO}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "clinic.ops.demo", "--data-dir", folder, "--port", str(port)],
            cwd=PROJECT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_serving(self):
        """What it printed up to the line with its address."""
        said = ""
        for line in self.process.stdout:
            said += line
            if line.startswith("Serving "):
                return said
        raise AssertionError(said + self.process.communicate(timeout=30)[1])

    def settings(self):
        return dict(line.split("=", 1) for line in (self.folder / "servers.env").read_text().splitlines())


def status_of(url, path):
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return None
    finally:
        connection.close()


@pytest.fixture
def demo(new_folder):
    runs = []

    def start(port):
        runs.append(Demo(new_folder, port))
        return runs[-1]

    yield start
    for run in runs:
        if run.process.poll() is None:
            run.end()
        run.process.stdout.close()
        run.process.stderr.close()


def test_first_start_kill_second_start_and_stop(demo, new_folder):
    """One story, since the first start is the dear part of it."""
    with socket.socket() as other:
        other.bind((ports.LOOPBACK, 0))
        other.listen()
        taken = other.getsockname()[1]
        first = demo(taken)
        said = first.wait_serving()

    url = first.settings()["BASE_URL"]
    assert f"Port {taken} is not free" in said
    assert url != f"http://127.0.0.1:{taken}"
    assert "compatible substitute" in said or "MongoDB 8" in said
    assert status_of(url, "/healthz") == 200
    with psycopg.connect(first.settings()["DATABASE_URL"]) as owner:
        sessions = "SELECT DISTINCT usename FROM pg_stat_activity WHERE datname = 'clinic' AND pid <> pg_backend_pid()"
        assert owner.execute(sessions).fetchall() == [("clinic_app",)]
    logins = (new_folder / "logins.json").read_text()
    assert {stat.S_IMODE((new_folder / name).stat().st_mode) for name in ("logins.json", "servers.env", "secrets.json")} == {0o600}

    first.end(signal.SIGKILL)
    first.wait_all_gone()
    assert status_of(url, "/healthz") is None

    second = demo(ports.any_free_port())
    said = second.wait_serving()
    assert "Filling" not in said
    assert (new_folder / "logins.json").read_text() == logins
    assert set(json.loads(logins)) >= {"admin", "doctor", "patient2"}

    assert second.end() == (0, "")
    second.wait_all_gone(seconds=0.1)
    assert not (new_folder / "servers.env").exists()
