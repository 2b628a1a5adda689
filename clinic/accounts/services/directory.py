"""Departments, specializations, facilities and doctors: who works here, and where."""

from django.db import IntegrityError, transaction

from clinic.accounts.errors import NameTaken, StillUsed
from clinic.accounts.locks import lock_doctor
from clinic.accounts.models import Doctor, User
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
    """Change a doctor's details. Locks the doctor. Raises StaleVersion."""
    doctor = lock_doctor(doctor_id)
    check_version(doctor, expected_version)
    for name in ("specializations", "facilities"):
        if name in changes:
            getattr(doctor, name).set(changes[name])
    doctor.save_changes(**{name: value for name, value in changes.items() if name not in {"specializations", "facilities"}})
    record(action="accounts.doctor.changed", subject=doctor, actor=by, changes={"fields": sorted(changes)})
    return doctor
