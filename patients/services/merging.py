"""Putting two records of one person together, and taking them apart again.

What points at a patient is found from the model registry, so that a table that comes later is moved
too, whichever app it is in. Signed and issued rows move as well: only clinic_refile, a function of the
database's owner, can move those, between the two records of a merge and in no other column. The journal
holds what stood there before.
"""

import contextlib
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

from django.apps import apps
from django.db import IntegrityError, connection, models, transaction

from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry
from clinic.core.errors import NotFound
from patients import locks
from patients.errors import CannotMerge, NotMerged, PatientInactive, ReasonMissing
from patients.models import (
    Allergy,
    AllergySeverity,
    BreakGlass,
    Encounter,
    ListEntry,
    MergedValue,
    NotDuplicate,
    Patient,
    PatientMerge,
    PatientStatus,
    Refiling,
)
from patients.rules.identity import plain_words
from patients.services.access import check_chart_open

# What stays with the record that it was about, each for a reason.
STAYS = {
    (PatientMerge, "survivor"),  # the history of merges itself
    (PatientMerge, "loser"),
    (NotDuplicate, "first"),  # someone looked at these two records
    (NotDuplicate, "second"),
    (BreakGlass, "patient"),  # the reason was for that chart; it opens no other
    (ListEntry, "patient"),  # what that record said then
}
_SEVERITY = ("", AllergySeverity.MILD, AllergySeverity.MODERATE, AllergySeverity.SEVERE)


def pointers() -> Iterator[tuple[type[models.Model], models.ForeignKey]]:
    """(model, field) of every foreign key to a patient, the apps above first: that is the order of locks."""
    for model in reversed(apps.get_models(include_auto_created=True)):
        if model._meta.proxy or not model._meta.managed:
            continue
        for field in model._meta.local_fields:
            if field.is_relation and field.related_model is Patient and (model, field.name) not in STAYS:
                yield model, field


@atomic_with_retry
def merge_patients(*, survivor_id: int, loser_id: int, reason: str, by, now: datetime) -> Patient:
    """Let everything that points at the loser point at the survivor; the loser becomes inactive.

    Locks the rows that move, then both patients. Once is enough: again changes nothing. Raises
    NotFound, ReasonMissing, PatientInactive, BreakGlassRequired for a restricted chart that is not
    open, and CannotMerge when the two cannot stand side by side; then nothing is changed.
    """
    reason = plain_words(reason)
    if not reason:
        raise ReasonMissing
    if survivor_id == loser_id:
        raise CannotMerge("These are one and the same record.")
    _lock_pointing_rows(loser_id)
    survivor, loser = locks.lock_patients_alone([survivor_id, loser_id])
    if loser.merged_into_id == survivor.pk:
        return survivor
    _check_mergeable(survivor, loser, by=by)
    merge = PatientMerge.objects.create(survivor=survivor, loser=loser, reason=reason, merged_by=by, merged_at=now)
    clashing = _join_allergies(merge)
    rows = _lock_pointing_rows(loser_id)  # again: one may have come before the patients were locked, none can now
    with _deferred_composite_keys():
        for (model, field), ids in rows.items():
            _move(merge, model, field, [pk for pk in ids if (model, pk) not in clashing])
        _close_loser(merge)
    changes = {"merge": str(merge.public_id), "loser": str(loser.public_id), "rows": MergedValue.objects.filter(merge=merge).count()}
    for patient in (survivor, loser):
        record(action="patients.patient.merged", actor=by, subject=merge, patient=patient, changes=changes)
    return survivor


@atomic_with_retry
def unmerge_patients(*, patient_id: int, by, now: datetime) -> PatientMerge:
    """Undo the last merge in which this record survived, or the one in which it lost.

    Every value of the journal is put back; what was recorded since in a visit that goes back goes with it,
    all else that was recorded since stays with the survivor. Locks as merge_patients. Raises NotFound,
    NotMerged, BreakGlassRequired, and CannotMerge while a later merge stands on this one.
    """
    merge = PatientMerge.objects.live().filter(models.Q(survivor=patient_id) | models.Q(loser=patient_id)).order_by("-id").first()
    if merge is None:
        raise NotMerged if Patient.objects.filter(pk=patient_id).exists() else NotFound
    _lock_pointing_rows(merge.survivor_id)
    survivor, loser = locks.lock_patients_alone([merge.survivor_id, merge.loser_id])
    merge = PatientMerge.objects.live().filter(pk=merge.pk).first()
    if merge is None:
        raise NotMerged
    later = PatientMerge.objects.live().filter(pk__gt=merge.pk)
    if later.filter(models.Q(survivor__in=[survivor, loser]) | models.Q(loser__in=[survivor, loser])).exists():
        raise CannotMerge("A later merge stands on this one. Undo that one first.")
    check_chart_open(patient=survivor, by=by)
    with _deferred_composite_keys() as children:
        _put_back(merge)
        _take_along(merge, children)
    _raise_versions(survivor, loser)
    merge.undone_at, merge.undone_by = now, by
    merge.save(update_fields=["undone_at", "undone_by"])
    changes = {"merge": str(merge.public_id), "loser": str(loser.public_id)}
    for patient in (survivor, loser):
        record(action="patients.patient.unmerged", actor=by, subject=merge, patient=patient, changes=changes)
    return merge


@atomic_with_retry
def mark_not_duplicate(*, patient_id: int, other_id: int, by) -> NotDuplicate:
    """Say that two patients who look alike are two people. Again changes nothing. Locks both. Raises NotFound and CannotMerge."""
    if patient_id == other_id:
        raise CannotMerge("These are one and the same record.")
    first, second = sorted(locks.lock_patients_alone([patient_id, other_id]), key=lambda patient: patient.pk)
    pair, is_new = NotDuplicate.objects.get_or_create(first=first, second=second, defaults={"marked_by": by})
    if is_new:
        for patient, other in ((first, second), (second, first)):
            changes = {"other": str(other.public_id)}
            record(action="patients.patient.not_duplicate", actor=by, subject=patient, patient=patient, changes=changes)
    return pair


def _check_mergeable(survivor: Patient, loser: Patient, *, by) -> None:
    if not survivor.is_active:
        raise PatientInactive
    if loser.merged_into_id:
        raise CannotMerge("This record is merged into another one already.")
    for patient in (survivor, loser):
        check_chart_open(patient=patient, by=by)


def _lock_pointing_rows(patient_id: int) -> dict[tuple, list[int]]:
    """{(model, field): primary keys}"""
    return {each: locks.lock_pointing_rows(*each, patient_id=patient_id) for each in pointers()}


def _move(merge: PatientMerge, model, field, ids: list[int]) -> None:
    if field.unique and model._base_manager.filter(**{field.name: merge.survivor_id}).exists():
        return  # of a thing that a patient has once, the survivor's stays
    if ids:
        _journal(merge, model, ids, field.name, merge.loser_id)
        _refile(merge, model, field.name, ids, merge.survivor_id)


def _journal(merge: PatientMerge, model, ids, name: str, old) -> None:
    table = model._meta.db_table
    MergedValue.objects.bulk_create([MergedValue(merge=merge, table=table, row_id=pk, column=name, old_value=old) for pk in ids])


def _change(merge: PatientMerge, row, values: dict) -> None:
    """Journal some columns of one row, and write them."""
    for name in values:
        _journal(merge, type(row), [row.pk], name, getattr(row, row._meta.get_field(name).attname))
    _set(type(row), [row.pk], values)


def _set(model, ids: list[int], values: dict) -> None:
    """Some columns of some rows. Raises CannotMerge for what must not stand side by side."""
    columns = {model._meta.get_field(name).attname: value for name, value in values.items()}
    with _side_by_side(model):
        model._base_manager.filter(pk__in=ids).update(**columns)


def _refile(merge: PatientMerge, model, name: str, ids: list[int], patient_id: int) -> None:
    """Let rows point at the other patient of the merge, past the triggers that freeze them. Raises CannotMerge as _set does."""
    column = model._meta.get_field(name).column
    with _side_by_side(model), connection.cursor() as cursor:
        cursor.execute("SELECT clinic_refile(%s, %s, %s, %s::bigint[], %s)", [merge.pk, model._meta.db_table, column, ids, patient_id])
        if model is Encounter:
            Refiling.objects.bulk_create([Refiling(encounter_id=pk) for pk in ids])


@contextlib.contextmanager
def _side_by_side(model) -> Iterator[None]:
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        things = model._meta.verbose_name_plural
        raise CannotMerge(
            f"Both records have {things} that cannot stand side by side, such as two at the same time. Close or change one first."
        ) from error


def _join_allergies(merge: PatientMerge) -> set[tuple]:
    """A substance stands once: where both have it, the survivor's row takes the graver severity and the loser's row stays."""
    own = {allergy.substance.lower(): allergy for allergy in Allergy.objects.filter(patient=merge.survivor_id)}
    clashing = set()
    for theirs in Allergy.objects.filter(patient=merge.loser_id).order_by("id"):
        if (ours := own.get(theirs.substance.lower())) is None:
            continue
        clashing.add((Allergy, theirs.pk))
        graver = _SEVERITY.index(theirs.severity) > _SEVERITY.index(ours.severity)
        values = {"severity": theirs.severity} if graver else {}
        if theirs.reaction and (graver or not ours.reaction):
            values["reaction"] = theirs.reaction
        if values:
            _change(merge, ours, values)
    return clashing


def _close_loser(merge: PatientMerge) -> None:
    """The loser leaves use; the survivor takes over a restriction, and the account where it has none."""
    survivor, loser = merge.survivor, merge.loser
    values = {"status": PatientStatus.INACTIVE, "deactivated_reason": f"Merged into {survivor.mrn}", "merged_into": survivor.pk}
    takes = {"is_restricted": True} if loser.is_restricted and not survivor.is_restricted else {}
    if loser.user_id and not survivor.user_id:
        values["user"], takes["user"] = None, loser.user_id
    _change(merge, loser, values)
    if takes:
        _change(merge, survivor, takes)
    _raise_versions(survivor, loser)


def _raise_versions(*patients: Patient) -> None:
    for patient in patients:
        patient.refresh_from_db()
        patient.save_changes()


def _put_back(merge: PatientMerge) -> None:
    """Each row at once, the last one changed first. Rows that are gone since, such as an allergy taken off, stay gone."""
    tables = {model._meta.db_table: model for model in apps.get_models(include_auto_created=True)}
    rows = defaultdict(dict)
    for value in merge.values.order_by("-id"):
        rows[value.table, value.row_id][value.column] = value.old_value
    alike = defaultdict(list)
    for (table, row_id), values in rows.items():
        alike[table, tuple(values.items())].append(row_id)
    moved = {(model, field.name) for model, field in pointers()}
    for (table, values), ids in alike.items():
        model, rest = tables[table], dict(values)
        for name in [name for name in rest if (model, name) in moved and rest[name] == merge.loser_id]:
            _refile(merge, model, name, ids, rest.pop(name))
        if rest:
            _set(model, ids, rest)


def _take_along(merge: PatientMerge, children: list[str]) -> None:
    """What was recorded since in an encounter that goes back: its composite key names the patient too."""
    by_table = {model._meta.db_table: model for model in apps.get_models()}
    encounters = merge.values.filter(table="patients_encounter", column="patient").values_list("row_id", flat=True)
    for table in children:
        model = by_table[table]
        rows = model._base_manager.filter(encounter__in=list(encounters), patient=merge.survivor_id)
        _refile(merge, model, "patient", list(rows.values_list("pk", flat=True)), merge.loser_id)


@contextlib.contextmanager
def _deferred_composite_keys() -> Iterator[list[str]]:
    """Check the foreign keys (encounter, patient) at the end of the block: their two sides move one after the other. Gives their tables."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname, conrelid::regclass::text FROM pg_constraint"
            " WHERE contype = 'f' AND confrelid = 'patients_encounter'::regclass AND array_length(conkey, 1) = 2"
        )
        found = cursor.fetchall()
        names = ", ".join(connection.ops.quote_name(name) for name, _ in found)
        cursor.execute(f"SET CONSTRAINTS {names} DEFERRED")
        yield [table for _, table in found]
        cursor.execute(f"SET CONSTRAINTS {names} IMMEDIATE")
