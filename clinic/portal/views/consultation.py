from functools import reduce
from operator import or_
from uuid import UUID

from django.shortcuts import get_object_or_404, render
from django.utils.timezone import localtime
from django.views.decorators.http import require_safe

from clinic.core.pages import permission_required_page
from clinic.core.together import together
from patients import permissions
from patients.models import Encounter
from patients.selectors import last_visits, lists_of
from patients.services.reading import record_chart_read
from patients.views.drafts import draft_context
from patients.views.parts import context_of_parts
from pharmacy.selectors.prescribing import prescribing_context
from pharmacy.views.treatments import treatments_context

_PARTS = ("vitals", "sign")
_CLINICAL_PARTS = ("summary", "diagnoses", "notes", "attachments", "addenda")
MOST_EARLIER = 5


@require_safe
@permission_required_page(permissions.RECORD_VITALS, permissions.WRITE_ENCOUNTER)
def consultation(request, encounter: UUID):
    """A visit on one page: all of it for the doctor, the vitals for a nurse."""
    visits = Encounter.objects.visible_to(request.user).select_related("patient", "doctor__user", "signed_by")
    visit = get_object_or_404(visits, public_id=encounter)
    record_chart_read(patient=visit.patient, by=request.user, subject=visit)
    is_doctor = request.user.has_perm(permissions.WRITE_ENCOUNTER)
    context = {"visit": visit, "is_doctor": is_doctor, "subtitle": f"{visit.doctor}, {localtime(visit.started_at):%H:%M}"}
    readers = [lists_of(visit.patient), draft_context(visit, request.user), context_of_parts(_PARTS, visit)]
    if is_doctor:
        readers += [context_of_parts(_CLINICAL_PARTS, visit), prescribing_context(visit, request.user), treatments_context(visit)]
        readers.append(last_visits(visit.patient, request.user))
    _, context["draft"], *parts = together(*readers)
    if is_doctor:
        context["earlier"] = [each for each in parts.pop() if each != visit][:MOST_EARLIER]
    return render(request, "portal/consultation.html", reduce(or_, parts, context))
