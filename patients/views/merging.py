"""Duplicates: compare, merge, undo, or say that they are two people."""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from clinic.core.errors import DomainError
from clinic.core.pages import permission_required_page, say_refusal
from patients import forms, permissions, selectors
from patients.errors import BreakGlassRequired
from patients.models import Patient
from patients.services import merging


@require_safe
@permission_required_page(permissions.MERGE_PATIENTS)
def duplicates(request, patient: UUID):
    """Who may be the same person, and what was merged into this record."""
    row = _find(request, patient)
    found = selectors.possible_duplicates(selectors.identity_of(row), request.user, exclude_id=row.pk)
    context = {
        "patient": row,
        "duplicates": [(each, forms.ReasonForm(auto_id=f"merge-{each.patient.public_id}_%s")) for each in found],
        "merges": selectors.merges_into(row),
    }
    return render(request, "patients/duplicates.html", context)


@require_POST
@permission_required_page(permissions.MERGE_PATIENTS)
def merge(request, patient: UUID, other: UUID):
    survivor, loser = _find(request, patient), _find(request, other)
    reason = request.POST.get("reason", "")[:200].replace("\0", "")

    def act():
        merging.merge_patients(survivor_id=survivor.pk, loser_id=loser.pk, reason=reason, by=request.user, now=timezone.now())

    return _do(request, survivor, act, done=f"{loser.mrn} is merged into this record.")


@require_POST
@permission_required_page(permissions.MERGE_PATIENTS)
def unmerge(request, patient: UUID):
    row = _find(request, patient)
    return _do(
        request,
        row,
        lambda: merging.unmerge_patients(patient_id=row.pk, by=request.user, now=timezone.now()),
        done="The merge is undone.",
    )


@require_POST
@permission_required_page(permissions.MERGE_PATIENTS)
def not_duplicate(request, patient: UUID, other: UUID):
    row, another = _find(request, patient), _find(request, other)
    return _do(
        request,
        row,
        lambda: merging.mark_not_duplicate(patient_id=row.pk, other_id=another.pk, by=request.user),
        done="These two are not proposed again.",
    )


def _find(request, public_id: UUID) -> Patient:
    return get_object_or_404(Patient.objects.visible_to(request.user), public_id=public_id)


def _do(request, patient: Patient, act: Callable, *, done: str) -> HttpResponse:
    try:
        act()
    except BreakGlassRequired:
        raise  # has a page of its own
    except DomainError as refusal:
        say_refusal(request, refusal)
    else:
        messages.success(request, done)
    return redirect("patients:duplicates", patient.public_id)
