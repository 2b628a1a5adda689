"""Shipping the outbox to MongoDB, exactly once in effect."""

import logging

from django.utils import timezone

from clinic.audit import sink
from clinic.audit.models import OutboxEvent
from clinic.core.mongo import MongoDown

logger = logging.getLogger(__name__)

BATCH = 500


def relay_outbox(*, limit: int = 20_000) -> int:
    """Ship unshipped events in order, in batches; the number shipped.

    No lock: an event is marked only after MongoDB acknowledged it, and shipping it again, by a
    second relay or after a crash, replaces the document of the same _id by itself.
    Stops quietly while MongoDB is down: nothing is lost, the next run goes on.
    """
    shipped = 0
    while shipped < limit:
        try:
            count = _ship_batch()
        except MongoDown:
            logger.info("mongodb is down, the outbox waits")
            break
        shipped += count
        if count < BATCH:
            break
    return shipped


def _ship_batch() -> int:
    events = list(OutboxEvent.objects.unshipped().order_by("id")[:BATCH])
    for topic in {event.topic for event in events}:
        sink.upsert(topic, [event for event in events if event.topic == topic])
    OutboxEvent.objects.unshipped().filter(pk__in=[event.pk for event in events]).update(shipped_at=timezone.now())
    return len(events)
