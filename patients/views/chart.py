"""The chart: what someone has to know of a patient, the most important first."""

import logging
from datetime import date
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.db import DatabaseError
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.module_loading import import_string
from django.views.decorators.http import require_safe

from clinic.core.errors import Forbidden
from clinic.core.pages import permission_required_page
from clinic.core.together import together
from patients import forms, permissions, selectors
from patients.models import EncounterStatus, Patient
from patients.services.reading import record_chart_read

logger = logging.getLogger(__name__)


@require_safe
@permission_required_page(permissions.VIEW_PATIENT)
def chart(request, patient: UUID):
    """With `as_of` (YYYY-MM-DD) as it stood at the end of that day."""
    row = get_object_or_404(Patient.objects.visible_to(request.user).select_related("merged_into"), public_id=patient)
    if row.merged_into:
        messages.info(request, f"{row.mrn} was merged into this record.")
        return redirect("patients:chart", row.merged_into.public_id)
    record_chart_read(patient=row, by=request.user)
    if "as_of" in request.GET:
        return _as_of(request, row)
    context = {
        "patient": row,
        "reason_form": forms.ReasonForm(auto_id="deactivate_%s"),
        "day_form": forms.DayForm(today=timezone.localdate()),
    }
    readers = [selectors.lists_of(row)]
    if request.user.has_perm(permissions.VIEW_ENCOUNTER):
        readers += [selectors.last_visits(row, request.user), selectors.trends_of(row, request.user), selectors.files_of(row, request.user)]
    shows_consents = request.user.has_perm(permissions.VIEW_CONSENT)
    if shows_consents:
        readers.append(selectors.standing_of(row, timezone.localdate()))
    _, *clinical = together(*readers)
    if shows_consents:
        context["standing"] = clinical.pop()
    if clinical:
        context |= _clinical(*clinical, may_open=_may_open(request.user))
    return render(request, "patients/chart.html", context | _medication(row, request.user, on=timezone.localdate()))


def _as_of(request, patient: Patient):
    """What the chart said at the end of a day: what is kept of then, and nothing of today's."""
    form = forms.DayForm(request.GET, today=timezone.localdate())
    if not form.is_valid():
        return render(request, "patients/chart_as_of.html", {"patient": patient, "day_form": form}, status=400)
    day = form.cleaned_data["as_of"]
    readers = [selectors.lists_as_of(patient, day)]
    if request.user.has_perm(permissions.VIEW_ENCOUNTER):
        readers.append(selectors.visits_as_of(patient, request.user, day))
    lists, *visits = together(*readers)
    context = {"patient": patient, "day_form": form, "day": day, "lists": lists, "visits": visits[0] if visits else None}
    return render(request, "patients/chart_as_of.html", context | _medication(patient, request.user, on=day))


def _may_open(user) -> bool:
    return user.has_perm(permissions.RECORD_VITALS) or user.has_perm(permissions.WRITE_ENCOUNTER)


def _clinical(visits, trends, files, *, may_open: bool) -> dict:
    return {
        "visits": visits,
        "trends": trends,
        "files": files,
        "most_files": selectors.MOST_FILES,
        "last_visit": next((visit for visit in visits if visit.status == EncounterStatus.COMPLETED), None),
        "open_visit": next((visit for visit in visits if may_open and visit.is_open), None),
    }


def _medication(patient: Patient, user, *, on: date) -> dict:
    """What they take, read apart from all else: when it cannot be read the chart says so, and shows the rest."""
    read_medication = import_string(settings.CHART_MEDICATION)
    try:
        return {"shows_medication": True, "medication": together(read_medication(patient=patient, user=user, on=on))[0]}
    except Forbidden:
        return {"shows_medication": False}
    except DatabaseError:
        logger.exception("the medication of a chart could not be read", extra={"patient": str(patient.public_id)})
        return {"shows_medication": True, "medication": None}
