"""What happens to a clinic whose figures are watched: `python -m clinic.ops.prove.changing NUMBER`.

A process of its own. It reads how many changes to make, one number a line, and answers each line when they are made.
Besides what the services do it makes every late correction there can be; the chapter has set the rules of
the operational tables aside for that, but not what writes the queue of changes.
"""

import os
import random
import sys
import time
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import django

if __name__ == "__main__":
    django.setup()

from django.db import connection, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import F
from django.utils import timezone

from billing.models import Invoice, InvoiceLine, Payment, Refund
from clinic.accounts.models import Department, Doctor, Facility, User
from patients.models import Encounter, Patient
from pharmacy.models import Batch, Dispense, DispenseLine, Medicine, Prescription, PrescriptionItem, Store
from scheduling.models import Appointment, Queue, Token

# Of a hundred changes so many are rolled back, and so many commit late.
ROLLED_BACK, LATE = 3, 2
LATE_SECONDS = 0.2
REGISTERED_ON = date(2020, 1, 1)  # the reference's patients


class World:
    def __init__(self, number: int):
        self.dice, self.number, self.serial = random.Random(number), number, 0
        self.rows, self.added = defaultdict(list), []
        self.doctors, self.departments = list(Doctor.objects.order_by("pk")), list(Department.objects.order_by("pk"))
        self.facilities = [Facility.objects.order_by("pk").first(), Facility.objects.create(name=f"House {number}")]
        self.patients = list(Patient.objects.order_by("pk").values_list("pk", flat=True)[:500])
        self.by = User.objects.get(username="manager")
        department = Department.objects.create(name=f"P{number}", facility=self.facilities[1])
        self.queue = Queue.objects.create(code=f"P{number}", department=department)
        self.medicines = [
            Medicine.objects.create(name=f"Medicine {number}-{n}", generic_name="ingredient", form="tablet", price=1) for n in range(3)
        ]
        self.batches = [self._batch(medicine, n) for medicine in self.medicines for n in range(2)]
        # The number is how often each comes about, beside the others.
        self.kinds = {
            self.book: 20, self.decide: 14, self.move: 9, self.see: 14, self.sign: 8, self.mistake: 1, self.queue_up: 8, self.call: 5,
            self.bill: 7, self.credit: 2, self.void: 1, self.pay: 5, self.refund: 2, self.dispense: 5, self.give_back: 3, self.remove: 3,
            self.correct_patient: 2, self.correct_cost: 1,
        }  # fmt: skip
        if not number:  # one alone, so that no two wait for each other
            self.kinds |= {self.transfer_doctor: 0.3, self.rename_doctor: 0.5}

    def _batch(self, medicine, n: int) -> Batch:
        today = timezone.localdate()
        stock = {"store": Store.objects.default(), "received_quantity": 10**6, "on_hand": 10**6, "unit_cost": Decimal("1.3700")}
        return Batch.objects.create(medicine=medicine, lot=f"L{n}", expires_on=today + timedelta(900), received_on=today, **stock)

    def change(self) -> None:
        """One change in a transaction of its own. What it adds is known when it is committed."""
        kind = self.dice.choices(list(self.kinds), weights=list(self.kinds.values()))[0]
        fate, self.added = self.dice.randrange(100), []
        with transaction.atomic():
            kind()
            if fate < LATE:
                time.sleep(self.dice.uniform(0, LATE_SECONDS))
            if rolled_back := fate >= 100 - ROLLED_BACK:
                transaction.set_rollback(True)
        for name, pk in () if rolled_back else self.added:
            self.rows[name].append(pk)

    def _add(self, row):
        self.added.append((type(row), row.pk))
        return row

    def _some(self, model):
        """Rows of one that was added before; of none where there is none."""
        return model._base_manager.filter(pk=self.dice.choice(self.rows[model] or [0]))

    def _moment(self):
        return timezone.now() + timedelta(minutes=self.dice.randrange(-600_000, 40_000))

    def _next(self) -> int:
        self.serial += 1
        return self.serial

    # --- Appointments and visits ---------------------------------------------------------

    def _span(self):
        start = self._moment()
        return DateTimeTZRange(start, start + timedelta(minutes=self.dice.choice((15, 20, 45))))

    def book(self):
        overbooked = self.dice.random() < 0.1
        more = {"facility": self.dice.choice([None, *self.facilities]), "is_overbooked": overbooked, "overbook_reason": "x" * overbooked}
        doctor, patient = self.dice.choice(self.doctors), self.dice.choice(self.patients)
        self._add(Appointment.objects.create(patient_id=patient, doctor=doctor, during=self._span(), **more))

    def decide(self):
        status = self.dice.choice(["booked", "checked_in", "in_consultation", "completed", "no_show", "cancelled", "rescheduled"])
        to = F("pk") if status == "rescheduled" else None
        self._some(Appointment).update(status=status, closed_reason="x" * (status == "cancelled"), rescheduled_to=to)

    def move(self):
        to = {"doctor": self.dice.choice(self.doctors), "facility": self.dice.choice(self.facilities)}
        self._some(Appointment).update(during=self._span(), **to)

    def remove(self):
        """As nobody can: a visit that came of it is a walk-in now."""
        some = self._some(Appointment)
        if row := some.first():
            some._raw_delete("default")
            self.rows[Appointment].remove(row.pk)

    def see(self):
        of = self._some(Appointment).first() if self.dice.random() < 0.7 else None
        who = {"patient_id": of.patient_id, "doctor_id": of.doctor_id} if of else {"patient_id": self.dice.choice(self.patients)}
        row = self._add(Encounter.objects.create(started_at=self._moment(), **{"doctor_id": self.dice.choice(self.doctors).pk} | who))
        if of:
            Appointment.objects.filter(pk=of.pk).update(encounter=row, status="completed", rescheduled_to=None)

    def sign(self):
        after = timedelta(seconds=self.dice.randrange(-600, 5_000))
        signed = {"status": "completed", "signed_by": self.by, "content_sha256": "0" * 64, "entered_in_error_reason": ""}
        self._some(Encounter).update(signed_at=F("started_at") + after, **signed)

    def mistake(self):
        unsigned = {"signed_at": None, "signed_by": None, "content_sha256": ""}
        self._some(Encounter).update(status="entered_in_error", entered_in_error_reason="x", **unsigned)

    def queue_up(self):
        visit = self._some(Encounter).first()
        if visit is None or Token.objects.filter(encounter=visit).exists():
            return
        at = visit.started_at - timedelta(minutes=self.dice.randrange(90))
        called = at + timedelta(seconds=self.dice.randrange(-60, 6_000)) if self.dice.random() < 0.7 else None
        place = {"queue": self.queue, "on": at.date(), "number": self._next(), "status": "done"}
        times = {"issued_at": at, "effective_at": at, "called_at": called}
        self._add(Token.objects.create(patient_id=visit.patient_id, encounter=visit, **times, **place))

    def call(self):
        self._some(Token).update(called_at=F("issued_at") + timedelta(seconds=self.dice.randrange(6_000)))

    # --- Money and medicines ----------------------------------------------------------------

    def bill(self):
        visit = self._some(Encounter).first() if self.dice.random() < 0.9 else None
        patient = visit.patient_id if visit else self.dice.choice(self.patients)
        prices = [Decimal(self.dice.randrange(1, 9_000)) / 100 for _ in range(self.dice.randrange(1, 4))]
        issued = {"state": "issued", "number": f"P{self.number}-{self._next()}", "issued_at": timezone.now()}
        row = Invoice.objects.create(patient_id=patient, encounter=visit, created_by=self.by, total=sum(prices) + 20, **issued)
        for n, price in enumerate([Decimal(20), *prices]):
            kind = ("consultation", "other", "other", "other")[n]
            self._add(InvoiceLine.objects.create(invoice=row, kind=kind, description="Test", quantity=1, unit_price=price, total=price))
        self._add(row)

    def credit(self):
        """In the line and its invoice, as a credit note does."""
        line = self._some(InvoiceLine).select_related("invoice").first()
        if line is None or line.credited or line.invoice.state != "issued":
            return
        InvoiceLine.objects.filter(pk=line.pk).update(credited=line.total)
        Invoice.objects.filter(pk=line.invoice_id).update(credited=F("credited") + line.total)

    def void(self):
        self._some(Invoice).filter(state="issued", paid=0, credited=0).update(state="void", void_reason="x", voided_at=timezone.now())

    def pay(self):
        amount, invoice = Decimal(self.dice.randrange(1, 500)) / 100, self._some(Invoice).first()
        if invoice and Invoice.objects.filter(pk=invoice.pk, state="issued", paid__lte=10).update(paid=F("paid") + amount):
            how = {"method": self.dice.choice(["card", "mobile", "bank"]), "received_at": self._moment(), "request_id": uuid4()}
            self._add(Payment.objects.create(invoice=invoice, amount=amount, received_by=self.by, **how))

    def refund(self):
        payment = self._some(Payment).first()
        if payment and payment.refunded == 0:
            row = Refund.objects.create(payment=payment, amount=payment.amount, reason="x", request_id=uuid4(), refunded_by=self.by)
            Payment.objects.filter(pk=payment.pk).update(refunded=row.amount)

    def dispense(self):
        visit = self._some(Encounter).first()
        if visit is None:
            return
        batch, now = self.dice.choice(self.batches), timezone.now()
        prescription = Prescription.objects.create(encounter=visit, patient_id=visit.patient_id, prescriber_id=visit.doctor_id)
        Prescription.objects.filter(pk=prescription.pk).update(status="signed", signed_at=now)
        dose = {"dose": "1", "frequency": "OD", "duration_days": 5, "quantity": 9}
        item = PrescriptionItem.objects.create(prescription=prescription, medicine=batch.medicine, **dose)
        given = Dispense.objects.create(
            prescription=prescription, dispensed_by=self.by, dispensed_on=self._moment().date(), request_id=uuid4()
        )
        self._add(DispenseLine.objects.create(dispense=given, item=item, batch=batch, quantity=self.dice.randrange(1, 10)))

    def give_back(self):
        self._some(DispenseLine).update(returned_quantity=F("quantity") - self.dice.choice([0, 1]))

    # --- What many facts hang on ------------------------------------------------------------

    def correct_patient(self):
        of_mine = self.patients[self.number :: 8]
        born = REGISTERED_ON - timedelta(days=self.dice.randrange(30_000))
        Patient.objects.filter(pk=self.dice.choice(of_mine)).update(date_of_birth=born, sex=self.dice.choice(["female", "male", "other"]))

    def correct_cost(self):
        Batch.objects.filter(pk=self.dice.choice(self.batches).pk).update(unit_cost=Decimal(self.dice.randrange(1, 90_000)) / 10_000)

    def transfer_doctor(self):
        Doctor.objects.filter(pk=self.dice.choice(self.doctors).pk).update(department=self.dice.choice(self.departments))

    def rename_doctor(self):
        User.objects.filter(pk=self.dice.choice(self.doctors).user_id).update(last_name=f"Name {self._next()}")


def main() -> None:
    world = World(int(sys.argv[1]))
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
    print("ready", flush=True)
    for line in sys.stdin:
        for _ in range(int(line)):
            world.change()
        print("made", flush=True)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")
    main()
