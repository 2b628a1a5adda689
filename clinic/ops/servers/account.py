"""PostgreSQL refuses to run as root: the unprivileged account it gets instead."""

import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

ACCOUNT = "clinic-postgres"


@dataclass(frozen=True)
class Account:
    uid: int
    gid: int

    def popen_arguments(self) -> dict:
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path):
        """Hand a folder and all that is in it to the account."""
        os.chown(path, self.uid, self.gid)
        for folder, folders, files in os.walk(path):
            for name in (*folders, *files):
                os.chown(os.path.join(folder, name), self.uid, self.gid, follow_symlinks=False)


def postgres_account(existing: Path) -> Account | None:
    """None for an ordinary user, who runs PostgreSQL as himself. For root the owner of the existing
    data, else a system account of our own, else nobody."""
    if os.geteuid() != 0:
        return None
    if existing.exists() and existing.stat().st_uid != 0:
        owner = existing.stat()
        return Account(owner.st_uid, owner.st_gid)
    entry = _find(ACCOUNT) or _create(ACCOUNT) or _find("nobody")
    return Account(entry.pw_uid, entry.pw_gid)


def _find(name: str):
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _create(name: str):
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd:
        options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
        subprocess.run(
            [useradd, *options, "--shell", "/usr/sbin/nologin", name],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    return _find(name)


def others_may_enter(path: Path) -> bool:
    """False below a folder such as /root (mode 0700), which another account cannot pass."""
    return all(step.stat().st_mode & stat.S_IXOTH for step in (path, *path.parents))
