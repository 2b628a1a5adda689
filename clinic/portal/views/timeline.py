"""What happened to a patient, in one list."""

from uuid import UUID

from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from clinic.core.errors import InvalidInput
from clinic.core.pages import permission_required_page
from clinic.portal.timeline import asked_for, events_of, kinds_for
from patients.models import Patient
from patients.permissions import RECORD_VITALS, VIEW_ENCOUNTER, WRITE_ENCOUNTER
from patients.selectors import with_lists
from patients.services.reading import record_chart_read


@require_safe
@permission_required_page(VIEW_ENCOUNTER)
def timeline(request, patient: UUID):
    """`kind` (several) filters, `before` goes on where a page ended. With htmx only the list."""
    row = get_object_or_404(with_lists(Patient.objects.visible_to(request.user)), public_id=patient)
    record_chart_read(patient=row, by=request.user)
    context = {
        "patient": row,
        "kinds": kinds_for(request.user),
        "chosen": request.GET.getlist("kind"),
        "may_open": request.user.has_perm(RECORD_VITALS) or request.user.has_perm(WRITE_ENCOUNTER),
    }
    status = 200
    try:
        asked = asked_for(context["chosen"], request.GET.get("before", ""))
        context["events"], context["next"] = events_of(row, request.user, asked)
    except InvalidInput as refusal:
        context["refusal"] = " ".join(words for each in refusal.errors.values() for words in each)
        status = 400
    return render(request, "portal/_timeline.html" if request.htmx else "portal/timeline.html", context, status=status)
