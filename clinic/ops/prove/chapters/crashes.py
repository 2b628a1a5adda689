"""I21: an acknowledged write survives kill -9 of PostgreSQL."""

import random
import statistics
import threading
import time

from clinic.ops.prove.chapter import Chapter, Control
from clinic.ops.prove.chapters.queue_rows import NUMBER_FAULTS, TOKEN
from clinic.ops.prove.client import OK
from clinic.ops.prove.crowd import all_at_once, in_background

CLIENTS = 16
BETWEEN_SECONDS = (0.0, 0.5)
RECOVERED_SECONDS, STUCK_SECONDS = 15, 60


class Crashes(Chapter):
    number = "I21"
    invariant = "An acknowledged write survives kill -9 of PostgreSQL"
    controls = (
        Control("nothing", "synchronous_commit off", 0.1, ("acknowledged writes lost",), (
            "ALTER DATABASE prove_i21_control SET synchronous_commit = off",
        )),
    )  # fmt: skip

    @property
    def tried(self) -> str:
        return (
            f"arrivals and new patients by {CLIENTS} clients without a pause, {self.times(100)} kills: every third of a single session, "
            "which makes all of PostgreSQL recover, the others of the server itself"
        )

    def attack(self):
        self.lock, self.given = threading.Lock(), {}
        self.caller = self.site.caller("reception")
        self.recoveries, self.recovering_since = [], time.monotonic()
        killing = in_background(self._kill_again_and_again)

        def client(number):
            turn = 0
            while not killing.done():
                self._write(f"{number}-{turn}", number * 230 + turn % 230, turn)
                turn += 1

        all_at_once(client, clients=CLIENTS)
        killing.result()
        self.site.fleet.wait_ready("postgres")
        self.notes.append(
            f"{len(self.given)} writes acknowledged; {CLIENTS} more at most {max(self.recoveries):.1f} s after PostgreSQL answered again, "
            f"{statistics.median(self.recoveries):.1f} s in the middle."
        )

    def _kill_again_and_again(self):
        dice = random.Random(6)
        for number in range(self.times(100)):
            self._wait_for_writes()
            time.sleep(dice.uniform(*BETWEEN_SECONDS))
            with self.site.postgresql_down():
                if number % 3 == 2:
                    self.site.fleet.kill_child("postgres", dice.choice)
                    time.sleep(0.2)
                else:
                    self.site.fleet.kill("postgres")
            self.recovering_since = time.monotonic()

    def _wait_for_writes(self):
        """Each kill meets a clinic that works again."""
        enough = len(self.given) + CLIENTS
        while len(self.given) < enough and time.monotonic() - self.recovering_since < STUCK_SECONDS:
            time.sleep(0.01)
        self.recoveries.append(time.monotonic() - self.recovering_since)

    def _write(self, mark: str, patient: int, turn: int):
        if turn % 2:
            body = {"first_name": "Survives", "last_name": mark, "date_of_birth": "1990-01-01", "sex": "unknown"}
            answer = self.caller.post("patients/", body, key=f"patient-{mark}")
        else:
            facts = self.site.facts
            body = {"patient": facts.patients[patient].id, "doctor": facts.doctors[turn // 2 % len(facts.doctors)].id, "reason": mark}
            answer = self.caller.post("queue/walk-in/", body, key=f"walk-in-{mark}")
        if answer.kind == OK:
            with self.lock:
                self.given[mark] = answer.body["id"]

    def check(self):
        rows = self.site.rows(f"SELECT reason, public_id::text FROM {TOKEN}")
        rows += self.site.rows("SELECT last_name, public_id::text FROM patients_patient WHERE first_name = 'Survives'")
        there = {}
        for mark, public_id in rows:
            there.setdefault(mark, []).append(public_id)
        return {kind: self.site.one(sql) for kind, sql in NUMBER_FAULTS.items()} | {
            "acknowledged writes lost": sum(public_id not in there.get(mark, ()) for mark, public_id in self.given.items()),
            "writes made twice": sum(len(ids) - 1 for ids in there.values()),
            "writes refused and made": len(there.keys() - self.given.keys()),
            f"kills after which the clinic did not work within {RECOVERED_SECONDS} s": sum(t > RECOVERED_SECONDS for t in self.recoveries),
        }
