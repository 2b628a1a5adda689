"""I10: a note or file never lands on another patient's record."""

import hashlib
import json
import threading

import psycopg
import pymongo.errors

from clinic.ops.prove.chapter import Chapter, Control
from clinic.ops.prove.chapters.records import open_visits
from clinic.ops.prove.client import OK, REFUSED
from clinic.ops.prove.crowd import work_off

NOTE, FILE = "patients_clinicalnote", "patients_attachment"
VISITS, SWAPPED = 200, 50
PATHS = ("clinical-notes/", "visits/.../notes/", "SQL into notes", "SQL into files")
_ELSEWHERE = (
    "SELECT count(*) FROM {table} child JOIN patients_encounter visit ON visit.id = child.encounter_id"
    " WHERE child.patient_id <> visit.patient_id"
)


class Belonging(Chapter):
    number = "I10"
    invariant = "A note or file never lands on another patient's record"
    controls = (
        Control("belonging", "the request's patient is believed and the composite keys are gone", 0.1,
            ("wrong pairs that were taken", "notes of another patient than their visit's", "files of another patient than their visit's"), (
            f"ALTER TABLE {NOTE} DROP CONSTRAINT note_of_the_encounters_patient",
            f"ALTER TABLE {FILE} DROP CONSTRAINT attachment_of_the_encounters_patient",
        )),
    )  # fmt: skip

    @property
    def tried(self) -> str:
        return (
            f"{self.times(5_000)} pairs of visit and patient, half of them wrong, by 16 clients through {', '.join(PATHS)};"
            f" then {SWAPPED} documents put under another patient and {SWAPPED} under another visit in MongoDB, and read"
        )

    def attack(self):
        self.lock, self.taken, self.refused, self.shown = threading.Lock(), [], [], []
        self.caller = self.site.caller("doctor0")
        self.visits = open_visits(self.site, VISITS)
        work_off(range(self.times(5_000, least=8)), self._try, clients=16)
        self.shapeless = self._write_without_patient()
        self._misfile()

    def _try(self, number: int):
        """Pair `number`: the path changes with each, right and wrong with each round of paths."""
        path, is_wrong = number % len(PATHS), bool(number // len(PATHS) % 2)
        visit, owner = self.visits[number % VISITS]
        _, other = self.visits[(number + 1) % VISITS]
        patient = other if is_wrong else owner
        was_taken = (self._by_form, self._nested, self._note_by_sql, self._file_by_sql)[path](number, visit, patient)
        with self.lock:
            if was_taken is not None:
                (self.taken if was_taken else self.refused).append((path, is_wrong))

    def _by_form(self, number, visit, patient) -> bool | None:
        body = {"record_uuid": visit.id, "patient": patient.id, "text": f"note {number}", "observations": {}}
        answer = self.caller.post("clinical-notes/", body, key=f"form-{number}")
        return {OK: True, REFUSED: False}.get(answer.kind)

    def _nested(self, number, visit, patient) -> None:
        """The patient follows from the visit; one that is named beside it means nothing, so that no pair is wrong here."""
        self.caller.post(f"visits/{visit.id}/notes/", {"text": f"note {number}", "patient": patient.id}, key=f"nested-{number}")

    def _note_by_sql(self, number, visit, patient) -> bool:
        body = {"text": f"note {number}", "observations": {}, "tags": []}
        return self._insert(
            f"INSERT INTO {NOTE} (public_id, thread, number, encounter_id, patient_id, author_id, sha256, body)"
            " SELECT made, made, 1, %s, %s, %s, %s, %s::jsonb FROM gen_random_uuid() made",
            [visit.pk, patient.pk, self.site.facts.users["doctor0"], _sha256(body), json.dumps(body)],
        )

    def _file_by_sql(self, number, visit, patient) -> bool:
        content = f"%PDF-1.4 {number}".encode()
        return self._insert(
            f"INSERT INTO {FILE} (public_id, name, content_type, encounter_id, patient_id, uploaded_by_id, sha256, content, size_bytes)"
            " VALUES (gen_random_uuid(), 'scan.pdf', 'application/pdf', %s, %s, %s, %s, %s, %s)",
            [visit.pk, patient.pk, self.site.facts.users["doctor0"], hashlib.sha256(content).hexdigest(), content, len(content)],
        )

    def _insert(self, statement: str, values: list) -> bool:
        with psycopg.connect(self.site.stack.database_url(self.site.name), autocommit=True) as connection:
            try:
                connection.execute(statement, values)
            except psycopg.IntegrityError:
                return False
            return True

    def _write_without_patient(self) -> int:
        """How many documents that name no patient MongoDB takes."""
        taken = 0
        for patient in (None, 5, "somebody", {"$ne": ""}):
            try:
                self.site.mongo["clinical_notes"].insert_one({"_id": f"made-up-{patient}", "patient": patient, "text": "x"})
                taken += 1
            except pymongo.errors.WriteError:
                continue
        return taken

    def _misfile(self):
        """Bodies are in MongoDB alone; some documents are put under another patient, some under another visit; then all are read."""
        self.site.execute(f"UPDATE {NOTE} SET body = NULL WHERE stored_at IS NOT NULL")
        rows = self.site.rows(f"SELECT public_id::text FROM {NOTE} WHERE body IS NULL ORDER BY id LIMIT {2 * SWAPPED}")
        notes, (visit, other) = [note for (note,) in rows], self.visits[-1]
        documents = self.site.mongo["clinical_notes"]
        for note in notes[:SWAPPED]:
            documents.update_one({"_id": note, "patient": {"$ne": other.id}}, {"$set": {"patient": other.id}})
        for note in notes[SWAPPED:]:
            documents.update_one({"_id": note, "record_uuid": {"$ne": visit.id}}, {"$set": {"record_uuid": visit.id}})
        misfiled = {
            document["_id"]
            for document in documents.find({"_id": {"$in": notes}}, ["patient", "record_uuid"])
            if (document["patient"], document["record_uuid"]) != self._place_of(document["_id"])
        }
        for each, _ in self.visits:
            answer = self.caller.get(f"visits/{each.id}/notes/")
            self.shown += [note["id"] for note in answer.body["results"] if note["id"] in misfiled and note["text"] is not None]
        self.notes.append(f"{len(misfiled)} notes stood under another patient or visit in MongoDB when they were read.")

    def _place_of(self, note: str) -> tuple[str, str]:
        [place] = self.site.rows(
            f"SELECT patient.public_id::text, visit.public_id::text FROM {NOTE} note"
            " JOIN patients_encounter visit ON visit.id = note.encounter_id"
            f" JOIN patients_patient patient ON patient.id = visit.patient_id WHERE note.public_id = '{note}'"
        )
        return place

    def check(self):
        return {
            "wrong pairs that were taken": sum(is_wrong for _, is_wrong in self.taken),
            "right pairs that were refused": sum(not is_wrong for _, is_wrong in self.refused),
            "notes of another patient than their visit's": self.site.one(_ELSEWHERE.format(table=NOTE)),
            "files of another patient than their visit's": self.site.one(_ELSEWHERE.format(table=FILE)),
            "documents without a patient that MongoDB took": self.shapeless,
            "misfiled documents that were shown": len(self.shown),
        }


def _sha256(body: dict) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()
