"""One appointment from the booking to the counter of the pharmacy, by the services that staff use."""

from datetime import datetime, timedelta
from decimal import ROUND_UP, Decimal

from billing.models import Invoice, PaymentMethod
from billing.services.drafts import change_lines
from billing.services.invoicing import draft_invoice, issue_invoice
from billing.services.payments import take_payment
from clinic.core.db import atomic_with_retry
from clinic.ops.seed.data.clinic_facts import Colleague
from clinic.ops.seed.demo import Demo
from clinic.ops.seed.history import Moments, backdate_visit
from clinic.ops.seed.plan import BILLED, CANCELLED, DISPENSED, MISSED, PAID, PART_PAID, SEEN, Planned
from clinic.ops.seed.registry import weight_and_height
from clinic.ops.seed.shelf import medicine_id
from patients.models import DiagnosisRank, Encounter
from patients.services.encounters import add_diagnosis, complete_visit, record_vitals
from patients.services.notes import write_note
from pharmacy.models import Medicine, Prescription
from pharmacy.services.dispensing import dispense_prescription
from pharmacy.services.prescribing import sign_prescription, write_prescription
from scheduling.models import Appointment, Token, TokenStatus
from scheduling.services.booking import book_appointment, cancel_appointment, mark_no_show
from scheduling.services.queueing import change_status, check_in
from scheduling.services.visits import start_visit

_REASON_TO_GO_ON = "Known and weighed up with the patient."
_CANCELLED_BECAUSE = ["Feels well again.", "Cannot leave work.", "Travelling.", "Asked for another day by phone."]


@atomic_with_retry
def make_appointment(demo: Demo, planned: Planned) -> Appointment:
    """Booked, and what became of it: one transaction, so that an interrupted run leaves no half of it."""
    appointment = book(demo, planned)
    if planned.becomes == CANCELLED:
        reason = demo.dice("cancelled", planned.start).choice(_CANCELLED_BECAUSE)
        by, before = demo.user("reception"), planned.start - timedelta(hours=20)
        cancel_appointment(appointment_id=appointment.pk, reason=reason, by=by, now=before)
    elif planned.becomes == MISSED:
        mark_no_show(appointment_id=appointment.pk, by=demo.user("reception"), now=planned.start + timedelta(minutes=30))
    elif planned.becomes == SEEN:
        see(demo, planned, appointment)
    return appointment


def book(demo: Demo, planned: Planned) -> Appointment:
    """Some days before, or at the latest a moment before it begins."""
    days = demo.dice("booked", planned.start).randrange(2, 12)
    return book_appointment(
        patient_id=demo.patient(planned.patient).pk,
        doctor_id=demo.doctor(planned.colleague.login).pk,
        start=planned.start,
        reason=planned.ailment.reason,
        by=demo.user("reception"),
        now=min(planned.start, demo.now) - timedelta(days=days),
        request_id=planned.request_id,
    )


def see(demo: Demo, planned: Planned, appointment: Appointment) -> None:
    """The visit, signed, and its paper as far as planned."""
    dice = demo.dice("pace", planned.start, planned.patient)
    takes, waits = round(dice.triangular(7, 19, 11)), round(dice.triangular(3, 34, 8))
    at = Moments.of(planned.start + timedelta(minutes=1), since=demo.midnight_before(planned.start), until=demo.now, takes=takes)
    token = arrive(demo, planned, appointment, now=at.started - timedelta(minutes=waits))
    encounter = call_in(demo, planned.colleague, token, now=at.started)
    examine(demo, planned, encounter)
    prescription = prescribe(demo, planned, encounter)
    doctor = demo.user(planned.colleague.login)
    if prescription:
        sign_prescription(prescription_id=prescription.pk, by=doctor, override_reason=_REASON_TO_GO_ON)
    change_status(token_id=token.pk, to=TokenStatus.DONE, by=doctor, now=at.signed)
    complete_visit(encounter_id=encounter.pk, by=doctor)
    _paper(demo, planned, encounter, prescription)
    backdate_visit(encounter, at)


def arrive(demo: Demo, planned: Planned, appointment: Appointment, *, now: datetime) -> Token:
    """On the day of the appointment, however early it is."""
    now = max(now, demo.midnight_before(planned.start))
    return check_in(appointment_id=appointment.pk, by=demo.user("reception"), now=now, request_id=planned.id("token"))


def call_in(demo: Demo, colleague: Colleague, token: Token, *, now: datetime) -> Encounter:
    doctor = demo.user(colleague.login)
    change_status(token_id=token.pk, to=TokenStatus.CALLED, by=doctor, now=now - timedelta(minutes=1), room=colleague.room)
    change_status(token_id=token.pk, to=TokenStatus.IN_SERVICE, by=doctor, now=now)
    return start_visit(by=doctor, token_id=token.pk)


def measure(demo: Demo, planned: Planned, encounter: Encounter) -> None:
    dice = demo.dice("vitals", planned.start, planned.patient)
    weight, height = weight_and_height(demo, planned.patient)
    values = {
        "temperature_c": f"{dice.uniform(36.3, 37.1):.1f}",
        "pulse_bpm": dice.randrange(62, 86),
        "respiratory_rate_bpm": dice.randrange(12, 17),
        "spo2_percent": dice.randrange(96, 100),
        "weight_kg": weight,
        "height_cm": height,
    }
    if weight > 40:
        values |= {"systolic_mmhg": dice.randrange(112, 136), "diastolic_mmhg": dice.randrange(68, 86)}
    record_vitals(encounter_id=encounter.pk, values=values | planned.ailment.vitals, by=demo.user("nurse"), request_id=planned.id("vitals"))


def examine(demo: Demo, planned: Planned, encounter: Encounter) -> None:
    """Measurements, diagnosis, note."""
    ailment, doctor = planned.ailment, demo.user(planned.colleague.login)
    measure(demo, planned, encounter)
    diagnoses = [(ailment.code, ailment.diagnosis), *([ailment.second] if ailment.second else [])]
    for rank, (code, text) in zip(DiagnosisRank.values, diagnoses, strict=False):
        add_diagnosis(encounter_id=encounter.pk, text=text, code=code, rank=rank, by=doctor, request_id=planned.id(f"diagnosis {rank}"))
    write_note(
        encounter_id=encounter.pk,
        patient_id=encounter.patient_id,
        author=doctor,
        text=ailment.note,
        observations={"symptoms": ailment.symptoms} if ailment.symptoms else {},
        tags=[],
        request_id=planned.id("note"),
    )


def prescribe(demo: Demo, planned: Planned, encounter: Encounter) -> Prescription | None:
    """A draft of what helps against it."""
    items = []
    for name, form, dose, frequency, days, quantity, instructions in planned.ailment.items:
        item = {"medicine": Medicine.objects.get(public_id=medicine_id(name, form)), "dose": dose, "frequency": frequency}
        routes = {"inhaler": "inhaled", "cream": "topical"}
        item |= {"duration_days": days, "quantity": quantity, "instructions": instructions, "route": routes.get(form, "oral")}
        item["max_doses_a_day"] = 4 if frequency == "PRN" else None
        items.append(item)
    if not items:
        return None
    doctor = demo.user(planned.colleague.login)
    return write_prescription(encounter_id=encounter.pk, items=items, by=doctor, request_id=planned.id("prescription"))


def _paper(demo: Demo, planned: Planned, encounter: Encounter, prescription: Prescription | None) -> None:
    on = planned.start.astimezone(demo.zone).date()
    if planned.paper in {BILLED, PART_PAID, PAID, DISPENSED}:
        invoice = bill(demo, planned, encounter)
        if planned.paper != BILLED:
            pay(demo, planned, invoice)
    if planned.paper == DISPENSED and prescription:
        dispense_prescription(
            prescription_id=prescription.pk,
            pharmacist=demo.user("pharmacist"),
            request_id=planned.id("dispense"),
            on=on,
            override_reason=_REASON_TO_GO_ON,
        )


def bill(demo: Demo, planned: Planned, encounter: Encounter) -> Invoice:
    """The visit's charges, and what was done besides, from the price list."""
    by, on = demo.user("reception"), planned.start.astimezone(demo.zone).date()
    invoice = draft_invoice(encounter_id=encounter.pk, by=by, request_id=planned.id("invoice"))
    if planned.ailment.extras:
        kept = [{"id": line.public_id} for line in invoice.lines.all()]
        extras = [{"price_item": code, "quantity": 1} for code in planned.ailment.extras]
        change_lines(invoice_id=invoice.pk, lines=[*kept, *extras], by=by, on=on)
    return issue_invoice(invoice_id=invoice.pk, by=by, on=on)


def pay(demo: Demo, planned: Planned, invoice: Invoice) -> None:
    dice = demo.dice("payment", planned.start, planned.patient)
    owed = invoice.patient_balance  # the rest is the insurer's to pay
    amount = owed if planned.paper != PART_PAID else (owed / 2).quantize(Decimal("0.01"))
    if not amount:
        return
    method = dice.choices([PaymentMethod.CASH, PaymentMethod.CARD, PaymentMethod.MOBILE], [5, 4, 2])[0]
    how = {"reference": f"SLIP {dice.randrange(10**4, 10**5)}"}
    if method == PaymentMethod.CASH:
        how = {"tendered": (amount / 10).quantize(Decimal(1), rounding=ROUND_UP) * 10}
    take_payment(invoice_id=invoice.pk, method=method, amount=amount, by=demo.user("reception"), request_id=planned.id("payment"), **how)
