"""I7: every write, chart read, sign-in and refusal is audited exactly once, and MongoDB gets all of it."""

import random
import threading
import time
import uuid
from collections import Counter

from clinic.ops.prove.chapter import Chapter, Control
from clinic.ops.prove.chapters.bookings import slot_at
from clinic.ops.prove.client import OK, REFUSED, Answer
from clinic.ops.prove.crowd import Storm, work_off

EVENT = "audit_outboxevent"
COLLECTIONS = ("audit_logs", "stock_movements", "visit_history")
REFUSAL = "request.refused"
CATCH_UP_SECONDS_PER_10_000 = 120
BETWEEN_KILLS_SECONDS = (0.05, 0.5)


class Audit(Chapter):
    number = "I7"
    invariant = "Every write, chart read, sign-in and refusal is audited exactly once, and MongoDB gets all of it"
    needs_tasks = True
    controls = (Control("auditing", "events sent to MongoDB directly, without the outbox", 0.01, ("requests that the audit lacks",)),)

    @property
    def tried(self) -> str:
        return (
            f"{self.times(20_000)} mixed requests by 32 clients, the first nine tenths with MongoDB down; then the relay killed "
            f"{self.times(50)} times while it caught up under the rest"
        )

    def attack(self):
        self.lock, self.answered = threading.Lock(), []
        self.callers = {name: self.site.caller(name) for name in ("reception", "nurse", "doctor0", "pharmacist")}
        jobs = list(range(self.times(20_000)))
        random.Random(7).shuffle(jobs)
        late = len(jobs) // 10
        with self.site.fleet.held_down("mongodb"):
            work_off(jobs[late:], self._ask, clients=32)
        self.waiting = self._unshipped()
        self.began = time.monotonic()
        self.kills_that_hit = 0
        kills = [lambda n=n: self._kill_relay(n) for n in range(self.times(50))]

        def load(job_done):
            def ask(job):
                self._ask(job)
                job_done()

            work_off(jobs[:late], ask, clients=32)

        Storm(kills, jobs=late).during(load)
        self._wait_until_shipped()

    def _ask(self, n: int):
        """One of several kinds of request, under an id of its own that the audit must know."""
        kinds = (
            self._walk_in,
            self._book,
            self._read_chart,
            self._read_chart,
            self._refused_past,
            self._refused_role,
            self._refused_unknown,
        )
        kind = self._sign_in if n % 100 == 0 else kinds[n % len(kinds)]
        tag = f"prove-{n}"
        expected, answer = kind(n, tag)
        if answer.kind in (OK, REFUSED):
            with self.lock:
                self.answered.append((tag, expected if answer.kind == OK else REFUSAL))

    def _walk_in(self, n: int, tag: str) -> tuple[str, Answer]:
        facts = self.site.facts
        body = {"patient": facts.patients[n % len(facts.patients)].id, "doctor": facts.doctors[n // 7 % len(facts.doctors)].id}
        return "scheduling.token.issued", self.callers["reception"].post("queue/walk-in/", body, key=tag, tag=tag)

    def _book(self, n: int, tag: str) -> tuple[str, Answer]:
        facts, at = self.site.facts, n // 7
        body = {"patient": facts.patients[n % len(facts.patients)].id, "doctor": facts.doctors[at % len(facts.doctors)].id}
        body["start"] = slot_at(self.site, 1, at // len(facts.doctors))
        return "scheduling.appointment.booked", self.callers["reception"].post("appointments/", body, key=tag, tag=tag)

    def _read_chart(self, n: int, tag: str) -> tuple[str, Answer]:
        patient = self.site.facts.patients[n % len(self.site.facts.patients)].id
        return "patients.chart.read", self.callers["doctor0"].get(f"patients/{patient}/", tag=tag)

    def _refused_past(self, n: int, tag: str) -> tuple[str, Answer]:
        facts = self.site.facts
        body = {"patient": facts.patients[0].id, "doctor": facts.doctors[0].id, "start": self.site.start(-1, 600).isoformat()}
        return "", self.callers["reception"].post("appointments/", body, key=tag, tag=tag)

    def _refused_role(self, n: int, tag: str) -> tuple[str, Answer]:
        return "", self.callers["pharmacist"].post("invoices/", {}, key=tag, tag=tag)

    def _refused_unknown(self, n: int, tag: str) -> tuple[str, Answer]:
        return "", self.callers["nurse"].get(f"patients/{uuid.UUID(int=n)}/", tag=tag)

    def _sign_in(self, n: int, tag: str) -> tuple[str, Answer]:
        """Half of them with a wrong password for a name that nobody has."""
        known = n % 200 == 0
        password = self.site.stack.data_dir.secret("staff")
        body = {"username": "manager" if known else f"stranger-{n}", "password": password}
        return "accounts.user.signed_in", self.callers["nurse"].post("auth/login/", body, key=tag, tag=tag)

    # --- The relay ------------------------------------------------------------------------

    def _kill_relay(self, number: int):
        dice = random.Random(number)
        time.sleep(dice.uniform(*BETWEEN_KILLS_SECONDS))
        self.kills_that_hit += self._unshipped() > 0
        if number % 10 == 9:
            self.site.fleet.kill("worker")
        else:
            self.site.fleet.kill_child("worker", dice.choice)

    def _wait_until_shipped(self):
        total = self.site.one(f"SELECT count(*) FROM {EVENT}")
        allowed = max(30.0, CATCH_UP_SECONDS_PER_10_000 * total / 10_000)
        while self._unshipped() and time.monotonic() - self.began < allowed:
            time.sleep(0.5)
        seconds = time.monotonic() - self.began
        self.notes.append(
            f"{self.waiting} events waited when MongoDB came back; all {total} were there after {seconds:.0f} s "
            f"({allowed:.0f} s allowed); {self.kills_that_hit} kills came while events waited."
        )

    def _unshipped(self) -> int:
        with self.lock:
            return self.site.one(f"SELECT count(*) FROM {EVENT} WHERE shipped_at IS NULL")

    def check(self):
        rows = self.site.rows(f"SELECT request_id, action FROM {EVENT} WHERE request_id LIKE 'prove-%%'")
        audited = Counter(rows)
        expected = Counter(self.answered)
        in_postgresql = {event for (event,) in self.site.rows(f"SELECT event_id FROM {EVENT}")}
        in_mongodb = Counter(document["_id"] for name in COLLECTIONS for document in self.site.mongo[name].find({}, ["_id"]))
        return {
            "requests that the audit lacks": len(expected.keys() - audited.keys()),
            "requests audited more than once": sum(audited[request] > 1 for request in expected),
            "requests refused and audited as done": sum(
                REFUSAL not in action and (tag, REFUSAL) in expected for tag, action in audited if not action.startswith("accounts.")
            ),
            "events not shipped in time": self._unshipped(),
            "events that MongoDB lacks": len(in_postgresql - in_mongodb.keys()),
            "events that only MongoDB has": len(in_mongodb.keys() - in_postgresql),
            "events twice in MongoDB": sum(count - 1 for count in in_mongodb.values()),
        }
