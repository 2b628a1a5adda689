"""I1: no two live appointments of one doctor overlap."""

import random
import threading
from collections import Counter

from clinic.ops.prove.chapter import Chapter, Control
from clinic.ops.prove.client import OK
from clinic.ops.prove.crowd import in_rounds, work_off

APPOINTMENT = "scheduling_appointment"
LIVE = "status IN ('booked', 'checked_in', 'in_consultation')"
# As reference.py opens the doctors.
SLOT_MINUTES, OPENS_MINUTE, SLOTS_A_DAY = 15, 8 * 60, 40

OVERLAPS = f"""
    SELECT count(*) FROM {APPOINTMENT} a JOIN {APPOINTMENT} b ON a.{{owner}} = b.{{owner}} AND a.id < b.id AND a.during && b.during
     WHERE a.{LIVE} AND b.{LIVE} AND NOT a.is_overbooked AND NOT b.is_overbooked
"""


def slot_at(site, first_day: int, slot: int, later: int = 0) -> str:
    """The start of the n-th slot from that day on, or the time so many slots later."""
    days, of_day = divmod(slot, SLOTS_A_DAY)
    return site.start(first_day + days, OPENS_MINUTE + (of_day + later) * SLOT_MINUTES).isoformat()


class Booked:
    """What the server acknowledged, by the mark in the appointment's reason."""

    def __init__(self, site):
        self._site = site
        self._lock = threading.Lock()
        self.by_mark: dict[str, str] = {}

    def book(self, caller, mark: str, **body):
        answer = caller.post("appointments/", body | {"reason": mark}, key=mark)
        if answer.kind == OK:
            with self._lock:
                self.by_mark[mark] = answer.body["id"]
        return answer

    def check(self) -> dict[str, int]:
        """Every acknowledged booking is there once; nothing is there that was not acknowledged."""
        rows = self._site.rows(f"SELECT reason, public_id::text FROM {APPOINTMENT} WHERE {LIVE}")
        there = Counter(mark for mark, _ in rows)
        return {
            "bookings acknowledged and lost": len(self.by_mark.keys() - there.keys()),
            "bookings made twice": sum(count - 1 for count in there.values()),
            "bookings refused and made": len(there.keys() - self.by_mark.keys()),
        }


class OneDoctor(Chapter):
    number = "I1"
    invariant = "No two live appointments of one doctor overlap"
    controls = (
        Control("booking", "without doctor lock and exclusion constraints", 0.05, ("overlapping pairs of a doctor",), (
            f"ALTER TABLE {APPOINTMENT} DROP CONSTRAINT appointment_doctor_booked_once",
            f"ALTER TABLE {APPOINTMENT} DROP CONSTRAINT appointment_patient_booked_once",
        )),
    )  # fmt: skip

    @property
    def tried(self) -> str:
        return (
            f"{self.times(10_000)} bookings of one to three slots by 64 clients at 3 doctors on 20 days; "
            f"{self.times(200)} rounds of 32 clients on one slot; {self.times(1_000)} moves between two doctors by 32 clients"
        )

    def attack(self):
        self.caller = self.site.caller("reception")
        self.booked = Booked(self.site)
        self.wrong_rounds = 0
        self._many_bookings()
        self._one_slot()
        self._crossfire()

    def _many_bookings(self):
        facts, dice = self.site.facts, random.Random(1)
        jobs = [
            (f"many-{n}", dice.choice(facts.doctors[:3]), dice.choice(facts.patients), dice.randrange(20 * SLOTS_A_DAY), dice.randint(1, 3))
            for n in range(self.times(10_000))
        ]

        def book(job):
            mark, doctor, patient, slot, length = job
            length = min(length, SLOTS_A_DAY - slot % SLOTS_A_DAY)
            span = {"start": slot_at(self.site, 1, slot), "end": slot_at(self.site, 1, slot, length)}
            self.booked.book(self.caller, mark, patient=patient.id, doctor=doctor.id, **span)

        work_off(jobs, book, clients=64)

    def _one_slot(self):
        """32 different patients want the same slot at the same moment: one gets it."""
        facts, rounds, clients = self.site.facts, self.times(200), 32
        wins = Counter()

        def book(turn, client):
            patient = facts.patients[turn * clients % 3_000 + client]
            answer = self.booked.book(
                self.caller, f"slot-{turn}-{client}", patient=patient.id, doctor=facts.doctors[3].id, start=slot_at(self.site, 30, turn)
            )
            wins[turn] += answer.kind == OK

        in_rounds(rounds, book, clients=clients)
        self.wrong_rounds = sum(wins[turn] != 1 for turn in range(rounds))

    def _crossfire(self):
        """Appointments are moved to the other doctor and back while others do the same the other way round."""
        facts, clients = self.site.facts, 32
        pair, dice = facts.doctors[4:6], random.Random(2)
        current = {}
        for client in range(clients):
            start = slot_at(self.site, 50, client)
            answer = self.booked.book(
                self.caller, f"move-{client}", patient=facts.patients[client].id, doctor=pair[client % 2].id, start=start
            )
            current[client] = answer.body["id"]
        throws = [[dice.randrange(SLOTS_A_DAY) for _ in range(clients)] for _ in range(self.times(1_000) // clients + 1)]

        def move(turn, client):
            body = {"doctor": pair[(client + turn + 1) % 2].id, "start": slot_at(self.site, 50, throws[turn][client])}
            answer = self.caller.post(f"appointments/{current[client]}/reschedule/", body, key=f"move-{client}-{turn}")
            if answer.kind == OK:
                current[client] = answer.body["id"]

        in_rounds(len(throws), move, clients=clients)

    def check(self):
        return self.booked.check() | {
            "overlapping pairs of a doctor": self.site.one(OVERLAPS.format(owner="doctor_id")),
            "overlapping pairs of a patient": self.site.one(OVERLAPS.format(owner="patient_id")),
            "rounds with another number of winners than one": self.wrong_rounds,
        }
