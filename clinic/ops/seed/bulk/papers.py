"""What a visit leaves behind it: the prescription and what was handed out, the invoice and its payment."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property

from billing import rules
from billing.models import Invoice, InvoiceLine, Payment
from billing.rules import Charge, invoice_number
from clinic.core.money import to_cents
from clinic.ops.seed.bulk.copying import NULL, Sheet, uuid_of
from clinic.ops.seed.bulk.diary import Diary, Visit
from clinic.ops.seed.bulk.visits import Keys, ailment_of
from pharmacy.models import Batch, Dispense, DispenseLine, Medicine, Prescription, PrescriptionItem, StockMovement, Store

prescriptions = Sheet(
    Prescription, "id", "public_id", "encounter_id", "patient_id", "prescriber_id", "status", "signed_at", "valid_until", "cleared_at"
)
items = Sheet(
    PrescriptionItem,
    "id",
    "public_id",
    "prescription_id",
    "medicine_id",
    "dose",
    "frequency",
    "duration_days",
    "quantity",
    "instructions",
    "dispensed_quantity",
)
batches = Sheet(
    Batch, "id", "public_id", "medicine_id", "store_id", "lot", "expires_on", "received_on", "unit_cost", "received_quantity", "on_hand"
)
dispenses = Sheet(Dispense, "id", "public_id", "prescription_id", "dispensed_by_id", "dispensed_at", "dispensed_on", "request_id")
dispense_lines = Sheet(DispenseLine, "id", "public_id", "dispense_id", "item_id", "batch_id", "quantity")
movements = Sheet(StockMovement, "public_id", "batch_id", "kind", "quantity", "balance", "dispense_line_id", "by_id", "at")
invoices = Sheet(Invoice, "id", "public_id", "patient_id", "encounter_id", "state", "number", "issued_at", "total", "paid", "created_by_id")
lines = Sheet(
    InvoiceLine,
    "id",
    "public_id",
    "invoice_id",
    "kind",
    "description",
    "quantity",
    "unit_price",
    "total",
    "prescription_item_id",
    "charge_key",
)
payments = Sheet(Payment, "public_id", "invoice_id", "method", "amount", "received_by_id", "received_at", "request_id")

_LEFT_OVER = 200  # units of each medicine that stay on the shelf
_VALID = timedelta(days=30)


@dataclass(frozen=True)
class Paper:
    """Of one completed visit; `prescribed` counts those that got a medicine, from 0."""

    seen: int
    prescribed: int
    visit: Visit
    medicine: Medicine
    item: tuple

    @property
    def signed_at(self) -> datetime:
        return self.visit.start + timedelta(minutes=14)

    @property
    def paid_at(self) -> datetime:
        return self.visit.start + timedelta(minutes=22)

    @property
    def quantity(self) -> int:
        return self.item[5]


class Papers:
    """All lines in the order of the visits. `first` holds the first primary key by table, `staff` users by login."""

    def __init__(self, diary: Diary, keys: Keys, *, first: dict, staff: dict, numbered: dict[int, int], today: date):
        self.diary, self.keys, self.first, self.staff, self.today = diary, keys, first, staff, today
        self._numbered = numbered
        medicines = {(each.name, each.form): each for each in Medicine.objects.filter(is_controlled=False)}
        self._medicines = medicines
        self._store = Store.objects.default().pk
        self._order = sorted({each.pk for each in medicines.values()})

    def __iter__(self) -> Iterator[Paper]:
        """Every completed visit whose ailment is treated with a medicine of the clinic's."""
        prescribed = 0
        for seen, visit in enumerate(self.diary.completed()):
            item = next((each for each in ailment_of(visit, self.keys).items if each[:2] in self._medicines), None)
            if item:
                yield Paper(seen, prescribed, visit, self._medicines[item[:2]], item)
                prescribed += 1

    @cached_property
    def needed(self) -> Counter:
        """Units handed out by medicine: what has to be received first."""
        needed = Counter()
        for paper in self:
            needed[paper.medicine.pk] += paper.quantity
        return needed

    def prescription_lines(self) -> Iterator[str]:
        for paper in self:
            visit, doctor = paper.visit, self.keys.doctor(paper.visit)
            yield prescriptions.line(
                self.first["prescription"] + paper.prescribed,
                uuid_of("prescription", paper.prescribed),
                self.keys.encounter + paper.seen,
                self.keys.patient + visit.patient,
                doctor.pk,
                "dispensed",
                paper.signed_at,
                (paper.signed_at + _VALID).date(),
                paper.paid_at,
            )

    def item_lines(self) -> Iterator[str]:
        for paper in self:
            _, _, dose, frequency, days, quantity, instructions = paper.item
            yield items.line(
                self.first["item"] + paper.prescribed,
                uuid_of("item", paper.prescribed),
                self.first["prescription"] + paper.prescribed,
                paper.medicine.pk,
                dose,
                frequency,
                days,
                quantity,
                instructions,
                quantity,
            )

    def batch_lines(self) -> Iterator[str]:
        received_on = self.diary.days[0]
        for medicine in self._medicines.values():
            number, received = self._order.index(medicine.pk), self.needed[medicine.pk] + _LEFT_OVER
            expires_on, cost = self.today + timedelta(days=200 + number), to_cents(medicine.price / 2)
            yield batches.line(
                self._batch(medicine),
                uuid_of("batch", number),
                medicine.pk,
                self._store,
                f"BULK{number:04}",
                expires_on,
                received_on,
                cost,
                received,
                _LEFT_OVER,
            )

    def dispense_lines(self) -> Iterator[str]:
        for paper in self:
            yield dispenses.line(
                self.first["dispense"] + paper.prescribed,
                uuid_of("dispense", paper.prescribed),
                self.first["prescription"] + paper.prescribed,
                self.staff["pharmacist"].pk,
                self._handed_out(paper),
                self._handed_out(paper).astimezone(self.diary.zone).date(),
                uuid_of("dispense request", paper.prescribed),
            )

    def dispensed_lines(self) -> Iterator[str]:
        for paper in self:
            yield dispense_lines.line(
                self.first["dispense_line"] + paper.prescribed,
                uuid_of("dispense line", paper.prescribed),
                self.first["dispense"] + paper.prescribed,
                self.first["item"] + paper.prescribed,
                self._batch(paper.medicine),
                paper.quantity,
            )

    def movement_lines(self) -> Iterator[str]:
        """First all that came in, then what went out, with the balance after each."""
        opened = datetime.combine(self.diary.days[0], datetime.min.time(), tzinfo=self.diary.zone)
        balance = {}
        for medicine in self._medicines.values():
            balance[medicine.pk] = self.needed[medicine.pk] + _LEFT_OVER
            number = self._order.index(medicine.pk)
            yield movements.line(
                uuid_of("receipt", number),
                self._batch(medicine),
                "IN",
                balance[medicine.pk],
                balance[medicine.pk],
                NULL,
                self.staff["pharmacist"].pk,
                opened,
            )
        for paper in self:
            balance[paper.medicine.pk] -= paper.quantity
            yield movements.line(
                uuid_of("movement", paper.prescribed),
                self._batch(paper.medicine),
                "OUT",
                -paper.quantity,
                balance[paper.medicine.pk],
                self.first["dispense_line"] + paper.prescribed,
                self.staff["pharmacist"].pk,
                self._handed_out(paper),
            )

    def invoice_lines(self) -> Iterator[str]:
        for paper in self:
            total, year = self._total(paper), paper.paid_at.astimezone(self.diary.zone).year
            self._numbered[year] = self._numbered.get(year, 0) + 1
            yield invoices.line(
                self.first["invoice"] + paper.prescribed,
                uuid_of("invoice", paper.prescribed),
                self.keys.patient + paper.visit.patient,
                self.keys.encounter + paper.seen,
                "issued",
                invoice_number(year, self._numbered[year]),
                paper.paid_at,
                total,
                total,
                self.staff["reception"].pk,
            )

    def charge_lines(self) -> Iterator[str]:
        """Two to an invoice: the consultation and the medicine."""
        for paper in self:
            for turn, charge in enumerate(self._charges(paper)):
                number = 2 * paper.prescribed + turn
                refers = self.first["item"] + paper.prescribed if turn else NULL
                yield lines.line(
                    self.first["line"] + number,
                    uuid_of("line", number),
                    self.first["invoice"] + paper.prescribed,
                    charge.kind,
                    charge.description,
                    charge.quantity,
                    charge.unit_price,
                    to_cents(charge.quantity * charge.unit_price),
                    refers,
                    charge.key,
                )

    def payment_lines(self) -> Iterator[str]:
        """By card: cash would need a drawer that was open on that day."""
        for paper in self:
            yield payments.line(
                uuid_of("payment", paper.prescribed),
                self.first["invoice"] + paper.prescribed,
                "card",
                self._total(paper),
                self.staff["reception"].pk,
                paper.paid_at,
                uuid_of("payment request", paper.prescribed),
            )

    def _charges(self, paper: Paper) -> list[Charge]:
        doctor, medicine = self.keys.doctor(paper.visit), paper.medicine
        encounter_id = uuid_of("encounter", paper.seen)
        consultation = rules.consultation_charge(encounter_id=encounter_id, doctor_name=doctor.name, fee=doctor.consultation_fee)
        item = rules.medicine_charge(
            item_id=uuid_of("item", paper.prescribed),
            item_pk=self.first["item"] + paper.prescribed,
            medicine_name=medicine.name,
            unit=medicine.unit,
            quantity=paper.quantity,
            price=medicine.price,
        )
        return [*consultation, item]

    def _total(self, paper: Paper) -> Decimal:
        return rules.sum_of(to_cents(charge.quantity * charge.unit_price) for charge in self._charges(paper))

    def _batch(self, medicine: Medicine) -> int:
        return self.first["batch"] + self._order.index(medicine.pk)

    def _handed_out(self, paper: Paper) -> datetime:
        return paper.visit.start + timedelta(minutes=30)
