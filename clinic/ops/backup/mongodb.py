"""MongoDB's documents out of and into a folder, byte for byte as the server gives them."""

import gzip
from collections.abc import Iterable, Iterator
from itertools import islice
from uuid import UUID

import psycopg
from bson import UuidRepresentation, decode_file_iter
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.database import Database

from clinic.core import mongo
from clinic.ops.backup.errors import BackupError
from clinic.ops.backup.folder import Folder, Manifest, Part, sha256_of
from patients.stores import ensure_collections

STORE = "mongodb"
BATCH = 500
_RAW = CodecOptions(document_class=RawBSONDocument, tz_aware=True, uuid_representation=UuidRepresentation.STANDARD)
_EVENTS = ("_id", "SELECT event_id::text FROM audit_outboxevent WHERE event_id = ANY(%s)")
_NOTES = "SELECT public_id::text FROM patients_clinicalnote WHERE public_id = ANY(%s)"
_FILES = "SELECT public_id::text FROM patients_attachment WHERE public_id = ANY(%s)"
# By what a document belongs to a row of PostgreSQL, and which of these rows there are. All of the other collections is kept.
_KNOWN = {
    "audit_logs": _EVENTS,
    "visit_history": _EVENTS,
    "stock_movements": _EVENTS,
    "clinical_notes": ("_id", _NOTES),
    "attachments.files": ("_id", _FILES),
    "attachments.chunks": ("files_id", _FILES),
}
_ANCHORS = "audit_anchors"
_HEAD = "SELECT COALESCE(max(sequence), 0) FROM audit_outboxevent"


def server() -> Database | None:
    try:
        return mongo.database()
    except mongo.MongoDown:
        return None


def dump(database: Database, postgresql: psycopg.Connection, folder: Folder, manifest: Manifest) -> None:
    """What belongs to the rows that PostgreSQL's snapshot has."""
    manifest.collections = {}
    for name in _names(database):
        counted = _Counted(_of_the_snapshot(name, _documents(database, name), postgresql))
        sha256 = folder.write(STORE, name, (document.raw for document in counted))
        manifest.collections[name] = Part(counted.count, sha256)


class _Counted:
    def __init__(self, documents: Iterable):
        self._documents, self.count = documents, 0

    def __iter__(self):
        for document in self._documents:
            self.count += 1
            yield document


def _names(database: Database) -> list[str]:
    return sorted(name for name in database.list_collection_names() if not name.startswith("system."))


def _documents(database: Database, name: str) -> Iterator[RawBSONDocument]:
    return iter(database[name].with_options(codec_options=_RAW).find().sort("_id", 1).batch_size(BATCH))


def _of_the_snapshot(name: str, documents: Iterator[RawBSONDocument], postgresql: psycopg.Connection) -> Iterator[RawBSONDocument]:
    if name == _ANCHORS:
        head = postgresql.execute(_HEAD).fetchone()[0]
        yield from (document for document in documents if document["_id"] <= head)
    elif name not in _KNOWN:
        yield from documents
    else:
        key, question = _KNOWN[name]
        while batch := list(islice(documents, BATCH)):
            asked = [found for document in batch if (found := _uuid(document[key]))]
            known = {text for (text,) in postgresql.execute(question, [asked]).fetchall()}
            yield from (document for document in batch if str(_uuid(document[key])) in known)


def _uuid(value) -> UUID | None:
    """None for what is no id of ours."""
    try:
        return UUID(str(value))
    except ValueError:
        return None


# --- Back --------------------------------------------------------------------------------------


def check_target(manifest: Manifest) -> None:
    """Raises BackupError when there is no server for what is to come back, or when it holds something."""
    if not manifest.collections:
        return
    database = server()
    if database is None:
        raise BackupError("The backup has documents of MongoDB, and MONGODB_URL names no server.")
    if used := [name for name in _names(database) if database[name].find_one({}, {"_id": 1})]:
        raise BackupError(
            f"MongoDB's database is not empty; there are documents in {', '.join(used)}. A restore is into an empty one only."
        )


def load(folder: Folder, manifest: Manifest) -> None:
    if not manifest.collections:
        return
    database = mongo.database()
    ensure_collections()
    for name in manifest.collections:
        with gzip.open(folder.file(STORE, name)) as packed:
            documents = decode_file_iter(packed, codec_options=_RAW)
            while batch := list(islice(documents, BATCH)):
                database[name].insert_many(batch)


def differing(manifest: Manifest) -> list[str]:
    """Collections whose documents are not, byte for byte, those of the backup."""
    return [
        name
        for name, part in (manifest.collections or {}).items()
        if sha256_of(document.raw for document in _documents(mongo.database(), name)) != part.sha256
    ]
