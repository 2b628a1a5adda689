"""One of everything, all about one patient, and which of it a route's parameter means."""

import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.utils import timezone

from billing.models import OnlinePayment, Package
from billing.services.claiming import submit_batch
from billing.services.crediting import credit_invoice
from billing.services.deposits import take_deposit
from billing.services.payments import refund_payment
from billing.tests.factories import PriceItemFactory, cashier, issued, pay
from clinic.accounts.models import User
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import SpecializationFactory, user
from clinic.audit.models import OutboxEvent
from patients.tests import factories as records
from patients.tests.test_accounts import sign_up as signed_up
from pharmacy.models import Equivalent, Favourite, PurchaseOrder, PurchaseOrderLine, StockTake, Supplier
from pharmacy.tests.factories import MedicineFactory, dispensed, drafted, line_of, signed, stocked, transferred
from scheduling.models import AppointmentSeries, WaitlistEntry, WaitlistOffer
from scheduling.services.reminders import _signer
from scheduling.tests.factories import AppointmentFactory, ExceptionFactory, SessionFactory, TokenFactory, working_doctor

MISSING = UUID("6c1f0a52-0a6f-4a0c-9a55-1f6f4a3f2d11")
# What `public_id` means, by the segment of the API before it.
_ENDPOINTS = {
    "appointments": "appointment", "recurring": "series", "batches": "batch", "claims": "claim", "credit-notes": "note",
    "departments": "department", "deposits": "deposit", "dispensings": "dispense", "doctors": "doctor", "facilities": "facility",
    "favourites": "favourite", "invoices": "invoice", "medicines": "medicine", "packages": "package", "patients": "patient",
    "payments": "payment", "prescriptions": "prescription", "purchase-orders": "order", "queue": "token", "shifts": "shift",
    "specializations": "specialization", "stock-movements": "movement", "stock-takes": "take", "suppliers": "supplier",
    "stores": "store", "stock-transfers": "transfer", "equivalents": "pair",
    "treatment-types": "treatment_type", "visits": "encounter", "clinical-notes": "encounter",
}  # fmt: skip
# Parameters that are no row's public id.
_WORDS = {
    "to": "quarantined",
    "rest": "nowhere",
    "url": "nowhere",
    "app_label": "billing",
    "analytics/key": "waits",
    "figure": "by-time",
    "kind": "visits",
    "form": "csv",
    "year": 2026,
    "month": 1,
}
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>(?:\[[^\]]*\]\+|\.\*|[\w|]+)\)")


@dataclass
class World:
    """`rows` by the names that parameters have in routes; `people` by role."""

    rows: dict[str, Model]
    people: dict[str, User]
    words: dict[str, object] = field(default_factory=dict)  # by a parameter, or by the end of the route up to it

    def address(self, route: str, model_admin=None) -> str:
        """The route with this world's ids; with a missing one where it has no such thing."""
        return "/" + _PARAMETER.sub(lambda match: str(self._value(match[1] or match[2], route[: match.start()], model_admin)), route)

    def _value(self, name: str, before: str, model_admin):
        if model_admin is not None and name == "object_id":
            return {type(row): row for row in self.rows.values()}[model_admin.model].pk
        word = next((word for key, word in self.words.items() if f"/{before}{name}".endswith(f"/{key}")), None)
        if word is not None:
            return word
        if name in {"public_id", "record_uuid"}:
            name = _ENDPOINTS.get(before.strip("/").rpartition("/")[2], "")
        return self.rows[name].public_id if name in self.rows else MISSING


def parameters(route: str) -> list[str]:
    """Those of a route that mean a row, in order."""
    names = [match[1] or match[2] for match in _PARAMETER.finditer(route)]
    return [name for name in names if name not in _WORDS]


def make_world() -> World:
    doctor = working_doctor()
    account = user(Role.PATIENT)
    patient = records.PatientFactory(
        user=account, insurance_payer="Northern Mutual", insurance_policy_number="NM-1", insurance_cover_percent=80
    )
    receptionist, pharmacist = cashier(), user(Role.PHARMACIST)
    people = {
        Role.RECEPTION: receptionist,
        Role.NURSE: user(Role.NURSE),
        Role.DOCTOR: doctor.user,
        Role.PHARMACIST: pharmacist,
        Role.MANAGER: user(Role.MANAGER),
        Role.ADMIN: user(Role.ADMIN),
        Role.PATIENT: account,
    }
    rows = {"patient": patient, "other": records.PatientFactory(), "doctor": doctor, "department": doctor.department}
    rows |= {"facility": doctor.department.facility, "specialization": SpecializationFactory(), "user": account}
    rows |= {"sign_up": signed_up()}
    rows |= _record(patient, doctor)
    rows |= _appointments(patient, doctor)
    rows |= _pharmacy(patient, doctor, pharmacist)
    rows |= _billing(patient, receptionist)
    rows["event"] = OutboxEvent.objects.order_by("id").first()
    batch = submit_batch(payer="Northern Mutual", by=receptionist, request_id=uuid4())
    rows["claim"] = batch.claims.first()
    words = _WORDS | {
        "reminders/stop/token": _signer.sign(patient.public_id.hex),
        "claims/batches/batch": batch.public_id,
        "place/key": rows["token"].slip_key,
        "code": rows["prescription"].paper_code,
        "content_type_id": ContentType.objects.get_for_model(rows["note"]).pk,
        "object_id": rows["note"].pk,
    }
    return World(rows, people, words)


def _record(patient, doctor) -> dict[str, Model]:
    encounter = records.EncounterFactory(patient=patient, doctor=doctor)
    records.ClinicalNoteFactory(encounter=encounter)
    treatment = records.TreatmentFactory(encounter=encounter)
    return {
        "encounter": encounter,
        "vitals": records.VitalsFactory(encounter=encounter),
        "diagnosis": records.DiagnosisFactory(encounter=encounter),
        "attachment": records.AttachmentFactory(encounter=encounter),
        "treatment": treatment,
        "treatment_type": treatment.treatment_type,
    }


def _appointments(patient, doctor) -> dict[str, Model]:
    at = timezone.now() + timedelta(days=20)
    entry = WaitlistEntry.objects.create(patient=patient, doctor=doctor, first_on=date(2026, 1, 5), last_on=date(2099, 1, 5), band=2)
    token = TokenFactory(patient=patient, on=timezone.localdate())
    return {
        "appointment": AppointmentFactory(patient=patient, doctor=doctor),
        "series": AppointmentSeries.objects.create(patient=patient, doctor=doctor, starts_at=at, every_weeks=1, request_id=uuid4()),
        "session": doctor.sessions.first() or SessionFactory(doctor=doctor),
        "exception": ExceptionFactory(),
        "entry": entry,
        "offer": WaitlistOffer.objects.create(
            entry=entry, doctor=doctor, starts_at=at, ends_at=at + timedelta(minutes=15), expires_at=at - timedelta(days=1)
        ),
        "token": token,
        "queue": token.queue,
    }


def _pharmacy(patient, doctor, pharmacist) -> dict[str, Model]:
    medicine, handed_out, today = MedicineFactory(), MedicineFactory(), timezone.localdate()
    supplier = Supplier.objects.create(name=f"Medsupply {uuid4().hex[:6]}")
    batch = stocked(50, medicine=medicine, expires_on=today + timedelta(days=400), on=today)
    carried = transferred(stocked(50, medicine=handed_out, expires_on=today + timedelta(days=400), on=today), 10, on=today)
    visit = records.EncounterFactory(patient=patient, doctor=doctor)
    draft = drafted(line_of(medicine), encounter=records.EncounterFactory(patient=patient, doctor=doctor))
    order = PurchaseOrder.objects.create(supplier=supplier, ordered_by=pharmacist, request_id=uuid4())
    return {
        "medicine": medicine,
        "supplier": supplier,
        "batch": batch,
        "movement": batch.movements.get(),
        "transfer": carried,
        "store": carried.target.store,
        "prescription": signed(line_of(medicine), encounter=visit),
        "dispense": dispensed(signed(line_of(handed_out), encounter=visit), by=pharmacist, on=today),
        "item": draft.items.get(),
        "favourite": Favourite.objects.create(doctor=doctor, medicine=medicine, dose="1", frequency="OD", duration_days=3, quantity=3),
        "order": order,
        "line": PurchaseOrderLine.objects.create(order=order, medicine=medicine, ordered_quantity=5, unit_cost=Decimal("0.10")),
        "take": StockTake.objects.create(title="Shelf", opened_by=pharmacist, request_id=uuid4()),
        "pair": Equivalent.objects.create(first=medicine, second=handed_out, reason="Of like effect", approved_by=pharmacist),
    }


def _billing(patient, receptionist) -> dict[str, Model]:
    invoice, paid = issued(receptionist, patient=patient), issued(receptionist, patient=patient)
    payment = pay(paid, receptionist, "2.00")
    note = credit_invoice(
        invoice_id=paid.pk, reason="Wrong item", by=receptionist, on=timezone.localdate(), request_id=uuid4(), amount=Decimal("1.00")
    )
    return {
        "invoice": invoice,
        "payment": payment,
        "refund": refund_payment(payment_id=payment.pk, amount=Decimal(1), reason="Too much", by=receptionist, request_id=uuid4()),
        "note": note,
        "deposit": take_deposit(patient_id=patient.pk, method="cash", amount=Decimal(20), by=receptionist, request_id=uuid4()),
        "online": OnlinePayment.objects.create(
            invoice=invoice, amount=Decimal(5), currency="USD", provider="test", opened_by=patient.user, request_id=uuid4()
        ),
        "package": Package.objects.create(code=f"PACK{uuid4().hex[:6]}", name="Check-up", price=Decimal(30), valid_from=date(2026, 1, 1)),
        "price": PriceItemFactory(),
        "shift": payment.shift,
    }
