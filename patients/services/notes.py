"""Clinical notes: accepted into PostgreSQL at once, moved to MongoDB, and read from wherever they are."""

import functools
import logging
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry
from clinic.core.errors import InvalidInput
from clinic.core.mongo import MongoDown
from clinic.core.repeats import earlier
from patients import locks, stores
from patients.errors import NoteChanged, RecordPatientMismatch
from patients.models import ClinicalNote, Encounter
from patients.rules.notes import check_note, sha256_of
from patients.services.encounters import check_open

logger = logging.getLogger(__name__)

BATCH = 100
KEPT_FOR = timedelta(hours=24)  # a recent note is readable while MongoDB is down


@dataclass(frozen=True)
class NoteRead:
    """A note's header, and its body when it could be read.

    `state`: ok; unavailable (MongoDB does not answer now); damaged (what is stored is not what was written).
    """

    header: ClinicalNote
    state: str
    body: dict | None

    @property
    def text(self) -> str | None:
        return self.body and self.body["text"]

    @property
    def observations(self) -> dict | None:
        return self.body and self.body["observations"]

    @property
    def tags(self) -> list[str] | None:
        return self.body and self.body["tags"]


@atomic_with_retry
def write_note(
    *,
    encounter_id: int,
    patient_id: int,
    author,
    text: str,
    observations: dict,
    tags: list[str],
    request_id: UUID | None = None,
    amends: UUID | None = None,
) -> ClinicalNote:
    """Add a note to an encounter. It is safe in PostgreSQL when this returns, whether MongoDB answers or not.

    `amends` is the note that it is a new version of; that one stays as it is. Locks the encounter.
    Repeating request_id returns the first note. Raises InvalidInput, EncounterClosed, NoteChanged when
    another version came first, and RecordPatientMismatch when the encounter is another patient's: then
    neither store has anything.
    """
    if errors := check_note(text, observations, tags):
        raise InvalidInput(errors=errors)
    encounter = locks.lock_encounter(encounter_id)
    if encounter.patient_id != patient_id:
        raise RecordPatientMismatch
    body = {"text": text, "observations": observations, "tags": tags}
    if first := earlier(ClinicalNote, request_id, encounter_id=encounter_id, sha256=sha256_of(body)):
        return first
    check_open(encounter)
    public_id = uuid.uuid4()
    note = ClinicalNote(public_id=public_id, encounter=encounter, patient=encounter.patient, author=author, body=body)
    note.thread, note.number = _place(encounter, amends) if amends else (public_id, 1)
    note.sha256, note.written_at, note.request_id = sha256_of(body), timezone.now(), request_id
    note.save()
    encounter.save_changes()
    record(
        action="patients.note.written",
        actor=author,
        subject=note,
        patient=encounter.patient,
        changes={"encounter": str(encounter.public_id), "sha256": note.sha256, "version": note.number},
    )
    transaction.on_commit(functools.partial(_ship_soon, note.pk), robust=True)  # whatever MongoDB says, the note is safe
    return note


def _place(encounter: Encounter, amends: UUID) -> tuple[UUID, int]:
    """(thread, number) of the version that follows this note. The caller holds the encounter's lock."""
    before = encounter.notes.filter(public_id=amends).first()
    if before is None:
        raise InvalidInput(errors={"amends": ["Not found."]})
    if encounter.notes.filter(thread=before.thread, number__gt=before.number).exists():
        raise NoteChanged
    return before.thread, before.number + 1


def last_version_of(encounter: Encounter, note_id: UUID) -> UUID:
    """The public id of the newest version of this note."""
    thread = encounter.notes.filter(public_id=note_id).values("thread")
    return encounter.notes.filter(thread__in=thread).order_by("-number").values_list("public_id", flat=True)[0]


def read_notes(encounter: Encounter) -> list[NoteRead]:
    """The encounter's notes, oldest first, each checked against its hash."""
    return read_bodies(list(headers_of(encounter)))


def headers_of(encounter: Encounter) -> QuerySet:
    """As read_bodies takes them."""
    return encounter.notes.select_related("author", "encounter__patient").order_by("written_at", "id")


def read_bodies(headers: list[ClinicalNote]) -> list[NoteRead]:
    """Each header with its body: from PostgreSQL while it is there, else from MongoDB, asked once for all."""
    bodies, is_down = {}, False
    elsewhere = [header.public_id for header in headers if header.body is None]
    if elsewhere:
        try:
            bodies = stores.get_notes(elsewhere)
        except MongoDown:
            is_down = True
    return [_read(header, header.body or _own(header, bodies.get(str(header.public_id))), is_down=is_down) for header in headers]


def _own(header: ClinicalNote, document: dict | None) -> dict | None:
    """The body in a document that names the header's visit and patient; None of one that was put under another's.

    A visit that a merge moved has documents that name the patient of before, until they are filed again.
    """
    if document is None or document.get("record_uuid") != str(header.encounter.public_id):
        return None
    if document.get("patient") != str(header.encounter.patient.public_id) and not header.encounter.refilings.exists():
        return None
    return {name: document.get(name) for name in stores.BODY_FIELDS}


def _read(header: ClinicalNote, body: dict | None, *, is_down: bool) -> NoteRead:
    if body is None and is_down:
        return NoteRead(header, "unavailable", None)
    if body is None or sha256_of(body) != header.sha256:
        logger.error("a stored note is not what was written", extra={"note": str(header.public_id)})
        return NoteRead(header, "damaged", None)
    return NoteRead(header, "ok", body)


def ship_notes(*, limit: int = 20_000) -> int:
    """Move note bodies to MongoDB in batches; the number moved.

    No lock, and harmless twice: a document is put under the note's own id, and counts as stored only
    after MongoDB gave back an equal one. Stops quietly while MongoDB is down.
    """
    moved, last_id = 0, 0
    try:
        stores.ensure_collections()
        while moved < limit and (notes := _waiting(after=last_id)):
            moved += _move(notes)
            last_id = notes[-1].pk
    except MongoDown:
        logger.info("mongodb is down, note bodies wait")
    return moved


def _waiting(*, after: int) -> list[ClinicalNote]:
    waiting = ClinicalNote.objects.filter(stored_at=None, pk__gt=after).order_by("pk")
    return list(waiting.select_related("encounter", "patient", "author")[:BATCH])


def _move(notes: list[ClinicalNote]) -> int:
    """Put, read back, compare. PostgreSQL keeps its copies for KEPT_FOR. Raises MongoDown."""
    if not notes:
        return 0
    stores.put_notes(_document(note) for note in notes)
    ClinicalNote.objects.filter(pk__in=(equal := _stored(notes)), stored_at=None).update(stored_at=timezone.now())
    return len(equal)


def _stored(notes: list[ClinicalNote]) -> list[int]:
    """The primary keys of those whose body MongoDB gives back as it was written. Raises MongoDown."""
    stored = stores.get_bodies(note.public_id for note in notes)
    return [note.pk for note in notes if (body := stored.get(str(note.public_id))) and sha256_of(body) == note.sha256]


def clear_bodies(*, now: datetime) -> int:
    """Let go of PostgreSQL's copies that were stored KEPT_FOR ago; the number let go.

    What MongoDB no longer gives back as it was written is put there again, and its copy stays until the
    next time. No lock, harmless twice; stops quietly while MongoDB is down.
    """
    cleared, last_id = 0, 0
    old = ClinicalNote.objects.filter(body__isnull=False, stored_at__lt=now - KEPT_FOR).order_by("pk")
    try:
        while notes := list(old.filter(pk__gt=last_id).select_related("encounter", "patient", "author")[:BATCH]):
            equal = _stored(notes)
            if lost := [note for note in notes if note.pk not in equal]:
                logger.error("mongodb lost notes that are still here", extra={"notes": [str(note.public_id) for note in lost]})
                stores.put_notes(_document(note) for note in lost)
            cleared += ClinicalNote.objects.filter(pk__in=equal, stored_at__isnull=False).update(body=None)
            last_id = notes[-1].pk
    except MongoDown:
        logger.info("mongodb is down, copies of notes stay")
    return cleared


def _document(note: ClinicalNote) -> dict:
    return note.body | {
        "_id": str(note.public_id),
        "record_uuid": str(note.encounter.public_id),
        "patient": str(note.patient.public_id),
        "author": str(note.author.public_id),
        "thread": str(note.thread),
        "number": note.number,
        "sha256": note.sha256,
        "written_at": note.written_at,
    }


def _ship_soon(note_id: int) -> None:
    """Try at once, so that the note usually is in MongoDB before the answer; the schedule moves what stays."""
    try:
        _ensure_once(settings.MONGODB_URL, settings.MONGODB_DATABASE)
        _move(list(ClinicalNote.objects.filter(pk=note_id, stored_at=None).select_related("encounter", "patient", "author")))
    except MongoDown:
        logger.info("mongodb is down, a note body waits")


@functools.cache
def _ensure_once(url: str, database: str) -> None:
    stores.ensure_collections()
