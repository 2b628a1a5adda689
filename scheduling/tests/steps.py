"""What people do at the desk and in the queue, in one call each. `EARLY` and `NOW` are on DAY, before the first appointment."""

from datetime import timedelta
from html import unescape
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone

from scheduling.services import booking, queueing
from scheduling.tests.factories import AppointmentFactory, PatientFactory, at

NOW = at(8, 50)
EARLY = at(7)


def arrive(doctor=None, department=None, patient=None, now=NOW, priority="routine", by=None, **more):
    return queueing.walk_in(
        patient_id=(patient or PatientFactory()).pk,
        doctor_id=doctor.pk if doctor else None,
        department_id=department.pk if department else None,
        priority=priority,
        reason="",
        by=by,
        now=now,
        **more,
    )


def check_in(appointment, now=NOW, by=None, **more):
    return queueing.check_in(appointment_id=appointment.pk, by=by, now=now, **more)


def change(token, to, now=NOW, **more):
    return queueing.change_status(token_id=token.pk, to=to, by=None, now=now, **more)


def undo(token, now=NOW):
    return queueing.undo_last_change(token_id=token.pk, by=None, now=now)


def status_of(row):
    row.refresh_from_db()
    return row.status


def book(doctor, patient=None, start=None, **details):
    wanted = {"by": None, "now": EARLY} | details
    patient = patient or PatientFactory()
    return booking.book_appointment(patient_id=patient.pk, doctor_id=doctor.pk, start=start or at(9), **wanted)


def outcomes(results):
    return sorted(type(result).__name__ for result in results)


# --- Through the API and the pages, on the clinic's real today ---


def problem(response, status, code):
    assert (response.status_code, response.json()["code"]) == (status, code), response.content
    assert response.headers["Content-Type"].startswith("application/problem+json")
    return response.json()


def appointment_today(**fields):
    now = timezone.now()
    return AppointmentFactory(during=(now, now + timedelta(minutes=1)), **fields)


def post_booking(api, doctor, patient=None, start=None, **more):
    body = {"doctor": doctor.public_id, "patient": (patient or PatientFactory()).public_id, "start": (start or at(9)).isoformat()}
    return api.post("/api/v1/appointments/", body | more)


def url(name, *args, **query):
    return reverse(f"scheduling:{name}", args=args) + (f"?{urlencode(query)}" if query else "")


def words(response):
    return unescape(response.content.decode())


def walk_in_now(doctor=None, department=None, **more):
    return arrive(doctor, department, **({"now": timezone.now()} | more))
