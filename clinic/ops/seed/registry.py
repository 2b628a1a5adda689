"""The patients, and the two of them who have a portal account."""

from datetime import date, timedelta
from decimal import Decimal

from django.db import transaction

from clinic.accounts.roles import Role
from clinic.audit.services.recording import record
from clinic.ops.seed.data.names import PEOPLES
from clinic.ops.seed.data.patients_facts import ALLERGIES, INSURERS, PROBLEMS, RELATIONS, STREETS
from clinic.ops.seed.demo import Demo, Tally
from clinic.ops.seed.ground import add_user
from clinic.ops.seed.ids import seed_id
from patients.models import Patient
from patients.services.registration import register_patient

PATIENTS = 150
ADULTS = range(1, 106)
CHILDREN = range(106, PATIENTS + 1)
# Of those with a portal account, and of the one in the consulting room, what they are like is said, not thrown.
PORTAL = {"patient": 1, "patient2": 2}
IN_THE_ROOM = 3
_SAID = {
    1: {"first_name": "Elif", "last_name": "Yılmaz", "date_of_birth": date(1987, 5, 14), "sex": "female", "allergies": []},
    2: {"first_name": "Jonas", "last_name": "Bergström", "date_of_birth": date(1971, 11, 2), "sex": "male"},
    3: {
        "first_name": "Adaeze",
        "last_name": "Okonkwo",
        "date_of_birth": date(1958, 8, 23),
        "sex": "female",
        "allergies": [{"substance": "Ibuprofen", "reaction": "Wheezing", "severity": "severe"}],
        "problems": [{"text": "Essential hypertension", "code": "I10", "onset_on": date(2011, 3, 1), "is_active": True}],
    },
}


def seed_patients(demo: Demo) -> Tally:
    wanted = {number: seed_id("patient", number) for number in range(1, PATIENTS + 1)}
    there = set(Patient.objects.filter(request_id__in=wanted.values()).values_list("request_id", flat=True))
    missing = [number for number, request_id in wanted.items() if request_id not in there]
    for number in missing:
        data = describe_patient(demo, number)
        registered = _registered_on(demo, number, data["date_of_birth"])
        register_patient(data=data, by=demo.user("reception"), on=registered, request_id=wanted[number])
    return Tally(len(missing), len(there))


def seed_portal_accounts(demo: Demo) -> Tally:
    made = sum(_open_account(demo, login, number) for login, number in PORTAL.items())
    return Tally(made, len(PORTAL) - made)


@transaction.atomic
def _open_account(demo: Demo, login: str, number: int) -> bool:
    """The user and the link stand or fall together."""
    patient = demo.patient(number)
    if patient.user_id:
        return False
    add_user(demo, login, [Role.PATIENT], patient.first_name, patient.last_name)
    patient.save_changes(user=demo.user(login))
    record(action="patients.patient.account_opened", actor=demo.user("admin"), subject=patient, patient=patient)
    return True


def describe_patient(demo: Demo, number: int) -> dict:
    """The same in every run: what registration takes."""
    dice = demo.dice("patient", number)
    women, men, families = dice.choice(PEOPLES)
    sex = dice.choice(["female", "male"])
    born = _birth_date(demo, number, dice)
    age = (demo.today - born).days // 365
    data = {
        "first_name": dice.choice(women if sex == "female" else men),
        "last_name": dice.choice(families),
        "date_of_birth": born,
        "sex": sex,
        # +1 202 555 01xx and its sisters: numbers that belong to nobody.
        "phone": f"+1{(202, 303, 617)[number % 3]}55501{number % 100:02}",
        "email": f"patient{number}@mail.example" if dice.random() < 0.6 else "",
        "address": f"{dice.randrange(1, 180)} {dice.choice(STREETS)}\nRiverside",
        "blood_group": dice.choice(["O+", "A+", "B+", "O-", "A-", "AB+", "", ""]),
        "national_id": f"{dice.randrange(10**8, 10**9)}" if dice.random() < 0.7 else "",
        "emergency_contact_name": f"{dice.choice(women + men)} {dice.choice(families)}",
        "emergency_contact_phone": f"+1415555{100 + number % 100:04}",
        "emergency_contact_relation": dice.choice(["mother", "father"] if age < 16 else RELATIONS),
        "problems": _problems(demo, age, dice, known_by=_registered_on(demo, number, born)),
    }
    return data | _insurance(demo, dice) | _allergies(dice) | _SAID.get(number, {})


def _birth_date(demo: Demo, number: int, dice) -> date:
    years = dice.uniform(0.4, 15.5) if number in CHILDREN else dice.triangular(17, 92, 44)
    return demo.today - timedelta(days=int(years * 365.25))


def _registered_on(demo: Demo, number: int, born: date) -> date:
    """Some day of the last three years, and not before the birth."""
    days = demo.dice("registered", number).randrange(8, 1100)
    return max(demo.today - timedelta(days=days), born)


def _insurance(demo: Demo, dice) -> dict:
    if dice.random() < 0.35:
        return {}
    return {
        "insurance_payer": dice.choice(INSURERS),
        "insurance_policy_number": f"{dice.choice('ABCHKM')}{dice.randrange(10**7, 10**8)}",
        "insurance_valid_until": demo.today + timedelta(days=dice.randrange(-40, 700)),
        "insurance_cover_percent": dice.choice([50, 70, 80, 80, 90, 100]),
    }


def _allergies(dice) -> dict:
    """A third was never asked: then 'none' is not known."""
    if dice.random() < 0.33:
        return {}
    chosen = dice.sample(ALLERGIES, dice.choice([0, 0, 0, 1, 1, 2]))
    return {"allergies": [{"substance": substance, "reaction": reaction, "severity": severity} for substance, reaction, severity in chosen]}


def _problems(demo: Demo, age: int, dice, known_by: date) -> list[dict]:
    plausible = [each for each in PROBLEMS if each[2] <= age]
    chosen = dice.sample(plausible, min(len(plausible), dice.choice([0, 0, 1, 1, 2, 3])))
    years = max(age - 1, 1)
    return [
        {
            "text": text,
            "code": code,
            "onset_on": min(demo.today - timedelta(days=365 * dice.randrange(0, min(years, 20)) + 30), known_by),
            "is_active": True,
        }
        for text, code, _ in chosen
    ]


def weight_and_height(demo: Demo, number: int) -> tuple[Decimal, Decimal]:
    """(kg, cm), plausible for the age."""
    dice = demo.dice("body", number)
    age = (demo.today - describe_patient(demo, number)["date_of_birth"]).days / 365.25
    if age < 17:
        return Decimal(f"{3.5 + age * 3.1 + dice.uniform(-1, 1.5):.2f}"), Decimal(f"{min(52 + age * 7.6 + dice.uniform(-2, 2), 178):.1f}")
    return Decimal(f"{dice.triangular(48, 118, 74):.2f}"), Decimal(f"{dice.triangular(150, 196, 169):.1f}")
