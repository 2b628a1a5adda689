"""Minimal valid rows, and short ways to an issued invoice and an open shift."""

from datetime import date
from decimal import Decimal
from uuid import uuid4

import factory
from django.utils import timezone

from billing.models import Invoice, PriceItem, Shift
from billing.services.invoicing import draft_invoice, draft_manual_invoice, issue_invoice
from billing.services.payments import take_payment
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DoctorFactory, user
from patients.models import Encounter, Patient
from patients.models.encounter import EncounterStatus
from pharmacy.models import Medicine, Prescription, PrescriptionItem, PrescriptionStatus

ON = date(2026, 3, 2)


class PatientFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Patient

    mrn = factory.Sequence(lambda n: f"{n:06d}-0")
    first_name = "Ann"
    last_name = factory.Sequence(lambda n: f"Bell{n}")
    date_of_birth = date(1980, 1, 1)
    sex = "female"
    registered_on = date(2026, 1, 1)


def insured(cover_percent=80, **attributes):
    """A patient whose insurance has no end."""
    cover = {"insurance_payer": "Northern Mutual", "insurance_policy_number": "NM-1", "insurance_cover_percent": cover_percent}
    return PatientFactory(**cover | attributes)


class EncounterFactory(factory.django.DjangoModelFactory):
    """A visit in progress, of a doctor whose fee is 40.00."""

    class Meta:
        model = Encounter

    patient = factory.SubFactory(PatientFactory)
    doctor = factory.SubFactory(DoctorFactory)


class MedicineFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Medicine

    name = factory.Sequence(lambda n: f"Amoxicillin {n} mg")
    generic_name = "amoxicillin"
    form = "capsule"
    unit = "capsule"
    price = Decimal("0.50")


class PriceItemFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = PriceItem

    code = factory.Sequence(lambda n: f"P{n}")
    name = "Electrocardiogram"
    unit_price = Decimal("25.00")
    valid_from = date(2020, 1, 1)


def prescribe(encounter: Encounter, *items: tuple[Medicine, int], status=PrescriptionStatus.SIGNED) -> Prescription:
    prescription = Prescription.objects.create(encounter=encounter, patient=encounter.patient, prescriber=encounter.doctor)
    for medicine, quantity in items or [(MedicineFactory(), 21)]:
        PrescriptionItem.objects.create(
            prescription=prescription, medicine=medicine, dose="1 capsule", frequency="TDS", duration_days=7, quantity=quantity
        )
    if status != PrescriptionStatus.DRAFT:
        prescription.save_changes(status=status, signed_at=timezone.now())
    return prescription


def sign(encounter: Encounter) -> Encounter:
    encounter.save_changes(
        status=EncounterStatus.COMPLETED, signed_at=timezone.now(), signed_by=encounter.doctor.user, content_sha256="0" * 64
    )
    return encounter


def visit(*items: tuple[Medicine, int], **attributes) -> Encounter:
    """A signed visit; with items it has a signed prescription of them."""
    encounter = EncounterFactory(**attributes)
    if items:
        prescribe(encounter, *items)
    return sign(encounter)


def cashier(**attributes):
    """A receptionist at an open drawer with 100.00 in it."""
    person = user(Role.RECEPTION, **attributes)
    Shift.objects.create(cashier=person, opening_float=Decimal("100.00"))
    return person


def draft(by=None, *, total="40.00", patient=None) -> Invoice:
    lines = [{"description": "Dressing", "quantity": 1, "unit_price": Decimal(total)}]
    return draft_manual_invoice(patient_id=(patient or PatientFactory()).pk, lines=lines, by=by or user(Role.RECEPTION), on=ON)


def issued(by=None, *, total="40.00", patient=None) -> Invoice:
    by = by or user(Role.RECEPTION)
    return issue_invoice(invoice_id=draft(by, total=total, patient=patient).pk, by=by, on=ON)


def issued_for(encounter: Encounter, by) -> Invoice:
    return issue_invoice(invoice_id=draft_invoice(encounter_id=encounter.pk, by=by).pk, by=by, on=ON)


def pay(invoice: Invoice, by, amount=None, *, method="cash", request_id=None, **more):
    amount = Decimal(amount) if amount is not None else invoice.balance
    return take_payment(invoice_id=invoice.pk, method=method, amount=amount, by=by, request_id=request_id or uuid4(), **more)
