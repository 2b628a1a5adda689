"""The one command: `make demo` runs `python -m clinic.ops.demo`.

Starts the data servers, brings the database up to date, starts web, worker and beat, prints the
address and the logins, and stops all of it on Ctrl-C or SIGTERM.
"""

import argparse
import http.client
import json
import os
import sys
import time
from pathlib import Path

from clinic.ops import freshness
from clinic.ops.freshness import PROJECT
from clinic.ops.seed.logins import make_logins
from clinic.ops.servers import stores
from clinic.ops.servers.data_dir import write_private
from clinic.ops.servers.errors import ServerError
from clinic.ops.servers.ports import LOOPBACK, hold_first_free
from clinic.ops.servers.running import run, say
from clinic.ops.servers.service import NotReady, Service

WEB_WORKERS = 2
TITLES = {"DATABASE_URL": "PostgreSQL", "REDIS_URL": "Redis", "MONGODB_URL": "MongoDB"}


class Granian(Service):
    """A server of ours on loopback; ready when /healthz is."""

    def __init__(self, *, name: str, port: int, arguments: list, application: str, env: dict):
        self._port = port
        argv = [sys.executable, "-m", "granian", *arguments, "--no-ws", "--respawn-failed-workers", "--respawn-interval", 0.5]
        super().__init__(name=name, argv=[*argv, "--host", LOOPBACK, "--port", port, application], env=env, cwd=PROJECT)

    def check_ready(self):
        connection = http.client.HTTPConnection(LOOPBACK, self._port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            status = connection.getresponse().status
        except OSError as error:
            raise NotReady(error) from None
        finally:
            connection.close()
        if status != 200:
            raise NotReady(f"GET /healthz answers {status}")


class Web(Granian):
    def __init__(self, port: int, env: dict):
        # As many threads as the database pool has connections: a request waits for a thread, where
        # waiting is cheap, and never for a connection.
        arguments = ["--interface", "wsgi", "--workers", WEB_WORKERS, "--blocking-threads", 8, "--workers-kill-timeout", 10]
        super().__init__(name="web", port=port, arguments=arguments, application="clinic.wsgi:application", env=env)


class Events(Granian):
    """The board's event stream. Its connections never end by themselves: a stop does not wait for them."""

    def __init__(self, port: int, env: dict):
        arguments = ["--interface", "asginl", "--workers", 1, "--workers-kill-timeout", 1]
        super().__init__(name="events", port=port, arguments=arguments, application="clinic.asgi:application", env=env)


def celery(name: str, *arguments, env: dict) -> Service:
    argv = [sys.executable, "-m", "celery", "-A", "clinic", *arguments, "--loglevel", "INFO"]
    return Service(name=name, argv=argv, env=env, cwd=PROJECT)


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(prog="python -m clinic.ops.demo", description="A demo clinic on this machine.")
    parser.add_argument("--data-dir", default=os.environ.get("DATA_DIR") or ".local")
    parser.add_argument("--port", type=port_number, default=os.environ.get("PORT") or "8000")
    options = parser.parse_args(argv)
    return run(options.data_dir, lambda supervisor: _serve(supervisor, options.port))


def port_number(text: str) -> int:
    if text.isdigit() and 0 < int(text) < 65536:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a port number")


def _serve(supervisor, wanted_port: int) -> int:
    started_at = time.monotonic()
    data_dir = supervisor.data_dir
    logins_file = data_dir.path / "logins.json"
    logins = ensure_logins(logins_file)
    data_stores = stores.start(supervisor, os.environ)
    _say_stores(data_stores)
    held = hold_first_free(wanted_port)
    port = held.getsockname()[1]
    if port != wanted_port:
        say(f"  Port {wanted_port} is not free; using {port}.")
    held_for_events = hold_first_free(port + 1)
    events_port = held_for_events.getsockname()[1]
    settings = _settings(data_dir, port, events_port) | data_stores.urls
    environment = os.environ | settings | {"MONGODB_KIND": data_stores.mongodb_kind, "DATA_DIR": str(data_dir.path)}
    environment |= {"CLINIC_LOGINS_FILE": str(logins_file), "PYTHONUNBUFFERED": "1"}
    if not freshness.is_current(data_dir.path, logins_file, settings["DATABASE_URL"]):
        _prepare(supervisor, environment | {"DATABASE_AS_OWNER": "True"})
    held.close()
    supervisor.start([Web(port, environment)])
    # After the web: what starts beside it makes it wait for a processor.
    beat_file = data_dir.path / "celerybeat-schedule"
    worker = celery("worker", "worker", "--concurrency", 2, "--without-gossip", "--without-mingle", env=environment)
    beat = celery("beat", "beat", "--schedule", beat_file, "--pidfile", "", env=environment)
    held_for_events.close()
    supervisor.start([worker, beat, Events(events_port, environment)])
    stores.write_servers_env(data_dir, data_stores.urls | settings)
    _say_serving(settings["BASE_URL"], logins, data_dir, time.monotonic() - started_at)
    supervisor.run_until_stopped()
    say("Stopping ...")
    return 0


def ensure_logins(path: Path) -> dict:
    """The logins of this data folder: {"doctor": {"username", "password"}, ...}; made at the first start."""
    if not path.exists():
        write_private(path, json.dumps(make_logins(), indent=1) + "\n")
    return json.loads(path.read_text())


def _settings(data_dir, port: int, events_port: int) -> dict:
    """Production settings, but for what only loopback and a demo may do.

    Each that a production .env in this checkout might set is set here: the demo must not send its mail.
    """
    base_url = f"http://{LOOPBACK}:{port}"
    return {
        "BASE_URL": base_url,
        "BOARD_EVENTS_URL": f"http://{LOOPBACK}:{events_port}/events/board",
        "SECRET_KEY": data_dir.secret("secret_key", length=48),
        "AUDIT_KEY": data_dir.secret("audit_key", length=48),
        "AUDIT_ANCHOR_FILE": str(data_dir.path / "audit-anchors"),
        "DEBUG": "False",
        "DEMO": "True",
        "ALLOWED_HOSTS": f"{LOOPBACK},localhost",
        "CSRF_TRUSTED_ORIGINS": f"{base_url},http://localhost:{port}",
        "SECURE_COOKIES": "False",
        "SECURE_SSL_REDIRECT": "False",
        "SECURE_HSTS_SECONDS": "0",
        "BEHIND_TLS_PROXY": "False",
        "TRUSTED_PROXIES": "",
        "EMAIL_URL": os.environ.get("EMAIL_URL", "consolemail://"),
        "STATIC_ROOT": str(data_dir.path / "static"),
        "DJANGO_SETTINGS_MODULE": "clinic.settings",
    }


def _prepare(supervisor, environment: dict):
    """In its own process, watched like the rest: a stop during a long first fill is clean."""
    argv = [sys.executable, "-m", "clinic.ops.prepare"]
    quiet = environment | {"LOG_LEVEL": "ERROR"}  # its own lines are for the terminal
    status = supervisor.run_command(argv, quiet, cwd=PROJECT, own_session=True, seconds_to_end=20)
    supervisor.stop.check()
    if status != 0:
        raise ServerError("The database could not be prepared; the reason stands above.")


def _say_stores(data_stores):
    for name, title in TITLES.items():
        words = data_stores.words.get(name)
        if name == "MONGODB_URL":
            words = f"{data_stores.mongodb_kind}, {words}" if words else _NO_MONGODB
        say(f"  {title:<11} {words}")


_NO_MONGODB = "none here: notes wait in PostgreSQL, reports over MongoDB are empty (docs/operations.md)"


def _say_serving(base_url, logins, data_dir, seconds):
    say(f"\nServing {base_url} after {seconds:.1f} s\n")
    say(f"  {'user name':<12} password")
    for login in logins.values():
        say(f"  {login['username']:<12} {login['password']}")
    say(f"\nData and logs are in {data_dir.path}. Ctrl-C stops everything and keeps the data.")


if __name__ == "__main__":
    raise SystemExit(main())
