"""What was merged, and what it was before."""

from django.db.models import QuerySet

from patients.models import Encounter, MergedValue, Patient, PatientMerge


def original_patient(encounter: Encounter) -> Patient:
    """Whose record an encounter was written into, whatever was merged since: a signature stands for that one."""
    moves = MergedValue.objects.filter(table=encounter._meta.db_table, row_id=encounter.pk, column="patient", merge__undone_at=None)
    first = moves.order_by("id").values_list("old_value", flat=True).first()
    return Patient.objects.get(pk=first) if first else encounter.patient


def merges_into(patient: Patient) -> QuerySet:
    """Merges that stand and that this record survived, the last one first: only that one can be undone."""
    return PatientMerge.objects.live().filter(survivor=patient).select_related("loser", "merged_by").order_by("-id")
