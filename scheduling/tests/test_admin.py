import pytest
from django.urls import reverse

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DoctorFactory, FacilityFactory, user
from clinic.audit.models import OutboxEvent
from scheduling.models import Appointment, DoctorException, DoctorSession
from scheduling.tests.factories import AppointmentFactory, ExceptionFactory, QueueFactory, SessionFactory, TokenFactory

pytestmark = pytest.mark.django_db


def url(model, page="changelist", *args):
    return reverse(f"admin:scheduling_{model}_{page}", args=args)


@pytest.fixture
def office(client_as):
    return client_as(user(Role.ADMIN))


@pytest.mark.parametrize(
    ("model", "factory"),
    [
        ("appointment", AppointmentFactory),
        ("doctorsession", SessionFactory),
        ("doctorexception", ExceptionFactory),
        ("queue", QueueFactory),
        ("token", TokenFactory),
    ],
)
def test_lists_and_shows(office, model, factory):
    row = factory()

    assert office.get(url(model), {"q": "x"}).status_code == 200
    assert office.get(url(model, "change", row.pk)).status_code == 200
    assert office.get(url(model, "delete", row.pk)).status_code == 403


def test_appointment_changes_its_words_through_the_service(office):
    appointment = AppointmentFactory()

    office.post(url("appointment", "change", appointment.pk), {"reason": "cough", "notes": "", "status": "completed"})

    appointment.refresh_from_db()
    assert (appointment.reason, appointment.status, appointment.version) == ("cough", "booked", 2)
    assert OutboxEvent.objects.filter(action="scheduling.appointment.changed").exists()


def test_nothing_is_booked_around_the_service(office):
    assert office.get(url("appointment", "add")).status_code == 403
    assert not Appointment.objects.exists()


def test_hours_are_added_and_ended_through_the_service(office):
    body = {
        "doctor": DoctorFactory().pk, "facility": FacilityFactory().pk, "weekday": 1, "starts": "09:00", "ends": "12:00",
        "slot_minutes": 15, "valid_from": "2026-01-01", "valid_until": "", "buffer_before_minutes": 5, "buffer_after_minutes": 0,
    }  # fmt: skip

    assert office.post(url("doctorsession", "add"), body).status_code == 302
    session = DoctorSession.objects.get()
    office.post(url("doctorsession"), {"action": "end_from_today", "_selected_action": [session.pk]})

    session.refresh_from_db()
    assert session.valid_until is not None
    assert OutboxEvent.objects.filter(action__startswith="scheduling.hours").count() == 2


def test_overlapping_hours_are_refused_in_the_form(office):
    session = SessionFactory()
    body = {
        "doctor": session.doctor_id, "facility": session.facility_id, "weekday": 1, "starts": "11:00", "ends": "13:00", "slot_minutes": 15,
        "valid_from": "2026-01-01", "valid_until": "", "buffer_before_minutes": 5, "buffer_after_minutes": 0,
    }  # fmt: skip

    response = office.post(url("doctorsession", "add"), body)

    assert "has hours at that time already" in response.content.decode()
    assert DoctorSession.objects.count() == 1


def test_leave_is_added_and_removed_through_the_service(office):
    body = {
        "doctor": DoctorFactory().pk, "kind": "leave", "slot_minutes": 15, "reason": "", "facility": "", "during_0": "2030-01-01 00:00",
        "during_1": "2030-01-02 00:00", "buffer_before_minutes": 0, "buffer_after_minutes": 0,
    }  # fmt: skip

    assert office.post(url("doctorexception", "add"), body).status_code == 302
    office.post(url("doctorexception"), {"action": "remove", "_selected_action": [DoctorException.objects.get().pk]})

    assert not DoctorException.objects.exists()


def test_manager_looks_and_patient_does_not(client_as):
    manager, patient = client_as(user(Role.MANAGER)), client_as(user(Role.PATIENT))

    assert manager.get(url("appointment")).status_code == 200
    assert patient.get(url("appointment")).status_code == 403
