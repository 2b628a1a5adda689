"""I8: the log shows tampering."""

import subprocess
import sys
import time
from types import SimpleNamespace
from uuid import uuid4

from clinic.audit import rules
from clinic.ops.demo import PROJECT
from clinic.ops.prove.chapter import Chapter, Control
from clinic.ops.prove.crowd import work_off

EVENT = "audit_outboxevent"
ANCHORS = "audit_anchors"
COLLECTIONS = ("audit_logs", "stock_movements", "visit_history", ANCHORS)
SEAL_SECONDS = 120
CUT = 5  # events


class Tampering(Chapter):
    number = "I8"
    invariant = "The audit log shows tampering by whoever rules both databases but has neither the key nor the file of anchors"
    needs_tasks = True
    controls = (Control("nothing", "the key known, and no copy or anchor out of reach", 0.1, ("tamperings not found",)),)

    @property
    def tried(self) -> str:
        return (
            f"{self.times(2_000)} requests sealed; then, each by itself with every trigger switched off: an event edited, deleted, put in; "
            "two exchanged; the tail cut off; the chain sealed anew from an edited event on; an old copy of both databases put back; "
            "MongoDB's copy edited"
        )

    def attack(self):
        self.callers = {name: self.site.caller(name) for name in ("reception", "doctor0")}
        work_off(range(self.times(2_000)), self._ask, clients=16)
        self._wait_until_sealed()
        self.missed, self.unnamed = [], []
        with self.site.fleet.held_down("worker"):
            self._keep()
            self.untouched = self._verify()
            for tamper in (self._edit, self._delete, self._insert, self._swap, self._cut, self._reseal, self._restore, self._edit_copy):
                self._try(tamper)
        self.notes.append(f"{8 - len(self.missed)} of 8 found, {8 - len(self.missed) - len(self.unnamed)} with their first row named.")

    def check(self):
        return {
            "tamperings not found": len(self.missed),
            "tamperings found at another row than the first": len(self.unnamed),
            "untouched logs called tampered with": int(self.untouched != (0, "")),
            "events without a seal": self._unsealed(),
        }

    def _ask(self, n: int):
        patient = self.site.facts.patients[n % len(self.site.facts.patients)].id
        if n % 2:
            self.callers["doctor0"].get(f"patients/{patient}/", tag=f"seal-{n}")
        else:
            body = {"patient": patient, "doctor": self.site.facts.doctors[n % len(self.site.facts.doctors)].id}
            self.callers["reception"].post("queue/walk-in/", body, key=f"seal-{n}", tag=f"seal-{n}")

    def _unsealed(self) -> int:
        return self.site.one(f"SELECT count(*) FROM {EVENT} WHERE sequence IS NULL OR shipped_at IS NULL")

    def _wait_until_sealed(self):
        began = time.monotonic()
        while self._unsealed() and time.monotonic() - began < SEAL_SECONDS:
            time.sleep(0.5)

    # --- One attempt ------------------------------------------------------------------------

    def _try(self, tamper):
        self.site.execute(f"ALTER TABLE {EVENT} DISABLE TRIGGER USER")
        first = tamper()
        if self.site.unguarded and tamper != self._edit_copy:
            self._hide()
        status, named = self._verify()
        if status == 0:
            self.missed.append(tamper.__name__)
        elif named != str(first):
            self.unnamed.append(tamper.__name__)
        self._put_back()

    def _verify(self) -> tuple[int, str]:
        """The status of the command, and the place of the first row that it names."""
        environment = self.site.stack.environment(self.site.name)
        if self.site.unguarded:
            environment["AUDIT_ANCHOR_FILE"] = ""
        done = subprocess.run([sys.executable, "manage.py", "verify_audit"], env=environment, cwd=PROJECT, capture_output=True, text=True)
        rows = [line.split()[0].rstrip(":") for line in done.stdout.splitlines()[1:] if ": " in line]
        placed = [row for row in rows if row.isdigit()]
        return done.returncode, placed[0] if placed else ""

    def _keep(self):
        self.site.execute(f"CREATE TABLE kept AS TABLE {EVENT}")
        self.documents = {name: list(self.site.mongo[name].find()) for name in COLLECTIONS}
        self.head = self.site.one(f"SELECT max(sequence) FROM {EVENT}")
        self.middle = self.head // 2

    def _put_back(self):
        self.site.execute(f"DELETE FROM {EVENT}")
        self.site.execute(f"INSERT INTO {EVENT} SELECT * FROM kept")
        self.site.execute(f"ALTER TABLE {EVENT} ENABLE TRIGGER USER")
        for name in self._filled:
            self.site.mongo[name].delete_many({})
            self.site.mongo[name].insert_many(self.documents[name])

    @property
    def _filled(self) -> list[str]:
        return [name for name, documents in self.documents.items() if documents]

    def _forget(self, events: list):
        for name in self._filled:
            self.site.mongo[name].delete_many({"_id": {"$in": events}})

    def _hide(self):
        """What an intruder with the key does: seal all of it anew, in order, and leave nothing to compare it with."""
        order = [row[0] for row in self.site.rows(f"SELECT id FROM {EVENT} ORDER BY sequence, id")]
        self.site.execute(f"UPDATE {EVENT} SET sequence = NULL, seal = '', key_id = '', shipped_at = NULL")
        self._seal(order, key=self.site.stack.data_dir.secret("audit_key", length=48))
        for name in self._filled:
            self.site.mongo[name].delete_many({})

    def _seal(self, order: list[int], *, key: str, after: int = 0):
        previous = self.site.one(f"SELECT seal FROM {EVENT} WHERE sequence = %s", after) if after else rules.GENESIS
        columns = ", ".join(rules.COVERED)
        rows = {row[0]: row[1:] for row in self.site.rows(f"SELECT id, {columns} FROM {EVENT}")}
        sealed = []
        for place, pk in enumerate(order, after + 1):
            event = SimpleNamespace(**dict(zip(rules.COVERED, rows[pk], strict=True)))
            previous = rules.seal_of(key=key, previous=previous, sequence=place, event=event)
            sealed.append((place, previous, self.key_id(), pk))
        self.site.executemany(f"UPDATE {EVENT} SET sequence = %s, seal = %s, key_id = %s WHERE id = %s", sealed)

    def key_id(self) -> str:
        """Of the true key: it stands beside every seal."""
        return rules.key_id_of(self.site.stack.data_dir.secret("audit_key", length=48))

    # --- The eight ---------------------------------------------------------------------------
    # Each returns the place of the first row that is not what was sealed.

    def _edit(self) -> int:
        self.site.execute(f"UPDATE {EVENT} SET action = 'patients.chart.closed' WHERE sequence = %s", self.middle)
        return self.middle

    def _delete(self) -> int:
        self.site.execute(f"DELETE FROM {EVENT} WHERE sequence = %s", self.middle)
        return self.middle

    def _insert(self) -> int:
        columns = ", ".join(name for name in rules.COVERED if name != "event_id")
        self.site.execute(f"UPDATE {EVENT} SET sequence = sequence + 1000000 WHERE sequence >= %s", self.middle)
        self.site.execute(f"UPDATE {EVENT} SET sequence = sequence - 999999 WHERE sequence >= 1000000")
        self.site.execute(
            f"INSERT INTO {EVENT} (event_id, {columns}, sequence, seal, key_id)"
            f" SELECT %s::uuid, {columns}, %s, repeat('a', 64), key_id FROM {EVENT} WHERE sequence = %s",
            str(uuid4()),
            self.middle,
            self.middle + 1,
        )
        return self.middle

    def _swap(self) -> int:
        aside = self.head + 1
        for now, then in ((self.middle, aside), (self.middle + 2, self.middle), (aside, self.middle + 2)):
            self.site.execute(f"UPDATE {EVENT} SET sequence = %s WHERE sequence = %s", then, now)
        return self.middle

    def _cut(self) -> int:
        """With the copies and the anchors that tell of it."""
        gone = [row[0] for row in self.site.rows(f"SELECT event_id FROM {EVENT} WHERE sequence > %s", self.head - CUT)]
        self.site.execute(f"DELETE FROM {EVENT} WHERE sequence > %s", self.head - CUT)
        self._forget(gone)
        self.site.mongo[ANCHORS].delete_many({"_id": {"$gt": self.head - CUT}})
        return self.head - CUT + 1

    def _reseal(self) -> int:
        """With a guess for the key, and with nothing left in MongoDB to compare it with."""
        first = self._edit()
        order = [row[0] for row in self.site.rows(f"SELECT id FROM {EVENT} WHERE sequence >= %s ORDER BY sequence", first)]
        self._seal(order, key="a guess", after=first - 1)
        for name in self._filled:
            self.site.mongo[name].delete_many({})
        self.site.execute(f"UPDATE {EVENT} SET shipped_at = NULL")
        return first

    def _restore(self) -> int:
        """Both databases as they were when half of it had happened."""
        gone = [row[0] for row in self.site.rows(f"SELECT event_id FROM {EVENT} WHERE sequence > %s", self.middle)]
        self.site.execute(f"DELETE FROM {EVENT} WHERE sequence > %s", self.middle)
        self._forget(gone)
        self.site.mongo[ANCHORS].delete_many({"_id": {"$gt": self.middle}})
        return self.middle + 1

    def _edit_copy(self) -> int:
        event, place = self.site.rows(
            f"SELECT event_id, sequence FROM {EVENT} WHERE topic = 'audit_logs' AND sequence >= %s LIMIT 1", self.middle
        )[0]
        self.site.mongo["audit_logs"].update_one({"_id": event}, {"$set": {"action": "patients.chart.closed"}})
        return place
