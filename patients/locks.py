"""The app's row locks.

Order, which all apps share: invoice and shift, then token, queue day and appointment, then prescription
and batches, then encounter, then patient, then doctor; within a table by primary key. The MRN counter
comes last. Triggers on an encounter's children take a share lock of the encounter, which these exclude.
"""

from clinic.core.errors import NotFound
from patients.models import Encounter, MrnCounter, Patient, TreatmentType


def lock_patient(patient_id: int) -> Patient:
    """The patient, locked against other changes. Raises NotFound."""
    patient = Patient.objects.select_for_update(no_key=True).filter(pk=patient_id).first()
    if patient is None:
        raise NotFound
    return patient


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
