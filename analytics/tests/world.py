"""Some weeks of a small clinic with two facilities: appointments of every fate, visits, waits, money and medicines."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

import pgtrigger
from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils import timezone

from analytics.etl import running
from analytics.etl.rollups import ROLLUPS
from analytics.etl.views import refresh_views
from billing.models import Payment, Refund
from billing.services.payments import refund_payment
from billing.tests.factories import cashier, issued, issued_for, pay
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DepartmentFactory, DoctorFactory, FacilityFactory, user
from patients.tests.factories import EncounterFactory, PatientFactory
from pharmacy.tests.factories import MedicineFactory, dispensed, line_of, signed, stocked
from scheduling.models import Appointment, Queue, Token

FATES = ("completed", "completed", "completed", "no_show", "cancelled", "completed", "no_show", "booked")


def a_clinic(*, appointments: int = 60, today: date | None = None):
    """Three doctors: two of one department, the third at another facility. Returns them."""
    today = today or timezone.localdate()
    dice = Random(5)
    north = DepartmentFactory(name="North")
    departments = {"Alder": north, "Birch": north, "Cedar": DepartmentFactory(name="South")}
    doctors = [DoctorFactory(user=user(Role.DOCTOR, last_name=name), department=department) for name, department in departments.items()]
    elsewhere = FacilityFactory()
    patients = [PatientFactory() for _ in range(9)]
    clerk = cashier()
    for number in range(appointments):
        day = today - timedelta(days=number * 100 // appointments)
        start = timezone.make_aware(datetime.combine(day, datetime.min.time())).replace(hour=8 + number % 9)
        _one(dice, number, start, doctors[number % 3], patients[number % 9], elsewhere, clerk)
    _without_a_visit(clerk, today)
    running.rebuild()
    return doctors


def _one(dice, number, start, doctor, patient, elsewhere, clerk):
    fate = dice.choice(FATES)
    closed = {"closed_reason": "Asked to"} if fate == "cancelled" else {}
    appointment = Appointment.objects.create(
        patient=patient,
        doctor=doctor,
        during=DateTimeTZRange(start, start + timedelta(minutes=20)),
        status="booked" if fate == "completed" else fate,
        facility=elsewhere if number % 4 == 0 else None,
        **closed,
    )
    Appointment.objects.filter(pk=appointment.pk).update(created_at=start - timedelta(days=dice.choice([0, 1, 2, 5, 10, 40])))
    if fate == "completed":
        encounter = _visit(dice, appointment, start)
        _money(encounter, number % 10 / 10, clerk, start)
    elif fate == "no_show" and number % 2:
        EncounterFactory(patient=patient, doctor=doctor, started_at=start + timedelta(hours=10))  # walked in later, and is still there


def _visit(dice, appointment, start):
    patient, doctor = appointment.patient, appointment.doctor
    encounter = EncounterFactory(patient=patient, doctor=doctor, started_at=start, status="in_progress")
    Appointment.objects.filter(pk=appointment.pk).update(encounter=encounter, status="completed")
    if dice.random() < 0.8:
        queue, _ = Queue.objects.get_or_create(doctor=doctor, defaults={"code": f"Q{doctor.pk % 1000}"})
        issued_at = start - timedelta(minutes=70)
        called_at = issued_at + timedelta(minutes=dice.randint(0, 60), seconds=dice.randint(0, 59))
        Token.objects.create(
            queue=queue,
            on=timezone.localdate(start),
            number=encounter.pk,
            patient=patient,
            encounter=encounter,
            issued_at=issued_at,
            effective_at=issued_at,
            called_at=called_at,
            status="done",
        )
    return encounter


def _money(encounter, lot, clerk, at):
    if lot < 0.3:
        medicine = MedicineFactory()
        stocked(50, medicine=medicine)
        dispensed(signed(line_of(medicine, 1 + int(10 * lot)), encounter=encounter), on=timezone.localdate(at))
    if lot < 0.6:
        payment = pay(issued_for(encounter, clerk), clerk, "12.34", method="card" if lot in (0.3, 0.1) else "cash")
        _moved(Payment, "billing.Payment:payment_unchanged", payment.pk, received_at=at)
        if lot < 0.2:
            refund = refund_payment(
                payment_id=payment.pk, amount=Decimal("2.34"), reason="Too much", by=clerk, request_id=payment.public_id
            )
            _moved(Refund, "billing.Refund:refund_append_only", refund.pk, refunded_at=at + timedelta(days=1))


def _moved(model, trigger, pk, **at):
    with pgtrigger.ignore(trigger):
        model.objects.filter(pk=pk).update(**at)


def _without_a_visit(clerk, today):
    pay(issued(clerk, total="33.00"), clerk, method="card")
    stocked(7, medicine=MedicineFactory(), expires_on=today + timedelta(days=3), on=today - timedelta(days=3))


@transaction.atomic
def empty_views():
    """After a test that commits figures, or before one that expects none: emptying the tables leaves the materialized views as they are."""
    for rollup in ROLLUPS:
        rollup.derived.model.objects.all().delete()
    refresh_views()
