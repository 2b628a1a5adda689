"""Whether MongoDB's notes and files are those that PostgreSQL's headers speak of, and under the right patient."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from patients import stores
from patients.models import Attachment, ClinicalNote, Encounter, Refiling
from patients.rules.notes import sha256_of

BATCH = 500


@dataclass
class Findings:
    """What was compared, and the public ids of what is not as it should be."""

    notes: int = 0
    files: int = 0
    missing: list[str] = field(default_factory=list)  # a header, and its document is nowhere
    damaged: list[str] = field(default_factory=list)  # the content has another hash than its header
    misfiled: list[str] = field(default_factory=list)  # the document names another visit or patient than its header
    orphans: list[str] = field(default_factory=list)  # a document without a header

    @property
    def is_clean(self) -> bool:
        return not (self.missing or self.damaged or self.misfiled or self.orphans)


def verify_notes() -> Findings:
    """Compare every header with its document, and look for documents without one. Writes nothing. Raises MongoDown."""
    findings = Findings()
    for headers in _batches(ClinicalNote.objects.exclude(stored_at=None).select_related("encounter", "patient")):
        documents = stores.get_notes(header.public_id for header in headers)
        findings.notes += len(headers)
        for header in headers:
            document = documents.get(str(header.public_id))
            body = document and {name: document.get(name) for name in stores.BODY_FIELDS}
            _compare(header, document, bool(body) and sha256_of(body) == header.sha256, findings)
    for headers in _batches(Attachment.objects.exclude(stored_at=None).select_related("encounter", "patient").defer("content")):
        facts = stores.file_facts(header.public_id for header in headers)
        findings.files += len(headers)
        for header in headers:
            found = facts.get(str(header.public_id))
            same = bool(found) and (found["sha256"], found["length"]) == (header.sha256, header.size_bytes)
            _compare(header, found, same, findings)
    for model, next_ids in ((ClinicalNote, stores.note_ids), (Attachment, stores.file_ids)):
        findings.orphans += _without_header(model, next_ids)
    return findings


def file_again(findings: Findings) -> int:
    """Ask for the misfiled to be filed under the patient of their visit; the number of visits."""
    visits = Encounter.objects.filter(notes__public_id__in=findings.misfiled) | Encounter.objects.filter(
        attachments__public_id__in=findings.misfiled
    )
    return len(Refiling.objects.bulk_create([Refiling(encounter=visit) for visit in visits.distinct()]))


def _compare(header, document: dict | None, is_same: bool, findings: Findings) -> None:
    note_id = str(header.public_id)
    if document is None:
        findings.missing.append(note_id)
        return
    if not is_same:
        findings.damaged.append(note_id)
    if (document["record_uuid"], document["patient"]) != (str(header.encounter.public_id), str(header.patient.public_id)):
        findings.misfiled.append(note_id)


def _without_header(model, next_ids: Callable[..., list[str]]) -> Iterator[str]:
    last = ""
    while ids := next_ids(after=last):
        known = {str(each) for each in model.objects.filter(public_id__in=ids).values_list("public_id", flat=True)}
        yield from (each for each in ids if each not in known)
        last = ids[-1]


def _batches(rows) -> Iterator[list]:
    last = 0
    while batch := list(rows.filter(pk__gt=last).order_by("pk")[:BATCH]):
        yield batch
        last = batch[-1].pk
