from uuid import uuid4

import pytest
from django.db import connection

from clinic.accounts.models import Doctor
from scheduling import locks
from scheduling.models import Appointment
from scheduling.services import booking
from scheduling.tests.factories import PatientFactory, at, working_doctor
from scheduling.tests.steps import EARLY, book, outcomes


def unlocked_doctors(*doctor_ids):
    return Doctor.objects.in_bulk(doctor_ids)


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_one_slot_is_sold_once_to_sixteen(self, at_once):
        doctor, patients = working_doctor(), [PatientFactory() for _ in range(16)]

        results = at_once(*[lambda patient=patient: book(doctor, patient) for patient in patients])

        assert outcomes(results) == ["Appointment"] + ["SlotTaken"] * 15
        assert Appointment.objects.count() == 1

    def test_patient_is_booked_once_with_eight_doctors_at_a_time(self, at_once):
        doctors, patient = [working_doctor() for _ in range(8)], PatientFactory()

        results = at_once(*[lambda doctor=doctor: book(doctor, patient) for doctor in doctors])

        assert outcomes(results) == ["Appointment"] + ["PatientBusy"] * 7

    def test_double_click_books_once(self, at_once):
        doctor, patient, key = working_doctor(), PatientFactory(), uuid4()

        results = at_once(*[lambda: book(doctor, patient, request_id=key)] * 4)

        assert len({result.pk for result in results}) == 1
        assert Appointment.objects.count() == 1

    def test_two_appointments_swap_doctors_without_deadlock(self, at_once):
        one, two = working_doctor(), working_doctor()
        first, second = book(one), book(two)

        results = at_once(
            lambda: booking.reschedule_appointment(appointment_id=first.pk, start=at(10), doctor_id=two.pk, by=None, now=EARLY),
            lambda: booking.reschedule_appointment(appointment_id=second.pk, start=at(10), doctor_id=one.pk, by=None, now=EARLY),
        )

        assert outcomes(results) == ["Appointment"] * 2

    def test_without_the_doctors_lock_the_constraint_still_holds(self, at_once, monkeypatch):
        monkeypatch.setattr(locks, "lock_doctors", unlocked_doctors)
        doctor, patients = working_doctor(), [PatientFactory() for _ in range(16)]

        results = at_once(*[lambda patient=patient: book(doctor, patient) for patient in patients])

        assert Appointment.objects.count() == 1
        assert outcomes(results).count("Appointment") == 1

    def test_without_lock_and_constraint_the_slot_is_sold_twice(self, at_once, monkeypatch):
        """The negative control: this is what the guards are for."""
        monkeypatch.setattr(locks, "lock_doctors", unlocked_doctors)
        doctor, patients = working_doctor(), [PatientFactory() for _ in range(16)]
        name = "appointment_doctor_booked_once"
        constraint = next(each for each in Appointment._meta.constraints if each.name == name)
        with connection.schema_editor() as editor:
            editor.remove_constraint(Appointment, constraint)
        try:
            at_once(*[lambda patient=patient: book(doctor, patient) for patient in patients])
            sold = Appointment.objects.filter(doctor=doctor).count()
        finally:
            with connection.cursor() as cursor:
                cursor.execute("TRUNCATE scheduling_appointment CASCADE")
            with connection.schema_editor() as editor:
                editor.add_constraint(Appointment, constraint)

        assert sold > 1
