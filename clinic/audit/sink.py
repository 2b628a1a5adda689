"""The audit's only MongoDB code for what the outbox ships."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from uuid import UUID

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


def as_stored(event: OutboxEvent) -> dict:
    """The document as MongoDB gives it back, whose clock has milliseconds."""
    document = _document(event)
    moment = document["timestamp"]
    return document | {"timestamp": moment.replace(microsecond=moment.microsecond // 1000 * 1000)}


@mongo.guarded
def copies(collection: str, ids: list[UUID]) -> dict[UUID, dict]:
    """{event id: document} of those that are there. Raises MongoDown."""
    return {document["_id"]: document for document in mongo.database()[collection].find({"_id": {"$in": ids}})}


def ids(collection: str, size: int) -> Iterator[list]:
    """All `_id`s, in lists of `size`. Raises MongoDown."""
    found = _ids(collection)
    while batch := _take(found, size):
        yield batch


@mongo.guarded
def _ids(collection: str):
    return iter(mongo.database()[collection].find({}, ["_id"]).batch_size(2_000))


@mongo.guarded
def _take(documents, size: int) -> list:
    return [document["_id"] for document in islice(documents, size)]


@mongo.guarded
def find(collection: str, *, limit: int = 100, **match) -> list[dict]:
    """The newest documents that match. Raises MongoDown."""
    return list(mongo.database()[collection].find(match).sort("timestamp", -1).limit(limit))
