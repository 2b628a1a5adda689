"""PostgreSQL against what MongoDB and Redis have of it, and the audit chain."""

import time
from collections.abc import Iterator

from django.utils import timezone

from analytics.checks.results import TOO_LONG, CannotLook, Finding
from clinic.audit.services.proving import prove_chain
from clinic.audit.services.sealing import last_sealed
from clinic.core.mongo import MongoDown
from clinic.core.redis import RedisDown
from patients.models import Attachment, ClinicalNote, Refiling
from patients.services.note_checks import verify_notes
from patients.services.notes import read_bodies
from patients.services.signed_content import not_as_signed
from scheduling.services.projection import differing_queues

BATCH = 500


EVENTS_A_SECOND = 2_000  # proved, on a slow machine
DOCUMENTS_A_SECOND = 1_000  # compared, on one


def audit_chain(seconds: float) -> Iterator[Finding]:
    """Chain, anchors, and MongoDB's copies of the audit log, the stock movements and the visits."""
    head = last_sealed()
    if head and head.sequence > seconds * EVENTS_A_SECOND:
        raise CannotLook(TOO_LONG)
    proof = prove_chain()
    for finding in proof.findings:
        yield Finding(str(finding.event_id or finding.sequence), finding.sentence)
    if proof.unknown:
        raise CannotLook(" ".join(proof.unknown))


def notes(seconds: float) -> Iterator[Finding]:
    """Each note's body is there, in PostgreSQL or in MongoDB, and is what was written, by its hash."""
    ends = time.monotonic() + seconds
    last, unread = 0, 0
    while headers := list(ClinicalNote.objects.filter(pk__gt=last).order_by("pk")[:BATCH]):
        for note in read_bodies(headers):
            if note.state == "damaged":
                yield Finding(str(note.header.public_id), "No store has the body of this note as it was written.")
            unread += note.state == "unavailable"
        last = headers[-1].pk
        if time.monotonic() > ends:
            raise CannotLook(TOO_LONG)
    if unread:
        raise CannotLook(f"MongoDB cannot be reached: {unread} notes were not read.")


def filing(seconds: float) -> Iterator[Finding]:
    """Each document of MongoDB is under the visit and patient of its header, and none is without one."""
    if ClinicalNote.objects.count() + Attachment.objects.count() > seconds * DOCUMENTS_A_SECOND:
        raise CannotLook(TOO_LONG)
    try:
        found = verify_notes()
    except MongoDown as error:
        raise CannotLook("MongoDB cannot be reached: its notes and files were not compared.") from error
    waiting = {str(each) for model in (ClinicalNote, Attachment) for each in _ids_to_be_refiled(model)}
    for rows, sentence in (
        (found.missing, "MongoDB has no document of it."),
        (found.damaged, "MongoDB's document is not what was written."),
        ([each for each in found.misfiled if each not in waiting], "MongoDB's document is under another visit or patient."),
        (found.orphans, "MongoDB has this document, but no visit knows of it."),
    ):
        yield from (Finding(row, sentence) for row in rows)


def _ids_to_be_refiled(model):
    return model.objects.filter(encounter__in=Refiling.objects.values("encounter")).values_list("public_id", flat=True)


def signatures(seconds: float) -> Iterator[Finding]:
    """The content of each signed visit has the hash that was signed."""
    ends = time.monotonic() + seconds
    for differing in not_as_signed():
        yield from (Finding(visit, "Its content is not what was signed.") for visit in differing)
        if time.monotonic() > ends:
            raise CannotLook(TOO_LONG)


def live_queue(seconds: float) -> Iterator[Finding]:
    """Today's queues in Redis are PostgreSQL's. A queue that changes while it is looked at is looked at again."""
    on = timezone.localdate()
    try:
        suspects = set(differing_queues(on))
        for code in sorted(suspects & set(differing_queues(on)) if suspects else ()):
            yield Finding(f"{code} on {on}", "Redis shows this queue otherwise than PostgreSQL has it; rebuild_queue writes it anew.")
    except RedisDown as error:
        raise CannotLook("Redis cannot be reached: the live queue was not compared.") from error
