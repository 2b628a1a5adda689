"""The demo clinic as it stands in the database: filled once for this module, with half the days, undone at its end."""

from collections import Counter
from datetime import timedelta

import pytest
from django.contrib.auth.hashers import check_password
from django.db import connection, transaction
from django.db.models import F, Sum
from django.utils import timezone

from billing.models import Invoice, Payment, PriceItem, Shift
from clinic.accounts.models import Department, Doctor, Facility, User
from clinic.accounts.permissions import OPEN_BACK_OFFICE
from clinic.accounts.roles import Role
from clinic.ops.seed.filling import fill_clinic
from clinic.ops.seed.ids import seed_id
from clinic.ops.seed.logins import LOGIN_NAMES
from clinic.ops.seed.registry import PATIENTS, PORTAL
from patients.models import Allergy, ClinicalNote, Encounter, EncounterStatus, Patient, Vitals
from patients.rules.notes import sha256_of
from patients.services.signed_content import content_of
from pharmacy.models import Batch, BatchState, Dispense, Medicine, Prescription, PrescriptionStatus, StockMovement
from scheduling.models import Appointment, AppointmentStatus, Token, TokenStatus, TokenTransition

NOW = timezone.now().replace(hour=11, minute=20)
LOGINS = {name: {"username": name, "password": "plum-orchard-47"} for name in LOGIN_NAMES}
EVERY_TABLE = [User, Doctor, Patient, Medicine, Batch, StockMovement, Appointment, Token, TokenTransition, Encounter, Vitals, ClinicalNote]
EVERY_TABLE += [Prescription, Dispense, Invoice, Payment, Shift, PriceItem]


def fill():
    lines = []
    return fill_clinic(logins=LOGINS, now=NOW, say=lines.append), lines


@pytest.fixture(scope="module", autouse=True)
def filled(django_db_setup, django_db_blocker):
    """(number of things made, lines said)"""
    with django_db_blocker.unblock(), transaction.atomic(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("clinic.ops.seed.plan.DAYS_BACK", 4)
        yield fill()
        transaction.set_rollback(True)


pytestmark = pytest.mark.django_db


# --- People and places ---------------------------------------------------------------------


def test_every_login_works_and_has_its_role():
    roles = {"doctor2": "doctor", "patient2": "patient"}

    for name in LOGIN_NAMES:
        user = User.objects.get(username=name)
        assert user.roles == {roles.get(name, name).upper()}
        assert check_password("plum-orchard-47", user.password)


def test_only_the_back_office_may_open_the_admin():
    may_open = {user.username for user in User.objects.filter(username__in=LOGIN_NAMES) if user.has_perm(OPEN_BACK_OFFICE)}
    assert may_open == {"admin", "manager", "pharmacist", "reception"}
    assert not User.objects.filter(is_superuser=True).exists()


def test_there_are_eight_doctors_in_three_departments_of_two_facilities():
    assert (Facility.objects.count(), Department.objects.count(), Doctor.objects.count()) == (2, 3, 8)
    assert all(doctor.sessions.exists() for doctor in Doctor.objects.all())
    assert User.objects.filter(groups__name=Role.DOCTOR).exclude(username__in=LOGIN_NAMES).count() == 6


def test_patients_of_every_kind_are_registered():
    assert Patient.objects.count() == PATIENTS
    assert Allergy.objects.exists()
    assert Patient.objects.filter(allergies_reviewed_at=None).exists()
    assert Patient.objects.exclude(insurance_payer="").exists()


@pytest.mark.parametrize("login", PORTAL)
def test_a_patient_with_an_account_has_something_on_every_page(login):
    patient = Patient.objects.get(user__username=login)

    assert patient.appointments.filter(status=AppointmentStatus.BOOKED, during__startswith__gt=NOW).count() == 2
    assert patient.prescriptions.filter(status=PrescriptionStatus.SIGNED).exists()
    assert patient.invoices.exclude(number=None).exists()
    assert patient.encounters.filter(status=EncounterStatus.COMPLETED).exists()


# --- The shelf -----------------------------------------------------------------------------


def test_the_shelf_has_120_medicines_and_batches_of_every_kind():
    today = timezone.localdate(NOW)
    on_hand = Medicine.objects.annotate(units=Sum("batches__on_hand", default=0))

    assert Medicine.objects.count() == 120
    assert on_hand.filter(units=0).exists()
    assert on_hand.filter(units__gt=0, units__lte=F("reorder_level")).exists()
    assert Batch.objects.filter(state=BatchState.QUARANTINED, on_hand__gt=0).exists()
    assert Batch.objects.filter(expires_on__lte=today, on_hand__gt=0).exists()
    for first, last in ((1, 30), (31, 60), (61, 90)):
        days = today + timedelta(days=first), today + timedelta(days=last)
        assert Batch.objects.filter(expires_on__range=days, on_hand__gt=0).exists()


def test_stock_is_the_sum_of_its_movements():
    differing = Batch.objects.annotate(sum=Sum("movements__quantity", default=0)).exclude(on_hand=F("sum"))

    assert not differing.exists()


# --- The past ------------------------------------------------------------------------------


def test_all_appointments_of_last_week_are_over_and_most_were_visits():
    past = Appointment.objects.filter(during__startswith__lt=NOW - timedelta(days=1))

    statuses = Counter(past.values_list("status", flat=True))
    assert set(statuses) <= {AppointmentStatus.COMPLETED, AppointmentStatus.NO_SHOW, AppointmentStatus.CANCELLED}
    assert statuses[AppointmentStatus.COMPLETED] > 15


def test_each_visit_stands_on_the_day_of_its_appointment():
    for appointment in Appointment.objects.filter(status=AppointmentStatus.COMPLETED).select_related("encounter"):
        encounter = appointment.encounter
        day = timezone.localdate(appointment.starts_at)
        moments = [encounter.started_at, encounter.signed_at, *encounter.notes.values_list("written_at", flat=True)]
        moments += encounter.vitals.values_list("recorded_at", flat=True)
        moments += encounter.prescriptions.filter(signed_at__isnull=False).values_list("signed_at", flat=True)
        moments += encounter.invoices.filter(issued_at__isnull=False).values_list("issued_at", flat=True)
        moments += Payment.objects.filter(invoice__encounter=encounter).values_list("received_at", flat=True)
        moments += Dispense.objects.filter(prescription__encounter=encounter).values_list("dispensed_at", flat=True)
        moments += appointment.token.transitions.values_list("at", flat=True)
        assert {timezone.localdate(moment) for moment in moments} == {day}
        assert max(moments) <= NOW


def test_setting_the_times_left_what_was_signed_as_it_was_signed():
    for encounter in Encounter.objects.filter(status=EncounterStatus.COMPLETED):
        assert encounter.content_sha256 == sha256_of(content_of(encounter))


def test_what_was_dispensed_was_paid():
    dispensed = Prescription.objects.filter(status=PrescriptionStatus.DISPENSED)

    assert dispensed.exists()
    assert not dispensed.filter(cleared_at=None).exists()


def test_each_past_day_has_a_drawer_that_was_counted():
    shifts = Shift.objects.order_by("opened_at")

    assert [shift.is_open for shift in shifts] == [False] * (len(shifts) - 1) + [True]
    assert all(shift.opened_at < shift.closed_at and shift.counts.exists() for shift in shifts if not shift.is_open)


def test_the_triggers_hold_again_once_the_past_is_written():
    encounter = Encounter.objects.filter(status=EncounterStatus.COMPLETED).first()

    with pytest.raises(Exception, match="frozen"), transaction.atomic():
        Encounter.objects.filter(pk=encounter.pk).update(started_at=NOW)


def test_every_deferred_constraint_holds():
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


# --- Today ---------------------------------------------------------------------------------


def test_today_is_in_the_middle_of_it():
    today = Appointment.objects.filter(during__startswith__date=timezone.localdate(NOW))

    statuses = Counter(today.values_list("status", flat=True))
    for status in (AppointmentStatus.BOOKED, AppointmentStatus.CHECKED_IN, AppointmentStatus.IN_CONSULTATION, AppointmentStatus.COMPLETED):
        assert statuses[status] >= 1


def test_the_doctor_has_one_in_the_room_with_an_allergy_and_three_waiting():
    queue = Doctor.objects.get(user__username="doctor").queue
    tokens = Token.objects.filter(queue=queue, on=timezone.localdate(NOW))

    inside = tokens.get(status=TokenStatus.IN_SERVICE)
    assert inside.encounter.is_open
    assert inside.patient.allergies.exists()
    assert inside.encounter.prescriptions.filter(status=PrescriptionStatus.DRAFT).exists()
    assert tokens.filter(status=TokenStatus.WAITING).count() == 3


def test_somebody_waits_in_each_departments_queue_and_an_emergency_stands_first():
    waiting = Token.objects.filter(queue__department__isnull=False, status=TokenStatus.WAITING)

    assert set(waiting.values_list("queue__department__name", flat=True)) == set(Department.objects.values_list("name", flat=True))
    assert waiting.order_by("band").first().priority == "emergency"


def test_the_pharmacy_has_prescriptions_to_dispense_and_reception_invoices_to_collect():
    assert Prescription.objects.awaiting_dispense(timezone.localdate(NOW)).exclude(cleared_at=None).exists()
    assert Invoice.objects.exclude(number=None).filter(paid=0).exists()
    assert Invoice.objects.filter(paid__gt=0, paid__lt=F("total")).exists()


def test_each_doctor_has_appointments_to_come():
    coming = Appointment.objects.filter(status=AppointmentStatus.BOOKED, during__startswith__gt=NOW)

    assert set(coming.values_list("doctor", flat=True)) == set(Doctor.objects.values_list("pk", flat=True))


# --- Again ---------------------------------------------------------------------------------


def test_a_second_run_changes_nothing_and_says_so(filled):
    made, _ = filled
    before = {model: model.objects.count() for model in EVERY_TABLE}

    again, lines = fill()

    assert made > 450
    assert again == 0
    assert {model: model.objects.count() for model in EVERY_TABLE} == before
    assert all(" 0 made, " in line for line in lines)


def test_a_later_run_on_another_day_still_changes_nothing(monkeypatch):
    monkeypatch.setattr("clinic.ops.tests.test_seed.NOW", NOW + timedelta(days=3))

    assert fill()[0] == 0


def test_what_people_changed_since_is_left_alone():
    appointment = Appointment.objects.filter(status=AppointmentStatus.BOOKED).first()
    Appointment.objects.filter(pk=appointment.pk).update(status=AppointmentStatus.CANCELLED, closed_reason="By phone.")
    Patient.objects.filter(request_id=seed_id("patient", 9)).update(phone="+12025550199")

    assert fill()[0] == 0
    appointment.refresh_from_db()
    assert appointment.status == AppointmentStatus.CANCELLED
