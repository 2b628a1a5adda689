"""Taking back the last change of a token."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DoctorFactory, user
from scheduling.errors import (
    NothingToUndo,
    SlotTaken,
    VisitSigned,
)
from scheduling.services.visits import finish_visit, start_visit
from scheduling.tests.factories import AppointmentFactory
from scheduling.tests.steps import NOW, arrive, change, check_in, status_of, undo


@pytest.mark.django_db
class TestUndo:
    @pytest.mark.parametrize("step", ["called", "skipped", "left", "no_show", "in_service"])
    def test_takes_back_the_last_change_and_the_appointments(self, step):
        appointment = AppointmentFactory()
        token = check_in(appointment)
        change(token, step)

        undo(token)

        assert (status_of(token), status_of(appointment)) == ("waiting", "checked_in")
        assert token.transitions.last().is_undo

    def test_goes_back_step_by_step_to_before_the_check_in(self):
        appointment = AppointmentFactory()
        token = check_in(appointment)
        change(token, "called")
        change(token, "in_service")

        for expected in ("called", "waiting", "left"):
            assert undo(token).status == expected
        with pytest.raises(NothingToUndo):
            undo(token)

        assert status_of(appointment) == "booked"
        assert check_in(appointment).number == 2

    def test_is_refused_when_the_time_was_given_away(self):
        appointment = AppointmentFactory()
        token = check_in(appointment)
        change(token, "no_show")
        AppointmentFactory(doctor=appointment.doctor)

        with pytest.raises(SlotTaken), transaction.atomic():
            undo(token)

        assert (status_of(token), status_of(appointment)) == ("no_show", "no_show")

    def test_is_refused_on_another_day(self):
        token = arrive(DoctorFactory())
        change(token, "left")

        with pytest.raises(NothingToUndo):
            undo(token, now=NOW + timedelta(days=1))

    def test_is_refused_when_the_visit_is_signed(self):
        token = arrive(DoctorFactory())
        doctor = user(Role.DOCTOR)
        encounter = start_visit(token_id=token.pk, by=doctor)
        finish_visit(encounter_id=encounter.pk, by=doctor)
        encounter.save_changes(status="completed", signed_at=timezone.now(), signed_by=doctor, content_sha256="0" * 64)

        with pytest.raises(VisitSigned):
            undo(token)

        assert status_of(token) == "done"
