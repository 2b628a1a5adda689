"""Registering patients, and keeping what is known about them right."""

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry, constraint_of
from clinic.core.errors import InvalidInput
from clinic.core.http import check_version
from clinic.core.repeats import earlier
from patients import locks
from patients.errors import EmailTaken, EncounterOpen, ReasonMissing, RecordMerged
from patients.models import Allergy, Patient, PatientStatus, Problem
from patients.models.patient import DatePrecision
from patients.rules import identity
from patients.services.codes import code_problem

FIELDS = (
    "first_name", "last_name", "date_of_birth", "date_of_birth_precision", "sex", "phone", "email", "address", "blood_group",
    "national_id", "emergency_contact_name", "emergency_contact_phone", "emergency_contact_relation", "insurance_payer",
    "insurance_policy_number", "insurance_valid_until", "insurance_cover_percent",
)  # fmt: skip
CONTACT_FIELDS = (
    "phone", "email", "address", "emergency_contact_name", "emergency_contact_phone", "emergency_contact_relation",
)  # fmt: skip
_LISTS = {"allergies": (Allergy, "substance", ("reaction", "severity")), "problems": (Problem, "text", ("code", "onset_on", "is_active"))}
LONGEST_LIST = 50


@atomic_with_retry
def register_patient(*, data: Mapping, by, on: date, request_id: UUID | None = None) -> Patient:
    """Register a patient under the next MRN.

    `data` holds FIELDS, and `allergies` and `problems` as lists of mappings; a list that is there, even
    an empty one, says that somebody asked. Locks the MRN counter. Repeating request_id returns the first
    patient. Raises InvalidInput and EmailTaken.
    """
    values = _clean(data, on=on)
    counter = locks.lock_mrn_counter()
    said = {name: values[name] for name in ("first_name", "last_name", "date_of_birth")}
    if first := earlier(Patient, request_id, **said):
        return first
    counter.last_number += 1
    counter.save(update_fields=["last_number"])
    patient = Patient(mrn=identity.mrn_of(counter.last_number), registered_on=on, request_id=request_id, **values)
    if "allergies" in data:
        patient.allergies_reviewed_at = timezone.now()
    _save(patient.save)
    for name in _LISTS:
        _replace_list(patient, name, data.get(name, []), by=by)
    record(action="patients.patient.registered", actor=by, subject=patient, patient=patient, changes={"mrn": patient.mrn})
    return patient


@atomic_with_retry
def update_patient(*, patient_id: int, changes: Mapping, by, expected_version: int | None = None) -> Patient:
    """Change what is known about a patient; `changes` as `data` in register_patient, with the changed keys only.

    Locks the patient. Lists that are named replace the stored ones. Raises StaleVersion, RecordMerged, InvalidInput, EmailTaken.
    """
    patient = locks.lock_patient(patient_id)
    check_version(patient, expected_version)
    if patient.merged_into_id:
        raise RecordMerged
    values = {
        name: value for name, value in _clean(changes, on=timezone.localdate(), patient=patient).items() if getattr(patient, name) != value
    }
    lists = [name for name in _LISTS if name in changes and _replace_list(patient, name, changes[name], by=by)]
    if "allergies" in changes:
        values["allergies_reviewed_at"] = timezone.now()
    if values or lists:
        _save(lambda: patient.save_changes(**values))
        changed = sorted([*values, *lists])
        record(action="patients.patient.changed", actor=by, subject=patient, patient=patient, changes={"fields": changed})
    return patient


@atomic_with_retry
def deactivate_patient(*, patient_id: int, reason: str, by) -> Patient:
    """Take a patient out of use; nothing is deleted. Once is enough: again changes nothing.

    Locks the patient. Raises ReasonMissing, and EncounterOpen while a visit is in progress.
    """
    reason = identity.plain_words(reason)
    if not reason:
        raise ReasonMissing
    patient = locks.lock_patient(patient_id)
    if not patient.is_active:
        return patient
    if patient.encounters.in_progress().exists():
        raise EncounterOpen
    patient.save_changes(status=PatientStatus.INACTIVE, deactivated_reason=reason)
    record(action="patients.patient.deactivated", actor=by, subject=patient, patient=patient, changes={"status": patient.status})
    return patient


@atomic_with_retry
def reactivate_patient(*, patient_id: int, by) -> Patient:
    """Bring a deactivated patient back. Locks the patient; an active one stays as it is."""
    patient = locks.lock_patient(patient_id)
    if patient.is_active:
        return patient
    if patient.merged_into_id:
        raise RecordMerged
    patient.save_changes(status=PatientStatus.ACTIVE, deactivated_reason="")
    record(action="patients.patient.reactivated", actor=by, subject=patient, patient=patient, changes={"status": patient.status})
    return patient


def check_patient_data(*, data: Mapping, on: date) -> None:
    """Whether registration would take `data`, as far as can be told without writing. Raises InvalidInput."""
    _clean(data, on=on)


def _clean(data: Mapping, *, on: date, patient: Patient | None = None) -> dict:
    """The columns' values, normalised; `patient` is whose they become. Raises InvalidInput."""
    values = {name: data[name] for name in FIELDS if name in data}
    errors = {}
    for name, value in values.items():
        if isinstance(value, str) and name != "address":
            values[name] = identity.plain_words(value)
    for name in ("first_name", "last_name"):
        if values.get(name) == "":
            errors[name] = ["A name is needed."]
    if "national_id" in values:
        values["national_id"] = identity.plain_identifier(values["national_id"])
    for name in ("phone", "emergency_contact_phone"):
        if values.get(name):
            values[name] = identity.e164_of(str(values[name]), region=settings.PHONENUMBER_DEFAULT_REGION)
            if values[name] is None:
                errors[name] = ["This is not a phone number. Give it with the area code, or with + and the country code."]
    if "date_of_birth" in values and (problem := identity.birth_date_error(values["date_of_birth"], on=on)):
        errors["date_of_birth"] = [problem]
    errors |= {name: [problem] for name in _LISTS if (problem := _list_problem(name, data.get(name, [])))}
    if "problems" not in errors and (problem := _problems_problem(data.get("problems", []), values, patient, on=on)):
        errors["problems"] = [problem]
    if errors:
        raise InvalidInput(errors=errors)
    return values


def _list_problem(name: str, rows: list[Mapping]) -> str:
    key = _LISTS[name][1]
    if len(rows) > LONGEST_LIST:
        return f"At most {LONGEST_LIST} entries."
    keys = [identity.plain_words(row.get(key, "")).casefold() for row in rows]
    if not all(keys):
        return f"Each entry needs a {key}."
    return f"The same {key} is there twice." if len(set(keys)) < len(keys) else ""


def _problems_problem(rows: list[Mapping], values: Mapping, patient: Patient | None, *, on: date) -> str:
    """What is impossible in a problem list; a code that stands there already may stay."""
    kept = set(patient.problems.values_list("code", flat=True)) if patient and rows else set()
    born = values.get("date_of_birth") or (patient and patient.date_of_birth)
    precision = values.get("date_of_birth_precision") or (patient and patient.date_of_birth_precision)
    for row in rows:
        onset, code = row.get("onset_on"), identity.plain_identifier(row.get("code") or "")
        if onset and onset > on:
            return f"{row['text']}: this day is still to come."
        if onset and born and precision != DatePrecision.ESTIMATED and onset.year < born.year:
            return f"{row['text']}: the patient was not born then."
        if code and code not in kept and (problem := code_problem(code)):
            return f"{row['text']}: {problem}"
    return ""


def _replace_list(patient: Patient, name: str, rows: list[Mapping], *, by) -> bool:
    """Make the stored list equal to `rows`, keeping rows that stay; whether anything changed."""
    model, key, others = _LISTS[name]
    stored = {getattr(row, key).casefold(): row for row in model.objects.filter(patient=patient)}
    changed = False
    for given in rows:
        text = identity.plain_words(given[key])
        values = {other: given[other] for other in others if other in given}
        if "code" in values:
            values["code"] = identity.plain_identifier(values["code"])
        row = stored.pop(text.casefold(), None)
        if row is None:
            model.objects.create(patient=patient, recorded_by=by, **{key: text}, **values)
            changed = True
        elif (different := {key: text} | values) != {field: getattr(row, field) for field in different}:
            model.objects.filter(pk=row.pk).update(**different)
            changed = True
    for row in stored.values():
        row.delete()
        changed = True
    return changed


def _save(write) -> None:
    try:
        with transaction.atomic():
            write()
    except IntegrityError as error:
        if constraint_of(error) == "patient_email_unique_among_accounts":
            raise EmailTaken(errors={"email": [EmailTaken.detail]}) from error
        if constraint_of(error) == "patient_born_before_registration":
            raise InvalidInput(errors={"date_of_birth": ["That is after the patient was registered."]}) from error
        raise
