"""I3: numbers 1..N per queue and day, one open token per patient and queue; Redis lost changes nothing."""

import random
import threading
import time
from collections import Counter

import redis

from clinic.ops.prove.chapter import Chapter, Control
from clinic.ops.prove.chapters.bookings import APPOINTMENT
from clinic.ops.prove.chapters.queue_rows import NUMBER_FAULTS, TOKEN, projection_differences
from clinic.ops.prove.client import OK
from clinic.ops.prove.crowd import Storm, work_off

HEAL_SECONDS = 5
STALL_SECONDS = (2.0, 3.0)
QUEUES = 4


class CheckIns(Chapter):
    number = "I3"
    invariant = "Token numbers run 1..N per queue and day, one open token per patient and queue; losing Redis changes nothing"
    needs_tasks = True
    controls = (
        Control("number_by_count", "the number by count() + 1, no unique constraints", 0.1, ("numbers given twice",), (
            f"ALTER TABLE {TOKEN} DROP CONSTRAINT token_number_once_per_queue_and_day",
            "DROP INDEX token_one_open_per_patient_and_queue",
        )),
        Control("number_by_redis", "the number by a Redis INCR, no unique constraint", 0.1, ("numbers given twice",), (
            f"ALTER TABLE {TOKEN} DROP CONSTRAINT token_number_once_per_queue_and_day",
        )),
    )  # fmt: skip

    @property
    def tried(self) -> str:
        return (
            f"{self.times(2_000)} walk-ins and check-ins by 32 clients, some twice, with {self.times(20)} FLUSHALL, "
            f"{self.times(20)} kill -9 and {self.times(5)} stalls of Valkey; {self.times(100)} more while it was down"
        )

    def attack(self):
        self.caller = self.site.caller("reception")
        self.lock = threading.Lock()
        self.given: dict[str, list] = {}
        jobs = self._walk_ins() + self._appointments()
        random.Random(3).shuffle(jobs)
        storm = Storm(self._troubles(), jobs=len(jobs))

        def load(job_done):
            def arrive(job):
                self._arrive(job)
                job_done()

            work_off(jobs, arrive, clients=32)

        storm.during(load)
        self._without_redis()
        self.differing = self._differences_after_healing()

    def _walk_ins(self) -> list:
        """Each patient once in a queue; every tenth also under a second key, at about the same time."""
        jobs = []
        for n in range(self.times(1_200)):
            body = {"patient": self.site.facts.patients[n].id, "doctor": self.site.facts.doctors[n % QUEUES].id, "priority": "routine"}
            jobs += [("queue/walk-in/", body | {"reason": f"walk-{n}"}, f"walk-{n}")]
            jobs += [("queue/walk-in/", body | {"reason": f"again-{n}"}, f"again-{n}")] * (n % 10 == 0)
        return jobs

    def _appointments(self) -> list:
        """Of other patients, made by SQL, some already past; every tenth check-in is pressed twice, each with the same key."""
        doctors, patients = self.site.facts.doctors, self.site.facts.patients[2_000:]
        marks = [f"appointment-{n}" for n in range(self.times(800) - self.times(80))]
        rows = []
        for n, mark in enumerate(marks):
            start = self.site.start(0, n // QUEUES * 5)
            rows.append((patients[n].pk, doctors[n % QUEUES].pk, start, self.site.start(0, n // QUEUES * 5 + 5), mark))
        self.site.executemany(
            f"INSERT INTO {APPOINTMENT} (public_id, patient_id, doctor_id, during, status, reason, notes, is_overbooked, overbook_reason,"
            " closed_reason, version) VALUES (gen_random_uuid(), %s, %s, tstzrange(%s, %s, '[)'), 'booked', %s, '', false, '', '', 1)",
            rows,
        )
        ids = dict(self.site.rows(f"SELECT reason, public_id::text FROM {APPOINTMENT} WHERE reason LIKE 'appointment-%%'"))
        pressed = [mark for n, mark in enumerate(marks) for _ in range(2 if n % 10 == 0 else 1)]
        return [("queue/check-in/", {"appointment": ids[mark]}, mark) for mark in pressed]

    def _arrive(self, job):
        path, body, mark = job
        answer = self.caller.post(path, body, key=mark)
        if answer.kind == OK:
            with self.lock:
                self.given.setdefault(mark, []).append(answer.body["id"])
        return answer

    def _troubles(self) -> list:
        dice = random.Random(4)
        troubles = [self._flush] * self.times(20) + [lambda: self.site.fleet.kill("valkey")] * self.times(20)
        troubles += [lambda: self.site.fleet.stall("valkey", dice.uniform(*STALL_SECONDS))] * self.times(5)
        dice.shuffle(troubles)
        return troubles

    def _flush(self):
        self.site.fleet.wait_ready("valkey")
        try:
            self.site.redis.flushall()
        except redis.RedisError:
            self._flush()

    def _without_redis(self):
        """Valkey stays down: arrivals go on as if nothing had happened."""
        facts = self.site.facts
        jobs = [
            ("queue/walk-in/", {"patient": facts.patients[n].id, "doctor": facts.doctors[QUEUES].id, "reason": f"down-{n}"}, f"down-{n}")
            for n in range(self.times(100))
        ]
        kinds = Counter()
        before = time.monotonic()
        with self.site.fleet.held_down("valkey"):
            work_off(jobs, lambda job: kinds.update([self._arrive(job).kind]), clients=16)
        self.stopped = len(jobs) - kinds[OK]
        self.notes.append(f"With Valkey down {kinds[OK]} arrivals took {time.monotonic() - before:.1f} s.")

    def _differences_after_healing(self) -> list[str]:
        """Where Redis still shows something else than PostgreSQL when its time is over."""
        began = time.monotonic()
        while (differences := projection_differences(self.site)) and time.monotonic() - began <= HEAL_SECONDS:
            time.sleep(0.1)
        if not differences:
            self.notes.append(f"Redis showed the order of PostgreSQL {time.monotonic() - began:.1f} s after it came back.")
        self.notes.extend(differences)
        return differences

    def check(self):
        rows = self.site.rows(f"SELECT reason, array_agg(public_id::text) FROM {TOKEN} GROUP BY reason")
        there = {mark: set(ids) for mark, ids in rows}
        given = {mark: set(ids) for mark, ids in self.given.items()}
        faults = {kind: self.site.one(sql) for kind, sql in NUMBER_FAULTS.items()}
        return faults | {
            "tokens given and lost": sum(not ids <= there.get(mark, set()) for mark, ids in given.items()),
            "arrivals with two tokens": sum(len(ids) > 1 for ids in there.values()),
            "arrivals refused and given a token": len(there.keys() - given.keys()),
            "arrivals stopped by the loss of Redis": self.stopped,
            f"queues that Redis showed otherwise after {HEAL_SECONDS} s": len(self.differing),
        }
