"""One token: its story, its priority, and the way to another queue."""

from uuid import UUID

from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from clinic.accounts.models import Doctor
from clinic.core.errors import DomainError
from clinic.core.pages import posted_request_id, staff_page
from patients.permissions import START_ENCOUNTER
from scheduling.forms import PlaceForm, PriorityForm
from scheduling.models import Token, TokenStatus
from scheduling.models.queue import BEFORE_SERVICE, NEXT_STATUSES
from scheduling.permissions import CHANGE_TOKENS, TRIAGE_TOKENS, VIEW_QUEUE
from scheduling.selectors.console import doctors_for
from scheduling.selectors.queue import queue_name, room_words, token_row, token_story, why_here
from scheduling.services import queueing
from scheduling.services.transfers import transfer_token
from scheduling.services.visits import open_before_call
from scheduling.views.pages import asked_id, refused, status_of, url_with


@require_safe
@staff_page(VIEW_QUEUE)
def token(request, token: UUID):
    return _page(request, _token_of(request, token))


@require_POST
@staff_page(TRIAGE_TOKENS)
def change_priority(request, token: UUID):
    row, form = _token_of(request, token), PriorityForm(request.POST)
    if not form.is_valid():
        return _page(request, row, status=400, priority_form=form)
    try:
        queueing.change_priority(token_id=row.pk, by=request.user, now=timezone.now(), **form.cleaned_data)
    except DomainError as refusal:
        return _page(request, row, refusal=refusal, priority_form=form)
    return redirect("scheduling:token", row.public_id)


@require_POST
@staff_page(CHANGE_TOKENS)
def transfer(request, token: UUID):
    row, form = _token_of(request, token), PlaceForm(request.POST)
    if not form.is_valid():
        return _page(request, row, status=400, place_form=form)
    try:
        new = transfer_token(
            token_id=row.pk, by=request.user, now=timezone.now(), request_id=form.cleaned_data["request_id"], **form.owner()
        )
    except DomainError as refusal:
        return _page(request, row, refusal=refusal, place_form=form)
    return redirect("scheduling:token", new.public_id)


@require_POST
@staff_page(START_ENCOUNTER)
def vitals(request, token: UUID):
    """Open the record for the vitals of somebody who still waits, or go on with it."""
    row = _token_of(request, token)
    named = Doctor.objects.filter(public_id=asked_id(request, "doctor")).values_list("pk", flat=True).first()
    try:
        encounter = open_before_call(token_id=row.pk, doctor_id=named, by=request.user, request_id=posted_request_id(request))
    except DomainError as refusal:
        return _page(request, row, refusal=refusal)
    return redirect("portal:consultation", encounter.public_id)


def _token_of(request, public_id: UUID) -> Token:
    return get_object_or_404(Token.objects.visible_to(request.user), public_id=public_id)


def _page(request, found: Token, *, refusal: DomainError | None = None, status: int = 200, **forms):
    row = token_row(found.pk)
    queue = found.queue
    is_waiting = row["status"] == TokenStatus.WAITING
    context = {
        "row": row,
        "label": f"{row['queue__code']}-{row['number']}",
        "name": f"{row['patient__first_name']} {row['patient__last_name']}",
        "queue_name": queue_name(row),
        "queue_url": url_with("scheduling:queue", queue=row["queue__public_id"]),
        "room": room_words(row["room"]),
        "why": why_here(row, timezone.now()) if is_waiting else "",
        "story": token_story(found.pk),
        "doctors": doctors_for(queue) if not getattr(request.user, "doctor", None) else [],
        "is_before_service": row["status"] in BEFORE_SERVICE,
        "may_leave": TokenStatus.TRANSFERRED in NEXT_STATUSES[row["status"]],
        "priority_form": PriorityForm(initial={"priority": row["priority"]}),
        "place_form": PlaceForm(),
        **forms,
    }
    if refusal:
        context |= refused(refusal)
        status = status_of(request, refusal)
    return render(request, "scheduling/token.html", context, status=status)
