"""Restricted charts, and who read whose chart."""

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic.core.errors import DomainError
from clinic.core.pages import permission_required_page, posted_request_id
from patients import forms, permissions, selectors
from patients.models import Patient
from patients.services import access

PAGE_SIZE = 50


@require_http_methods(["GET", "POST"])
@permission_required_page(permissions.BREAK_GLASS)
def break_glass(request, patient: UUID):
    """Ask why, open the chart, and go on to where the person was going."""
    if request.method == "GET":
        return ask_for_reason(request, patient, then=request.GET.get("then", ""), status=200)
    row = get_object_or_404(Patient.objects.visible_to(request.user), public_id=patient)
    then = request.POST.get("then", "")
    form = forms.BreakGlassForm(request.POST)
    if not form.is_valid():
        return ask_for_reason(request, patient, then=then, form=form, status=422)
    try:
        access.break_glass(
            patient_id=row.pk,
            reason=form.cleaned_data["reason"],
            by=request.user,
            now=timezone.now(),
            request_id=posted_request_id(request),
        )
    except DomainError as refusal:
        messages.info(request, refusal.detail)
    is_ours = then.startswith("/") and url_has_allowed_host_and_scheme(then, allowed_hosts=None)
    return redirect(then if is_ours else reverse("patients:chart", args=[row.public_id]))


def ask_for_reason(request, patient, *, then: str, form=None, status: int = 403) -> HttpResponse:
    """The page that stands before a restricted chart. It shows who it is, and nothing of the chart."""
    row = get_object_or_404(Patient.objects.visible_to(request.user), public_id=patient)
    context = {
        "patient": row,
        "then": then,
        "form": form or forms.BreakGlassForm(),
        "may_open": request.user.has_perm(permissions.BREAK_GLASS),
    }
    return render(request, "patients/break_glass.html", context, status=status)


@require_safe
@permission_required_page(permissions.VIEW_BREAK_GLASS)
def openings(request):
    """For the manager: who opened which restricted chart, and why."""
    page = Paginator(selectors.openings(), PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "patients/openings.html", {"page_obj": page, "now": timezone.now()})


@require_POST
@permission_required_page(permissions.RESTRICT_CHART)
def restrict(request, patient: UUID):
    return _set_restricted(request, patient, True, done="The chart is restricted: others have to say why they open it.")


@require_POST
@permission_required_page(permissions.RESTRICT_CHART)
def unrestrict(request, patient: UUID):
    return _set_restricted(request, patient, False, done="The chart is no longer restricted.")


def _set_restricted(request, public_id: UUID, is_restricted: bool, *, done: str) -> HttpResponse:
    row = get_object_or_404(Patient.objects.visible_to(request.user), public_id=public_id)
    access.set_restricted(patient_id=row.pk, is_restricted=is_restricted, by=request.user)
    messages.success(request, done)
    return redirect("patients:chart", row.public_id)


@require_safe
@permission_required_page(permissions.VIEW_ACCESS_LOG)
def access_log(request, patient: UUID):
    """Who read this chart, and when."""
    row = get_object_or_404(Patient.objects.visible_to(request.user), public_id=patient)
    return _access_log(request, row)


@require_safe
@permission_required_page(permissions.VIEW_ACCESS_LOG)
def own_access_log(request):
    """The same for the patient who is signed in."""
    return _access_log(request, get_object_or_404(Patient, user=request.user))


def _access_log(request, patient: Patient) -> HttpResponse:
    page = Paginator(selectors.access_log_of(patient), PAGE_SIZE).get_page(request.GET.get("page"))
    rows = [selectors.reading_of(event) for event in page]
    return render(request, "patients/access_log.html", {"patient": patient, "page_obj": page, "rows": rows})
