"""The chart as it stood at the end of a day that has passed."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from clinic.core.together import Reader, put_children
from patients.models import Allergy, Diagnosis, Encounter, ListEntry, ListKind, Patient, PatientMerge, Problem
from patients.selectors.charts import MOST_VISITS


@dataclass(frozen=True)
class PastLists:
    """Of allergies and problems, as unsaved rows; `is_exact` is false for a day from which not every change is kept."""

    allergies: list[Allergy]
    problems: list[Problem]
    allergies_known: bool  # somebody had asked by then
    is_exact: bool
    merged_since: list[str]  # MRNs of records that are part of this one now: what they said is among it


def end_of(day: date) -> datetime:
    """The first moment after it, by the clinic's clock."""
    return timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min))


def lists_as_of(patient: Patient, day: date) -> Reader:
    end = end_of(day)
    merged = Patient.objects.filter(merged_into=patient, pk__in=_lost_since(end)).order_by("mrn")
    entries = (
        ListEntry.objects.filter(Q(patient=patient) | Q(patient__in=merged.order_by().values("pk")), at__lt=end)
        .order_by("patient_id", "kind", "item", "-at", "-id")
        .distinct("patient_id", "kind", "item")
    )
    yield [merged, entries]
    rows = {kind: [entry.content for entry in entries if entry.kind == kind and entry.content is not None] for kind in ListKind}
    reviewed = [each.allergies_reviewed_at for each in [patient, *merged] if each.allergies_reviewed_at]
    return PastLists(
        allergies=sorted((Allergy(**content) for content in rows[ListKind.ALLERGY]), key=lambda each: each.substance),
        problems=sorted(map(_problem, rows[ListKind.PROBLEM]), key=lambda each: (not each.is_active, each.text)),
        allergies_known=bool(rows[ListKind.REVIEW]) or any(at < end for at in reviewed),
        is_exact=all(each.lists_kept_since < end for each in [patient, *merged]),
        merged_since=[each.mrn for each in merged],
    )


def _lost_since(end: datetime) -> QuerySet:
    return PatientMerge.objects.live().filter(merged_at__gte=end).values("loser")


def _problem(content: dict) -> Problem:
    onset = content["onset_on"]
    return Problem(**content | {"onset_on": date.fromisoformat(onset) if onset else None})


def visits_as_of(patient: Patient, user, day: date) -> Reader:
    """The newest visits that were signed by then, with their diagnoses: neither changes after the signature."""
    visits = Encounter.objects.visible_to(user).filter(patient=patient, signed_at__lt=end_of(day)).select_related("doctor__user")
    visits = visits.order_by("-signed_at", "-id")[:MOST_VISITS]
    diagnoses = Diagnosis.objects.filter(encounter__in=visits).order_by("rank", "id")
    yield [visits, diagnoses]
    put_children(visits, "diagnoses", diagnoses)
    return list(visits)
