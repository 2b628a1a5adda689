"""Places and people: facilities, departments, staff, doctors."""

from django.contrib.auth.hashers import check_password
from django.db import models

from clinic.accounts.models import Department, Facility, Specialization, User
from clinic.accounts.roles import Role
from clinic.accounts.services.directory import save_entry
from clinic.accounts.services.staff import change_password, register_staff
from clinic.core.errors import DomainError
from clinic.ops.seed.data.clinic_facts import DEPARTMENTS, DOCTORS, FACILITIES, MAIN, SPECIALIZATIONS, STAFF, Colleague
from clinic.ops.seed.demo import Demo, Tally
from clinic.ops.seed.errors import SeedRefused
from clinic.ops.seed.ids import seed_id


def founding() -> Facility | None:
    """The row that says that this database holds the demo clinic, and since when; it is the first one made."""
    return Facility.objects.filter(public_id=seed_id("facility", MAIN)).first()


def seed_staff(demo: Demo) -> Tally:
    made = sum(add_user(demo, name, [role], first, last) for name, role, first, last in STAFF)
    return Tally(made, len(STAFF) - made)


def seed_places(demo: Demo) -> Tally:
    places = [Facility(public_id=seed_id("facility", name), name=name, address=address, phone=phone) for name, address, phone in FACILITIES]
    made = [_add(place, demo) for place in places]
    facilities = {facility.name: facility for facility in Facility.objects.all()}
    for name, location, facility in DEPARTMENTS:
        department = Department(public_id=seed_id("department", name), name=name, location=location, facility=facilities[facility])
        made.append(_add(department, demo))
    made += [_add(Specialization(public_id=seed_id("specialization", name), name=name), demo) for name in SPECIALIZATIONS]
    return Tally(sum(made), len(made) - sum(made))


def seed_doctors(demo: Demo) -> Tally:
    made = sum(_add_doctor(demo, row) for row in DOCTORS)
    return Tally(made, len(DOCTORS) - made)


def refresh_passwords(logins: dict[str, dict]) -> int:
    """Make the passwords of a logins file work, when the users were made with others; the number changed."""
    users = {user.username: user for user in User.objects.filter(username__in=[login["username"] for login in logins.values()])}
    known = [(users[login["username"]], login["password"]) for login in logins.values() if login["username"] in users]
    stale = [(user, password) for user, password in known if not check_password(password, user.password)]
    for user, password in stale:
        change_password(user=user, password=password)
    return len(stale)


def add_user(demo: Demo, name: str, roles: list[Role], first: str, last: str, doctor: dict | None = None) -> bool:
    """Whether the user had to be made. Who has no login gets no password."""
    username = demo.username(name)
    if User.objects.filter(username=username).exists():
        return False
    data = {"username": username, "email": f"{username}@riverside.example", "first_name": first, "last_name": last}
    data["password"] = demo.logins[name]["password"] if name in demo.logins else None
    try:
        register_staff(data=data, roles=roles, doctor=doctor, by=User.objects.filter(username=demo.username("admin")).first())
    except DomainError as error:
        raise SeedRefused(f"The login {username!r} was refused: {error.errors or error.detail}") from error
    return True


def _add_doctor(demo: Demo, colleague: Colleague) -> bool:
    details = {
        "department": Department.objects.get(public_id=seed_id("department", colleague.department)),
        "specializations": Specialization.objects.filter(name__in=colleague.specializations),
        "licence_number": f"LIC-{demo.dice('licence', colleague.login).randrange(10**6):06}",
        "experience_years": colleague.experience_years,
        "consultation_fee": colleague.fee,
        "slot_minutes": colleague.slot_minutes,
        "room": colleague.room,
    }
    return add_user(demo, colleague.login, [Role.DOCTOR], colleague.first, colleague.last, details)


def _add(entry: models.Model, demo: Demo) -> bool:
    if type(entry).objects.filter(public_id=entry.public_id).exists():
        return False
    save_entry(entry=entry, by=demo.user("admin"))
    return True
