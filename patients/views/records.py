"""The parts of the consultation page that write: each posts to its own URL and swaps itself.

Without JavaScript a part that was saved leads back to the consultation, and one that was refused is
shown on a page of its own, with what was typed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from django import forms as django_forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import trigger_client_event

from clinic.core.errors import DomainError, InvalidInput, NotFound
from clinic.core.http import download
from clinic.core.pages import permission_required_page, posted_request_id, refusal_status, say_refusal
from patients import forms, permissions, selectors
from patients.errors import NoteChanged, NoteUnavailable
from patients.models import Encounter, Icd10Code
from patients.services import addenda, attachments, encounters, notes
from patients.services.access import check_chart_open
from patients.services.drafts import drop_form
from patients.services.reading import record_chart_read
from patients.views.parts import PARTS, context_of_part


@dataclass(frozen=True)
class Post:
    """One write of one part: what was sent, and what to do with it."""

    part: str  # of PARTS
    form: django_forms.Form
    act: Callable[[Encounter], str]  # gives the words that say it is done


@require_POST
@permission_required_page(permissions.WRITE_ENCOUNTER)
def save_summary(request, encounter: UUID):
    form = forms.SummaryForm(request.POST)

    def act(row: Encounter) -> str:
        changes = {name: form.cleaned_data[name] for name in encounters.CHANGEABLE}
        encounters.update_encounter(encounter_id=row.pk, changes=changes, by=request.user)
        return "Saved."

    return _answer(request, encounter, Post("summary", form, act))


@require_POST
@permission_required_page(permissions.RECORD_VITALS)
def add_vitals(request, encounter: UUID):
    form = forms.VitalsForm(request.POST)

    def act(row: Encounter) -> str:
        form.check_looked_at(born=row.patient.date_of_birth, on=timezone.localdate())
        encounters.record_vitals(encounter_id=row.pk, values=form.cleaned_data, by=request.user, request_id=posted_request_id(request))
        return "Vitals saved."

    return _answer(request, encounter, Post("vitals", form, act))


@require_POST
@permission_required_page(permissions.RECORD_VITALS)
def remove_vitals(request, encounter: UUID, vitals: UUID):
    return _take_back(request, encounter, "vitals", partial(encounters.remove_vitals, vitals_id=vitals), "Vitals removed.")


@require_safe
@permission_required_page(permissions.WRITE_ENCOUNTER)
def suggest_codes(request):
    """Options for the diagnosis, as someone types."""
    found = selectors.search_codes(request.GET.get("text", ""), request.user)
    return render(request, "patients/_codes.html", {"codes": found})


@require_safe
@permission_required_page(permissions.WRITE_ENCOUNTER)
def symptom_words(request):
    """Options for the symptoms of a note: all at once, since what is typed is not asked about."""
    return render(request, "patients/_symptom_words.html", {"words": selectors.symptom_words()})


@require_POST
@permission_required_page(permissions.WRITE_ENCOUNTER)
def add_diagnosis(request, encounter: UUID):
    form = forms.DiagnosisForm(_with_favourite(request.POST))

    def act(row: Encounter) -> str:
        encounters.add_diagnosis(encounter_id=row.pk, by=request.user, request_id=posted_request_id(request), **form.cleaned_data)
        return "Diagnosis added."

    return _answer(request, encounter, Post("diagnoses", form, act))


def _with_favourite(posted: QueryDict) -> QueryDict:
    """One press on a code that is often used stands for its code and its words."""
    row = Icd10Code.objects.filter(code=posted.get("favourite", "").replace("\0", "")).first()
    if row is None:
        return posted
    posted = posted.copy()
    posted["code"], posted["text"] = row.code, row.title
    return posted


@require_POST
@permission_required_page(permissions.WRITE_ENCOUNTER)
def remove_diagnosis(request, encounter: UUID, diagnosis: UUID):
    return _take_back(request, encounter, "diagnoses", partial(encounters.remove_diagnosis, diagnosis_id=diagnosis), "Diagnosis removed.")


@require_POST
@permission_required_page(permissions.WRITE_ENCOUNTER)
def add_attachment(request, encounter: UUID):
    form = forms.AttachmentForm(request.POST, request.FILES)

    def act(row: Encounter) -> str:
        file = form.cleaned_data["file"]
        attachments.add_attachment(
            encounter_id=row.pk,
            patient_id=row.patient_id,
            name=file.name,
            content=file.read(),
            by=request.user,
            request_id=posted_request_id(request),
        )
        return "File added."

    return _answer(request, encounter, Post("attachments", form, act))


@require_POST
@permission_required_page(permissions.WRITE_ENCOUNTER)
def remove_attachment(request, encounter: UUID, attachment: UUID):
    return _take_back(request, encounter, "attachments", partial(attachments.remove_attachment, attachment_id=attachment), "File removed.")


@require_safe
@permission_required_page(permissions.VIEW_ENCOUNTER)
def attachment(request, encounter: UUID, attachment: UUID):
    """The file, to save: it never runs and is never shown inside a page of ours."""
    row = get_object_or_404(Encounter.objects.visible_to(request.user).select_related("patient"), public_id=encounter)
    record_chart_read(patient=row.patient, by=request.user, subject=row)
    try:
        file, content = attachments.read_attachment(row, attachment)
    except NotFound as error:
        raise Http404 from error
    except DomainError as refusal:
        say_refusal(request, refusal)
        return _to_consultation(encounter, "attachments")
    return download(file.name, content, file.content_type)


@require_POST
@permission_required_page(permissions.WRITE_ENCOUNTER)
def write_note(request, encounter: UUID):
    form = forms.NoteForm(request.POST)

    def act(row: Encounter) -> str:
        amends = form.cleaned_data["amends"]
        observations, tags = _kept_of(row, amends) if amends else ({}, [])
        try:
            notes.write_note(
                encounter_id=row.pk,
                patient_id=row.patient_id,
                author=request.user,
                text=form.cleaned_data["text"],
                observations=observations | form.observations,
                tags=tags,
                request_id=posted_request_id(request),
                amends=amends,
            )
        except NoteChanged:  # the answer shows the newer version, and what was typed can follow that one
            form.data = form.data.copy()
            form.data["amends"] = str(notes.last_version_of(row, amends))
            raise
        return "Note saved."

    return _answer(request, encounter, Post("notes", form, act))


def _kept_of(row: Encounter, amends: UUID) -> tuple[dict, list[str]]:
    """What the form does not show of the version before: it goes on into the next. Raises NoteUnavailable."""
    headers = list(row.notes.filter(public_id=amends).select_related("author", "encounter__patient"))
    if not headers:
        return {}, []  # the service says that there is no such note
    [before] = notes.read_bodies(headers)
    if before.state != "ok":
        raise NoteUnavailable
    return {name: value for name, value in before.observations.items() if name != "symptoms"}, before.tags


@require_POST
@permission_required_page(permissions.WRITE_ENCOUNTER)
def add_addendum(request, encounter: UUID):
    form = forms.AddendumForm(request.POST)

    def act(row: Encounter) -> str:
        addenda.add_addendum(encounter_id=row.pk, author=request.user, request_id=posted_request_id(request), **form.cleaned_data)
        return "Addendum added."

    return _answer(request, encounter, Post("addenda", form, act))


@require_POST
@permission_required_page(permissions.SIGN_ENCOUNTER)
def sign(request, encounter: UUID):
    """The version that the page showed goes along: a value that came in since then is looked at first."""
    version = request.POST.get("version", "")

    def act(row: Encounter) -> str:
        expected = int(version) if version.isdecimal() and len(version) < 10 else None
        encounters.complete_visit(encounter_id=row.pk, by=request.user, expected_version=expected)
        return "Signed. The visit is closed."

    return _answer(request, encounter, Post("sign", django_forms.Form(request.POST), act))


@require_POST
@permission_required_page(permissions.SIGN_ENCOUNTER)
def enter_in_error(request, encounter: UUID):
    form = forms.ReasonForm(request.POST)

    def act(row: Encounter) -> str:
        encounters.mark_entered_in_error(encounter_id=row.pk, reason=form.cleaned_data["reason"], by=request.user)
        return "Marked as entered in error."

    return _answer(request, encounter, Post("sign", form, act))


def _take_back(request, public_id: UUID, part: str, remove: Callable[..., None], words: str) -> HttpResponse:
    def act(row: Encounter) -> str:
        remove(encounter_id=row.pk, by=request.user)
        return words

    return _answer(request, public_id, Post(part, django_forms.Form(request.POST), act))


def _answer(request, public_id: UUID, post: Post) -> HttpResponse:
    row = get_object_or_404(Encounter.objects.visible_to(request.user).select_related("patient"), public_id=public_id)
    check_chart_open(patient=row.patient, by=request.user)
    if request.headers.get("X-Page-User", str(request.user.public_id)) != str(request.user.public_id):
        raise PermissionDenied  # the page was drawn for someone who signed out meanwhile
    refusal = None
    if post.form.is_valid():
        try:
            words = post.act(row)
        except DomainError as error:
            refusal = error
            _show_errors(post.form, error)
        else:
            drop_form(encounter_id=row.pk, form=_draft_name(post.form), by=request.user)
            return _done(request, public_id, post.part, words)
    return _refused(request, public_id, post, refusal)


def _draft_name(form: django_forms.Form) -> str:
    """What drafts call the form, as its template does."""
    amends = form.data.get("amends", "")
    return f"{getattr(form, 'part', '')}{'-' if amends else ''}{amends}"


def _done(request, public_id: UUID, part: str, words: str) -> HttpResponse:
    if not request.htmx:
        messages.success(request, words)
        return _to_consultation(public_id, part)
    row = selectors.encounter_of(public_id, request.user)
    context = context_of_part(part, row) | {"with_sign": True}
    response = render(request, PARTS[part].template, context)
    return trigger_client_event(response, "toast", {"text": words, "tone": "success"})


def _refused(request, public_id: UUID, post: Post, refusal: DomainError | None) -> HttpResponse:
    part = PARTS[post.part]
    if post.part == "sign":  # the whole page, as it is now, is what has to be looked at
        say_refusal(request, refusal or InvalidInput("Say why."))
        return _to_consultation(public_id, post.part)
    context = context_of_part(post.part, selectors.encounter_of(public_id, request.user))
    if part.form and isinstance(post.form, part.form):
        context[part.form_name] = post.form
    if refusal and not refusal.errors:
        context["refusal"] = refusal.detail
    status = refusal_status(request, refusal) if refusal else 422
    return render(request, part.template if request.htmx else "patients/part.html", context | {"part": part}, status=status)


def _to_consultation(public_id: UUID, part: str) -> HttpResponse:
    return redirect(f"{reverse('portal:consultation', args=[public_id])}#{part}")


def _show_errors(form: django_forms.Form, refusal: DomainError) -> None:
    for name, words in (refusal.errors or {}).items():
        form.add_error(name if name in form.fields else None, words)
