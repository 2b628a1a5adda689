"""An own server that speaks MongoDB's protocol: a mongod on the PATH, else a compatible substitute.

The substitute is the `secantusd-rs` daemon of the SecantusDB wheel. It is GPL-2: it runs as a separate
process and is never imported. docs/operations.md says what it is and is not.
"""

import base64
import importlib.util
import secrets
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pymongo
import pymongo.errors

from clinic.ops.servers.data_dir import write_private
from clinic.ops.servers.errors import ServerError
from clinic.ops.servers.ports import LOOPBACK, any_free_port
from clinic.ops.servers.service import NotReady, Service

USER = DATABASE = "clinic"
ROOT_ROLE = [{"role": "root", "db": "admin"}]


def own_server(data_dir, *, durable=True) -> Service | None:
    """The server that made this data folder, else the best that is there; None when there is none.

    The two keep their data in different formats: a mongod that appears later must not hide
    what the substitute has stored.
    """
    mongod, daemon = shutil.which("mongod"), substitute_binary()
    kind = data_dir.note("mongodb_server") or ("mongod" if mongod else "substitute")
    if kind == "mongod" and not mongod:
        raise ServerError(
            f"The documents in {data_dir.path} were stored by a mongod, which is not on the PATH any more. "
            "Put it back, set MONGODB_URL, or choose another DATA_DIR=."
        )
    if kind == "substitute" and not daemon:
        return None
    data_dir.note("mongodb_server", kind)
    return Mongod(data_dir, mongod) if kind == "mongod" else Substitute(data_dir, daemon, durable=durable)


def substitute_binary() -> Path | None:
    """The wheel puts its program beside its package, or among the environment's programs."""
    spec = importlib.util.find_spec("secantus")  # looks it up, does not import it
    if spec is None:
        return None
    packages = Path(spec.origin).parents[1]
    places = (packages / "secantusdb.scripts" / "secantusd-rs", Path(sys.executable).with_name("secantusd-rs"))
    return next((place for place in places if place.exists()), None)


class MongoService(Service):
    """What both servers share: the address, the password, the question whether it answers."""

    def __init__(self, data_dir, argv, folder):
        self._password = data_dir.secret("mongodb_password")
        self._port = data_dir.port("mongodb")
        super().__init__(name="mongodb", argv=[*argv, "--port", self._port], cwd=folder)

    @property
    def url(self) -> str:
        return f"mongodb://{USER}:{self._password}@{LOOPBACK}:{self._port}/{DATABASE}?directConnection=true"

    def check_ready(self):
        try:
            with _client(self.url) as client:
                client[DATABASE].command("ping")
        except pymongo.errors.PyMongoError as error:
            raise NotReady(error) from None


class Substitute(MongoService):
    def __init__(self, data_dir, daemon: Path, *, durable=True):
        folder = data_dir.path / "mongodb-substitute"
        folder.mkdir(mode=0o700, exist_ok=True)
        config = folder / "secantusd.toml"
        config.touch(0o600)  # an empty one of our own: otherwise it reads one from the home folder
        argv = [daemon, "--config", config, "--host", LOOPBACK, "--storage-path", folder, "--cache-size", "256M"]
        # 16MB: with the default of 2 GB the second start reads through it for half a minute.
        argv += ["--log-file-max", "16MB", "--oplog-max-entries", "20000"]
        if durable:
            argv.append("--sync-on-commit")  # without it a kill -9 loses acknowledged writes
        super().__init__(data_dir, argv, folder)
        if not data_dir.note("mongodb_user_created"):
            self._create_user(data_dir)
        self.argv.append("--auth")

    def _create_user(self, data_dir):
        """Runs the empty server once without --auth: it has no other way to make its first user."""
        port = any_free_port()
        argv = [str(part) for part in self.argv[:-1]] + [str(port)]
        with data_dir.open_log(self.name) as log:
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.cwd)
        try:
            with _answering(f"mongodb://{LOOPBACK}:{port}/?directConnection=true", process) as client:
                users = client[DATABASE].command("usersInfo", USER)["users"]
                command = "updateUser" if users else "createUser"
                client[DATABASE].command(command, USER, pwd=self._password, roles=ROOT_ROLE)
        finally:
            process.terminate()
            process.wait(20)
        data_dir.note("mongodb_user_created", True)


class Mongod(MongoService):
    """A real mongod as a replica set of one, as in docker-compose.yml: transactions need a set."""

    def __init__(self, data_dir, mongod: str):
        folder = data_dir.path / "mongodb"
        folder.mkdir(mode=0o700, exist_ok=True)
        key_file = folder / "keyfile"
        if not key_file.exists():
            write_private(key_file, base64.b64encode(secrets.token_bytes(96)).decode())
        argv = [mongod, "--dbpath", folder, "--bind_ip", LOOPBACK, "--replSet", "clinic", "--keyFile", key_file]
        super().__init__(data_dir, argv, folder)

    def check_ready(self):
        """The first answers of a new server are refusals: it has neither a set nor a user yet. The
        localhost exception lets us make both, in this order, until the first user exists."""
        try:
            super().check_ready()
            with _client(self.url) as client:
                if not client.admin.command("hello").get("isWritablePrimary"):
                    raise NotReady("it is not primary yet")
        except NotReady:
            self._set_up()
            raise

    def _set_up(self):
        address = f"{LOOPBACK}:{self._port}"
        try:
            with _client(f"mongodb://{address}/?directConnection=true") as client:
                if not client.admin.command("hello").get("setName"):
                    members = [{"_id": 0, "host": address}]
                    client.admin.command("replSetInitiate", {"_id": "clinic", "members": members})
                client[DATABASE].command("createUser", USER, pwd=self._password, roles=ROOT_ROLE)
        except pymongo.errors.PyMongoError:
            pass  # not up, not primary yet, or set up already: the next look tells


def describe(url: str) -> str:
    """'MongoDB 8.0.4', or the substitute's name, from what the server says of itself."""
    with _client(url, seconds=5) as client:
        info = client.admin.command("buildInfo")
    if "secantusVersion" in info:
        return f"compatible substitute (SecantusDB {info['secantusVersion']})"
    if "ferretdb" in info:
        return "compatible substitute (FerretDB)"
    return f"MongoDB {info['version']}"


def _client(url: str, seconds: float = 1):
    return pymongo.MongoClient(url, serverSelectionTimeoutMS=int(seconds * 1000), connectTimeoutMS=int(seconds * 1000))


@contextmanager
def _answering(url: str, process, seconds: float = 30):
    deadline = time.monotonic() + seconds
    with _client(url) as client:
        while True:
            try:
                client.admin.command("ping")
                break
            except pymongo.errors.PyMongoError as error:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise ServerError(f"The MongoDB substitute did not start: {error}") from None
                time.sleep(0.05)
        yield client
