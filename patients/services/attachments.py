"""Files of a visit: accepted into PostgreSQL at once, moved to MongoDB's GridFS, and read from wherever they are."""

import functools
import hashlib
import logging
import uuid
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry
from clinic.core.errors import InvalidInput, NotFound
from clinic.core.mongo import MongoDown
from clinic.core.repeats import earlier
from patients import locks, stores
from patients.errors import FileDamaged, FileUnavailable, RecordPatientMismatch, TooManyFiles
from patients.models import Attachment, Encounter
from patients.rules.files import RefusedFile, clean_file, clean_name
from patients.services.encounters import check_open, open_encounter
from patients.services.notes import KEPT_FOR

logger = logging.getLogger(__name__)

MOST_FILES = 50  # of one visit
BATCH = 5


@atomic_with_retry
def add_attachment(*, encounter_id: int, patient_id: int, name: str, content: bytes, by, request_id: UUID | None = None) -> Attachment:
    """Add a file to an encounter. It is safe in PostgreSQL when this returns, whether MongoDB answers or not.

    Locks the encounter. Repeating request_id returns the first one. Raises InvalidInput for a file that is
    not kept here, EncounterClosed, TooManyFiles, and RecordPatientMismatch for another patient's encounter.
    """
    try:
        content_type, kept = clean_file(content)
    except RefusedFile as refusal:
        raise InvalidInput(errors={"file": [str(refusal)]}) from refusal
    encounter = locks.lock_encounter(encounter_id)
    if encounter.patient_id != patient_id:
        raise RecordPatientMismatch
    if first := earlier(Attachment, request_id, encounter_id=encounter_id, sha256=hashlib.sha256(kept).hexdigest()):
        return first
    check_open(encounter)
    if encounter.attachments.count() >= MOST_FILES:
        raise TooManyFiles
    attachment = Attachment(public_id=uuid.uuid4(), encounter=encounter, patient=encounter.patient, uploaded_by=by, request_id=request_id)
    attachment.name, attachment.content_type = clean_name(name, content_type), content_type
    attachment.content, attachment.size_bytes, attachment.sha256 = kept, len(kept), hashlib.sha256(kept).hexdigest()
    attachment.uploaded_at = timezone.now()
    attachment.save()
    encounter.save_changes()
    changes = {"attachment": str(attachment.public_id), "sha256": attachment.sha256, "content_type": content_type.value}
    record(action="patients.encounter.attachment_added", actor=by, subject=encounter, patient=encounter.patient, changes=changes)
    transaction.on_commit(functools.partial(_ship_soon, attachment.pk), robust=True)  # whatever MongoDB says, the file is safe
    return attachment


@atomic_with_retry
def remove_attachment(*, encounter_id: int, attachment_id: UUID, by) -> None:
    """Take a file back before the visit is signed. Locks the encounter. Raises NotFound and EncounterClosed."""
    encounter = open_encounter(encounter_id)
    attachment = encounter.attachments.headers().filter(public_id=attachment_id).first()
    if attachment is None:
        raise NotFound
    attachment.delete()
    encounter.save_changes()
    changes = {"attachment": str(attachment_id), "sha256": attachment.sha256}
    record(action="patients.encounter.attachment_removed", actor=by, subject=encounter, patient=encounter.patient, changes=changes)
    transaction.on_commit(functools.partial(_forget, str(attachment_id)), robust=True)


def read_attachment(encounter: Encounter, attachment_id: UUID) -> tuple[Attachment, bytes]:
    """One file of a visit, checked against its hash. Raises NotFound, FileUnavailable and FileDamaged."""
    attachment = encounter.attachments.filter(public_id=attachment_id).first()
    if attachment is None:
        raise NotFound
    content = bytes(attachment.content) if attachment.content is not None else None
    if content is None:
        try:
            content = stores.get_file(str(attachment.public_id), record_uuid=str(encounter.public_id))
        except MongoDown as error:
            raise FileUnavailable from error
    if content is None or hashlib.sha256(content).hexdigest() != attachment.sha256:
        logger.error("a stored file is not what was added", extra={"attachment": str(attachment.public_id)})
        raise FileDamaged
    return attachment, content


def ship_files(*, limit: int = 1_000) -> int:
    """Move files to MongoDB; the number moved. No lock, harmless twice; stops quietly while MongoDB is down."""
    moved, last_id = 0, 0
    try:
        while moved < limit and (files := _waiting(last_id)):
            moved += sum(_move(each) for each in files)
            last_id = files[-1].pk
    except MongoDown:
        logger.info("mongodb is down, files wait")
    return moved


def clear_files(*, now: datetime) -> int:
    """Let go of PostgreSQL's copies that were stored KEPT_FOR ago, as of notes: what MongoDB lost is put back first."""
    cleared, last_id = 0, 0
    old = Attachment.objects.filter(content__isnull=False, stored_at__lt=now - KEPT_FOR).order_by("pk")
    try:
        while files := list(old.filter(pk__gt=last_id).select_related("encounter", "patient")[:BATCH]):
            for each in files:
                if _is_stored(each):
                    cleared += Attachment.objects.filter(pk=each.pk, stored_at__isnull=False).update(content=None)
                else:
                    logger.error("mongodb lost a file that is still here", extra={"attachment": str(each.public_id)})
                    _put(each)
            last_id = files[-1].pk
    except MongoDown:
        logger.info("mongodb is down, copies of files stay")
    return cleared


def _waiting(after: int) -> list[Attachment]:
    return list(Attachment.objects.filter(stored_at=None, pk__gt=after).select_related("encounter", "patient").order_by("pk")[:BATCH])


def _move(attachment: Attachment) -> bool:
    """Put, read back, compare. Raises MongoDown."""
    _put(attachment)
    if not _is_stored(attachment):
        return False
    return bool(Attachment.objects.filter(pk=attachment.pk, stored_at=None).update(stored_at=timezone.now()))


def _put(attachment: Attachment) -> None:
    facts = {
        "record_uuid": str(attachment.encounter.public_id),
        "patient": str(attachment.patient.public_id),
        "sha256": attachment.sha256,
        "content_type": attachment.content_type,
    }
    stores.put_file(str(attachment.public_id), bytes(attachment.content), facts)


def _is_stored(attachment: Attachment) -> bool:
    content = stores.get_file(str(attachment.public_id), record_uuid=str(attachment.encounter.public_id))
    return content is not None and hashlib.sha256(content).hexdigest() == attachment.sha256


def _ship_soon(attachment_id: int) -> None:
    try:
        for each in Attachment.objects.filter(pk=attachment_id, stored_at=None).select_related("encounter", "patient"):
            _move(each)
    except MongoDown:
        logger.info("mongodb is down, a file waits")


def _forget(file_id: str) -> None:
    try:
        stores.delete_file(file_id)
    except MongoDown:
        logger.info("mongodb is down, a file that was taken back stays there")
