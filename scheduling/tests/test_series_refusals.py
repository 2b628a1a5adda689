"""Bad requests for a series: refused in whole, and nothing is written."""

from uuid import uuid4

import pytest

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from scheduling.models import Appointment, AppointmentSeries
from scheduling.tests.factories import DAY, PatientFactory, at, working_doctor
from scheduling.tests.steps import problem, url
from scheduling.tests.test_series import API, WEEKS, ask

pytestmark = pytest.mark.django_db


class TestRefusals:
    """In whole: nothing is written."""

    @pytest.mark.parametrize(
        ("changes", "status", "code"),
        [
            ({"count": None}, 400, "invalid"),
            ({"until": WEEKS[4].isoformat()}, 400, "invalid"),
            ({"count": 1}, 400, "invalid"),
            ({"count": 53}, 400, "invalid"),
            ({"count": 10**30}, 400, "invalid"),
            ({"count": "four"}, 400, "invalid"),
            ({"every_weeks": 0}, 400, "invalid"),
            ({"every_weeks": 13}, 400, "invalid"),
            ({"every_weeks": None}, 400, "invalid"),
            ({"count": None, "until": DAY.isoformat()}, 400, "invalid"),
            ({"count": None, "until": "2199-01-01"}, 400, "invalid"),
            ({"count": None, "until": "0001-01-01"}, 400, "invalid"),
            ({"start": "2020-01-01T09:00Z"}, 409, "in_the_past"),
            ({"start": "9999-12-31T23:59Z"}, 400, "invalid"),
            ({"start": "soon"}, 400, "invalid"),
            ({"reason": "a\x00b"}, 400, "invalid"),
            ({"reason": "x" * 301}, 400, "invalid"),
            ({"patient": str(uuid4())}, 400, "invalid"),
            ({"doctor": "x"}, 400, "invalid"),
        ],
        ids=lambda value: None if not isinstance(value, dict) else "-".join(value),
    )
    def test_over_the_api(self, api_as, desk, changes, status, code):
        body = {"patient": PatientFactory().public_id, "doctor": working_doctor().public_id, "start": at(9), "every_weeks": 1, "count": 4}

        answer = api_as(desk).post(API, {name: value for name, value in (body | changes).items() if value is not None})

        assert answer.status_code == status, answer.content
        assert answer.json()["code"].startswith(code)
        assert not AppointmentSeries.objects.exists()
        assert not Appointment.objects.exists()

    @pytest.mark.parametrize(("who", "code"), [("patient", "patient_inactive"), ("doctor", "doctor_inactive")])
    def test_inactive_people(self, api_as, desk, who, code):
        patient = PatientFactory(**({"status": "inactive", "deactivated_reason": "moved"} if who == "patient" else {}))
        doctor = working_doctor(is_active=who != "doctor")
        body = {"patient": patient.public_id, "doctor": doctor.public_id, "start": at(9), "every_weeks": 1, "count": 4}

        problem(api_as(desk).post(API, body), 409, code)

        assert not AppointmentSeries.objects.exists()

    def test_a_patient_books_one_at_a_time(self, api_as, client_as):
        patient = PatientFactory(user=user(Role.PATIENT))
        doctor = working_doctor()
        body = {"patient": patient.public_id, "doctor": doctor.public_id, "start": at(9), "every_weeks": 1, "count": 4}

        assert api_as(patient.user).post(API, body).status_code == 403
        form = {"request_id": uuid4(), "doctor": doctor.public_id, "start": at(9).isoformat(), "every_weeks": 1, "count": 4}
        assert client_as(patient.user).post(url("book", patient.public_id), form).status_code == 403

        assert not AppointmentSeries.objects.exists()

    def test_a_stranger_sees_and_ends_none(self, api_as):
        made = ask(working_doctor())
        api = api_as(PatientFactory(user=user(Role.PATIENT)).user)

        assert api.get(f"{API}{made.public_id}/").status_code == 404
        assert api.post(f"{API}{made.public_id}/cancel/", {"date_from": DAY, "reason": "x"}).status_code == 404
        assert Appointment.objects.live().count() == 4

    def test_ending_needs_a_day_and_a_reason(self, api_as, desk, client_as):
        made, api = ask(working_doctor()), api_as(desk)

        assert api.post(f"{API}{made.public_id}/cancel/", {"date_from": DAY}).status_code == 400
        assert api.post(f"{API}{made.public_id}/cancel/", {"reason": "x"}).status_code == 400
        assert api.post(f"{API}{made.public_id}/cancel/", {"date_from": DAY, "reason": "  "}).status_code == 400
        assert client_as(desk).post(url("series_cancel", made.public_id), {"from_on": "0001-01-01", "reason": "x"}).status_code == 400
        assert Appointment.objects.live().count() == 4
