"""The app's row locks.

Order, which all apps share: invoice and shift, then token, queue day and appointment, then prescription
and batches, then encounter, then patient, then doctor; within a table by primary key. The MRN counter
comes last. Triggers on an encounter's children take a share lock of the encounter, which these exclude.
"""

from django.db import connection

from clinic.core.errors import NotFound
from patients.models import Encounter, MrnCounter, Patient, TreatmentType


def lock_patient(patient_id: int) -> Patient:
    """The patient, locked against other changes. Raises NotFound."""
    patient = Patient.objects.select_for_update(no_key=True).filter(pk=patient_id).first()
    if patient is None:
        raise NotFound
    return patient


def lock_patients_alone(patient_ids: list[int]) -> list[Patient]:
    """Patients, in the order asked for, locked against all else: a row that would point at one waits. Raises NotFound."""
    found = {each.pk: each for each in Patient.objects.select_for_update().filter(pk__in=patient_ids).order_by("pk")}
    if len(found) < len(patient_ids):
        raise NotFound
    return [found[pk] for pk in patient_ids]


def lock_pointing_rows(model, field, *, patient_id: int) -> list[int]:
    """The primary keys of a table's rows that point at the patient, locked against changes."""
    with connection.cursor() as cursor:  # a function of the database's owner: the application may lock nothing that it may not change
        cursor.execute("SELECT clinic_lock_pointing_rows(%s, %s, %s)", [model._meta.db_table, field.column, patient_id])
        return [pk for (pk,) in cursor.fetchall()]


def lock_encounter(encounter_id: int) -> Encounter:
    """The encounter, locked against a signature and against its children's changes. Raises NotFound."""
    rows = Encounter.objects.select_for_update(no_key=True, of=("self",)).select_related("patient", "doctor__user", "signed_by")
    encounter = rows.filter(pk=encounter_id).first()
    if encounter is None:
        raise NotFound
    return encounter


def lock_treatment_type(type_id: int) -> TreatmentType:
    row = TreatmentType.objects.select_for_update(no_key=True).filter(pk=type_id).first()
    if row is None:
        raise NotFound
    return row


def lock_mrn_counter() -> MrnCounter:
    """The one counter row; made when the table is empty."""
    counter = MrnCounter.objects.select_for_update().filter(pk=1).first()
    if counter is None:
        MrnCounter.objects.bulk_create([MrnCounter(pk=1)], ignore_conflicts=True)
        counter = MrnCounter.objects.select_for_update().get(pk=1)
    return counter
