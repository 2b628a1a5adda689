"""I22: what a request leaves to be done is done once, whatever happens to those who do it and to what wakes them."""

import random
import threading
import time
from collections import Counter
from contextlib import nullcontext

from clinic.ops.prove.chapter import Chapter, Control
from clinic.ops.prove.chapters.audit import COLLECTIONS, EVENT
from clinic.ops.prove.chapters.notes import NOTE
from clinic.ops.prove.chapters.records import open_visits
from clinic.ops.prove.client import OK
from clinic.ops.prove.crowd import Storm, work_off

VISITS = 40
DONE_SECONDS = 60
BETWEEN_SECONDS = (0.05, 0.5)
WAITING = (
    f"SELECT (SELECT count(*) FROM {EVENT} WHERE shipped_at IS NULL OR sequence IS NULL)"
    f" + (SELECT count(*) FROM {NOTE} WHERE stored_at IS NULL)"
)


class Tasks(Chapter):
    number = "I22"
    invariant = "Each task's effect happens once: PostgreSQL knows what is to be done, the task queue only wakes who does it"
    needs_tasks = True
    controls = (
        Control("nothing", "no sweep: what no task woke is left", 0.1, ("events that MongoDB lacks",)),
    )  # fmt: skip

    @property
    def tried(self) -> str:
        return (
            f"{self.times(2_000)} notes and arrivals by 16 clients, each to be sealed, shipped and, a note, moved; the worker killed "
            f"{self.times(100)} times (every tenth time all of it, else one of its processes), Redis flushed {self.times(10)} times; "
            "no worker at all for the last twentieth, and Redis flushed once more"
        )

    def attack(self):
        self.lock, self.notes_written, self.asked = threading.Lock(), {}, []
        self.doctor, self.desk = self.site.caller("doctor0"), self.site.caller("reception")
        self.visits = [visit.id for visit, _ in open_visits(self.site, VISITS)]
        self.hits = 0
        jobs = list(range(self.times(2_000)))
        troubles = [lambda n=n: self._kill(n) for n in range(self.times(100))]
        for n in range(self.times(10)):
            troubles.insert((n + 1) * len(troubles) // (self.times(10) + 1), self.site.redis.flushall)

        last = len(jobs) // 20

        def load(job_done):
            def work(job):
                self._ask(job)
                job_done()

            work_off(jobs[last:], work, clients=16)

        with self.site.fleet.held_down("beat") if self.site.unguarded else nullcontext():
            Storm(troubles, jobs=len(jobs) - last).during(load)
            with self.site.fleet.held_down("worker"):
                work_off(jobs[:last], self._ask, clients=16)
                self.site.redis.flushall()  # nothing remembers that somebody is to be woken
            self._wait_until_done()
            self.violations = self._violations()

    def _ask(self, n: int):
        self._write(n) if n % 2 else self._walk_in(n)

    def _write(self, n: int):
        text = f"note {n}, to be moved once"
        body = {"text": text, "observations": {}, "tags": []}
        answer = self.doctor.post(f"visits/{self.visits[n % VISITS]}/notes/", body, key=f"job-{n}", tag=f"job-{n}")
        if answer.kind == OK:
            with self.lock:
                self.notes_written[answer.body["id"]] = text
                self.asked.append((f"job-{n}", "patients.note.written"))

    def _walk_in(self, n: int):
        facts = self.site.facts
        body = {"patient": facts.patients[n % len(facts.patients)].id, "doctor": facts.doctors[n % len(facts.doctors)].id}
        answer = self.desk.post("queue/walk-in/", body, key=f"job-{n}", tag=f"job-{n}")
        if answer.kind == OK:
            with self.lock:
                self.asked.append((f"job-{n}", "scheduling.token.issued"))

    def _kill(self, number: int):
        dice = random.Random(number)
        time.sleep(dice.uniform(*BETWEEN_SECONDS))
        self.hits += self.site.one(WAITING) > 0
        if number % 10 == 9:
            self.site.fleet.kill("worker")
        else:
            self.site.fleet.kill_child("worker", dice.choice)

    def _wait_until_done(self):
        began = time.monotonic()
        left = self.site.one(WAITING)
        while self.site.one(WAITING) and time.monotonic() - began < DONE_SECONDS:
            time.sleep(0.5)
        self.notes.append(
            f"{self.hits} kills came while something was to be done; {left} things were left when the last trouble was over, "
            f"and all were done {time.monotonic() - began:.1f} s later."
        )

    def _violations(self) -> dict[str, int]:
        events = dict(self.site.rows(f"SELECT event_id, document->>'action' FROM {EVENT}"))
        recorded = Counter(self.site.rows(f"SELECT request_id, action FROM {EVENT} WHERE request_id LIKE 'job-%%'"))
        shipped = [document for name in COLLECTIONS for document in self.site.mongo[name].find({}, ["action"])]
        copies = Counter(document["_id"] for document in shipped)
        moved = [(document["_id"], document.get("text")) for document in self.site.mongo["clinical_notes"].find({}, ["text"])]
        return {
            "jobs without exactly one event": sum(recorded[job] != 1 for job in self.asked),
            "events that MongoDB lacks": len(events.keys() - copies.keys()),
            "events twice in MongoDB, or not ours": sum(copies.values()) - len(events.keys() & copies.keys()),
            "copies that say something else": sum(events.get(document["_id"]) != document.get("action") for document in shipped),
            "places of the audit chain left out or given twice": self.site.one(
                f"SELECT count(*) - count(DISTINCT sequence) + COALESCE(max(sequence), 0) - count(*) FILTER (WHERE sequence IS NOT NULL)"
                f" FROM {EVENT} WHERE sequence IS NOT NULL"
            ),
            "events without a seal": self.site.one(f"SELECT count(*) FROM {EVENT} WHERE sequence IS NULL"),
            "notes that MongoDB lacks": len(self.notes_written.items() - set(moved)),
            "notes twice in MongoDB, or not ours": len(moved) - len(self.notes_written.items() & set(moved)),
            f"things not done after {DONE_SECONDS} s": self.site.one(WAITING),
        }

    def check(self):
        return self.violations
