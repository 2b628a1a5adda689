"""I20: the star schema and its views are what the operational tables say, whenever the ETL dies."""

import random
import re
import subprocess
import sys
import threading
import time

from clinic.ops.demo import PROJECT
from clinic.ops.prove.chapter import Chapter, Control
from clinic.ops.prove.chapters.bookings import slot_at
from clinic.ops.prove.crowd import in_background, work_off
from clinic.ops.prove.figures_sql import FACTS, SUMS, differing
from clinic.ops.servers.service import Service

CHANGERS, CLIENTS = 4, 8
STUCK_SECONDS = 120
DIFFERING = "facts that are not what the operational tables say"
# What keeps rows as they were written is set aside, so that each can be corrected late; what writes the queue of changes stays.
RULES = """
DO $$ DECLARE each record; BEGIN
  FOR each IN SELECT tgname, tgrelid::regclass AS place FROM pg_trigger
   WHERE NOT tgisinternal AND tgname NOT LIKE 'analytics_watch%' AND tgrelid::regclass::text ~ '^(scheduling|patients|pharmacy|billing)_'
  LOOP EXECUTE format('ALTER TABLE %s DISABLE TRIGGER %I', each.place, each.tgname); END LOOP;
END $$
"""
TWICE = ("appointment_doctor_booked_once", "appointment_patient_booked_once")
AT_WORK = """
    SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = 7306001
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""


class Figures(Chapter):
    number = "I20"
    invariant = "Star schema, sums and views are what the operational tables say, whenever the ETL dies, with late corrections"
    controls = (Control("taking", "changes leave the queue before their facts are written", 0.1, (DIFFERING,)),)

    @property
    def tried(self) -> str:
        return (
            f"{self.by_sql + self.over_http} changes: {self.over_http} bookings and cancellations over HTTP by {CLIENTS} clients, the "
            f"others by {CHANGERS} processes as rows: appointments, visits, tokens, invoices, payments, dispenses, and late corrections of "
            f"each, some committed late or rolled back; the ETL killed {self.kills} times meanwhile"
        )

    @property
    def over_http(self) -> int:
        return self.times(5_000)

    @property
    def by_sql(self) -> int:
        return self.times(45_000, least=CHANGERS)

    @property
    def kills(self) -> int:
        return self.times(50, least=5)

    def attack(self):
        self.dice, self.hits, self.lock = random.Random(20), 0, threading.Lock()
        self.site.execute(RULES)
        for name in TWICE:
            self.site.execute(f"ALTER TABLE scheduling_appointment DROP CONSTRAINT {name}")
        self._run("run_etl")
        etl = Service("etl", [sys.executable, "-m", "clinic.ops.prove.etl"], env=self._environment(), cwd=PROJECT)
        self.site.fleet.begin([etl])
        try:
            self._change_and_kill()
            self._wait_for_an_empty_queue()
        finally:
            self.site.fleet.finish([etl])
        self.notes.append(
            f"{self.hits} of {self.kills} kills met the ETL within a transaction; its queue was empty {self.drained:.1f} s after the last."
        )

    def _change_and_kill(self):
        changers = [self._changer(number) for number in range(CHANGERS)]
        asking = in_background(self._ask)
        each = -(-self.by_sql // (self.kills * CHANGERS))
        for number in range(self.kills):
            for changer in changers:
                changer.stdin.write(f"{each}\n")
                changer.stdin.flush()
            self._kill(number)
            for changer in changers:
                _expect(changer, "made")
        asking.result()
        for changer in changers:
            changer.stdin.close()
            changer.wait()

    def _changer(self, number: int) -> subprocess.Popen:
        environment = self.site.stack.environment(self.site.name) | {"DATABASE_AS_OWNER": "True"}
        argv = [sys.executable, "-m", "clinic.ops.prove.changing", str(number)]
        changer = subprocess.Popen(argv, env=environment, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        _expect(changer, "ready")
        return changer

    def _ask(self):
        """Bookings over HTTP; of each five one is cancelled."""
        caller, facts = self.site.caller("reception"), self.site.facts

        def ask(number):
            body = {"patient": facts.patients[1_000 + number % 3_000].id, "doctor": facts.doctors[number % len(facts.doctors)].id}
            start = slot_at(self.site, 2, number // len(facts.doctors))
            made = caller.post("appointments/", body | {"start": start}, key=f"book-{number}")
            if made.body and "id" in made.body and number % 5 == 0:
                caller.post(f"appointments/{made.body['id']}/cancel/", {"reason": "Asked to"}, key=f"cancel-{number}")

        work_off(range(self.over_http * 5 // 6), ask, clients=CLIENTS)

    def _kill(self, number: int):
        """While it holds its lock, or else whatever it does; each tenth time with the process that would start it anew."""
        began = time.monotonic()
        while not self.site.one(AT_WORK) and time.monotonic() - began < STUCK_SECONDS:
            time.sleep(0.002)
        time.sleep(self.dice.uniform(0, 0.05))
        self.hits += self.site.one(AT_WORK)
        if number % 10 == 9:
            self.site.fleet.kill("etl")
        else:
            self.site.fleet.kill_child("etl", self.dice.choice)

    def _wait_for_an_empty_queue(self):
        began = time.monotonic()
        while self.site.one("SELECT count(*) FROM analytics_change") and time.monotonic() - began < 5 * STUCK_SECONDS:
            time.sleep(0.1)
        self.drained = time.monotonic() - began

    def _environment(self) -> dict:
        environment = self.site.stack.environment(self.site.name)
        return environment | ({"UNGUARDED": self.site.unguarded} if self.site.unguarded else {})

    def _run(self, *command: str) -> int:
        """manage.py run_etl; how many rows it wrote."""
        argv, environment = [sys.executable, "manage.py", *command], self.site.stack.environment(self.site.name)
        done = subprocess.run(argv, env=environment, cwd=PROJECT, capture_output=True, text=True, check=True)
        return int(re.search(r"(\d+) rows written", done.stdout)[1])

    def check(self):
        found = {
            "changes that stay in the queue": self.site.one("SELECT count(*) FROM analytics_change"),
            DIFFERING: sum(self.site.one(differing(table, self.site.stack.zone)) for table in FACTS),
            "sums and rows of views that are not what the operational tables say": sum(
                self.site.one(differing(table, self.site.stack.zone)) for table in SUMS
            ),
            "rows that a second run writes": self._run("run_etl"),
            "rows that deriving everything anew writes": self._run("run_etl", "--full"),
        }
        counted = {table: self.site.one(f"SELECT count(*) FROM {table}") for table in (*FACTS, *SUMS)}
        self.notes.append("Compared: " + ", ".join(f"{count} rows of {table}" for table, count in counted.items()) + ".")
        return found | {f"tables without a row: {table}": 1 for table, count in counted.items() if not count}


def _expect(changer: subprocess.Popen, word: str) -> None:
    if (line := changer.stdout.readline().strip()) != word:
        raise RuntimeError(f"A process that changes rows ended instead of saying {word!r}: {line!r}")
