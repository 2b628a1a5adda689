"""The treatments of a consultation, with the medicines that they use. The part posts here and swaps itself."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST
from django_htmx.http import trigger_client_event

from clinic.core.errors import DomainError, InvalidInput
from clinic.core.pages import permission_required_page, posted_request_id, refusal_status
from clinic.core.together import Reader, together
from patients.models import Encounter, TreatmentType
from patients.permissions import WRITE_ENCOUNTER
from patients.selectors import encounter_of
from patients.services.access import check_chart_open
from patients.services.drafts import drop_form
from patients.views.parts import context_of_part
from pharmacy.forms import TreatmentForm, put_errors
from pharmacy.models import Medicine
from pharmacy.services.treating import give_treatment, take_back_treatment
from pharmacy.views.witness import posted_witness


def treatments_context(encounter: Encounter, form: TreatmentForm | None = None) -> Reader:
    """What pharmacy/_treatments.html needs."""
    treatments = encounter.treatments.order_by("recorded_at", "id")
    types = TreatmentType.objects.active()
    names = Medicine.objects.active().order_by("name", "form").values_list("name", flat=True).distinct()
    yield [treatments, types, names] if encounter.is_open else [treatments]
    form = form or TreatmentForm()
    form.offer(types if encounter.is_open else [])
    return {
        "encounter": encounter,
        "treatments": treatments,
        "treatment_form": form,
        "medicine_names": names if encounter.is_open else [],
    }


@require_POST
@permission_required_page(WRITE_ENCOUNTER)
def add_treatment(request, encounter: UUID):
    row, form = _open(request, encounter), TreatmentForm(request.POST)
    if not form.is_valid():
        return _refused(request, encounter, form, InvalidInput())
    try:
        give_treatment(
            encounter_id=row.pk,
            by=request.user,
            on=timezone.localdate(),
            witness=posted_witness(request),
            request_id=posted_request_id(request),
            **form.treatment(),
        )
        drop_form(encounter_id=row.pk, form=TreatmentForm.part, by=request.user)
    except DomainError as refusal:
        put_errors(form, refusal.errors or {"": [refusal.detail]})
        return _refused(request, encounter, form, refusal)
    return _done(request, encounter, "Treatment recorded.")


@require_POST
@permission_required_page(WRITE_ENCOUNTER)
def remove_treatment(request, encounter: UUID, treatment: UUID):
    row = _open(request, encounter)
    try:
        take_back_treatment(encounter_id=row.pk, treatment_id=treatment, by=request.user)
    except DomainError as refusal:
        return _refused(request, encounter, None, refusal)
    return _done(request, encounter, "Treatment removed. What it used is back in stock.")


def _open(request, public_id: UUID) -> Encounter:
    row = get_object_or_404(Encounter.objects.visible_to(request.user).select_related("patient"), public_id=public_id)
    check_chart_open(patient=row.patient, by=request.user)
    if request.headers.get("X-Page-User", str(request.user.public_id)) != str(request.user.public_id):
        raise PermissionDenied  # the page was drawn for someone who signed out meanwhile
    return row


def _done(request, public_id: UUID, words: str) -> HttpResponse:
    if not request.htmx:
        messages.success(request, words)
        return redirect(f"{reverse('portal:consultation', args=[public_id])}#treatments")
    row = encounter_of(public_id, request.user)
    context = together(treatments_context(row))[0] | context_of_part("sign", row) | {"with_sign": True}
    return trigger_client_event(render(request, "pharmacy/_treatments.html", context), "toast", {"text": words, "tone": "success"})


def _refused(request, public_id: UUID, form: TreatmentForm | None, refusal: DomainError) -> HttpResponse:
    row = encounter_of(public_id, request.user)
    context = together(treatments_context(row, form))[0] | {"patient": row.patient, "refusal": "" if form else refusal.detail}
    template = "pharmacy/_treatments.html" if request.htmx else "pharmacy/treatments.html"
    return render(request, template, context, status=refusal_status(request, refusal))
