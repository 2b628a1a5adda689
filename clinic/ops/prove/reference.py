"""The people and hours that every site begins with: `python -m clinic.ops.prove.reference`.

A process of its own, so that the supervisor never loads Django.
"""

import os
from datetime import date, time
from pathlib import Path

DOCTORS, DEPARTMENTS, PATIENTS, ACCOUNTS = 10, 2, 4_000, 2
SLOT_MINUTES = 15
OPENS, CLOSES = time(8), time(18)
STAFF = {"reception": "RECEPTION", "nurse": "NURSE", "pharmacist": "PHARMACIST", "manager": "MANAGER", "admin": "ADMIN"}


def main() -> None:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=0)
    departments = _departments()
    users = _staff()
    doctors = _doctors(departments)
    _hours(doctors)
    patients = _patients()
    users |= _accounts(patients)
    _write_facts(doctors, departments, patients, users | {f"doctor{n}": doctor.user for n, doctor in enumerate(doctors)})


def _departments() -> list:
    from clinic.accounts.models import Department, Facility

    facility = Facility.objects.create(name="Main house")
    return [Department.objects.create(name=f"Department {n}", facility=facility) for n in range(DEPARTMENTS)]


def _register(name: str, role: str, doctor: dict | None = None):
    from clinic.accounts.services.staff import register_staff

    data = {"username": name, "email": f"{name}@clinic.example", "first_name": name.title(), "last_name": "Example"}
    return register_staff(data=data | {"password": os.environ["PROVE_PASSWORD"]}, roles=[role], doctor=doctor, by=None)


def _staff() -> dict:
    return {name: _register(name, role) for name, role in STAFF.items()}


def _doctors(departments: list) -> list:
    users = []
    for n in range(DOCTORS):
        details = {"department": departments[n % DEPARTMENTS], "licence_number": f"L-{n}", "consultation_fee": "40.00"}
        users.append(_register(f"doctor{n}", "DOCTOR", details | {"slot_minutes": SLOT_MINUTES, "room": f"{n + 1}"}))
    return [user.doctor for user in users]


def _hours(doctors: list) -> None:
    """Every day, 40 slots."""
    from scheduling.models import DoctorSession

    for doctor in doctors:
        for weekday in range(1, 8):
            DoctorSession.objects.create(
                doctor=doctor,
                facility=doctor.department.facility,
                weekday=weekday,
                starts=OPENS,
                ends=CLOSES,
                slot_minutes=SLOT_MINUTES,
                valid_from=date(2020, 1, 1),
            )


def _patients() -> list:
    from patients.models import Patient

    born, registered = date(1980, 1, 1), date(2020, 1, 1)
    rows = [
        Patient(mrn=f"X{n:07d}", first_name="Test", last_name=f"Patient {n}", date_of_birth=born, sex="female", registered_on=registered)
        for n in range(PATIENTS)
    ]
    return Patient.objects.bulk_create(rows)


def _accounts(patients: list) -> dict:
    """The first two patients can sign in."""
    from patients.models import Patient

    users = {f"patient{n}": _register(f"patient{n}", "PATIENT") for n in range(ACCOUNTS)}
    for patient, user in zip(patients, users.values(), strict=False):
        Patient.objects.filter(pk=patient.pk).update(user=user)
    return users


def _write_facts(doctors, departments, patients, users) -> None:
    from clinic.ops.prove.facts import Facts, Row

    doctors, departments, patients = ([Row(str(row.public_id), row.pk) for row in rows] for rows in (doctors, departments, patients))
    facts = Facts(doctors=doctors, departments=departments, patients=patients, users={name: user.pk for name, user in users.items()})
    facts.write(Path(os.environ["PROVE_FACTS"]))


if __name__ == "__main__":
    main()
