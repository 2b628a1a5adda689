"""A patient's record as a file: JSON, streamed, and PDF."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typst
from django.conf import settings
from django.http import HttpResponse, StreamingHttpResponse
from django.utils import timezone

from clinic.core.api import encode_json
from clinic.core.paper import fonts
from clinic.portal.record import Record
from clinic.portal.services.exporting import take_record
from patients.models import Patient

_LAYOUT = Path(settings.BASE_DIR) / "templates" / "portal" / "record.typ"


def record_json(record: Record) -> Iterator[bytes]:
    """One object; `complete` comes last, so that a broken transfer cannot pass for a whole record."""
    head = {"clinic": settings.CLINIC_NAME, "taken_at": timezone.localtime(record.taken_at).isoformat(), "patient": record.person()}
    yield encode_json(head)[:-1]
    for name, rows in record.sections():
        yield b"," + encode_json(name) + b":["
        for number, row in enumerate(rows):
            yield (b"," if number else b"") + encode_json(row)
        yield b"]"
    yield b',"complete":true}'


def record_pdf(record: Record) -> bytes:
    """A4. Every section, with the empty ones named at the end: what is not there is said not to be there."""
    sections = [(_words(name), [_lines(row) for row in rows]) for name, rows in record.sections()]
    words = {
        "clinic": settings.CLINIC_NAME,
        "name": record.patient.full_name,
        "mrn": record.patient.mrn,
        "taken": f"{timezone.localtime(record.taken_at):%d %b %Y, %H:%M}",
        "person": _lines(record.person()),
        "sections": [{"title": title, "rows": rows} for title, rows in sections if rows],
        "empty": [title for title, rows in sections if not rows],
    }
    return typst.compile(_LAYOUT.read_bytes(), format="pdf", font_paths=fonts(), sys_inputs={"data": json.dumps(words)})


def record_response(patient: Patient, file_type: str, *, by) -> HttpResponse | StreamingHttpResponse:
    """To save, under a name without the patient's. Raises BreakGlassRequired, RecordNotWhole."""
    whole = take_record(patient=patient, file_type=file_type, by=by, now=timezone.now())
    headers = {"Content-Disposition": f'attachment; filename="record-{patient.mrn}.{file_type}"', "X-Content-Type-Options": "nosniff"}
    if file_type == "pdf":
        return HttpResponse(record_pdf(whole), content_type="application/pdf", headers=headers)
    return StreamingHttpResponse(record_json(whole), content_type="application/json", headers=headers)


def _lines(row: dict[str, Any]) -> list[list[str]]:
    """[name, text] of what is filled in. Ids serve the file for programs."""
    return [[_words(name), _text(value)] for name, value in row.items() if name != "id" and value not in (None, "", [], {})]


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return "; ".join(f"{_words(str(name))}: {_text(each)}" for name, each in value.items() if each not in (None, ""))
    if isinstance(value, list):
        return ", ".join(_text(each) for each in value)
    return str(value)
