"""The parts of a consultation: what each is drawn with and from."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce
from operator import or_
from uuid import UUID

from django.forms import Form

from clinic.core.together import Reader, side_by_side, together
from patients import forms, selectors
from patients.models import DiagnosisRank, Encounter
from patients.services.encounters import CHANGEABLE
from patients.services.notes import NoteRead, headers_of, read_bodies


@dataclass(frozen=True)
class Part:
    title: str
    template: str
    read: Callable[[Encounter], Reader]  # gives the context
    form: type[Form] | None = None
    form_name: str = ""


def _summary(encounter: Encounter) -> Reader:
    yield []
    initial = {name: getattr(encounter, name) for name in CHANGEABLE}
    return {"summary_form": forms.SummaryForm(initial=initial)}


def _vitals(encounter: Encounter) -> Reader:
    table = yield from selectors.vitals_table(encounter)
    return {"vitals_table": table, "vitals_form": forms.VitalsForm()}


def _diagnoses(encounter: Encounter) -> Reader:
    diagnoses = encounter.diagnoses.order_by("rank", "id")
    yield [diagnoses]
    favourites = (yield from selectors.favourite_codes(encounter.doctor.user)) if encounter.is_open else []
    has_primary = any(each.rank == DiagnosisRank.PRIMARY for each in diagnoses)
    rank = DiagnosisRank.SECONDARY if has_primary else DiagnosisRank.PRIMARY
    form = forms.DiagnosisForm(initial={"rank": rank})
    return {
        "diagnoses": diagnoses,
        "diagnosis_form": form,
        "favourites": favourites,
    }


def _notes(encounter: Encounter) -> Reader:
    """`threads`: [(the current version, the earlier ones, the form for the next)]"""
    headers = headers_of(encounter)
    yield [headers]
    threads: dict[UUID, list[NoteRead]] = {}
    for note in read_bodies(list(headers)):
        threads.setdefault(note.header.thread, []).append(note)
    return {
        "threads": [(versions[-1], versions[-2::-1], _form_of_next(encounter, versions[-1])) for versions in threads.values()],
        "note_form": forms.NoteForm(),
    }


def _form_of_next(encounter: Encounter, note: NoteRead) -> forms.NoteForm | None:
    """The form for the next version; None when it cannot be written now."""
    if not encounter.is_open or note.state != "ok":
        return None
    initial = {"amends": note.header.public_id, "text": note.text, "symptoms": ", ".join(note.observations.get("symptoms", []))}
    return forms.NoteForm(initial=initial, auto_id=f"note-{note.header.public_id}_%s")


def _attachments(encounter: Encounter) -> Reader:
    attachments = encounter.attachments.headers()
    yield [attachments]
    return {"attachments": attachments, "attachment_form": forms.AttachmentForm()}


def _addenda(encounter: Encounter) -> Reader:
    """Only a signed visit has any."""
    addenda = encounter.addenda.select_related("author").order_by("created_at", "id")
    yield [addenda]
    return {"addenda": addenda, "addendum_form": forms.AddendumForm()}


def _sign(encounter: Encounter) -> Reader:
    counts = yield from selectors.counts_of(encounter)
    return {"counts": counts, "error_form": forms.ReasonForm(auto_id="error_%s")}


PARTS = {
    "summary": Part("Reason and assessment", "patients/_summary.html", _summary, forms.SummaryForm, "summary_form"),
    "vitals": Part("Vitals", "patients/_vitals.html", _vitals, forms.VitalsForm, "vitals_form"),
    "diagnoses": Part("Diagnoses", "patients/_diagnoses.html", _diagnoses, forms.DiagnosisForm, "diagnosis_form"),
    "notes": Part("Notes", "patients/_notes.html", _notes, forms.NoteForm, "note_form"),
    "attachments": Part("Files", "patients/_attachments.html", _attachments, forms.AttachmentForm, "attachment_form"),
    "addenda": Part("Addenda", "patients/_addenda.html", _addenda, forms.AddendumForm, "addendum_form"),
    "sign": Part("Sign", "patients/_sign.html", _sign),
}


def context_of_parts(names: Iterable[str], encounter: Encounter) -> Reader:
    """What the named parts' templates need."""
    contexts = yield from side_by_side(PARTS[name].read(encounter) for name in names)
    return reduce(or_, contexts, {"encounter": encounter, "patient": encounter.patient})


def context_of_part(name: str, encounter: Encounter) -> dict:
    """Of one part and, since what is signed changes with each, of the signature."""
    return together(context_of_parts((name, "sign"), encounter))[0]
