"""The summary of a visit, to read and to print."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from clinic.core.pages import permission_required_page
from clinic.portal.summary import summarised, summary_pdf, words_of
from patients.models import Encounter
from patients.permissions import VIEW_ENCOUNTER
from patients.services.reading import record_chart_read


@require_safe
@permission_required_page(VIEW_ENCOUNTER)
def visit_summary(request, encounter: UUID):
    visit = _read(request.user, encounter)
    return render(request, "portal/visit_summary.html", {"visit": visit, "summary": words_of(visit, request.user)})


@require_safe
@permission_required_page(VIEW_ENCOUNTER)
def visit_summary_pdf(request, encounter: UUID):
    visit = _read(request.user, encounter)
    headers = {"Content-Disposition": f'inline; filename="visit-{visit.public_id}.pdf"'}
    return HttpResponse(summary_pdf(words_of(visit, request.user)), content_type="application/pdf", headers=headers)


def _read(user, public_id: UUID) -> Encounter:
    visit = get_object_or_404(summarised(user), public_id=public_id)
    record_chart_read(patient=visit.patient, by=user, subject=visit)
    return visit
