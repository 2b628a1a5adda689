"""What a patient agreed to."""

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from clinic.core.errors import DomainError
from clinic.core.pages import permission_required_page, posted_request_id, refusal_status
from clinic.core.together import together
from patients import forms, permissions, selectors
from patients.models import Patient
from patients.services.access import check_chart_open
from patients.services.consents import record_consent
from patients.services.reading import record_chart_read

PAGE_SIZE = 50


@require_http_methods(["GET", "POST"])
@permission_required_page(permissions.VIEW_CONSENT, writing=permissions.RECORD_CONSENT)
def consents(request, patient: UUID):
    row = get_object_or_404(Patient.objects.visible_to(request.user), public_id=patient)
    if request.method == "GET":
        record_chart_read(patient=row, by=request.user)
        return _page(request, row, form=forms.ConsentForm(papers=selectors.papers_of(row), initial={"given_on": timezone.localdate()}))
    check_chart_open(patient=row, by=request.user)
    form = forms.ConsentForm(request.POST, papers=selectors.papers_of(row))
    if not form.is_valid():
        return _page(request, row, form=form, status=422)
    values = {name: value for name, value in form.cleaned_data.items() if name != "request_id"}
    try:
        record_consent(patient_id=row.pk, values=values, by=request.user, on=timezone.localdate(), request_id=posted_request_id(request))
    except DomainError as refusal:
        return _page(request, row, form=form, refusal=refusal, status=refusal_status(request, refusal))
    messages.success(request, "Written down.")
    return redirect("patients:consents", row.public_id)


@require_safe
@permission_required_page(permissions.VIEW_CONSENT)
def own_consents(request):
    """The same for the patient who is signed in."""
    row = get_object_or_404(Patient, user=request.user)
    record_chart_read(patient=row, by=request.user)
    return _page(request, row)


def _page(request, patient: Patient, *, form=None, refusal=None, status: int = 200) -> HttpResponse:
    may_record = request.user.has_perm(permissions.RECORD_CONSENT) and patient.is_active
    context = {
        "patient": patient,
        "standing": together(selectors.standing_of(patient, timezone.localdate()))[0],
        "page_obj": Paginator(patient.consents.newest_first(), PAGE_SIZE).get_page(request.GET.get("page")),
        "form": form if may_record else None,
        "refusal": refusal,
        "is_own": patient.user_id == request.user.pk,
    }
    return render(request, "patients/consents.html", context, status=status)
