"""Doctors with their hours, and patients."""

import random
from collections.abc import Iterator
from datetime import date, timedelta

from clinic.accounts.models import Department, Doctor, Facility, User
from clinic.ops.seed.bulk.copying import Sheet, uuid_of
from clinic.ops.seed.bulk.names import Names
from clinic.ops.seed.bulk.scale import DAYS_BACK, Scale
from patients.models import Patient
from patients.rules.identity import mrn_of
from scheduling.models import DoctorSession

OPENS, CLOSES, SLOT_MINUTES, SLOTS_A_DAY = "09:00", "17:00", 20, 24
FEES = ("35.00", "45.00", "60.00", "80.00")

users = Sheet(User, "id", "public_id", "username", "first_name", "last_name", "password", "date_joined")
memberships = Sheet(User.groups.through, "user_id", "group_id")
doctors = Sheet(
    Doctor, "id", "public_id", "user_id", "department_id", "licence_number", "experience_years", "consultation_fee", "slot_minutes"
)
workplaces = Sheet(Doctor.facilities.through, "doctor_id", "facility_id")
sessions = Sheet(DoctorSession, "public_id", "doctor_id", "facility_id", "weekday", "starts", "ends", "slot_minutes", "valid_from")
patients = Sheet(
    Patient, "id", "public_id", "mrn", "first_name", "last_name", "date_of_birth", "sex", "phone", "address", "national_id", "registered_on"
)


def user_lines(scale: Scale, first_id: int, today: date) -> Iterator[str]:
    """Nobody signs in as them: a password that starts with '!' fits nothing."""
    names = Names()
    for number in range(scale.doctors):
        _, first, last = names.draw(random.Random(f"doctor:{number}"))
        yield users.line(
            first_id + number, uuid_of("user", number), f"doctor.{number + 1:05}", first, last, f"!{uuid_of('none', number)}", today
        )


def membership_lines(scale: Scale, first_user: int, group_id: int) -> Iterator[str]:
    return (memberships.line(first_user + number, group_id) for number in range(scale.doctors))


def doctor_lines(scale: Scale, first_id: int, first_user: int, departments: list[Department]) -> Iterator[str]:
    for number in range(scale.doctors):
        department = departments[number % len(departments)]
        fee, years = FEES[number % len(FEES)], number % 38 + 1
        licence = f"LIC-B{number:06}"
        yield doctors.line(
            first_id + number, uuid_of("doctor", number), first_user + number, department.pk, licence, years, fee, SLOT_MINUTES
        )


def workplace_lines(scale: Scale, first_doctor: int, facility: Facility) -> Iterator[str]:
    return (workplaces.line(first_doctor + number, facility.pk) for number in range(scale.doctors))


def session_lines(scale: Scale, first_doctor: int, facility: Facility, today: date) -> Iterator[str]:
    since = today - timedelta(days=DAYS_BACK)
    for number in range(scale.doctors * 5):
        doctor, weekday = first_doctor + number // 5, number % 5 + 1
        yield sessions.line(uuid_of("session", number), doctor, facility.pk, weekday, OPENS, CLOSES, SLOT_MINUTES, since)


def patient_lines(scale: Scale, first_id: int, first_mrn: int, today: date) -> Iterator[str]:
    """Registered before the first appointment of all."""
    names = Names()
    newest = today - timedelta(days=DAYS_BACK + 1)
    dice = random.Random("patients")
    for number in range(scale.patients):
        sex, first, last = names.draw(dice)
        registered = newest - timedelta(days=dice.randrange(1500))
        born = registered - timedelta(days=int(dice.triangular(0, 33_000, 14_000)))
        address = f"{number % 180 + 1} {last} Street"
        # Area code 500 is no place's: well-formed, and it rings nowhere that is known.
        phone, national_id = f"+1500{2_000_000 + number}", f"B{number:09}"
        yield patients.line(
            first_id + number,
            uuid_of("patient", number),
            mrn_of(first_mrn + number),
            first,
            last,
            born,
            sex,
            phone,
            address,
            national_id,
            registered,
        )
