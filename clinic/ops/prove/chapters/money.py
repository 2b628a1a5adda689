"""I6: one payment for one key, equal answers; invoice numbers without a gap."""

import json
import random
import threading
import time
from collections import Counter
from functools import partial

from clinic.ops.prove.chapter import Chapter, Control
from clinic.ops.prove.client import OK
from clinic.ops.prove.crowd import Storm, in_rounds, work_off

INVOICE, LINE, PAYMENT, COUNTER = (f"billing_{name}" for name in ("invoice", "invoiceline", "payment", "invoicecounter"))
PAYERS = 16
# The running number within the invoice's number; a run lies within one year.
SERIAL = "substring(number FROM '([0-9]+)$')::int"

# Every tenth invoice's first issue is rolled back at its very end, when the number is taken already, and the
# second goes through. Only a sequence remembers across a rollback; with so many of them two requests hardly share one.
SEQUENCES = 100
ROLLBACKS = (
    *(f"CREATE SEQUENCE prove_issue_{n}" for n in range(SEQUENCES)),
    f"""CREATE FUNCTION prove_roll_back() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    BEGIN
        IF mod(nextval('prove_issue_' || mod(NEW.id / 10, {SEQUENCES})), 2) = 1 THEN
            RAISE EXCEPTION 'rolled back on purpose' USING ERRCODE = '40001';
        END IF;
        RETURN NULL;
    END $$""",
    f"""CREATE CONSTRAINT TRIGGER prove_roll_back AFTER UPDATE OF state ON {INVOICE} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD.state = 'draft' AND NEW.state = 'issued' AND mod(NEW.id, 10) = 0) EXECUTE FUNCTION prove_roll_back()""",
)
ROLLED_BACK = " + ".join(f"(SELECT (last_value + is_called::int) / 2 FROM prove_issue_{n})" for n in range(SEQUENCES))

FAULTS = {
    "numbers given twice": f"SELECT count(number) - count(DISTINCT number) FROM {INVOICE}",
    "numbers left out": f"SELECT coalesce(max({SERIAL}), 0) - count(DISTINCT number) FROM {INVOICE}",
    "counters that differ from the last number": f"""
        SELECT count(*) FROM {COUNTER} WHERE last_number <> (SELECT coalesce(max({SERIAL}), 0) FROM {INVOICE})""",
    "invoices whose lines do not add up": f"""
        SELECT count(*) FROM {INVOICE} i WHERE total <> (SELECT coalesce(sum(total), 0) FROM {LINE} l WHERE l.invoice_id = i.id)""",
    "invoices whose payments do not add up": f"""
        SELECT count(*) FROM {INVOICE} i
         WHERE paid <> (SELECT coalesce(sum(amount - refunded), 0) FROM {PAYMENT} p WHERE p.invoice_id = i.id) OR paid > total""",
    "second payments of one key": f"""
        SELECT coalesce(sum(n - 1), 0)::int FROM (SELECT count(*) AS n FROM {PAYMENT} GROUP BY reference) AS of_key""",
}


class Money(Chapter):
    number = "I6"
    invariant = "One key is one payment with one answer; invoice numbers have no gap; sums are their parts"
    controls = (
        Control("paying", "without idempotency keys", 0.02, ("second payments of one key", "keys with different answers")),
        Control("numbering", "the number by count() + 1, no unique constraint", 0.05, ("numbers given twice",), (
            f"ALTER TABLE {INVOICE} DROP CONSTRAINT billing_invoice_number_key",
        )),
    )  # fmt: skip

    @property
    def tried(self) -> str:
        return (
            f"{self.issues} issues by 32 clients, {self.rolled_back} of them rolled back at the commit and repeated, a web worker killed "
            f"{self.kills} times under the first four fifths, PostgreSQL {self.kills} times under the last, every tenth reply dropped; "
            f"{self.invoices} invoices x {PAYERS} payments at once with one key"
        )

    rolled_back = 0

    @property
    def issues(self) -> int:
        return self.times(5_000)

    @property
    def invoices(self) -> int:
        return self.times(1_000)

    @property
    def kills(self) -> int:
        return 0 if self.site.unguarded else self.times(10)

    def attack(self):
        self.lock, self.numbers, self.answers = threading.Lock(), {}, {}
        self.caller = self.site.caller("reception")
        drafts = self._drafts()
        crashing = self.issues - self.issues // 5
        self._issue(list(enumerate(drafts[:crashing])), self._kill_a_worker)
        self.rolled_back = self.site.one(f"SELECT {ROLLED_BACK}")  # read now: sequences skip numbers when PostgreSQL recovers
        self._issue(list(enumerate(drafts))[crashing:], self._kill_postgresql)
        self.payable = drafts[: self.invoices]
        in_rounds(len(self.payable), self._pay, clients=PAYERS)

    def _drafts(self) -> list[str]:
        patients, user = self.site.facts.patients, self.site.facts.users["reception"]
        rows = [(patients[n % len(patients)].pk, user) for n in range(self.issues)]
        self.site.executemany(
            f"WITH i AS (INSERT INTO {INVOICE} (public_id, patient_id, state, total, paid, void_reason, created_by_id, version)"
            " VALUES (gen_random_uuid(), %s, 'draft', 40, 0, '', %s, 1) RETURNING id)"
            f" INSERT INTO {LINE} (public_id, invoice_id, kind, description, quantity, unit_price, discount, tax_percent, tax, total,"
            " is_void) SELECT gen_random_uuid(), id, 'other', 'Test', 2, 20, 0, 0, 0, 40, false FROM i",
            rows,
        )
        for statement in ROLLBACKS:
            self.site.execute(statement)
        return [public_id for (public_id,) in self.site.rows(f"SELECT public_id::text FROM {INVOICE} ORDER BY id")]

    def _issue(self, jobs: list[tuple[int, str]], kill):
        def load(job_done):
            def issue(job):
                number, invoice = job
                path, key = f"invoices/{invoice}/issue/", f"issue-{invoice}"
                if number % 10 == 0:
                    self.caller.drop_reply("POST", path, {}, key=key)
                answer = self.caller.post(path, key=key)
                if answer.kind == OK:
                    with self.lock:
                        self.numbers[invoice] = answer.body["number"]
                job_done()

            work_off(jobs, issue, clients=32)

        Storm([partial(kill, random.Random(n)) for n in range(self.kills)], jobs=len(jobs)).during(load)

    def _kill_a_worker(self, dice: random.Random):
        self.site.fleet.kill_child("web", dice.choice)

    def _kill_postgresql(self, dice: random.Random):
        """The server itself, or a single session, which makes all of PostgreSQL recover."""
        with self.site.postgresql_down():
            if dice.random() < 0.3:
                self.site.fleet.kill_child("postgres", dice.choice)
                time.sleep(0.2)
            else:
                self.site.fleet.kill("postgres")

    def _pay(self, turn: int, payer: int):
        """A small part of the invoice, so that all 16 would fit; the reference names the key."""
        invoice = self.payable[turn]
        body = {"method": "card", "amount": "1.00", "reference": f"Pay {turn}"}
        if payer == 0 and turn % 10 == 0:
            self.caller.drop_reply("POST", f"invoices/{invoice}/pay/", body, key=f"pay-{turn}")
        answer = self.caller.post(f"invoices/{invoice}/pay/", body, key=f"pay-{turn}")
        with self.lock:
            self.answers.setdefault(turn, []).append((answer.status, json.dumps(answer.body, sort_keys=True)))

    def check(self):
        faults = {kind: int(self.site.one(sql)) for kind, sql in FAULTS.items()}
        written = dict(self.site.rows(f"SELECT public_id::text, number FROM {INVOICE}"))
        paid = Counter(reference for (reference,) in self.site.rows(f"SELECT reference FROM {PAYMENT}"))
        return faults | {
            "invoices with another number than answered": sum(written[invoice] != number for invoice, number in self.numbers.items()),
            "invoices that could not be issued": self.issues - len(self.numbers),
            "keys without exactly one payment": sum(paid[f"Pay {turn}"] != 1 for turn in range(self.invoices)),
            "keys with different answers": sum(len(set(answers)) != 1 for answers in self.answers.values()),
        }
