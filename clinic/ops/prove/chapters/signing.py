"""I12: signed content and its children cannot change, by SQL neither."""

import hashlib
import json
import random
import threading
from collections import defaultdict

import psycopg

from clinic.ops.prove.chapter import Chapter, Control
from clinic.ops.prove.chapters.records import ENCOUNTER, open_visits
from clinic.ops.prove.client import OK
from clinic.ops.prove.crowd import in_rounds

RACES = 4  # side by side
EDITORS = 4  # of each visit, beside the one who signs
PATHS = (
    ("PATCH", "visits/{}/", {"reason": "changed"}),
    ("POST", "visits/{}/vitals/", {"pulse_bpm": 88}),
    ("POST", "visits/{}/diagnoses/", {"text": "Found late", "rank": "secondary"}),
    ("POST", "visits/{}/notes/", {"text": "Written late"}),
)
_NO_TRIGGERS = """
DO $$ DECLARE each record; BEGIN
  FOR each IN SELECT tgname, tgrelid::regclass AS place FROM pg_trigger
   WHERE tgname ~ '^pgtrigger_.*frozen' AND tgrelid::regclass::text LIKE 'patients_%'
  LOOP EXECUTE format('ALTER TABLE %s DISABLE TRIGGER %I', each.place, each.tgname); END LOOP;
END $$
"""
BY_SQL = (
    f"UPDATE {ENCOUNTER} SET reason = 'by SQL' WHERE id = %s",
    f"UPDATE {ENCOUNTER} SET status = 'in_progress', signed_at = NULL, content_sha256 = '' WHERE id = %s",
    "UPDATE patients_vitals SET pulse_bpm = 60 WHERE encounter_id = %s",
    "DELETE FROM patients_vitals WHERE encounter_id = %s",
    "UPDATE patients_diagnosis SET text = 'by SQL' WHERE encounter_id = %s",
    "DELETE FROM patients_diagnosis WHERE encounter_id = %s",
    "INSERT INTO patients_diagnosis (public_id, encounter_id, code, text, rank, recorded_by_id)"
    " SELECT gen_random_uuid(), id, '', 'by SQL', 'secondary', signed_by_id FROM patients_encounter WHERE id = %s",
    "UPDATE patients_clinicalnote SET sha256 = repeat('0', 64) WHERE encounter_id = %s",
    "DELETE FROM patients_clinicalnote WHERE encounter_id = %s",
)


class Signing(Chapter):
    number = "I12"
    invariant = "Signed content and its children cannot change, by SQL neither"
    controls = (
        Control("signing", "the encounter is read without a lock, and the triggers are off", 0.1,
            ("signed visits whose hash is not that of their content", "changes by SQL that were taken"), (_NO_TRIGGERS,)),
    )  # fmt: skip

    @property
    def tried(self) -> str:
        return (
            f"{self.times(1_000)} signatures, each against {EDITORS} edits at the same moment (reason, vitals, diagnosis, note);"
            f" then each of these again, and {len(BY_SQL)} statements of SQL on each signed visit"
        )

    def attack(self):
        self.lock, self.late, self.by_sql = threading.Lock(), 0, 0
        rounds = max(1, self.times(1_000) // RACES)
        self.visits = open_visits(self.site, rounds * RACES)
        self.caller = self.site.caller("doctor0")
        gates = [threading.Barrier(EDITORS + 1) for _ in range(RACES)]

        def race(turn, client):
            lane, role = divmod(client, EDITORS + 1)
            visit, _ = self.visits[turn * RACES + lane]
            gates[lane].wait(60)
            if role == EDITORS:
                threading.Event().wait(random.Random(turn).uniform(0, 0.02))
                self.caller.post(f"visits/{visit.id}/complete/", key=f"sign-{visit.id}")
            else:
                self._edit(role, visit, "race")

        in_rounds(rounds, race, clients=RACES * (EDITORS + 1))
        self.unequal, self.signed = self._unequal()
        self.notes.append(f"{len(self.signed)} of {len(self.visits)} visits were signed.")
        self._edit_signed([visit for visit, _ in self.visits if visit.pk in self.signed])
        self.unequal |= self._unequal()[0]

    def _edit(self, path: int, visit, key: str) -> bool:
        method, url, body = PATHS[path]
        return self.caller.settle(method, url.format(visit.id), body, key=f"{key}-{path}-{visit.id}").kind == OK

    def _edit_signed(self, visits):
        with psycopg.connect(self.site.stack.database_url(self.site.name), autocommit=True) as connection:
            for visit in visits:
                for statement in BY_SQL:
                    self.by_sql += _changes(connection, statement, visit.pk)
        for visit in visits[: max(10, self.times(200))]:
            self.late += sum(self._edit(path, visit, "late") for path in range(len(PATHS)))

    def check(self):
        return {
            "signed visits whose hash is not that of their content": len(self.unequal),
            "edits acknowledged after the signature": self.late,
            "changes by SQL that were taken": self.by_sql,
            "visits that nobody could sign": len(self.visits) - len(self.signed),
        }

    def _unequal(self) -> tuple[set, set]:
        """(the signed whose content is not what was signed, all that are signed)"""
        signed = self.site.rows(f"SELECT id, content_sha256 FROM {ENCOUNTER} WHERE status = 'completed'")
        contents = self._contents()
        return {pk for pk, sha256 in signed if contents[pk] != sha256}, {pk for pk, _ in signed}

    def _contents(self) -> dict[int, str]:
        """The hash of each visit's content, reckoned from the rows alone."""
        parts = defaultdict(lambda: {"vitals": [], "diagnoses": [], "notes": []})
        for visit, public_id, pulse in self.site.rows("SELECT encounter_id, public_id::text, pulse_bpm FROM patients_vitals ORDER BY id"):
            parts[visit]["vitals"].append({"id": public_id, "pulse_bpm": str(pulse)})
        for visit, *values in self.site.rows("SELECT encounter_id, public_id::text, code, text, rank FROM patients_diagnosis ORDER BY id"):
            parts[visit]["diagnoses"].append(dict(zip(("id", "code", "text", "rank"), values, strict=True)))
        for visit, *values in self.site.rows("SELECT encounter_id, public_id::text, sha256 FROM patients_clinicalnote ORDER BY id"):
            parts[visit]["notes"].append(dict(zip(("id", "sha256"), values, strict=True)))
        rows = self.site.rows(
            "SELECT visit.id, visit.public_id::text, patient.public_id::text, doctor.public_id::text, visit.reason, visit.diagnosis_text"
            f" FROM {ENCOUNTER} visit JOIN patients_patient patient ON patient.id = visit.patient_id"
            " JOIN accounts_doctor doctor ON doctor.id = visit.doctor_id"
        )
        names = ("id", "patient", "doctor", "reason", "diagnosis")
        return {pk: _sha256(dict(zip(names, values, strict=True)) | parts[pk]) for pk, *values in rows}


def _changes(connection, statement: str, pk: int) -> int:
    try:
        return connection.execute(statement, [pk]).rowcount
    except psycopg.IntegrityError:
        return 0


def _sha256(content: dict) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()
