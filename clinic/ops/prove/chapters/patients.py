"""I2: no two live appointments of one patient overlap."""

import threading
from collections import Counter

from clinic.ops.prove.chapter import Chapter, Control
from clinic.ops.prove.chapters.bookings import APPOINTMENT, OVERLAPS, Booked, slot_at
from clinic.ops.prove.client import OK
from clinic.ops.prove.crowd import all_at_once

PAIRS = 5
SLOTS_A_RACE = 4


class OnePatient(Chapter):
    number = "I2"
    invariant = "No two live appointments of one patient overlap"
    controls = (
        Control("booking", "without patient lock and exclusion constraint", 0.05, ("overlapping pairs of a patient",), (
            f"ALTER TABLE {APPOINTMENT} DROP CONSTRAINT appointment_patient_booked_once",
        )),
    )  # fmt: skip

    @property
    def tried(self) -> str:
        return f"{self.times(1_000)} races of one patient for equal or overlapping times at two doctors, {PAIRS} races side by side"

    def attack(self):
        self.booked = Booked(self.site)
        self.wins = Counter()
        caller, facts = self.site.caller("reception"), self.site.facts
        gates = [threading.Barrier(2) for _ in range(PAIRS)]
        self.races = self.times(1_000 // PAIRS)

        def race(number):
            pair, side = divmod(number, 2)
            for turn in range(self.races):
                # Two slots at the one doctor, and two at the other that begin at the same time or one slot later.
                slot = turn * SLOTS_A_RACE + (side if turn % 2 else 0)
                span = {"start": slot_at(self.site, 1, slot), "end": slot_at(self.site, 1, slot, 2)}
                gates[pair].wait(60)
                answer = self.booked.book(
                    caller, f"race-{pair}-{turn}-{side}", patient=facts.patients[pair * 600 + turn].id,
                    doctor=facts.doctors[number].id, **span,
                )  # fmt: skip
                self.wins[pair, turn] += answer.kind == OK

        all_at_once(race, clients=2 * PAIRS)

    def check(self):
        return self.booked.check() | {
            "overlapping pairs of a patient": self.site.one(OVERLAPS.format(owner="patient_id")),
            "overlapping pairs of a doctor": self.site.one(OVERLAPS.format(owner="doctor_id")),
            "races with another number of winners than one": self.races * PAIRS - sum(wins == 1 for wins in self.wins.values()),
        }
