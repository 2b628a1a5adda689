"""A backup of all stores and the way back, compared by SQL of another make, and by the clinic's own self-check."""

import os
import re
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pymongo
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from analytics.etl.running import run_etl
from analytics.tests.world import a_clinic
from clinic.audit.services.relay import relay_outbox
from clinic.audit.services.sealing import seal_outbox
from clinic.core import mongo
from clinic.ops.backup import postgresql
from clinic.ops.backup.errors import BackupError
from clinic.ops.backup.folder import MANIFEST, Folder
from clinic.ops.backup.restoring import restore
from clinic.ops.backup.taking import take
from clinic.testing import ROOT, migrated_database
from patients.models import Patient
from patients.services.attachments import ship_files
from patients.services.notes import ship_notes
from patients.tests.factories import ClinicalNoteFactory, PatientFactory
from scheduling.services.projection import rebuild

pytestmark = pytest.mark.django_db(transaction=True)  # another connection sees the rows

TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'm') ORDER BY 1"
HASH = "SELECT count(*), md5(string_agg(t::text, '\n' ORDER BY t::text)) FROM \"{}\" t"
SEQUENCES = "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1"
TRIGGERS = "SELECT count(*) FILTER (WHERE tgenabled = 'O'), count(*) FROM pg_trigger WHERE NOT tgisinternal"


@dataclass
class Place:
    """A clinic's stores, told to a command by its environment."""

    database: str
    documents: str
    redis_prefix: str

    def manage(self, *command) -> subprocess.CompletedProcess:
        stores = {"DATABASE_URL": self.database, "MONGODB_DATABASE": self.documents, "REDIS_KEY_PREFIX": self.redis_prefix}
        environment = os.environ | stores | {"STATIC_ROOT": "staticfiles"}
        command = [sys.executable, ROOT / "manage.py", *command]
        return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)

    def rows(self, sql: str) -> list[tuple]:
        with psycopg.connect(self.database, autocommit=True) as own:
            return own.execute(sql).fetchall()

    def content(self) -> dict:
        """All that is there, in a form to be compared; a collection without documents is nothing."""
        content = {name: self.rows(HASH.format(name)) for (name,) in self.rows(TABLES)}
        with pymongo.MongoClient(os.environ["MONGODB_URL"], uuidRepresentation="standard") as client:
            for name in sorted(client[self.documents].list_collection_names()):
                if documents := sorted(map(repr, client[self.documents][name].find())):
                    content[f"{name} of MongoDB"] = documents
        return content | {"sequences": self.rows(SEQUENCES)}


@pytest.fixture
def here(settings) -> Place:
    _forget_documents()
    yield Place(_url(connection.settings_dict["NAME"]), settings.MONGODB_DATABASE, settings.REDIS_KEY_PREFIX)
    _forget_documents()


def _forget_documents():
    database = mongo.database()
    for name in database.list_collection_names():
        database[name].delete_many({})


def _url(name: str) -> str:
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


@pytest.fixture
def elsewhere() -> Place:
    """Empty stores, migrated."""
    with migrated_database() as name:
        yield Place(_url(name), name, f"{name}:")
    mongo.database().client.drop_database(name)


@pytest.fixture
def small(here) -> Place:
    PatientFactory(last_name="Ångström\t\\N\n'")
    ClinicalNoteFactory()
    ship_notes()
    return here


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "backup"


def in_order():
    """Sealed, shipped, summed up."""
    ship_notes()
    ship_files()
    rebuild(timezone.localdate())
    run_etl()
    seal_outbox()
    relay_outbox()


def quietly(sentence: str):
    pass


def test_restore_gives_back_every_row_and_document(here, elsewhere, folder):
    a_clinic(appointments=24)
    ClinicalNoteFactory()
    in_order()

    assert here.manage("backup", folder).returncode == 0
    done = elsewhere.manage("restore", folder)

    assert (done.returncode, done.stderr) == (0, "")
    assert "byte for byte" in done.stdout
    assert elsewhere.content() == here.content()
    assert here.content()["audit_logs of MongoDB"]
    assert here.content()["clinical_notes of MongoDB"]
    assert elsewhere.manage("verify_audit").returncode == 0
    assert elsewhere.manage("verify").stdout == here.manage("verify").stdout


def test_restored_clinic_holds_its_rules_and_goes_on(small, elsewhere, folder):
    take(folder, quietly)
    elsewhere.manage("restore", folder)

    ((enabled, all_of_them),) = elsewhere.rows(TRIGGERS)
    assert enabled == all_of_them > 100
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
        elsewhere.rows("UPDATE patients_clinicalnote SET sha256 = repeat('0', 64) RETURNING 1")
    ((highest, following),) = elsewhere.rows(
        "SELECT max(id), nextval(pg_get_serial_sequence('patients_patient', 'id')) FROM patients_patient"
    )
    assert following == highest + 1


def test_backup_is_of_one_moment_in_both_stores(here, elsewhere, folder, monkeypatch):
    PatientFactory()
    in_order()
    before = here.content()
    dump = postgresql.dump

    def dump_while_people_work(*args):
        PatientFactory()
        ClinicalNoteFactory()
        in_order()
        dump(*args)

    monkeypatch.setattr(postgresql, "dump", dump_while_people_work)
    take(folder, quietly)

    assert elsewhere.manage("restore", folder).returncode == 0
    came = elsewhere.content()
    del before["sequences"], came["sequences"]  # they only ever go up
    assert {name: rows for name, rows in came.items() if rows} == {name: rows for name, rows in before.items() if rows}
    assert Patient.objects.count() > 1


def test_database_in_use_is_refused_and_keeps_what_it_has(small, folder):
    take(folder, quietly)
    before = small.content()

    done = small.manage("restore", folder)

    assert done.returncode == 1
    assert "not empty; there are rows in" in done.stderr
    assert small.content() == before


def test_documents_in_the_way_are_refused_before_a_row_is_written(small, elsewhere, folder):
    take(folder, quietly)
    mongo.database().client[elsewhere.documents]["clinical_notes"].insert_one({"_id": "somebody's"})
    before = elsewhere.content()

    done = elsewhere.manage("restore", folder)

    assert done.returncode == 1
    assert "MongoDB's database is not empty" in done.stderr
    assert elsewhere.content() == before


def _other_content(folder):
    (folder / "postgresql" / "patients_patient.gz").unlink()
    Folder(folder).write("postgresql", "patients_patient", [b"another row\n"])


def _cut_off(folder):
    file = folder / "postgresql" / "patients_patient.gz"
    file.write_bytes(file.read_bytes()[:-12])


def _say(what: str, instead: str):
    def change(folder):
        words = (folder / MANIFEST).read_text()
        assert re.search(what, words)
        (folder / MANIFEST).write_text(re.sub(what, instead, words))

    return change


@pytest.mark.parametrize(
    ("damage", "refusal"),
    [
        (_other_content, "patients_patient.gz is not what was written"),
        (_cut_off, "patients_patient.gz cannot be read"),
        (lambda folder: (folder / "mongodb" / "clinical_notes.gz").unlink(), "clinical_notes.gz cannot be read"),
        (lambda folder: (folder / MANIFEST).unlink(), "no backup"),
        (_say("(?s)tables.*", ""), "no backup"),
        (_say('"format": 1', '"format": 99'), "has the format 99"),
        (_say("patients.0001_initial", "patients.9999_later"), "Only in the backup: patients.9999_later. Only here: patients.0001_initial"),
    ],
)
def test_backup_that_is_not_whole_is_refused(small, folder, damage, refusal):
    take(folder, quietly)
    damage(folder)
    before = small.content()

    with pytest.raises(BackupError, match=refusal):
        restore(folder, quietly)

    assert small.content() == before


def test_nobody_else_can_read_it_and_nothing_is_overwritten(small, folder):
    take(folder, quietly)

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.glob("*/*.gz")} == {0o600}
    with pytest.raises(BackupError, match="there already"):
        take(folder, quietly)


def test_backup_that_was_cut_off_has_no_name_and_is_no_backup(small, folder, monkeypatch):
    monkeypatch.setattr("clinic.ops.backup.mongodb.dump", lambda *args: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        take(folder, quietly)

    assert not folder.exists()
    with pytest.raises(BackupError, match="cut off"):
        Folder(folder.with_name("backup.unfinished")).manifest()


def test_backup_and_restore_work_without_mongodb(here, elsewhere, folder, monkeypatch):
    PatientFactory()
    monkeypatch.setenv("MONGODB_URL", "")

    assert "no server" in here.manage("backup", folder).stdout
    assert elsewhere.manage("restore", folder).returncode == 0
    assert elsewhere.rows("SELECT count(*) FROM patients_patient") == [(1,)]


def test_a_store_or_a_disk_that_fails_is_said_in_words(settings, tmp_path):
    (tmp_path / "is_a_file").touch()
    with pytest.raises(CommandError, match="is_a_file"):
        call_command("backup", tmp_path / "is_a_file" / "folder")

    settings.MONGODB_URL = "mongodb://127.0.0.1:1/clinic"
    with pytest.raises(CommandError, match="MongoDB failed: 127"):
        call_command("backup", tmp_path / "folder")
    assert not (tmp_path / "folder").exists()
