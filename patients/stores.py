"""The app's only MongoDB code: the bodies of clinical notes.

A document of `clinical_notes`: {_id, record_uuid, patient, author, thread, number, text, observations,
tags, sha256, written_at}; ids are public ids as text, `_id` is the note's.
"""

import logging
from collections.abc import Iterable
from uuid import UUID

from pymongo import ReplaceOne
from pymongo.errors import BulkWriteError, OperationFailure

from clinic.core import mongo

logger = logging.getLogger(__name__)

COLLECTION = "clinical_notes"
BODY_FIELDS = ("text", "observations", "tags")
_NAMESPACE_EXISTS = 48
_ID = {"bsonType": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"}
_VALIDATOR = {
    "$jsonSchema": {
        "bsonType": "object",
        "required": [
            "_id", "record_uuid", "patient", "author", "thread", "number", "text", "observations", "tags", "sha256", "written_at",
        ],
        "properties": {
            "_id": _ID,
            "record_uuid": _ID,
            "patient": _ID,
            "author": _ID,
            "thread": _ID,
            "number": {"bsonType": ["int", "long"], "minimum": 1},
            "text": {"bsonType": "string"},
            "observations": {
                "bsonType": "object",
                "properties": {"symptoms": {"bsonType": "array", "items": {"bsonType": "string"}}},
            },
            "tags": {"bsonType": "array", "items": {"bsonType": "string"}},
            "sha256": {"bsonType": "string", "pattern": "^[0-9a-f]{64}$"},
            "written_at": {"bsonType": "date"},
        },
    }
}  # fmt: skip


@mongo.guarded
def ensure_collections() -> None:
    """Make the collection with its validator and indexes, or bring them up to date. Doing it again changes nothing.

    A server that refuses the validator still takes notes: the services check them first.
    """
    database = mongo.database()
    try:
        if COLLECTION in database.list_collection_names():
            database.command("collMod", COLLECTION, validator=_VALIDATOR)
        else:
            database.create_collection(COLLECTION, validator=_VALIDATOR, check_exists=False)
        for field in ("record_uuid", "patient", "observations.symptoms"):
            database[COLLECTION].create_index(field)
    except OperationFailure as error:
        if error.code != _NAMESPACE_EXISTS:  # made by another process just now
            logger.exception("mongodb refused the collection of notes", extra={"code": error.code})


@mongo.guarded
def put_notes(documents: Iterable[dict]) -> None:
    """Put the documents there under their _id; again has the same effect. One that is refused is logged and left out."""
    try:
        mongo.database()[COLLECTION].bulk_write(
            [ReplaceOne({"_id": document["_id"]}, document, upsert=True) for document in documents], ordered=False
        )
    except BulkWriteError as error:
        codes = sorted({problem["code"] for problem in error.details.get("writeErrors", [])})
        logger.error("mongodb refused clinical notes", extra={"codes": codes})  # not the error: it quotes the note


@mongo.guarded
def get_bodies(note_ids: Iterable[UUID]) -> dict[str, dict]:
    """{note id as text: {text, observations, tags}} of those that are there. Raises MongoDown."""
    found = mongo.database()[COLLECTION].find({"_id": {"$in": [str(each) for each in note_ids]}}, list(BODY_FIELDS))
    return {document["_id"]: {name: document.get(name) for name in BODY_FIELDS} for document in found}
