"""Finding, registering and correcting patients."""

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic.core.errors import DomainError
from clinic.core.pages import permission_required_page, refusal_status, say_refusal
from patients import forms, permissions, printing, selectors
from patients.models import ClinicalNote, Patient
from patients.services import registration
from patients.services.access import check_chart_open
from patients.services.notes import read_bodies
from patients.services.reading import record_chart_read, record_list_read

MOST_SUGGESTED = 8
NOTES_ON_A_PAGE = 20


@require_safe
@permission_required_page(permissions.VIEW_PATIENT)
def patient_list(request):
    """The found patients, or the ones who were registered last. With htmx only the list, as someone types."""
    query = request.GET.get("q", "").strip()
    patients = selectors.search_patients(query, request.user) if query else selectors.newest_patients(request.user)
    page = "patients/_found.html" if request.htmx else "patients/list.html"
    return render(request, page, {"patients": patients, "query": query})


@require_safe
@permission_required_page(permissions.VIEW_PATIENT)
def suggest(request):
    """Options for a combobox: `q` (the top bar) leads to the chart, `patient_text` gives the patient's id to a form."""
    query = request.GET.get("q", request.GET.get("patient_text", ""))
    patients = selectors.search_patients(query, request.user, limit=MOST_SUGGESTED) if query.strip() else []
    return render(request, "patients/_options.html", {"patients": patients, "as_links": "q" in request.GET})


@require_safe
@permission_required_page(permissions.ADD_PATIENT, permissions.CHANGE_PATIENT)
def label(request, patient: UUID):
    """A sticker with the MRN as QR code, for the folder and the wristband."""
    row = get_object_or_404(_visible(request), public_id=patient)
    check_chart_open(patient=row, by=request.user)
    headers = {"Content-Disposition": f'inline; filename="label-{row.mrn}.pdf"'}
    return HttpResponse(printing.label_pdf(row), content_type="application/pdf", headers=headers)


@require_http_methods(["GET", "POST"])
@permission_required_page(permissions.ADD_PATIENT)
def register(request):
    """Before anything is saved possible duplicates are shown; 'register anyway' says that they were looked at."""
    page = PatientPage(request)
    if request.method == "GET" or not page.is_valid():
        return page.render("patients/register.html")
    if "register_anyway" not in request.POST and (duplicates := selectors.possible_duplicates(page.data, request.user)):
        return page.render("patients/register.html", duplicates=duplicates)
    try:
        patient = registration.register_patient(
            data=page.data, by=request.user, on=timezone.localdate(), request_id=page.form.cleaned_data["request_id"]
        )
    except DomainError as refusal:
        return page.render("patients/register.html", refusal=refusal)
    messages.success(request, f"Registered under MRN {patient.mrn}.")
    return redirect("patients:chart", patient.public_id)


@require_http_methods(["GET", "POST"])
@permission_required_page(permissions.CHANGE_PATIENT)
def edit(request, patient: UUID):
    row = get_object_or_404(_visible(request), public_id=patient)
    check_chart_open(patient=row, by=request.user)
    page = PatientPage(request, row)
    if request.method == "GET":
        record_chart_read(patient=row, by=request.user)
    if request.method == "GET" or not page.is_valid():
        return page.render("patients/edit.html")
    try:
        registration.update_patient(
            patient_id=row.pk, changes=page.data, by=request.user, expected_version=page.form.cleaned_data["version"]
        )
    except DomainError as refusal:
        return page.render("patients/edit.html", refusal=refusal)
    messages.success(request, "Saved.")
    return redirect("patients:chart", row.public_id)


@require_POST
@permission_required_page(permissions.DEACTIVATE_PATIENT)
def deactivate(request, patient: UUID):
    return _change_status(request, patient, lambda pk: registration.deactivate_patient(
        patient_id=pk, reason=request.POST.get("reason", "")[:200].replace("\0", ""), by=request.user
    ), done="The record is deactivated.")  # fmt: skip


@require_POST
@permission_required_page(permissions.DEACTIVATE_PATIENT)
def reactivate(request, patient: UUID):
    return _change_status(
        request, patient, lambda pk: registration.reactivate_patient(patient_id=pk, by=request.user), done="The record is active again."
    )


def _change_status(request, public_id: UUID, change, *, done: str) -> HttpResponse:
    row = get_object_or_404(_visible(request), public_id=public_id)
    try:
        change(row.pk)
    except DomainError as refusal:
        say_refusal(request, refusal)
    else:
        messages.success(request, done)
    return redirect("patients:chart", row.public_id)


def _visible(request):
    return selectors.with_lists(Patient.objects.visible_to(request.user))


class PatientPage:
    """The forms of one patient's page: the person, and the rows of allergies and problems."""

    def __init__(self, request: HttpRequest, patient: Patient | None = None):
        self.request, self.patient = request, patient
        posted = request.POST if request.method == "POST" else None
        initial = forms.PatientForm.initial_of(patient) if patient else {}
        self.form = forms.PatientForm(posted, initial=initial)
        self.allergies = forms.AllergyRows(posted, prefix="allergies", initial=_values(patient, "allergies", forms.AllergyForm))
        self.problems = forms.ProblemRows(posted, prefix="problems", initial=_values(patient, "problems", forms.ProblemForm))

    def is_valid(self) -> bool:
        are_valid = [each.is_valid() for each in (self.form, self.allergies, self.problems)]
        if all(are_valid) and self.allergies.rows and self.form.cleaned_data["no_known_allergies"]:
            self.form.add_error("no_known_allergies", "There are allergies below. Remove them, or take the tick away.")
            return False
        return all(are_valid)

    @property
    def data(self) -> dict:
        """What the services take. Without a row and without a tick nobody was asked: then there is no list."""
        data = self.form.data_of_patient | {"problems": self.problems.rows}
        if self.allergies.rows or self.form.cleaned_data["no_known_allergies"]:
            data["allergies"] = self.allergies.rows
        elif self.patient and self.allergies.initial:
            data["allergies"] = []
        return data

    def render(self, template: str, *, refusal: DomainError | None = None, duplicates=()) -> HttpResponse:
        status = 200
        if refusal:
            self._show(refusal)
            status = refusal_status(self.request, refusal)
        elif duplicates or self.form.errors or self.allergies.total_error_count() or self.problems.total_error_count():
            status = 422
        context = {
            "form": self.form,
            "allergy_rows": self.allergies,
            "problem_rows": self.problems,
            "patient": self.patient,
            "duplicates": duplicates,
            "refusal": refusal.detail if refusal else "",
        }
        return render(self.request, template, context, status=status)

    def _show(self, refusal: DomainError) -> None:
        for name, words in (refusal.errors or {}).items():
            self.form.add_error(name if name in self.form.fields else None, words)


def _values(patient: Patient | None, name: str, form) -> list[dict]:
    rows = getattr(patient, name).all() if patient else []
    return [{field: getattr(row, field) for field in form.base_fields} for row in rows]


@require_safe
@permission_required_page(permissions.WRITE_ENCOUNTER)
def note_search(request):
    """Notes by their words, in charts that are open to this person. With htmx only the list, as someone types."""
    query = request.GET.get("q", "").replace("\0", "").strip()
    found = selectors.search_notes(query, request.user, now=timezone.now()) if query else ClinicalNote.objects.none()
    page = Paginator(found, NOTES_ON_A_PAGE).get_page(request.GET.get("page"))
    if page.object_list:
        record_list_read(encounters=[note.encounter for note in page], by=request.user)
    context = {"query": query, "page_obj": page, "notes": read_bodies(list(page))}
    return render(request, "patients/_found_notes.html" if request.htmx else "patients/notes.html", context)
