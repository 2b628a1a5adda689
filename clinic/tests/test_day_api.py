"""A patient's day over the API, as the people of the clinic work it."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DoctorFactory, user
from clinic.audit.models import OutboxEvent
from clinic.audit.services.relay import relay_outbox
from patients.services.notes import ship_notes
from pharmacy.models import Batch

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("mid_morning", "as_application")]


def post(client, path, body=None, expect=201, **headers):
    answer = client.post(f"/api/v1/{path}", body or {}, headers=headers)
    assert answer.status_code == expect, (path, answer.status_code, answer.content)
    return answer.json()


def get(client, path):
    answer = client.get(f"/api/v1/{path}")
    assert answer.status_code == 200, (path, answer.status_code, answer.content)
    return answer.json()


PATIENT = {
    "first_name": "Zoë",
    "last_name": "Nakamura",
    "date_of_birth": "1984-02-29",
    "sex": "female",
    "phone": "+12025550147",
    "emergency_contact": {"name": "Ken Nakamura", "phone": "+12025550148", "relation": "husband"},
    "insurance": {"payer": "Acme Health", "policy_number": "A-1", "valid_until": "2020-01-01", "cover_percent": 80},
    "allergies": [{"substance": "Penicillin", "reaction": "rash", "severity": "moderate"}],
    "problems": [{"text": "Hypertension", "code": "I10"}],
}


@pytest.fixture
def people(api_as):
    """A doctor with hours today, and a client for each role that has a part in the day."""
    doctor = DoctorFactory(consultation_fee="40.00")
    clients = {
        "doctor_id": str(doctor.public_id),
        "reception": api_as(user(Role.RECEPTION)),
        "nurse": api_as(user(Role.NURSE)),
        "doctor": api_as(doctor.user),
        "pharmacist": api_as(user(Role.PHARMACIST)),
        "manager": api_as(user(Role.MANAGER)),
    }
    today = timezone.localdate().isoformat()
    hours = {"date_from": today, "date_to": today, "start": "09:00", "end": "17:00", "slot_minutes": 15}
    post(clients["manager"], "slots/bulk/", {"doctor": clients["doctor_id"]} | hours)
    return clients


@pytest.fixture
def medicine(people):
    """60 tablets in two batches; the later one was received first."""
    medicine = post(
        people["pharmacist"],
        "medicines/",
        {"name": "Amlodipine 5 mg", "generic_name": "amlodipine", "form": "tablet", "strength": "5 mg", "unit": "tablet", "price": "0.25"},
    )
    for lot, expires_in, quantity in (("LATE", 700, 40), ("SOON", 90, 20)):
        expires_on = (timezone.localdate() + timedelta(days=expires_in)).isoformat()
        post(
            people["pharmacist"],
            "batches/",
            {"medicine": medicine["id"], "lot": lot, "expires_on": expires_on, "quantity": quantity, "unit_cost": "0.10"},
        )
    return medicine


def test_a_patient_goes_from_the_door_to_the_medicine(people, medicine):
    reception, nurse, doctor, pharmacist = (people[name] for name in ("reception", "nurse", "doctor", "pharmacist"))

    # Reception registers, books the next free slot of today, and checks in.
    patient = post(reception, "patients/", PATIENT)
    assert get(reception, "patients/?search=nakamura")["results"][0]["mrn"] == patient["mrn"]
    slots = get(reception, f"doctors/{people['doctor_id']}/available-slots/?date={timezone.localdate()}&days=1")["slots"]
    start = next(slot["start"] for slot in slots if slot["available"])
    booking = {"patient": patient["id"], "doctor": people["doctor_id"], "start": start, "reason": "Headache"}
    appointment = post(reception, "appointments/", booking, **{"Idempotency-Key": "book-1"})
    assert post(reception, "appointments/", booking, **{"Idempotency-Key": "book-1"}) == appointment
    token = post(reception, "queue/check-in/", {"appointment": appointment["id"]})
    assert (token["number"], token["status"], token["position"]) == (1, "waiting", 1)

    # The doctor calls, the nurse measures, the doctor writes.
    called = post(doctor, "queue/next/", {"doctor": people["doctor_id"], "room": "3"}, expect=200)
    assert (called["id"], called["status"]) == (token["id"], "called")
    visit = post(doctor, "visits/", {"appointment": appointment["id"]})
    vitals = post(
        nurse, f"visits/{visit['id']}/vitals/", {"systolic_mmhg": 152, "diastolic_mmhg": 95, "weight_kg": "70.5", "height_cm": "168.0"}
    )
    assert float(vitals["bmi"]) == 25.0
    post(doctor, f"visits/{visit['id']}/diagnoses/", {"code": "I10", "text": "Essential hypertension", "rank": "primary"})
    note = {"text": "Blood pressure up at two readings.", "observations": {"symptoms": ["headache"]}, "tags": ["follow-up"]}
    post(doctor, f"visits/{visit['id']}/notes/", note)
    item = {
        "medicine": medicine["id"],
        "dose": "1 tablet",
        "route": "oral",
        "frequency": "OD",
        "duration_days": 30,
        "instructions": "In the morning",
    }
    prescription = post(doctor, "prescriptions/", {"visit": visit["id"], "items": [item]})
    assert prescription["items"][0]["quantity"] == 30
    signed = post(doctor, f"prescriptions/{prescription['id']}/sign/", expect=200)
    assert signed["status"] == "signed"
    completed = post(doctor, f"visits/{visit['id']}/complete/", expect=200)
    assert completed["status"] == "completed"
    assert doctor.patch(f"/api/v1/visits/{visit['id']}/", {"reason": "changed"}).status_code == 409
    assert get(reception, f"appointments/{appointment['id']}/")["status"] == "completed"

    # Nothing is handed out before it is paid.
    refused = post(pharmacist, "dispensings/", {"prescription": prescription["id"]}, expect=409)
    assert refused["code"] == "payment_required"

    # Reception bills and takes the money.
    invoice = post(reception, "invoices/", {"visit": visit["id"]})
    assert invoice["total"] == "47.50"  # 40.00 + 30 x 0.25
    invoice = post(reception, f"invoices/{invoice['id']}/issue/", expect=200)
    assert invoice["number"]
    assert post(reception, f"invoices/{invoice['id']}/pay/", {"method": "cash", "amount": "47.50"}, expect=409)["code"] == "no_open_shift"
    post(reception, "shifts/", {"opening_float": "100.00"})
    paying = {"method": "cash", "amount": "47.50", "tendered": "50.00"}
    payment = post(reception, f"invoices/{invoice['id']}/pay/", paying, **{"Idempotency-Key": "pay-1"})
    assert payment["change"] == "2.50"
    assert post(reception, f"invoices/{invoice['id']}/pay/", paying, **{"Idempotency-Key": "pay-1"}) == payment
    assert get(reception, f"invoices/{invoice['id']}/")["status"] == "paid"

    # The pharmacist hands out 20 of the batch that expires first, and 10 of the other.
    dispensing = post(pharmacist, "dispensings/", {"prescription": prescription["id"]}, **{"Idempotency-Key": "give-1"})
    assert [(line["lot"], line["quantity"]) for line in dispensing["lines"]] == [("SOON", 20), ("LATE", 10)]
    assert post(pharmacist, "dispensings/", {"prescription": prescription["id"]}, **{"Idempotency-Key": "give-1"}) == dispensing
    assert dict(Batch.objects.values_list("lot", "on_hand")) == {"SOON": 0, "LATE": 30}
    assert get(pharmacist, f"prescriptions/{prescription['id']}/")["status"] == "dispensed"

    # What was written is in MongoDB, and every step in the audit.
    ship_notes()
    assert [row["text"] for row in get(doctor, f"visits/{visit['id']}/notes/")["results"]] == [note["text"]]
    actions = set(OutboxEvent.objects.audit().values_list("action", flat=True))
    assert {"request.refused", "patients.chart.read"} <= actions
    assert relay_outbox() > 0
    assert OutboxEvent.objects.unshipped().count() == 0
    assert Decimal(get(reception, "payments/")["results"][0]["amount"]) == Decimal("47.50")


def test_a_walk_in_waits_behind_an_emergency(people):
    first, second = (post(people["reception"], "patients/", PATIENT | {"first_name": name}) for name in ("Ann", "Bob"))
    walk_in = {"doctor": people["doctor_id"], "reason": "Fever"}
    routine = post(people["reception"], "queue/walk-in/", walk_in | {"patient": first["id"], "priority": "routine"})
    emergency = post(people["reception"], "queue/walk-in/", walk_in | {"patient": second["id"], "priority": "emergency"})

    called = post(people["doctor"], "queue/next/", {"doctor": people["doctor_id"]}, expect=200)

    assert (routine["number"], emergency["number"]) == (1, 2)
    assert called["id"] == emergency["id"]
    visit = post(people["doctor"], "visits/", {"token": called["id"]})
    assert visit["patient"] == second["id"]
