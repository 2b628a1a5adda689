"""What was merged, and what it was before."""

from django.db.models import QuerySet

from patients.models import Encounter, MergedValue, Patient, PatientMerge


def original_patients(encounters: list[Encounter]) -> dict[int, Patient]:
    """By encounter, whose record it was written into, whatever was merged since: a signature stands for that one."""
    ids = [each.pk for each in encounters]
    moves = MergedValue.objects.filter(table=Encounter._meta.db_table, row_id__in=ids, column="patient", merge__undone_at=None)
    first = dict(moves.order_by("-id").values_list("row_id", "old_value"))
    patients = Patient.objects.in_bulk(set(first.values()))
    return {each.pk: patients[first[each.pk]] if each.pk in first else each.patient for each in encounters}


def merges_into(patient: Patient) -> QuerySet:
    """Merges that stand and that this record survived, the last one first: only that one can be undone."""
    return PatientMerge.objects.live().filter(survivor=patient).select_related("loser", "merged_by").order_by("-id")
