"""PostgreSQL against what MongoDB and Redis have of it, and the audit chain."""

import time
from collections.abc import Iterator

from django.utils import timezone

from analytics.checks.results import TOO_LONG, CannotLook, Finding
from clinic.audit.services.proving import prove_chain
from clinic.audit.services.sealing import last_sealed
from clinic.core.redis import RedisDown
from patients.models import ClinicalNote
from patients.services.notes import read_bodies
from scheduling.services.projection import differing_queues

BATCH = 500


EVENTS_A_SECOND = 2_000  # proved, on a slow machine


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


def live_queue(seconds: float) -> Iterator[Finding]:
    """Today's queues in Redis are PostgreSQL's. A queue that changes while it is looked at is looked at again."""
    on = timezone.localdate()
    try:
        suspects = set(differing_queues(on))
        for code in sorted(suspects & set(differing_queues(on)) if suspects else ()):
            yield Finding(f"{code} on {on}", "Redis shows this queue otherwise than PostgreSQL has it; rebuild_queue writes it anew.")
    except RedisDown as error:
        raise CannotLook("Redis cannot be reached: the live queue was not compared.") from error
