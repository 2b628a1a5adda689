"""The audit's only MongoDB code."""

from datetime import datetime

from pymongo import ReplaceOne

from clinic.audit.models import OutboxEvent
from clinic.core import mongo


@mongo.guarded
def upsert(collection: str, events: list[OutboxEvent]) -> None:
    """Put the documents there under their event ids. Doing it again changes nothing. Raises MongoDown."""
    writes = [ReplaceOne({"_id": event.event_id}, _document(event), upsert=True) for event in events]
    mongo.database()[collection].bulk_write(writes, ordered=False)


def _document(event: OutboxEvent) -> dict:
    return event.document | {"_id": event.event_id, "timestamp": datetime.fromisoformat(event.document["timestamp"])}


@mongo.guarded
def find(collection: str, *, limit: int = 100, **match) -> list[dict]:
    """The newest documents that match. Raises MongoDown."""
    return list(mongo.database()[collection].find(match).sort("timestamp", -1).limit(limit))
