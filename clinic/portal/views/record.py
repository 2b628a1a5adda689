"""All that the clinic keeps about a patient, to take away: the own record, or that of a patient who asks for it."""

from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from clinic.core.errors import DomainError
from clinic.core.pages import permission_required_page
from clinic.portal import documents
from clinic.portal.record import RecordNotWhole
from patients.models import Patient
from patients.permissions import EXPORT_RECORD
from patients.services.access import check_chart_open


@require_safe
@permission_required_page(EXPORT_RECORD)
def own_record(request):
    patient = Patient.objects.filter(user=request.user).first()
    if patient is None:
        raise Http404
    return redirect("portal:record", patient.public_id)


@require_safe
@permission_required_page(EXPORT_RECORD)
def record(request, patient: UUID):
    row = _find(request.user, patient)
    check_chart_open(patient=row, by=request.user)
    return _page(request, row)


@require_safe
@permission_required_page(EXPORT_RECORD)
def download(request, patient: UUID, file_type: str):
    row = _find(request.user, patient)
    try:
        return documents.record_response(row, file_type, by=request.user)
    except RecordNotWhole as refusal:
        return _page(request, row, refusal)


def _find(user, public_id: UUID) -> Patient:
    return get_object_or_404(Patient.objects.visible_to(user), public_id=public_id)


def _page(request, patient: Patient, refusal: DomainError | None = None) -> HttpResponse:
    context = {"patient": patient, "refusal": refusal, "is_own": patient.user_id == request.user.pk}
    return render(request, "portal/record.html", context, status=refusal.status if refusal else 200)
