"""I4: a token is called once, and a room has one current patient."""

import threading
from collections import Counter

from clinic.ops.prove.chapter import Chapter, Control
from clinic.ops.prove.chapters.queue_rows import QUEUE_DAY, TOKEN, TRANSITION, make_queue
from clinic.ops.prove.client import OK
from clinic.ops.prove.crowd import in_rounds

CONSOLES, ROOMS = 8, 6


class Calls(Chapter):
    number = "I4"
    invariant = "A token is called once, and a room has one current patient"
    controls = (
        Control("calling", "the next token read without a lock, no unique index on rooms", 0.2, (
            "tokens called twice", "patients at the same time in one room",
        ), ("DROP INDEX token_one_current_per_room",)),
    )  # fmt: skip

    @property
    def tried(self) -> str:
        return f"{self.rounds * CONSOLES} calls from {CONSOLES} consoles in {ROOMS} rooms, for {self.waiting} waiting in one queue"

    @property
    def rounds(self) -> int:
        return self.times(500 // CONSOLES + 1, least=6)

    @property
    def waiting(self) -> int:
        """Fewer than there are calls that can succeed: the queue runs empty."""
        return self.rounds * CONSOLES // 2

    def attack(self):
        self.doctor = self.site.facts.doctors[0]
        self._fill_queue()
        self.caller = self.site.caller("nurse")
        self.lock, self.called = threading.Lock(), {}
        with_rooms = self.rounds // 2
        in_rounds(with_rooms, self._call_to_a_room, clients=CONSOLES)
        in_rounds(self.rounds - with_rooms, self._call, clients=CONSOLES)

    def _fill_queue(self):
        queue, today = make_queue(self.site, self.doctor, "A"), self.site.today
        self.site.execute(f'INSERT INTO {QUEUE_DAY} (queue_id, "on", last_number) VALUES (%s, %s, %s)', queue, today, self.waiting)
        rows = [(queue, today, n, self.site.facts.patients[n].pk) for n in range(1, self.waiting + 1)]
        self.site.executemany(
            f'INSERT INTO {TOKEN} (public_id, queue_id, "on", number, patient_id, priority, band, status, reason, room, effective_at,'
            " version) VALUES (gen_random_uuid(), %s, %s, %s, %s, 'routine', 2, 'waiting', '', '', now(), 1)",
            rows,
        )

    def _call_to_a_room(self, turn: int, console: int):
        """Every second patient is done before the console calls again; otherwise its room is taken and the call refused."""
        answer = self._call(turn, console, room=f"Room {console % ROOMS}")
        if answer.kind == OK and (turn + console) % 2:
            self.caller.settle("PATCH", f"queue/{answer.body['id']}/status/", {"status": "done"})
        if answer.code == "room_occupied" and turn % 3 == 0:
            self._free(f"Room {console % ROOMS}")

    def _free(self, room: str):
        with self.lock:
            rows = self.site.rows(f"SELECT public_id::text FROM {TOKEN} WHERE room = %s AND status = 'called'", room)
        for (token,) in rows:
            self.caller.settle("PATCH", f"queue/{token}/status/", {"status": "done"})

    def _call(self, turn: int, console: int, room: str = ""):
        key = f"call-{bool(room)}-{turn}-{console}"
        answer = self.caller.post("queue/next/", {"doctor": self.doctor.id, "room": room}, key=key)
        if answer.kind == OK:
            with self.lock:
                self.called[key] = answer.body["id"]
        return answer

    def check(self):
        answers = Counter(self.called.values())
        transitions = self.site.rows(f"SELECT token_id, count(*) FROM {TRANSITION} WHERE to_status = 'called' GROUP BY token_id")
        left = self.site.one(f"SELECT count(*) FROM {TOKEN} WHERE status = 'waiting'")
        empty = self.site.tally.refused["queue_empty"]
        return {
            "tokens answered to two calls": sum(count - 1 for count in answers.values()),
            "tokens called twice": sum(count - 1 for _, count in transitions),
            "calls answered and not written": len(answers.keys() - self._ids_called()),
            "calls written and not answered": len(self._ids_called() - answers.keys()),
            "patients at the same time in one room": self._second_patients(),
            "left waiting though the queue was called empty": left if empty else 0,
            "queues that never ran empty": 0 if empty else 1,
        }

    def _ids_called(self) -> set[str]:
        return {token for (token,) in self.site.rows(f"SELECT public_id::text FROM {TOKEN} WHERE called_at IS NOT NULL")}

    def _second_patients(self) -> int:
        """In the order of the ledger, a room is called to only when the one before has left it."""
        inside, second = {}, 0
        for token, room, status in self.site.rows(f"SELECT token_id, room, to_status FROM {TRANSITION} WHERE room <> '' ORDER BY id"):
            if status == "called":
                second += room in inside
                inside[room] = token
            elif inside.get(room) == token:
                del inside[room]
        return second
