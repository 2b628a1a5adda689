"""What a signature stands for, and whether it still does."""

import copy
from collections.abc import Iterable, Iterator

from django.db.models import Prefetch, prefetch_related_objects

from patients.models import Attachment, ClinicalNote, Diagnosis, Encounter, Treatment, Vitals
from patients.models.encounter import VITALS_RANGES
from patients.rules import notes
from patients.selectors import original_patients

BATCH = 500


def content_of(encounter: Encounter) -> dict:
    """What a signature stands for, as JSON values; the same however often it is read."""
    return next(contents_of([encounter]))


def contents_of(encounters: list[Encounter]) -> Iterator[dict]:
    """Of each, read anew: as many queries for many as for one.

    `treatments`, the medicines of one, and `attachments` are there when there are any: visits that were signed before
    they were recorded keep their hash.
    """
    fresh = [copy.copy(each) for each in encounters]
    for each in fresh:
        each._prefetched_objects_cache = {}
    prefetch_related_objects(
        fresh,
        "doctor",
        "patient",
        Prefetch("treatments", Treatment.objects.order_by("id")),
        Prefetch("attachments", Attachment.objects.headers()),
        Prefetch("vitals", Vitals.objects.order_by("id")),
        Prefetch("diagnoses", Diagnosis.objects.order_by("id")),
        Prefetch("notes", ClinicalNote.objects.only("encounter_id", "public_id", "sha256").order_by("id")),
    )
    patients = original_patients(fresh)
    return (_content(each, patients[each.pk]) for each in fresh)


def _content(encounter: Encounter, patient) -> dict:
    treatments = [
        {"id": str(each.public_id), "name": each.name, "base_cost": str(each.base_cost), "notes": each.notes}
        | ({"medicines": each.medicines} if each.medicines else {})
        for each in encounter.treatments.all()
    ]
    files = [{"id": str(each.public_id), "name": each.name, "sha256": each.sha256} for each in encounter.attachments.all()]
    content = ({"treatments": treatments} if treatments else {}) | ({"attachments": files} if files else {})
    return content | {
        "id": str(encounter.public_id),
        "patient": str(patient.public_id),
        "doctor": str(encounter.doctor.public_id),
        "reason": encounter.reason,
        "diagnosis": encounter.diagnosis_text,
        "vitals": [
            {"id": str(each.public_id)} | {name: str(value) for name in VITALS_RANGES if (value := getattr(each, name)) is not None}
            for each in encounter.vitals.all()
        ],
        "diagnoses": [
            {"id": str(each.public_id), "code": each.code, "text": each.text, "rank": each.rank} for each in encounter.diagnoses.all()
        ],
        "notes": [{"id": str(each.public_id), "sha256": each.sha256} for each in encounter.notes.all()],
    }


def not_as_signed() -> Iterable[list[str]]:
    """Of one batch of signed visits after the other, the public ids of those whose content has another hash than was signed."""
    rows = Encounter.objects.exclude(content_sha256="").select_related("doctor", "patient").order_by("pk")
    last = 0
    while batch := list(rows.filter(pk__gt=last)[:BATCH]):
        pairs = zip(batch, contents_of(batch), strict=True)
        yield [str(visit.public_id) for visit, content in pairs if notes.sha256_of(content) != visit.content_sha256]
        last = batch[-1].pk
