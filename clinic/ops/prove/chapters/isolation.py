"""I14: a patient sees the own data only; a stranger's object answers as a missing one."""

import json
import threading
import urllib.request
from collections import Counter

from clinic.ops.prove.chapter import Chapter, Control
from clinic.ops.prove.chapters.bookings import slot_at
from clinic.ops.prove.client import OK, Answer
from clinic.ops.prove.crowd import work_off
from clinic.ops.prove.replay import Request, masked, requests_of, variants

_OWNED = (
    "SELECT table_name FROM information_schema.columns WHERE column_name = 'patient_id' AND table_schema = 'public'"
    " AND table_name NOT LIKE 'audit%%' ORDER BY table_name"
)
_ROWS = "SELECT coalesce(md5(string_agg(row::text, '' ORDER BY row::text)), '') FROM {table} row WHERE patient_id = %s"
TOLD_APART, NAMED, CHANGED = (
    "answers that tell another's row from one that is not there",
    "answers that name a row of another",
    "tables in which another's rows changed",
)


class Isolation(Chapter):
    number = "I14"
    invariant = "A patient sees the own data only; a stranger's object answers as a missing one"
    controls = (Control("scoping", "every query shows every row", 0.2, (TOLD_APART, NAMED)),)

    @property
    def tried(self) -> str:
        return (
            f"every operation of the API's description, {self.times(5)} times by each of two patients with the other's ids"
            " (path, filter, body, nested) and with ids that nobody has, and with the own ones, by 8 clients"
        )

    def attack(self):
        self.lock, self.found = threading.Lock(), Counter()
        pairs = [self._live_through(number) for number in (0, 1)]
        with urllib.request.urlopen(f"http://127.0.0.1:{self.site.port}/api/schema/?format=json", timeout=60) as answer:
            description = json.load(answer)
        requests = list(requests_of(description, start=slot_at(self.site, 2, 3)))
        before = self._rows()
        jobs = []
        for (name, own), (_, theirs) in (pairs, pairs[::-1]):
            caller, kept = self.site.caller(name), {"doctor": self.site.facts.doctors[2].id} | own
            jobs += [(caller, request, kept, theirs) for request in requests] * self.times(5)
        work_off(jobs, self._replay, clients=8)
        after = self._rows()
        self.found[CHANGED] = sum(before[table] != after[table] for table in before)

    def _live_through(self, number: int) -> tuple[str, dict]:
        """A visit from the booking to the medicine: the patient's user name, and the ids of what came of it."""
        facts, callers = self.site.facts, {name: self.site.caller(name) for name in ("reception", "doctor0", "pharmacist")}

        def post(name: str, path: str, body: dict | None = None) -> dict:
            answer = callers[name].post(path, body, key=f"{number}-{path}")
            if answer.kind != OK:
                raise RuntimeError(f"{path}: {answer}")
            return answer.body

        patient, doctor = facts.patients[number].id, facts.doctors[0].id
        booking = {"patient": patient, "doctor": doctor, "start": slot_at(self.site, 1, number)}
        appointment = post("reception", "appointments/", booking)
        token = post("reception", "queue/walk-in/", {"patient": patient, "doctor": doctor, "priority": "routine", "reason": "Fever"})
        visit = post("doctor0", "visits/", {"patient": patient, "doctor": doctor})
        note = post("doctor0", f"visits/{visit['id']}/notes/", {"text": "Cough", "observations": {}, "tags": []})
        drug = {
            "name": f"Drug {number}",
            "generic_name": f"drug{number}",
            "form": "tablet",
            "strength": "5 mg",
            "unit": "tablet",
            "price": "1.00",
        }
        medicine = post("pharmacist", "medicines/", drug)
        batch = {"medicine": medicine["id"], "lot": f"L{number}", "expires_on": "2099-01-01", "quantity": 60, "unit_cost": "0.10"}
        post("pharmacist", "batches/", batch)
        line = {"medicine": medicine["id"], "dose": "1 tablet", "route": "oral", "frequency": "OD", "duration_days": 10, "instructions": ""}
        prescription = post("doctor0", "prescriptions/", {"visit": visit["id"], "items": [line]})
        post("doctor0", f"prescriptions/{prescription['id']}/sign/")
        invoice = post("reception", "invoices/", {"visit": visit["id"]})
        post("reception", f"invoices/{invoice['id']}/issue/")
        if number == 0:
            post("reception", "shifts/", {"opening_float": "100.00"})
        payment = post("reception", f"invoices/{invoice['id']}/pay/", {"method": "card", "amount": "1.00", "reference": "R-1"})
        deposit = post("reception", "deposits/", {"patient": patient, "method": "card", "amount": "5.00", "reference": "R-2"})
        dispensing = post("pharmacist", "dispensings/", {"prescription": prescription["id"]})
        ids = {
            "patients": patient, "patient": patient, "other": patient, "appointments": appointment["id"], "appointment": appointment["id"],
            "queue": token["id"], "token": token["id"], "visits": visit["id"], "visit": visit["id"], "record_uuid": visit["id"],
            "clinical-notes": visit["id"], "amends": note["id"], "prescriptions": prescription["id"], "prescription": prescription["id"],
            "item": prescription["items"][0]["id"], "invoices": invoice["id"], "invoice": invoice["id"], "payments": payment["id"],
            "deposits": deposit["id"], "dispensings": dispensing["id"], "dispensing": dispensing["id"],
        }  # fmt: skip
        return f"patient{number}", ids

    def _replay(self, job: tuple):
        caller, request, own, theirs = job
        for named, unnamed, held, missing in variants(request, own, theirs):
            self._judge(_said(_ask(caller, named), held), _said(_ask(caller, unnamed), missing), request)
        if request.method == "GET":
            answer = _ask(caller, request.filled({kind: own.get(kind, own["visit"]) for kind in request.kinds}))
            foreign = set(theirs.values()) - set(own.values())
            if any(each in json.dumps(answer.body) for each in foreign):
                self._count(NAMED)

    def _judge(self, said: tuple[int, bytes], said_of_none: tuple[int, bytes], request: Request):
        if said != said_of_none:
            self._count(TOLD_APART)
            self.notes.append(f"{request.method} {request.path}: {said[0]} and {said_of_none[0]}")

    def _count(self, kind: str):
        with self.lock:
            self.found[kind] += 1

    def _rows(self) -> dict[tuple, str]:
        """A hash of what stands under each of the two patients, by table."""
        tables, owners = [table for (table,) in self.site.rows(_OWNED)], self.site.facts.patients[:2]
        return {(table, owner.pk): self.site.one(_ROWS.format(table=table), owner.pk) for table in tables for owner in owners}

    def check(self):
        return {kind: self.found[kind] for kind in (TOLD_APART, NAMED, CHANGED)}


def _ask(caller, request: Request) -> Answer:
    return caller.settle(request.method, request.path.removeprefix("/api/v1/"), request.body)


def _said(answer: Answer, ids: dict) -> tuple[int, bytes]:
    return answer.status, masked(json.dumps(answer.body).encode(), ids)
