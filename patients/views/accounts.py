"""Who signed up for the portal, and which patient they are."""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from clinic.core.errors import DomainError
from clinic.core.pages import staff_page
from patients import permissions, selectors
from patients.errors import BreakGlassRequired
from patients.models import Patient
from patients.services import accounts
from patients.services.access import check_chart_open


@require_safe
@staff_page(permissions.LINK_ACCOUNT)
def account_list(request):
    return render(
        request, "patients/accounts.html", {"sign_ups": selectors.waiting_sign_ups(), "linked": selectors.linked_lately(request.user)}
    )


@require_safe
@staff_page(permissions.LINK_ACCOUNT)
def account(request, sign_up: UUID):
    """What they said, the records that are like it, and those that a search finds."""
    row = _find(sign_up)
    query = request.GET.get("q", "").strip()
    said = {"first_name": row.first_name, "last_name": row.last_name, "date_of_birth": row.date_of_birth, "phone": str(row.phone)}
    if query:
        found = [(patient, ()) for patient in selectors.search_patients(query, request.user)]
    else:
        found = [(each.patient, each.reasons) for each in selectors.possible_duplicates(said, request.user)]
    return render(request, "patients/account.html", {"sign_up": row, "found": found, "query": query})


@require_POST
@staff_page(permissions.LINK_ACCOUNT)
def link(request, sign_up: UUID, patient: UUID):
    row, record = _find(sign_up), get_object_or_404(Patient.objects.visible_to(request.user), public_id=patient)
    check_chart_open(patient=record, by=request.user)
    return _do(
        request,
        lambda: accounts.link_account(sign_up_id=row.pk, patient_id=record.pk, identity_seen="seen" in request.POST, by=request.user),
        done=f"The account now sees the record {record.mrn}.",
        back=redirect("patients:account", sign_up),
    )


@require_POST
@staff_page(permissions.LINK_ACCOUNT)
def register(request, sign_up: UUID):
    row = _find(sign_up)
    return _do(
        request,
        lambda: accounts.register_with_account(sign_up_id=row.pk, identity_seen="seen" in request.POST, by=request.user),
        done="Registered, and linked to the account. Please complete the record.",
        back=redirect("patients:account", sign_up),
    )


@require_POST
@staff_page(permissions.LINK_ACCOUNT)
def dismiss(request, sign_up: UUID):
    row = _find(sign_up)
    return _do(request, lambda: accounts.dismiss_sign_up(sign_up_id=row.pk, by=request.user), done="Taken off the list.")


@require_POST
@staff_page(permissions.LINK_ACCOUNT)
def unlink(request, patient: UUID):
    record = get_object_or_404(Patient.objects.visible_to(request.user), public_id=patient)
    check_chart_open(patient=record, by=request.user)
    return _do(
        request, lambda: accounts.unlink_account(patient_id=record.pk, by=request.user), done="The account sees that record no more."
    )


def _find(public_id: UUID):
    return get_object_or_404(selectors.waiting_sign_ups(), public_id=public_id)


def _do(request, act: Callable, *, done: str, back: HttpResponse | None = None) -> HttpResponse:
    try:
        act()
    except BreakGlassRequired:
        raise  # has a page of its own
    except DomainError as refusal:
        messages.error(request, next(iter(refusal.errors.values()))[0] if refusal.errors else refusal.detail)
        return back or redirect("patients:accounts")
    messages.success(request, done)
    return redirect("patients:accounts")
