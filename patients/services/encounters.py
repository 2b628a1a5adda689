"""A visit from its start to its signature."""

from collections.abc import Mapping
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from clinic.accounts.models import Doctor
from clinic.audit.models import Topic
from clinic.audit.services.recording import publish, record
from clinic.core.db import atomic_with_retry
from clinic.core.errors import InvalidInput, NotFound
from clinic.core.http import check_version
from clinic.core.repeats import earlier
from patients import locks
from patients.errors import DoctorInactive, EncounterClosed, PatientInactive, PrimaryDiagnosisExists, ReasonMissing, UnsavedDraft
from patients.models import Diagnosis, DiagnosisRank, Encounter, EncounterStatus, Vitals
from patients.rules import identity, notes
from patients.rules.usual import unusual_vitals
from patients.rules.vitals import check_vitals
from patients.selectors import history_of
from patients.services.codes import code_problem
from patients.services.signed_content import content_of

CHANGEABLE = ("reason", "diagnosis_text")


@atomic_with_retry
def start_encounter(*, patient_id: int, doctor_id: int, by, reason: str = "", request_id: UUID | None = None) -> Encounter:
    """Open the record of a visit.

    Locks the patient. Repeating request_id returns the first encounter. Raises NotFound for an unknown
    patient, InvalidInput for an unknown doctor, PatientInactive and DoctorInactive.
    """
    patient = locks.lock_patient(patient_id)
    if first := earlier(Encounter, request_id, patient_id=patient_id, doctor_id=doctor_id):
        return first
    if not patient.is_active:
        raise PatientInactive
    doctor = Doctor.objects.select_related("user").filter(pk=doctor_id).first()
    if doctor is None:
        raise InvalidInput(errors={"doctor": ["Not found."]})
    if not doctor.is_active:
        raise DoctorInactive
    encounter = Encounter(patient=patient, doctor=doctor, reason=reason.strip(), started_at=timezone.now(), request_id=request_id)
    encounter.save()
    _record("started", encounter, by=by, changes={"doctor": str(doctor.public_id)})
    return encounter


@atomic_with_retry
def update_encounter(*, encounter_id: int, changes: Mapping, by, expected_version: int | None = None) -> Encounter:
    """Change `reason` and `diagnosis_text`. Locks the encounter. Raises StaleVersion and EncounterClosed."""
    encounter = open_encounter(encounter_id)
    check_version(encounter, expected_version)
    values = {name: changes[name].strip() for name in CHANGEABLE if name in changes and changes[name].strip() != getattr(encounter, name)}
    if values:
        encounter.save_changes(**values)
        _record("changed", encounter, by=by, changes={"fields": sorted(values)})
    return encounter


@atomic_with_retry
def record_vitals(*, encounter_id: int, values: Mapping, by, request_id: UUID | None = None) -> Vitals:
    """Add one set of measurements, by the names and in the units of Vitals.

    Locks the encounter. Repeating request_id returns the first set. Raises EncounterClosed, and
    InvalidInput that names the range of each value outside it.
    """
    encounter = locks.lock_encounter(encounter_id)
    given, errors = check_vitals(values)
    if not errors and (first := earlier(Vitals, request_id, encounter_id=encounter_id, **given)):
        return first
    check_open(encounter)
    if errors:
        raise InvalidInput(errors=errors)
    vitals = Vitals.objects.create(encounter=encounter, recorded_by=by, recorded_at=timezone.now(), request_id=request_id, **given)
    encounter.save_changes()
    unusual = unusual_vitals(given, born=encounter.patient.date_of_birth, on=timezone.localdate())
    changes = {"vitals": str(vitals.public_id), "unusual": [each.name for each in unusual]}
    _record("vitals_recorded", encounter, by=by, changes=changes)
    return vitals


@atomic_with_retry
def remove_vitals(*, encounter_id: int, vitals_id: UUID, by) -> None:
    """Take back a set of measurements before the visit is signed. Locks the encounter. Raises NotFound and EncounterClosed."""
    _remove(Vitals, encounter_id, vitals_id, by=by, what="vitals")


@atomic_with_retry
def add_diagnosis(*, encounter_id: int, text: str, code: str, rank: str, by, request_id: UUID | None = None) -> Diagnosis:
    """Add a diagnosis: free text, with an ICD-10 code where there is one.

    Locks the encounter. Repeating request_id returns the first one. Raises EncounterClosed, InvalidInput,
    and PrimaryDiagnosisExists for a second primary one.
    """
    text, code = identity.plain_words(text), identity.plain_identifier(code)
    errors = {} if text else {"text": ["Say what it is."]}
    if code and (problem := code_problem(code)):
        errors["code"] = [problem]
    if errors:
        raise InvalidInput(errors=errors)
    encounter = locks.lock_encounter(encounter_id)
    if first := earlier(Diagnosis, request_id, encounter_id=encounter_id, text=text, code=code, rank=rank):
        return first
    check_open(encounter)
    if rank == DiagnosisRank.PRIMARY and encounter.diagnoses.filter(rank=rank).exists():
        raise PrimaryDiagnosisExists
    diagnosis = Diagnosis.objects.create(encounter=encounter, text=text, code=code, rank=rank, recorded_by=by, request_id=request_id)
    encounter.save_changes()
    _record("diagnosis_added", encounter, by=by, changes={"diagnosis": str(diagnosis.public_id), "rank": rank})
    return diagnosis


@atomic_with_retry
def remove_diagnosis(*, encounter_id: int, diagnosis_id: UUID, by) -> None:
    """Take back a diagnosis before the visit is signed. Locks the encounter. Raises NotFound and EncounterClosed."""
    _remove(Diagnosis, encounter_id, diagnosis_id, by=by, what="diagnosis")


@atomic_with_retry
def complete_visit(*, encounter_id: int, by, expected_version: int | None = None) -> Encounter:
    """Sign the encounter: with the signer, the time and the SHA-256 of its content it is closed for good.

    First runs settings.VISIT_COMPLETION_STEPS, each of which locks its own rows (they come before the
    encounter in the lock order), then locks the encounter. What a child's write that was under way
    added is in the hash; a later one is refused. Raises NotFound, EncounterClosed and StaleVersion,
    UnsavedDraft when the signer typed something that is not saved, and what the steps raise.
    """
    if Encounter.objects.filter(pk=encounter_id).exclude(status=EncounterStatus.IN_PROGRESS).exists():
        raise EncounterClosed
    for step in settings.VISIT_COMPLETION_STEPS:
        import_string(step)(encounter_id=encounter_id, by=by)
    encounter = open_encounter(encounter_id)
    check_version(encounter, expected_version)
    check_nothing_unsaved(encounter, by)
    encounter.save_changes(
        status=EncounterStatus.COMPLETED, signed_at=timezone.now(), signed_by=by, content_sha256=notes.sha256_of(content_of(encounter))
    )
    _record("signed", encounter, by=by, changes={"status": encounter.status, "content_sha256": encounter.content_sha256})
    publish(
        topic=Topic.VISITS,
        action="patients.encounter.signed",
        document=history_of(encounter),
        subject=encounter,
        patient_id=encounter.patient.public_id,
    )
    return encounter


@atomic_with_retry
def mark_entered_in_error(*, encounter_id: int, reason: str, by) -> Encounter:
    """Close an encounter that should not exist, e.g. one of the wrong patient. Locks the encounter.

    Raises ReasonMissing and EncounterClosed.
    """
    reason = identity.plain_words(reason)
    if not reason:
        raise ReasonMissing
    encounter = open_encounter(encounter_id)
    encounter.save_changes(status=EncounterStatus.ENTERED_IN_ERROR, entered_in_error_reason=reason)
    _record("entered_in_error", encounter, by=by, changes={"status": encounter.status})
    return encounter


def open_encounter(encounter_id: int) -> Encounter:
    """The encounter, locked. Raises NotFound and EncounterClosed."""
    encounter = locks.lock_encounter(encounter_id)
    check_open(encounter)
    return encounter


def check_open(encounter: Encounter) -> None:
    if not encounter.is_open:
        raise EncounterClosed


def check_nothing_unsaved(encounter: Encounter, by) -> None:
    """Raises UnsavedDraft for what the signer typed and the signature would leave out. Others' drafts wait for nobody."""
    if draft := encounter.drafts.filter(author=by).exclude(values={}).first():
        raise UnsavedDraft(forms=sorted(draft.values))


def _remove(model, encounter_id: int, public_id: UUID, *, by, what: str) -> None:
    encounter = open_encounter(encounter_id)
    row = model.objects.filter(encounter=encounter, public_id=public_id).first()
    if row is None:
        raise NotFound
    row.delete()
    encounter.save_changes()
    _record(f"{what}_removed", encounter, by=by, changes={what: str(public_id)})


def _record(what: str, encounter: Encounter, *, by, changes: dict) -> None:
    record(action=f"patients.encounter.{what}", actor=by, subject=encounter, patient=encounter.patient, changes=changes)
