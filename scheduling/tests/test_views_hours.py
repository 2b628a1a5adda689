"""The page of hours and leave."""

from datetime import time

import pytest
from django.utils import timezone

from clinic.accounts.tests.factories import DoctorFactory
from scheduling.models import DoctorException, DoctorSession
from scheduling.tests.factories import DAY, AppointmentFactory, SessionFactory
from scheduling.tests.steps import url, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def web(client_as, desk):
    return client_as(desk)


class TestHoursPage:
    def session(self, doctor, **changes):
        return {
            "doctor": doctor.public_id, "weekday": 1, "starts": "09:00", "ends": "12:00", "slot_minutes": 15, "valid_from": "2026-01-01",
            "facility": doctor.department.facility.public_id,
        } | changes  # fmt: skip

    def test_adds_and_ends_a_session(self, web):
        doctor = DoctorFactory()

        web.post(url("add_session"), self.session(doctor))
        session = DoctorSession.objects.get()
        assert str(doctor) in words(web.get(url("hours", doctor=doctor.public_id)))
        web.post(url("end_session", session.public_id))

        session.refresh_from_db()
        assert session.valid_until == timezone.localdate()

    def test_refusal_is_shown_in_place(self, web):
        doctor = SessionFactory(starts=time(11), ends=time(13)).doctor

        response = web.post(url("add_session"), self.session(doctor))

        assert response.status_code == 409
        assert "has hours at that time already" in words(response)
        assert web.post(url("add_session"), self.session(doctor, ends="nonsense")).status_code == 400

    def test_leave_lists_the_appointments_to_move(self, web):
        appointment = AppointmentFactory()
        body = {"kind": "leave", "doctor": appointment.doctor.public_id, "start": f"{DAY}T00:00", "end": f"{DAY}T23:00", "slot_minutes": 15}

        page = words(web.post(url("add_exception"), body, follow=True))

        assert appointment.patient.full_name in page
        assert url("move", appointment.public_id) in page

    def test_leave_needs_its_doctor(self, web):
        body = {"kind": "leave", "start": f"{DAY}T00:00", "end": f"{DAY}T23:00", "slot_minutes": 15}

        assert web.post(url("add_exception"), body).status_code == 400
        assert not DoctorException.objects.exists()

    def test_is_changed_by_those_who_manage_it(self, client_as):
        doctor = DoctorFactory()
        web = client_as(doctor.user)

        assert web.get(url("hours")).status_code == 200
        assert web.post(url("add_session"), self.session(doctor)).status_code == 403
        assert not DoctorSession.objects.exists()
