"""I11: no acknowledged note is lost, and PostgreSQL and MongoDB come to agree."""

import random
import threading
import time
from collections import Counter

import pymongo.errors

from clinic.ops.prove.chapter import Chapter, Control
from clinic.ops.prove.chapters.records import open_visits
from clinic.ops.prove.client import OK
from clinic.ops.prove.crowd import Storm, work_off

NOTE = "patients_clinicalnote"
VISITS = 40
DRAIN_SECONDS = 120


class Notes(Chapter):
    number = "I11"
    invariant = "No acknowledged note is lost; PostgreSQL and MongoDB come to agree"
    needs_tasks = True
    controls = (
        Control("notes", "the body goes to MongoDB at once and PostgreSQL keeps none", 0.1, ("acknowledged texts that no store has",)),
    )

    @property
    def tried(self) -> str:
        return (
            f"{self.times(2_000)} notes by 16 clients; the first tenth while MongoDB was down, then wiped; "
            f"MongoDB killed {self.times(100)} times under the rest"
        )

    def attack(self):
        self.lock, self.written = threading.Lock(), {}
        self.caller = self.site.caller("doctor0")
        self.visits = [visit.id for visit, _ in open_visits(self.site, VISITS)]
        jobs = [f"note {n} of the patient, not to be lost" for n in range(self.times(2_000))]
        early = len(jobs) // 10
        with self.site.fleet.held_down("mongodb"):
            work_off(jobs[:early], self._write, clients=16)
        self._wipe()
        kills = [lambda n=n: self._kill(n) for n in range(self.times(100))]

        def load(job_done):
            def write(text):
                self._write(text)
                job_done()

            work_off(jobs[early:], write, clients=16)

        Storm(kills, jobs=len(jobs) - early).during(load)
        self.site.fleet.wait_ready("mongodb")
        self._wait_until_moved()

    def _write(self, text: str):
        visit = self.visits[hash(text) % VISITS]
        body = {"text": text, "observations": {"symptoms": ["cough"], "n": len(text)}, "tags": ["prove"]}
        answer = self.caller.post(f"visits/{visit}/notes/", body, key=text.replace(" ", "-"))
        if answer.kind == OK:
            with self.lock:
                self.written[text] = answer.body["id"]

    def _wipe(self):
        """MongoDB comes back empty, while the bodies that were acknowledged are still in PostgreSQL alone."""
        waiting = self.site.one(f"SELECT count(*) FROM {NOTE} WHERE stored_at IS NULL")
        self.notes.append(f"MongoDB was wiped when {waiting} acknowledged notes waited in PostgreSQL.")
        self.site.mongo.client.drop_database(self.site.name)

    def _kill(self, number: int):
        self.site.fleet.wait_ready("mongodb")
        time.sleep(random.Random(number).uniform(0.0, 0.3))
        self.site.fleet.kill("mongodb")

    def _wait_until_moved(self):
        began = time.monotonic()
        while self.site.one(f"SELECT count(*) FROM {NOTE} WHERE stored_at IS NULL") and time.monotonic() - began < DRAIN_SECONDS:
            time.sleep(0.5)
        self.notes.append(f"All bodies were in MongoDB {time.monotonic() - began:.1f} s after its last start.")

    def check(self):
        headers = dict(self.site.rows(f"SELECT public_id::text, stored_at IS NULL FROM {NOTE}"))
        stored = {document["_id"]: document.get("text") for document in self._documents()}
        acknowledged = {note: text for text, note in self.written.items()}
        return {
            "acknowledged notes without a header": len(acknowledged.keys() - headers.keys()),
            "notes never acknowledged": len(headers.keys() - acknowledged.keys()),
            "acknowledged texts that no store has": sum(
                stored.get(note) != text for note, text in acknowledged.items() if not headers.get(note)
            ),
            "texts that differ in MongoDB": sum(stored[note] != text for note, text in acknowledged.items() if note in stored),
            f"bodies not in MongoDB after {DRAIN_SECONDS} s": sum(headers.values()),
            "notes written twice": sum(count - 1 for count in Counter(stored.values()).values()),
            "documents that no header names": len(stored.keys() - headers.keys()),
        }

    def _documents(self) -> list[dict]:
        for _ in range(20):
            try:
                return list(self.site.mongo["clinical_notes"].find({}, ["text"]))
            except pymongo.errors.ConnectionFailure:
                time.sleep(0.5)
        return []
