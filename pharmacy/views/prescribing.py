"""Prescribing, as a page of its own and as a part of the consultation."""

from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from clinic.core.errors import DomainError, InvalidInput
from clinic.core.pages import permission_required_page, refusal_status
from clinic.core.together import together
from patients.models import Encounter
from patients.services.access import check_chart_open
from patients.services.reading import record_chart_read
from pharmacy.forms import LineForm
from pharmacy.models import Medicine, Prescription, PrescriptionItem
from pharmacy.permissions import PRESCRIBE, VIEW_MEDICINE
from pharmacy.rules.quantities import compute_quantity, dose_with_unit
from pharmacy.selectors.prescribing import medicines_to_choose, prescribing_context
from pharmacy.services import prescribing


@require_safe
@permission_required_page(PRESCRIBE)
def page(request, encounter):
    row = _visible(request, encounter)
    record_chart_read(patient=row.patient, by=request.user, subject=row)
    return show(request, row)


def encounter_of(request, public_id) -> Encounter:
    """Whatever is done with its prescriptions, the patient's chart is opened. Raises BreakGlassRequired."""
    row = _visible(request, public_id)
    check_chart_open(patient=row.patient, by=request.user)
    return row


def _visible(request, public_id) -> Encounter:
    return get_object_or_404(Encounter.objects.visible_to(request.user).select_related("patient", "doctor__user"), public_id=public_id)


def show(request, encounter: Encounter, *, refusal: DomainError | None = None, **shown):
    """The page, or for htmx the part. `shown`: line and errors of a form that comes back, and which action was refused."""
    [context] = together(prescribing_context(encounter, request.user, refusal=_words(refusal), **shown))
    if request.htmx:
        return render(request, "pharmacy/_prescribing.html", context, status=refusal_status(request, refusal) if refusal else 200)
    patient = encounter.patient
    prefetch_related_objects([patient], "allergies")  # at hand when the checks ran
    context |= {
        "encounter": encounter,
        "patient": patient,
        "allergies": patient.allergies.all(),
        "allergies_known": patient.allergies_reviewed_at is not None,
    }
    return render(request, "pharmacy/prescribing.html", context, status=refusal_status(request, refusal) if refusal else 200)


def _words(refusal: DomainError | None) -> str:
    if refusal is None:
        return ""
    return " ".join(words for each in (refusal.errors or {}).values() for words in each) or refusal.detail


def done(request, encounter: Encounter, **shown):
    return show(request, encounter, **shown) if request.htmx else redirect("pharmacy:prescribing", encounter.public_id)


@require_POST
@permission_required_page(PRESCRIBE)
def add_line(request, encounter):
    row = encounter_of(request, encounter)
    form = LineForm(request.POST)
    if not form.is_valid():
        errors = {name: words[0] for name, words in form.errors.items()}
        summary = InvalidInput(" ".join(f"{form.fields[name].label or name.capitalize()}: {words}" for name, words in errors.items()))
        return show(request, row, refusal=summary, refused="line", line=request.POST.dict(), errors=errors)
    try:
        prescribing.add_item(encounter_id=row.pk, item=form.item(), by=request.user, request_id=form.cleaned_data["request_id"])
    except DomainError as refusal:
        return show(request, row, refusal=refusal, refused="line", line=request.POST.dict())
    return done(request, row, added=True)


@require_POST
@permission_required_page(PRESCRIBE)
def remove_line(request, item):
    visible = Prescription.objects.visible_to(request.user)
    row = get_object_or_404(
        PrescriptionItem.objects.filter(prescription__in=visible).select_related("prescription__encounter"), public_id=item
    )
    encounter = encounter_of(request, row.prescription.encounter.public_id)
    try:
        prescribing.remove_item(item_id=row.pk, by=request.user)
    except DomainError as refusal:
        return show(request, encounter, refusal=refusal, refused="lines")
    return done(request, encounter)


@require_POST
@permission_required_page(PRESCRIBE)
def sign(request, prescription):
    row = get_object_or_404(Prescription.objects.visible_to(request.user).select_related("encounter"), public_id=prescription)
    encounter = encounter_of(request, row.encounter.public_id)
    reason = request.POST.get("override_reason", "").replace("\0", "")
    try:
        prescribing.sign_prescription(prescription_id=row.pk, by=request.user, override_reason=reason)
    except DomainError as refusal:
        return show(request, encounter, refusal=refusal, refused="sign", reason=reason)
    if not request.htmx:
        messages.success(request, "The prescription is signed.")
    return done(request, encounter)


@require_POST
@permission_required_page(PRESCRIBE)
def cancel(request, prescription):
    row = get_object_or_404(Prescription.objects.visible_to(request.user).select_related("encounter"), public_id=prescription)
    encounter = encounter_of(request, row.encounter.public_id)
    reason = request.POST.get("reason", "").replace("\0", "")
    try:
        prescribing.cancel_prescription(prescription_id=row.pk, reason=reason, by=request.user)
    except DomainError as refusal:
        return show(request, encounter, refusal=refusal, refused="lines")
    return done(request, encounter)


@require_safe
@permission_required_page(VIEW_MEDICINE)
def suggest(request):
    """Options for the medicine field, while it is typed."""
    typed = (words for name, words in request.GET.items() if name.endswith("_text"))
    words = next(typed, "").replace("\0", "")[:100]
    return render(request, "pharmacy/_medicine_options.html", {"medicines": medicines_to_choose(words) if words.strip() else []})


@require_safe
@permission_required_page(PRESCRIBE)
def quantity(request):
    """The quantity that dose, frequency and days come to, while they are typed; empty as long as it cannot be counted."""
    form = LineForm({**request.GET.dict(), "quantity": ""})
    form.is_valid()
    data = form.cleaned_data
    medicine: Medicine | None = data.get("medicine")
    computed = None
    if medicine and data.get("dose") and data.get("frequency") and data.get("duration_days"):
        dose = dose_with_unit(data["dose"], medicine.unit)
        computed = compute_quantity(
            dose=dose,
            frequency=data["frequency"],
            duration_days=data["duration_days"],
            unit=medicine.unit,
            strength=medicine.strength,
            max_doses_a_day=data.get("max_doses_a_day"),
        )
    return render(request, "pharmacy/_quantity.html", {"quantity": computed, "medicine": medicine, "computed": True})
