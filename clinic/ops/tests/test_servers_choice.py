"""Which server answers, and the command that runs with servers around it."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from clinic.ops.demo import ensure_logins
from clinic.ops.seed.logins import LOGIN_NAMES
from clinic.ops.servers import external, ports
from clinic.ops.tests.conftest import PROJECT, Run

UNREACHABLE = {
    "DATABASE_URL": "postgresql://clinic:s3cret@127.0.0.1:1/clinic",
    "REDIS_URL": "redis://:s3cret@127.0.0.1:1/0",
    "MONGODB_URL": "mongodb://clinic:s3cret@127.0.0.1:1/clinic",
}


@pytest.mark.parametrize("name", UNREACHABLE)
def test_unreachable_server_is_named_without_its_password(start_servers, new_folder, name):
    status, errors = start_servers(new_folder, environment={name: UNREACHABLE[name]}).result()

    assert status == 1
    assert f"{name} names {UNREACHABLE[name].replace('s3cret', '***')}" in errors
    assert "unset it" in errors
    assert "s3cret" not in errors
    assert "Traceback" not in errors


def test_refused_password_is_not_shown(running):
    url = running.urls["DATABASE_URL"]
    wrong = url.replace(url.split(":")[2].split("@")[0], "wr0ng")

    result = run_with_servers("true", DATABASE_URL=wrong)

    assert result.returncode == 1
    assert "password authentication failed" in result.stderr
    assert "wr0ng" not in result.stderr


def test_server_named_in_the_environment_is_used(running):
    result = run_with_servers("sh", "-c", "echo $DATABASE_URL", **running.urls)

    assert result.stdout.strip() == running.urls["DATABASE_URL"]


def test_goes_on_without_mongodb_where_there_is_none(new_folder):
    """The wheel cannot be taken away from a running test; the look-up can."""
    code = "import sys; from clinic.ops.servers import mongodb, __main__; mongodb.substitute_binary = lambda: None; "
    code += "sys.exit(__main__.main(sys.argv[1:]))"
    without_mongod = {"PATH": "/nonexistent"}
    run = Run(new_folder, "--no-fsync", environment=without_mongod, module=("-c", code))

    urls = run.wait_ready().urls
    run.end()

    assert urls["MONGODB_URL"] == ""
    assert urls["DATABASE_URL"]


def test_command_gets_the_addresses_and_its_status_is_returned():
    before = set(Path(tempfile.gettempdir()).glob("clinic-servers-*"))

    result = run_with_servers("sh", "-c", "echo $DATABASE_URL $REDIS_URL; exit 7")

    assert result.returncode == 7
    assert result.stdout.startswith("postgresql://clinic:")
    assert "redis://" in result.stdout
    assert set(Path(tempfile.gettempdir()).glob("clinic-servers-*")) <= before


def test_command_that_is_not_there_is_named():
    result = run_with_servers("no-such-command")

    assert result.returncode == 127
    assert result.stderr == "There is no command 'no-such-command'.\n"


def run_with_servers(*command, **urls):
    return subprocess.run(
        [sys.executable, "-m", "clinic.ops.with_servers", "--no-fsync", "--", *command],
        cwd=PROJECT,
        env=os.environ | urls,
        capture_output=True,
        text=True,
        timeout=90,
    )


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:secret@h:5432/d", "postgresql://u:***@h:5432/d"),
        ("redis://:secret@h/0", "redis://:***@h/0"),
        ("redis://h/0", "redis://h/0"),
        ("mongodb://u:se%40cret@h,i/d?a=b", "mongodb://u:***@h,i/d?a=b"),
        ("postgresql://u:se@cr/et@h/d", "postgresql://u:***@h/d"),
        ("postgresql://h/d?user=u&password=secret&a=b", "postgresql://h/d?user=u&password=***&a=b"),
    ],
)
def test_password_is_hidden_wherever_it_stands(url, shown):
    assert external.hide_password(url) == shown


def test_next_free_port_is_taken():
    with ports.socket.socket() as other:
        other.bind((ports.LOOPBACK, 0))
        other.listen()
        taken = other.getsockname()[1]

        assert not ports.is_free(taken)
        with ports.hold_first_free(taken) as held:
            assert held.getsockname()[1] != taken


def test_a_port_that_is_held_is_given_to_nobody_else():
    wanted = ports.any_free_port()
    with ports.hold_first_free(wanted) as held, ports.socket.socket() as other:
        assert held.getsockname()[1] == wanted
        with pytest.raises(OSError, match="in use"):
            other.bind((ports.LOOPBACK, wanted))

    with ports.socket.socket() as web:
        web.bind((ports.LOOPBACK, wanted))


def test_logins_are_made_once_and_kept(tmp_path):
    path = tmp_path / "logins.json"

    first = ensure_logins(path)

    assert tuple(first) == LOGIN_NAMES
    assert path.stat().st_mode & 0o777 == 0o600
    assert ensure_logins(path) == first
