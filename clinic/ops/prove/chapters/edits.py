"""I13: no lost update."""

import threading
from collections import Counter

from clinic.ops.prove.chapter import Chapter, Control
from clinic.ops.prove.chapters.records import ENCOUNTER, open_visits
from clinic.ops.prove.client import OK
from clinic.ops.prove.crowd import in_rounds

PAIRS = 8  # side by side


class Edits(Chapter):
    number = "I13"
    invariant = "Of two edits of one version, one wins and the other is told"
    controls = (Control("versions", "If-Match means nothing", 0.1, ("pairs with another number of winners than one",)),)

    @property
    def tried(self) -> str:
        return f"{self.times(1_000)} pairs of edits with one If-Match at the same moment, of visits and of patients in turn"

    def attack(self):
        self.lock, self.wins, self.last, self.other = threading.Lock(), Counter(), {}, Counter()
        self.rounds = max(1, self.times(1_000) // PAIRS)
        self.visits = open_visits(self.site, self.rounds * PAIRS)
        self.caller = self.site.caller("doctor0")
        gates = [threading.Barrier(2) for _ in range(PAIRS)]

        def race(turn, client):
            lane, side = divmod(client, 2)
            number = turn * PAIRS + lane
            visit, patient = self.visits[number]
            path, field = (f"patients/{patient.id}/", "address") if turn % 2 else (f"visits/{visit.id}/", "reason")
            gates[lane].wait(60)
            answer = self.caller.settle("PATCH", path, {field: f"written by {side}"}, match='"1"')
            with self.lock:
                self.wins[number] += answer.kind == OK
                if answer.kind == OK:
                    self.last[number] = f"written by {side}"
                else:
                    self.other[answer.status] += 1

        in_rounds(self.rounds, race, clients=2 * PAIRS)

    def check(self):
        reasons = dict(self.site.rows(f"SELECT id, reason FROM {ENCOUNTER}"))
        addresses = dict(self.site.rows("SELECT id, address FROM patients_patient"))
        stored = {
            number: addresses[patient.pk] if number // PAIRS % 2 else reasons[visit.pk]
            for number, (visit, patient) in enumerate(self.visits)
        }
        return {
            "pairs with another number of winners than one": self.rounds * PAIRS - sum(wins == 1 for wins in self.wins.values()),
            "winners whose words are not there": sum(stored[number] != words for number, words in self.last.items()),
            "losers that were told something else than 412": sum(self.other.values()) - self.other[412],
        }
