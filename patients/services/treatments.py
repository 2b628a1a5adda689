"""The catalogue of treatments, and what was done in a visit."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry, constraint_of
from clinic.core.errors import InvalidInput, NotFound
from clinic.core.http import check_version
from clinic.core.repeats import earlier
from patients import locks
from patients.errors import TreatmentTypeTaken
from patients.models import Treatment, TreatmentType
from patients.rules.identity import plain_words
from patients.services.encounters import check_open, open_encounter


@atomic_with_retry
def add_treatment_type(*, name: str, base_cost, by) -> TreatmentType:
    """Put a treatment into the catalogue. Raises TreatmentTypeTaken."""
    row = TreatmentType(name=plain_words(name), base_cost=base_cost)
    _save(row.save)
    record(action="patients.treatment_type.added", actor=by, subject=row, changes={"base_cost": str(row.base_cost)})
    return row


@atomic_with_retry
def change_treatment_type(*, type_id: int, changes: Mapping, by, expected_version: int | None = None) -> TreatmentType:
    """Change `name`, `base_cost` or `is_active`; what was recorded keeps its cost. Locks the row.

    Raises NotFound, StaleVersion and TreatmentTypeTaken.
    """
    row = locks.lock_treatment_type(type_id)
    check_version(row, expected_version)
    values = {name: plain_words(value) if name == "name" else value for name, value in changes.items()}
    values = {name: value for name, value in values.items() if getattr(row, name) != value}
    if values:
        _save(lambda: row.save_changes(**values))
        record(action="patients.treatment_type.changed", actor=by, subject=row, changes={"fields": sorted(values)})
    return row


@atomic_with_retry
def record_treatment(
    *, encounter_id: int, treatment_type: TreatmentType, notes: str, by, medicines: Sequence[Mapping] = (), request_id: UUID | None = None
) -> Treatment:
    """Write down a treatment at today's base cost, and the `medicines` that whoever keeps the stock took out for it.

    Locks the encounter. Repeating request_id returns the first one. Raises EncounterClosed, and
    InvalidInput for a type that is out of use.
    """
    encounter = locks.lock_encounter(encounter_id)
    if first := earlier(Treatment, request_id, encounter_id=encounter_id, treatment_type=treatment_type):
        return first
    check_open(encounter)
    if not treatment_type.is_active:
        raise InvalidInput(errors={"treatment_type": ["This treatment is out of use."]})
    treatment = Treatment.objects.create(
        encounter=encounter,
        treatment_type=treatment_type,
        name=treatment_type.name,
        base_cost=treatment_type.base_cost,
        medicines=list(medicines),
        medicines_cost=sum((Decimal(each["cost"]) for each in medicines), Decimal(0)),
        notes=notes.strip(),
        recorded_by=by,
        recorded_at=timezone.now(),
        request_id=request_id,
    )
    encounter.save_changes()
    _record_change("recorded", treatment, encounter, by=by)
    return treatment


@atomic_with_retry
def remove_treatment(*, encounter_id: int, treatment_id: UUID, by) -> None:
    """Take back a treatment before the visit is signed. Locks the encounter. Raises NotFound and EncounterClosed."""
    encounter = open_encounter(encounter_id)
    treatment = encounter.treatments.filter(public_id=treatment_id).first()
    if treatment is None:
        raise NotFound
    treatment.delete()
    encounter.save_changes()
    _record_change("removed", treatment, encounter, by=by)


def _record_change(what: str, treatment: Treatment, encounter, *, by) -> None:
    changes = {"treatment": str(treatment.public_id), "cost": str(treatment.cost)}
    record(action=f"patients.encounter.treatment_{what}", actor=by, subject=encounter, patient=encounter.patient, changes=changes)


def _save(write) -> None:
    try:
        with transaction.atomic():
            write()
    except IntegrityError as error:
        if constraint_of(error) == "treatment_type_name_unique":
            raise TreatmentTypeTaken(errors={"name": [TreatmentTypeTaken.detail]}) from error
        raise
