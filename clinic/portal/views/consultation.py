from uuid import UUID

from django.shortcuts import get_object_or_404, render
from django.utils.timezone import localtime
from django.views.decorators.http import require_safe

from clinic.core.pages import permission_required_page
from patients import permissions
from patients.models import Encounter
from patients.selectors import last_visits
from patients.services.reading import record_chart_read
from patients.views.drafts import draft_context
from patients.views.parts import context_of_part
from pharmacy.selectors.prescribing import prescribing_context
from pharmacy.views.treatments import treatments_context

_CLINICAL_PARTS = ("summary", "diagnoses", "notes", "attachments", "addenda")


@require_safe
@permission_required_page(permissions.RECORD_VITALS, permissions.WRITE_ENCOUNTER)
def consultation(request, encounter: UUID):
    """A visit on one page: all of it for the doctor, the vitals for a nurse."""
    visits = Encounter.objects.visible_to(request.user).select_related("patient", "doctor__user", "signed_by")
    visit = get_object_or_404(visits.prefetch_related("patient__allergies", "patient__problems"), public_id=encounter)
    record_chart_read(patient=visit.patient, by=request.user, subject=visit)
    is_doctor = request.user.has_perm(permissions.WRITE_ENCOUNTER)
    context = {"visit": visit, "is_doctor": is_doctor, "subtitle": f"{visit.doctor}, {localtime(visit.started_at):%H:%M}"}
    if is_doctor:
        context |= prescribing_context(visit, request.user) | treatments_context(visit)
        context["earlier"] = [each for each in last_visits(visit.patient, request.user) if each != visit][:5]
    for part in ("vitals", "sign", *(_CLINICAL_PARTS if is_doctor else ())):
        context |= context_of_part(part, visit)
    context["draft"] = draft_context(visit, request.user)
    return render(request, "portal/consultation.html", context)
