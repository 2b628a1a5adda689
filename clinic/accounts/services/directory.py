"""Departments, specializations, facilities and doctors: who works here, and where."""

from django.db import IntegrityError, transaction

from clinic.accounts.errors import NameTaken, StillUsed
from clinic.accounts.locks import lock_doctor
from clinic.accounts.models import Doctor, User
from clinic.core.db import constraint_of
from clinic.core.errors import InvalidInput
from clinic.core.http import check_version
from clinic.core.models import BaseModel
from clinic.core.recording import record


def save_entry(*, entry: BaseModel, by: User) -> BaseModel:
    """Add or change a department, specialization or facility. Raises NameTaken."""
    added = entry.pk is None
    try:
        with transaction.atomic():
            entry.save()
            record(action=f"accounts.{entry._meta.model_name}.{'added' if added else 'changed'}", subject=entry, actor=by)
    except IntegrityError as error:
        raise NameTaken(f"There is a {entry._meta.verbose_name} with this name already.") from error
    return entry


def remove_entry(*, entry: BaseModel, by: User) -> None:
    """Remove an entry that nothing points at. Raises StillUsed."""
    try:
        with transaction.atomic():
            record(action=f"accounts.{entry._meta.model_name}.removed", subject=entry, actor=by)
            entry.delete()
    except IntegrityError as error:  # ProtectedError is one
        raise StillUsed from error


@transaction.atomic
def change_doctor(*, doctor_id: int, changes: dict, by: User, expected_version: int | None = None) -> Doctor:
    """Change a doctor's details. Locks the doctor. Raises StaleVersion, InvalidInput for a licence that another one has."""
    doctor = lock_doctor(doctor_id)
    check_version(doctor, expected_version)
    for name in ("specializations", "facilities"):
        if name in changes:
            getattr(doctor, name).set(changes[name])
    try:
        with transaction.atomic():
            doctor.save_changes(**{name: value for name, value in changes.items() if name not in {"specializations", "facilities"}})
    except IntegrityError as error:
        if "licence" in constraint_of(error):
            raise InvalidInput(errors={"licence_number": ["There is a doctor with this licence number already."]}) from error
        raise
    record(action="accounts.doctor.changed", subject=doctor, actor=by, changes={"fields": sorted(changes)})
    return doctor
