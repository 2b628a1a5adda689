"""The app's only MongoDB code: the bodies of clinical notes, and the files of visits.

A document of `clinical_notes`: {_id, record_uuid, patient, author, thread, number, text, observations,
tags, sha256, written_at}; ids are public ids as text, `_id` is the note's. A file stands in GridFS
(`attachments.files`, `attachments.chunks`) under its public id, with {record_uuid, patient, sha256,
content_type} as its metadata.
"""

import logging
from collections.abc import Iterable
from uuid import UUID

from gridfs import GridFSBucket, NoFile
from gridfs.errors import CorruptGridFile
from pymongo import ReplaceOne
from pymongo.errors import BulkWriteError, OperationFailure

from clinic.core import mongo

logger = logging.getLogger(__name__)

COLLECTION = "clinical_notes"
BODY_FIELDS = ("text", "observations", "tags")
FILES = "attachments"
PAGE = 500
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
        for field in ("record_uuid", "patient", "observations.symptoms", "written_at"):
            database[COLLECTION].create_index(field)
        database[f"{FILES}.files"].create_index("metadata.record_uuid")
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
    return {note_id: {name: document.get(name) for name in BODY_FIELDS} for note_id, document in get_notes(note_ids).items()}


@mongo.guarded
def get_notes(note_ids: Iterable[UUID]) -> dict[str, dict]:
    """{note id as text: its document} of those that are there. Raises MongoDown."""
    found = mongo.database()[COLLECTION].find({"_id": {"$in": [str(each) for each in note_ids]}})
    return {document["_id"]: document for document in found}


@mongo.guarded
def newest_symptoms(most: int) -> list[tuple[str, list[str]]]:
    """[(patient, symptoms as they were written)] of the newest notes. Raises MongoDown."""
    newest = mongo.database()[COLLECTION].find({}, {"patient": 1, "observations.symptoms": 1}).sort("written_at", -1).limit(most)
    return [(document["patient"], document["observations"].get("symptoms", [])) for document in newest]


@mongo.guarded
def note_ids(*, after: str) -> list[str]:
    """The next ids in order, at most PAGE; [] at the end. Raises MongoDown."""
    return _ids(COLLECTION, after)


@mongo.guarded
def refile(*, record_uuid: str, patient: str) -> None:
    """Write the patient into each note and file of a visit. Raises MongoDown."""
    database = mongo.database()
    database[COLLECTION].update_many({"record_uuid": record_uuid}, {"$set": {"patient": patient}})
    database[f"{FILES}.files"].update_many({"metadata.record_uuid": record_uuid}, {"$set": {"metadata.patient": patient}})


# --- Files -------------------------------------------------------------------------------


@mongo.guarded
def put_file(file_id: str, content: bytes, facts: dict) -> None:
    """Put the file there under its id, in place of what an earlier try left. Raises MongoDown."""
    _remove(file_id)
    _bucket().upload_from_stream_with_id(file_id, file_id, content, metadata=facts)


@mongo.guarded
def get_file(file_id: str, *, record_uuid: str) -> bytes | None:
    """The file, when it is there and of this visit. Raises MongoDown."""
    try:
        stream = _bucket().open_download_stream(file_id)
        return stream.read() if (stream.metadata or {}).get("record_uuid") == record_uuid else None
    except (NoFile, CorruptGridFile):
        return None


@mongo.guarded
def delete_file(file_id: str) -> None:
    _remove(file_id)


@mongo.guarded
def file_facts(file_ids: Iterable[UUID]) -> dict[str, dict]:
    """{file id: its metadata and length} of those that are there. Raises MongoDown."""
    found = mongo.database()[f"{FILES}.files"].find({"_id": {"$in": [str(each) for each in file_ids]}})
    return {document["_id"]: document["metadata"] | {"length": document["length"]} for document in found}


@mongo.guarded
def file_ids(*, after: str) -> list[str]:
    """The next ids in order, at most PAGE; [] at the end. Raises MongoDown."""
    return _ids(f"{FILES}.files", after)


def _ids(collection: str, after: str) -> list[str]:
    found = mongo.database()[collection].find({"_id": {"$gt": after}}, {"_id": 1}).sort("_id", 1).limit(PAGE)
    return [document["_id"] for document in found]


def _bucket() -> GridFSBucket:
    return GridFSBucket(mongo.database(), bucket_name=FILES)


def _remove(file_id: str) -> None:
    """Looked for first: to delete from a collection that is not there yet is an error to the substitute server."""
    database = mongo.database()
    if database[f"{FILES}.files"].find_one({"_id": file_id}, {"_id": 1}):
        database[f"{FILES}.files"].delete_one({"_id": file_id})
    database[f"{FILES}.chunks"].delete_many({"files_id": file_id})
