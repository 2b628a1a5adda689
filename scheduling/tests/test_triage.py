"""What a nurse finds before the call: another priority, and the vitals."""

from uuid import uuid4

import pytest
from django.urls import reverse

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DepartmentFactory, DoctorFactory, user
from clinic.core.errors import InvalidInput
from patients.models import Encounter
from patients.services.encounters import record_vitals
from scheduling.errors import WrongStatus
from scheduling.models import Token, TokenTransition
from scheduling.selectors.queue import token_row
from scheduling.services import queueing
from scheduling.services.visits import finish_visit, open_before_call, start_visit
from scheduling.tests.factories import AppointmentFactory, at
from scheduling.tests.steps import NOW, arrive, change, check_in, problem, status_of, undo, url, walk_in_now, words

pytestmark = pytest.mark.django_db
API = "/api/v1"


@pytest.fixture
def nurse(db):
    return user(Role.NURSE)


def triage(token, priority="urgent", reason="short of breath", by=None, **more):
    return queueing.change_priority(token_id=token.pk, priority=priority, reason=reason, by=by, now=NOW, **more)


class TestPriority:
    def test_moves_the_patient_ahead_and_says_who_and_why(self, nurse):
        doctor = DoctorFactory()
        arrive(doctor, now=at(8))
        token = arrive(doctor, now=at(8, 30))

        triage(token, by=nurse)

        row = TokenTransition.objects.get(token=token, to_priority="urgent")
        assert (row.from_priority, row.from_status, row.to_status, row.reason, row.by) == (
            "routine", "waiting", "waiting", "short of breath", nurse,
        )  # fmt: skip
        assert token_row(token.pk)["position"] == 1
        assert queueing.call_next(queue_id=token.queue_id, by=None, now=NOW) == token

    def test_is_taken_back_by_an_undo_and_nothing_else_is(self):
        token = arrive(DoctorFactory())
        change(token, "called")
        triage(token)

        undo(token)
        token.refresh_from_db()
        assert (token.priority, token.band, token.status, token.turn_at) == ("routine", 2, "called", token.effective_at)

        assert undo(token).status == "waiting"

    def test_repeated_request_and_same_priority_change_nothing(self):
        token, press = arrive(DoctorFactory()), uuid4()

        for _ in range(2):
            triage(token, request_id=press)
        triage(token)

        assert TokenTransition.objects.filter(to_priority="urgent").count() == 1

    @pytest.mark.parametrize("wrong", [{"priority": "vip"}, {"reason": "  "}, {"priority": ""}])
    def test_nonsense_is_refused(self, wrong):
        token = arrive(DoctorFactory())

        with pytest.raises(InvalidInput):
            triage(token, **wrong)

        assert token.transitions.count() == 1

    @pytest.mark.parametrize("status", ["in_service", "left"])
    def test_only_who_still_waits(self, status):
        token = change(arrive(DoctorFactory()), status)

        with pytest.raises(WrongStatus):
            triage(token)

        assert not TokenTransition.objects.exclude(to_priority="").exists()

    def test_over_the_api(self, api_as, nurse, desk):
        token = walk_in_now(DoctorFactory())
        path = f"{API}/queue/{token.public_id}/priority/"

        assert api_as(nurse).post(path, {"priority": "emergency", "reason": "fell"}).json()["priority"] == "emergency"
        problem(api_as(nurse).post(path, {"priority": "emergency"}), 400, "invalid")
        problem(api_as(desk).post(path, {"priority": "routine", "reason": "x"}), 403, "permission_denied")

    def test_on_the_page(self, client_as, nurse, desk):
        token = walk_in_now(DoctorFactory())
        form = {"priority": "urgent", "reason": "fell", "request_id": uuid4()}

        assert client_as(desk).post(url("change_priority", token.public_id), form).status_code == 403
        assert client_as(nurse).post(url("change_priority", token.public_id), form | {"reason": ""}).status_code == 400
        assert Token.objects.get().priority == "routine"
        assert client_as(nurse).post(url("change_priority", token.public_id), form).status_code == 302
        assert "Priority routine to urgent" in words(client_as(nurse).get(url("token", token.public_id)))


class TestVitalsBeforeTheCall:
    def test_leave_the_patient_where_they_wait(self, nurse):
        appointment = AppointmentFactory()
        token = check_in(appointment)

        encounter = open_before_call(token_id=token.pk, by=nurse)
        record_vitals(encounter_id=encounter.pk, values={"pulse_bpm": 80}, by=nurse)

        assert (status_of(token), status_of(appointment)) == ("waiting", "checked_in")
        assert (token.encounter, appointment.encounter, encounter.doctor) == (encounter, encounter, appointment.doctor)
        assert queueing.call_next(queue_id=token.queue_id, by=None, now=NOW) == token

    def test_doctor_goes_on_with_the_same_record(self, nurse):
        appointment = AppointmentFactory()
        token = check_in(appointment)
        encounter = open_before_call(token_id=token.pk, by=nurse)
        change(token, "called")

        assert start_visit(token_id=token.pk, by=appointment.doctor.user) == encounter
        assert (status_of(token), status_of(appointment)) == ("in_service", "in_consultation")
        assert start_visit(token_id=token.pk, by=appointment.doctor.user) == encounter
        assert token.transitions.filter(to_status="in_service").count() == 1

    def test_twice_is_once(self, nurse):
        token = arrive(DoctorFactory())

        assert open_before_call(token_id=token.pk, by=nurse) == open_before_call(token_id=token.pk, by=nurse)
        assert Encounter.objects.count() == 1

    def test_visit_that_is_signed_without_a_call_closes_the_token(self, nurse):
        appointment = AppointmentFactory()
        token = check_in(appointment)
        encounter = open_before_call(token_id=token.pk, by=nurse)

        finish_visit(encounter_id=encounter.pk, by=None)

        assert (status_of(token), status_of(appointment)) == ("done", "completed")

    def test_not_for_who_is_inside_or_gone(self, nurse):
        token = change(arrive(DoctorFactory()), "left")

        with pytest.raises(WrongStatus):
            open_before_call(token_id=token.pk, by=nurse)

        assert not Encounter.objects.exists()

    def test_department_names_the_doctor(self, client_as, nurse):
        doctor = DoctorFactory(department=DepartmentFactory())
        token = walk_in_now(department=doctor.department)
        web = client_as(nurse)

        assert "Say which doctor" in words(web.post(url("vitals", token.public_id), {"request_id": uuid4()}))
        response = web.post(url("vitals", token.public_id), {"doctor": doctor.public_id, "request_id": uuid4()})

        assert response.url == reverse("portal:consultation", args=[Encounter.objects.get().public_id])
        assert status_of(token) == "waiting"

    def test_one_press_in_the_list_of_a_doctors_queue(self, client_as, nurse):
        token = walk_in_now(DoctorFactory())
        web = client_as(nurse)

        assert url("vitals", token.public_id) in words(web.get(url("queue")))
        assert web.post(url("vitals", token.public_id), {"request_id": uuid4()}).status_code == 302

    def test_over_the_api(self, api_as, nurse):
        token = walk_in_now(DoctorFactory())

        response = api_as(nurse).post(f"{API}/visits/", {"token": token.public_id, "before_call": True})

        assert response.status_code == 201
        assert status_of(token) == "waiting"
        problem(api_as(nurse).post(f"{API}/visits/", {"before_call": True}), 400, "invalid")
