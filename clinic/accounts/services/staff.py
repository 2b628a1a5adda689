"""Staff accounts."""

from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from clinic.accounts.errors import NameTaken
from clinic.accounts.models import Doctor, User
from clinic.accounts.roles import Role
from clinic.accounts.services.tokens import end_all_sessions
from clinic.core.db import constraint_of
from clinic.core.errors import InvalidInput
from clinic.core.recording import record


def register_staff(*, data: dict, roles: list[str], doctor: dict | None = None, by: User | None) -> User:
    """Make a user with roles, and their Doctor row where `doctor` is given.

    `data`: username, email, password (None: cannot sign in with one), first_name, last_name.
    `doctor`: fields of Doctor, with lists of specializations and facilities. Raises InvalidInput (a weak
    password, a doctor without the role or the reverse) and NameTaken.
    """
    _check_roles(roles, doctor)
    user = User(**{name: value for name, value in data.items() if name != "password"})
    _set_password(user, data.get("password"))
    try:
        with transaction.atomic():
            user.save()
            user.groups.set([Group.objects.get_or_create(name=role)[0] for role in roles])
            if doctor is not None:
                _make_doctor(user, doctor)
            record(action="accounts.user.registered", subject=user, actor=by, changes={"roles": sorted(roles)})
    except IntegrityError as error:
        raise _refusal_of(error) from error
    return user


def change_password(*, user: User, password: str) -> None:
    """Set a password that was validated before; every other session of the user ends at once."""
    with transaction.atomic():
        user.set_password(password)
        user.save(update_fields=["password"])
        end_all_sessions(user=user)
        record(action="accounts.user.password_changed", subject=user, actor=user)


def set_active(*, user: User, is_active: bool, by: User) -> None:
    """Let a user in, or out at once. Nobody is deleted: their name stands in the audit."""
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(is_active=is_active)
        if not is_active:
            end_all_sessions(user=user)
        record(action="accounts.user.enabled" if is_active else "accounts.user.disabled", subject=user, actor=by)


def _check_roles(roles: list[str], doctor: dict | None) -> None:
    unknown = sorted(set(roles) - set(Role))
    if unknown or not roles:
        raise InvalidInput(errors={"roles": [f"Unknown role: {name}." for name in unknown] or ["At least one role is needed."]})
    if (Role.DOCTOR in roles) != (doctor is not None):
        raise InvalidInput(errors={"doctor": ["The role DOCTOR and the doctor's details belong together."]})


def _set_password(user: User, password: str | None) -> None:
    if password is None:
        user.set_unusable_password()
        return
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise InvalidInput(errors={"password": error.messages}) from error
    user.set_password(password)


def _make_doctor(user: User, details: dict) -> None:
    columns = {name: value for name, value in details.items() if name not in {"specializations", "facilities"}}
    doctor = Doctor.objects.create(user=user, **columns)
    doctor.specializations.set(details.get("specializations", []))
    doctor.facilities.set(details.get("facilities") or [doctor.department.facility])


def _refusal_of(error: IntegrityError) -> Exception:
    if "licence" in constraint_of(error):
        return InvalidInput(errors={"doctor": {"licence_number": ["There is a doctor with this licence number already."]}})
    return NameTaken() if "user" in constraint_of(error) else error
