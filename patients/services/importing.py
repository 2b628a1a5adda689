"""Many patients from a file: what would become of each row, and then the same through registration."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID, uuid5

from clinic.core.errors import DomainError
from patients import selectors
from patients.models import Patient
from patients.rules import identity
from patients.services import registration

NEW, DUPLICATE, REFUSED, REGISTERED = "new", "duplicate", "refused", "registered"


@dataclass
class ImportRow:
    """One row of a file: `data` as register_patient takes it, or the `problems` that its shape has."""

    number: int
    name: str
    data: dict | None = None
    problems: list[str] = field(default_factory=list)
    fate: str = ""
    detail: str = ""
    patient: Patient | None = None


def plan_import(rows: Sequence[ImportRow], *, by, on: date, request_id: UUID) -> list[ImportRow]:
    """Give each row its fate; writes nothing. A row of an earlier import under this request_id is 'registered'."""
    earlier = Patient.objects.in_bulk([_id_of(row, request_id) for row in rows], field_name="request_id")
    seen: dict[tuple, int] = {}
    for row in rows:
        if patient := earlier.get(_id_of(row, request_id)):
            row.fate, row.detail, row.patient = REGISTERED, f"registered under {patient.mrn}", patient
            continue
        row.fate, row.detail = _fate_of(row, seen, by=by, on=on)
    return list(rows)


def import_patients(rows: Sequence[ImportRow], *, by, on: date, request_id: UUID, with_duplicates: bool = False) -> list[ImportRow]:
    """Register the new rows, and the duplicates too when somebody looked at them and said so.

    Each row is a transaction of its own, so that one that is refused costs only itself; repeating request_id
    with the same rows registers nobody twice.
    """
    for row in plan_import(rows, by=by, on=on, request_id=request_id):
        if row.fate == NEW or (row.fate == DUPLICATE and with_duplicates):
            _register(row, by=by, on=on, request_id=request_id)
    return list(rows)


def _id_of(row: ImportRow, request_id: UUID) -> UUID:
    """The same row of the same file, whoever presses how often."""
    return uuid5(request_id, f"{row.number}:{sorted((row.data or {}).items())!r}")


def _fate_of(row: ImportRow, seen: dict[tuple, int], *, by, on: date) -> tuple[str, str]:
    if row.problems:
        return REFUSED, " ".join(row.problems)
    try:
        registration.check_patient_data(data=row.data, on=on)
    except DomainError as refusal:
        return REFUSED, _words_of(refusal)
    key = (identity.plain_words(f"{row.data['first_name']} {row.data['last_name']}").casefold(), row.data["date_of_birth"])
    if key in seen:
        return DUPLICATE, f"the same name and birth date as row {seen[key]}"
    seen[key] = row.number
    if found := selectors.possible_duplicates(row.data, by):
        return DUPLICATE, f"of {found[0].patient.mrn}: {', '.join(found[0].reasons)}"
    return NEW, ""


def _register(row: ImportRow, *, by, on: date, request_id: UUID) -> None:
    try:
        row.patient = registration.register_patient(data=row.data, by=by, on=on, request_id=_id_of(row, request_id))
    except DomainError as refusal:
        row.fate, row.detail = REFUSED, _words_of(refusal)
    else:
        row.fate, row.detail = REGISTERED, f"registered under {row.patient.mrn}"


def _words_of(refusal: DomainError) -> str:
    return " ".join(words for each in (refusal.errors or {"": [refusal.detail]}).values() for words in each)
