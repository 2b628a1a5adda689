"""What a patient may do over the API, and what a stranger may not."""

import pytest
from django.utils import timezone

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DoctorFactory, user
from scheduling.services import queueing
from scheduling.tests.factories import AppointmentFactory, PatientFactory, at, working_doctor
from scheduling.tests.steps import appointment_today, post_booking, problem

pytestmark = pytest.mark.django_db
API = "/api/v1"


class TestPatients:
    """A patient acts on the own rows; a stranger's are as missing ones."""

    @pytest.fixture
    def patient(self):
        return PatientFactory(user=user(Role.PATIENT))

    def test_books_moves_and_cancels_the_own(self, api_as, patient):
        api, doctor = api_as(patient.user), working_doctor()

        booked = post_booking(api, doctor, patient).json()
        moved = api.post(f"{API}/appointments/{booked['id']}/reschedule/", {"start": at(10).isoformat()})
        cancelled = api.post(f"{API}/appointments/{moved.json()['id']}/cancel/", {"reason": "well again"})

        assert (moved.status_code, cancelled.json()["status"]) == (201, "cancelled")

    def test_sees_the_own_without_the_desks_notes(self, api_as, patient):
        AppointmentFactory(patient=patient, notes="owes money")
        AppointmentFactory()

        [row] = api_as(patient.user).get(f"{API}/appointments/").json()["results"]

        assert (row["patient"], row["notes"]) == (str(patient.public_id), "")

    def test_stranger_is_as_missing(self, api_as, patient):
        api, other = api_as(patient.user), AppointmentFactory()
        url = f"{API}/appointments/{other.public_id}"

        answers = [
            api.get(f"{url}/"),
            api.post(f"{url}/cancel/", {"reason": "x"}),
            api.delete(f"{url}/?reason=x"),
            api.post(f"{url}/reschedule/", {"start": at(10).isoformat()}),
            api.get(f"{API}/patients/{other.patient.public_id}/appointments/"),
        ]

        assert [answer.status_code for answer in answers] == [404] * 5
        missing = post_booking(api, working_doctor(), PatientFactory())
        assert "patient" in problem(missing, 400, "invalid")["errors"]
        other.refresh_from_db()
        assert other.status == "booked"

    def test_sees_the_own_place_in_the_queue_only(self, api_as, patient):
        doctor, now = DoctorFactory(), timezone.now()
        for each in (PatientFactory(), patient):
            queueing.walk_in(patient_id=each.pk, doctor_id=doctor.pk, priority="routine", reason="", by=None, now=now)

        body = api_as(patient.user).get(f"{API}/queue/today/").json()

        assert [(row["patient"], row["position"]) for row in body["results"]] == [(str(patient.public_id), 2)]

    def test_does_not_work_the_queue(self, api_as, patient):
        api, token = api_as(patient.user), appointment_today(patient=patient)

        problem(api.post(f"{API}/queue/check-in/", {"appointment": token.public_id}), 403, "permission_denied")
        problem(api.post(f"{API}/appointments/{token.public_id}/no-show/"), 403, "permission_denied")
