"""The parts of a consultation: what each is drawn with and from."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django.forms import Form

from patients import forms, selectors
from patients.models import DiagnosisRank, Encounter
from patients.services.encounters import CHANGEABLE
from patients.services.notes import NoteRead, read_notes


@dataclass(frozen=True)
class Part:
    title: str
    template: str
    read: Callable[[Encounter], dict]
    form: type[Form] | None = None
    form_name: str = ""


def _summary(encounter: Encounter) -> dict:
    initial = {name: getattr(encounter, name) for name in CHANGEABLE}
    return {"summary_form": forms.SummaryForm(initial=initial)}


def _vitals(encounter: Encounter) -> dict:
    return {"vitals_table": selectors.vitals_table(encounter), "vitals_form": forms.VitalsForm()}


def _diagnoses(encounter: Encounter) -> dict:
    diagnoses = list(encounter.diagnoses.order_by("rank", "id"))
    has_primary = any(each.rank == DiagnosisRank.PRIMARY for each in diagnoses)
    rank = DiagnosisRank.SECONDARY if has_primary else DiagnosisRank.PRIMARY
    form = forms.DiagnosisForm(initial={"rank": rank})
    return {
        "diagnoses": diagnoses,
        "diagnosis_form": form,
        "favourites": selectors.favourite_codes(encounter.doctor.user) if encounter.is_open else [],
    }


def _notes(encounter: Encounter) -> dict:
    """`threads`: [(the current version, the earlier ones, the form for the next)]"""
    threads: dict[UUID, list[NoteRead]] = {}
    for note in read_notes(encounter):
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


def _attachments(encounter: Encounter) -> dict:
    return {"attachments": list(encounter.attachments.headers()), "attachment_form": forms.AttachmentForm()}


def _addenda(encounter: Encounter) -> dict:
    """Only a signed visit has any."""
    addenda = [] if encounter.is_open else list(encounter.addenda.select_related("author").order_by("created_at", "id"))
    return {"addenda": addenda, "addendum_form": forms.AddendumForm()}


def _sign(encounter: Encounter) -> dict:
    return {"counts": selectors.counts_of(encounter), "error_form": forms.ReasonForm(auto_id="error_%s")}


PARTS = {
    "summary": Part("Reason and assessment", "patients/_summary.html", _summary, forms.SummaryForm, "summary_form"),
    "vitals": Part("Vitals", "patients/_vitals.html", _vitals, forms.VitalsForm, "vitals_form"),
    "diagnoses": Part("Diagnoses", "patients/_diagnoses.html", _diagnoses, forms.DiagnosisForm, "diagnosis_form"),
    "notes": Part("Notes", "patients/_notes.html", _notes, forms.NoteForm, "note_form"),
    "attachments": Part("Files", "patients/_attachments.html", _attachments, forms.AttachmentForm, "attachment_form"),
    "addenda": Part("Addenda", "patients/_addenda.html", _addenda, forms.AddendumForm, "addendum_form"),
    "sign": Part("Sign", "patients/_sign.html", _sign),
}


def context_of_part(name: str, encounter: Encounter) -> dict:
    return {"encounter": encounter, "patient": encounter.patient} | PARTS[name].read(encounter)
