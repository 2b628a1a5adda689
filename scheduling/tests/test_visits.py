import pytest
from django.utils import timezone

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DepartmentFactory, DoctorFactory, user
from clinic.core.errors import InvalidInput
from patients.errors import BreakGlassRequired, PatientInactive
from patients.models import Encounter
from patients.services.access import break_glass
from scheduling.errors import WrongStatus
from scheduling.models import Token
from scheduling.services.visits import finish_visit, open_before_call, start_visit
from scheduling.tests.factories import AppointmentFactory, PatientFactory
from scheduling.tests.steps import arrive, change, check_in, status_of

pytestmark = pytest.mark.django_db


def test_visit_of_a_checked_in_appointment_links_all_three():
    appointment = AppointmentFactory(reason="cough")
    token = check_in(appointment)

    encounter = start_visit(appointment_id=appointment.pk, by=None)

    assert (encounter.patient, encounter.doctor, encounter.reason) == (appointment.patient, appointment.doctor, "cough")
    assert (status_of(appointment), appointment.encounter) == ("in_consultation", encounter)
    assert (status_of(token), token.encounter) == ("in_service", encounter)


def test_doctor_may_see_a_patient_who_was_not_checked_in():
    appointment = AppointmentFactory()

    start_visit(appointment_id=appointment.pk, by=None)

    assert status_of(appointment) == "in_consultation"
    assert not Token.objects.exists()


def test_starting_again_gives_the_same_visit():
    appointment = AppointmentFactory()
    token = check_in(appointment)

    first = start_visit(token_id=token.pk, by=None)

    assert start_visit(appointment_id=appointment.pk, by=None) == first
    assert start_visit(token_id=token.pk, by=None) == first
    assert Encounter.objects.count() == 1


def test_visit_entered_in_error_is_replaced_by_a_new_one():
    appointment = AppointmentFactory()
    first = start_visit(appointment_id=appointment.pk, by=None)
    Encounter.objects.filter(pk=first.pk).update(status="entered_in_error", entered_in_error_reason="wrong person")

    assert start_visit(appointment_id=appointment.pk, by=None) != first


def test_walk_in_of_a_department_is_seen_by_the_doctor_who_starts():
    token = arrive(department=DepartmentFactory())
    doctor = DoctorFactory()

    assert start_visit(token_id=token.pk, by=doctor.user).doctor == doctor


def test_department_needs_a_doctor_to_be_named_by_others():
    token = arrive(department=DepartmentFactory())

    with pytest.raises(InvalidInput):
        start_visit(token_id=token.pk, by=user(Role.NURSE))

    assert status_of(token) == "waiting"
    assert not Encounter.objects.exists()


def test_patient_and_doctor_are_enough():
    patient, doctor = PatientFactory(), DoctorFactory()

    assert start_visit(patient_id=patient.pk, doctor_id=doctor.pk, by=None).patient == patient
    with pytest.raises(InvalidInput):
        start_visit(patient_id=patient.pk, by=None)


class TestRestrictedChart:
    """A visit in progress opens it to its doctor, so that nobody makes one for themselves without saying why."""

    @pytest.fixture
    def doctor(self):
        return DoctorFactory()

    @pytest.fixture
    def patient(self):
        return PatientFactory(is_restricted=True)

    def sources(self, kind, patient, doctor, *, by):
        if kind == "hand":
            return {"patient_id": patient.pk, "doctor_id": doctor.pk}
        if kind == "appointment":
            return {"appointment_id": AppointmentFactory(patient=patient, doctor=doctor, booked_by=by).pk}
        return {"token_id": arrive(patient=patient, doctor=doctor, by=by).pk}

    @pytest.mark.parametrize("kind", ["hand", "appointment", "token"])
    def test_own_patient_without_a_reason_is_refused(self, kind, patient, doctor):
        sources = self.sources(kind, patient, doctor, by=doctor.user)

        with pytest.raises(BreakGlassRequired):
            start_visit(by=doctor.user, **sources)

        assert not Encounter.objects.exists()

    def test_record_is_not_opened_before_the_call_either(self, patient, doctor):
        token = arrive(patient=patient, doctor=doctor, by=doctor.user)

        with pytest.raises(BreakGlassRequired):
            open_before_call(token_id=token.pk, by=doctor.user)

        assert not Encounter.objects.exists()

    @pytest.mark.parametrize("kind", ["hand", "appointment", "token"])
    def test_with_a_reason_it_starts(self, kind, patient, doctor):
        sources = self.sources(kind, patient, doctor, by=doctor.user)
        break_glass(patient_id=patient.pk, reason="Collapsed in the corridor", by=doctor.user, now=timezone.now())

        assert start_visit(by=doctor.user, **sources).doctor == doctor

    @pytest.mark.parametrize("kind", ["appointment", "token"])
    def test_patient_whom_somebody_else_sent_is_seen_at_once(self, kind, patient, doctor):
        sources = self.sources(kind, patient, doctor, by=user(Role.RECEPTION))

        assert start_visit(by=doctor.user, **sources).doctor == doctor

    def test_own_follow_up_is_seen_once_the_desk_checked_it_in(self, patient, doctor):
        appointment = AppointmentFactory(patient=patient, doctor=doctor, booked_by=doctor.user)
        check_in(appointment, by=user(Role.RECEPTION))

        assert start_visit(appointment_id=appointment.pk, by=doctor.user).doctor == doctor


@pytest.mark.parametrize("status", ["cancelled", "no_show", "completed"])
def test_closed_appointment_gives_no_visit(status):
    appointment = AppointmentFactory(status=status, closed_reason="ill")

    with pytest.raises(WrongStatus):
        start_visit(appointment_id=appointment.pk, by=None)

    assert not Encounter.objects.exists()


def test_token_that_left_gives_no_visit():
    token = arrive(DoctorFactory())
    change(token, "left")

    with pytest.raises(WrongStatus):
        start_visit(token_id=token.pk, by=None)


def test_deactivated_patient_gives_no_visit_and_moves_nothing():
    appointment = AppointmentFactory(patient=PatientFactory(status="inactive", deactivated_reason="moved"))

    with pytest.raises(PatientInactive):
        start_visit(appointment_id=appointment.pk, by=None)

    assert status_of(appointment) == "booked"


def test_token_of_another_appointment_is_refused():
    token = check_in(AppointmentFactory())

    with pytest.raises(InvalidInput):
        start_visit(token_id=token.pk, appointment_id=AppointmentFactory().pk, by=None)


def test_finishing_closes_token_and_appointment_once():
    appointment = AppointmentFactory()
    token = check_in(appointment)
    encounter = start_visit(appointment_id=appointment.pk, by=None)

    finish_visit(encounter_id=encounter.pk, by=None)
    finish_visit(encounter_id=encounter.pk, by=None)

    assert (status_of(token), status_of(appointment)) == ("done", "completed")
    assert token.transitions.filter(to_status="done").count() == 1


def test_finishing_a_visit_without_appointment_changes_nothing():
    encounter = start_visit(patient_id=PatientFactory().pk, doctor_id=DoctorFactory().pk, by=None)

    finish_visit(encounter_id=encounter.pk, by=None)
