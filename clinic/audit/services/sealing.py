"""The one sealer: gives committed events their places in the chain."""

import logging

from django.conf import settings
from django.db import connection, transaction

from clinic.audit import anchors, rules
from clinic.audit.models import OutboxEvent

logger = logging.getLogger(__name__)

BATCH = 1_000
_SEALER = 0x5EA1  # of the advisory lock
_WRITE = """
    UPDATE audit_outboxevent AS event SET sequence = sealed.sequence, seal = sealed.seal, key_id = %s
    FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS sealed (id, sequence, seal)
    WHERE event.id = sealed.id AND event.sequence IS NULL
"""


def seal_outbox(*, limit: int = 50_000) -> int:
    """Seal what is committed and not sealed yet; the number sealed.

    The order of the chain is the order of sealing: an event whose transaction ends late comes behind
    those that were committed before, and no place is left for it. One sealer at a time, by an
    advisory lock; a second one goes home. Afterwards the head is anchored outside the database.
    """
    sealed = 0
    while sealed < limit:
        count = _seal_batch()
        sealed += count
        if count < BATCH:
            break
    if head := last_sealed():
        anchors.leave(sequence=head.sequence, seal=head.seal)
    return sealed


def last_sealed() -> OutboxEvent | None:
    return OutboxEvent.objects.sealed().order_by("-sequence").only("sequence", "seal").first()


@transaction.atomic
def _seal_batch() -> int:
    if not _is_only_sealer():
        return 0
    events = list(OutboxEvent.objects.unsealed().order_by("id")[:BATCH])
    if not events:
        return 0
    head = last_sealed()
    sequence, previous = (head.sequence, head.seal) if head else (0, rules.GENESIS)
    places, seals = [], []
    for event in events:
        sequence += 1
        previous = rules.seal_of(key=settings.AUDIT_KEY, previous=previous, sequence=sequence, event=event)
        places.append(sequence)
        seals.append(previous)
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, [rules.key_id_of(settings.AUDIT_KEY), [event.pk for event in events], places, seals])
    return len(events)


def _is_only_sealer() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_SEALER])
        return cursor.fetchone()[0]
