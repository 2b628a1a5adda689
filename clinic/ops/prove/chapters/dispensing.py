"""I5: stock is what the movements say, never below zero; no unit goes out twice, none beyond what was prescribed."""

import random
import threading
from collections import Counter

from clinic.ops.prove.chapter import Chapter, Control
from clinic.ops.prove.client import OK
from clinic.ops.prove.crowd import Storm, work_off

BATCH, MOVEMENT, ITEM, LINE, DISPENSE = (
    f"pharmacy_{name}" for name in ("batch", "stockmovement", "prescriptionitem", "dispenseline", "dispense")
)
MEDICINES = 2
DELIVERIES = 20

FAULTS = {
    "batches below zero": f"SELECT count(*) FROM {BATCH} WHERE on_hand < 0",
    "batches whose stock is not the sum of their movements": f"""
        SELECT count(*) FROM {BATCH} b
         WHERE on_hand <> (SELECT coalesce(sum(quantity), 0) FROM {MOVEMENT} m WHERE m.batch_id = b.id)""",
    "lines whose movements differ": f"""
        SELECT count(*) FROM {LINE} l
         WHERE quantity <> (SELECT coalesce(-sum(m.quantity), 0) FROM {MOVEMENT} m WHERE m.dispense_line_id = l.id AND m.kind = 'OUT')""",
    "movements out without a line and a person": f"SELECT count(*) FROM {MOVEMENT} WHERE kind = 'OUT' AND dispense_line_id IS NULL",
    "items of which more went out than prescribed": f"""
        SELECT count(*) FROM {ITEM} i
         WHERE quantity * (repeats + 1) < (SELECT coalesce(sum(quantity), 0) FROM {LINE} l WHERE l.item_id = i.id)""",
    "units from expired, quarantined or recalled batches": f"""
        SELECT coalesce(sum(l.quantity), 0)::int FROM {LINE} l JOIN {BATCH} b ON b.id = l.batch_id JOIN {DISPENSE} d ON d.id = l.dispense_id
         WHERE b.state <> 'available' OR b.expires_on <= d.dispensed_on""",
    "units handed out that never came in": f"""
        SELECT greatest(0, (SELECT sum(quantity) FROM {LINE}) - (SELECT sum(quantity) FROM {MOVEMENT} WHERE kind = 'IN'))::int""",
}


class Dispensing(Chapter):
    number = "I5"
    invariant = "Stock is the sum of its movements and never negative; no unit goes out twice, none beyond the prescription"
    controls = (
        Control("dispensing", "batches and prescriptions read without a lock, no stock triggers and checks", 0.06, (
            "batches whose stock is not the sum of their movements",
        ), (
            *(f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in (BATCH, MOVEMENT, LINE, ITEM)),
            f"ALTER TABLE {ITEM} DROP CONSTRAINT item_dispensed_within_prescribed",
        )),
    )  # fmt: skip

    @property
    def tried(self) -> str:
        return (
            f"{self.requests} dispenses by 32 clients of {self.prescriptions} prescriptions, on {self.units} units that come in "
            f"{DELIVERIES} deliveries; a web process killed {self.kills} times"
        )

    @property
    def requests(self) -> int:
        return self.times(5_000)

    @property
    def prescriptions(self) -> int:
        return self.requests * 3 // 5

    @property
    def units(self) -> int:
        return DELIVERIES * self.times(25)

    @property
    def kills(self) -> int:
        return 0 if self.site.unguarded else self.times(20)

    def attack(self):
        self.lock, self.given = threading.Lock(), {}
        self._stock()
        wanted = self._prescribe()
        self.caller = self.site.caller("pharmacist")
        dice = random.Random(5)
        jobs = [(f"dispense-{n}", wanted[n % len(wanted)]) for n in range(self.requests)]
        dice.shuffle(jobs)
        troubles = [lambda n=n: self._kill_web(n) for n in range(self.kills)] + [lambda n=n: self._deliver(n) for n in range(DELIVERIES)]
        dice.shuffle(troubles)

        def load(job_done):
            def dispense(job):
                key, prescription = job
                answer = self.caller.post("dispensings/", {"prescription": prescription}, key=key)
                if answer.kind == OK:
                    with self.lock:
                        self.given[key] = answer.body["id"]
                job_done()

            work_off(jobs, dispense, clients=32)

        Storm(troubles, jobs=len(jobs)).during(load)

    def _stock(self):
        """Two medicines. Of each there is a batch that is expired, one in quarantine, one recalled: none of it may go out."""
        site, user = self.site, self.site.facts.users["pharmacist"]
        self.medicines = site.rows(
            "INSERT INTO pharmacy_medicine (public_id, name, generic_name, form, strength, unit, code_system, code, price, reorder_level,"
            " prescription_required, is_controlled, is_active, version)"
            " SELECT gen_random_uuid(), 'Medicine ' || n, 'ingredient ' || n, 'tablet', '', 'tablet', '', '', 1, 0, true, false, true, 1"
            "   FROM generate_series(1, %s) n RETURNING id, public_id::text",
            MEDICINES,
        )
        for medicine, _ in self.medicines:
            for lot, days, state in (("EXPIRED", 0, "available"), ("QUARANTINED", 90, "quarantined"), ("RECALLED", 90, "recalled")):
                site.execute(
                    f"WITH b AS (INSERT INTO {BATCH} (public_id, medicine_id, store_id, lot, expires_on, received_on, unit_cost,"
                    " received_quantity, on_hand, state, state_reason, version) VALUES (gen_random_uuid(), %s,"
                    " (SELECT id FROM pharmacy_store WHERE is_default), %s, %s::date + %s,"
                    " %s::date - 400, 1, 1000, 1000, %s, 'for the test', 1) RETURNING id)"
                    f" INSERT INTO {MOVEMENT} (public_id, batch_id, kind, quantity, balance, reason, by_id)"
                    " SELECT gen_random_uuid(), id, 'IN', 1000, 1000, '', %s FROM b",
                    medicine, lot, site.today, days, site.today, state, user,
                )  # fmt: skip

    def _prescribe(self) -> list[str]:
        """Signed prescriptions of one to three units, one item each, by SQL: each in a visit of its own."""
        site = self.site
        doctor, patients = site.facts.doctors[0].pk, site.facts.patients
        site.executemany(
            "WITH e AS (INSERT INTO patients_encounter (public_id, patient_id, doctor_id, status, reason, diagnosis_text, content_sha256,"
            " entered_in_error_reason, version) VALUES (gen_random_uuid(), %s, %s, 'in_progress', '', '', '', '', 1)"
            " RETURNING id, patient_id, doctor_id)"
            " INSERT INTO pharmacy_prescription (public_id, encounter_id, patient_id, prescriber_id, status, override_reason,"
            " cancelled_reason, version) SELECT gen_random_uuid(), id, patient_id, doctor_id, 'draft', '', '', 1 FROM e",
            [(patients[n].pk, doctor) for n in range(self.prescriptions)],
        )
        ids = [medicine for medicine, _ in self.medicines]
        site.execute(
            f"INSERT INTO {ITEM} (public_id, prescription_id, medicine_id, dose, route, frequency, duration_days, quantity,"
            " repeats, instructions, dispensed_quantity) SELECT gen_random_uuid(), id, (%s::bigint[])[1 + id %% %s], '1', 'oral',"
            " 'OD', 5, 1 + id %% 3, 0, '', 0 FROM pharmacy_prescription",
            ids, MEDICINES,
        )  # fmt: skip
        site.execute("UPDATE pharmacy_prescription SET status = 'signed', signed_at = now(), valid_until = %s::date + 90", site.today)
        return [public_id for (public_id,) in site.rows("SELECT public_id::text FROM pharmacy_prescription ORDER BY id")]

    def _deliver(self, number: int):
        """Some more units, over the API, in two lots of which the later one expires first."""
        body = {"medicine": self.medicines[number % MEDICINES][1], "lot": f"LOT-{number}", "unit_cost": "1.00", "quantity": self.times(25)}
        expires_on = self.site.start(400 - number, 0).date().isoformat()
        self.caller.post("batches/", body | {"expires_on": expires_on}, key=f"delivery-{number}")

    def _kill_web(self, number: int):
        """Mostly one of the workers, which its parent replaces; sometimes all of them with their parent."""
        if number % 4 == 3:
            self.site.fleet.kill("web")
        else:
            self.site.fleet.kill_child("web", random.Random(number).choice)

    def check(self):
        there = {public_id for (public_id,) in self.site.rows(f"SELECT public_id::text FROM {DISPENSE}")}
        given = Counter(self.given.values())
        return {kind: self.site.one(sql) for kind, sql in FAULTS.items()} | {
            "dispenses acknowledged and lost": len(given.keys() - there),
            "dispenses written and never acknowledged": len(there - given.keys()),
            "dispenses answered to two requests": sum(count - 1 for count in given.values()),
        }
