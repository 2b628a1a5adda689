"""Walk-ins, and the slip with a token's number."""

from uuid import UUID

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from clinic.core.errors import DomainError
from patients.models import Patient
from scheduling.forms import WalkInForm
from scheduling.models import Token
from scheduling.permissions import ISSUE_TOKENS, VIEW_QUEUE
from scheduling.selectors.queue import queue_name, room_words, token_row
from scheduling.services import queueing
from scheduling.views.pages import asked_id, refused, staff_page, status_of


@require_http_methods(["GET", "POST"])
@staff_page(ISSUE_TOKENS)
def walk_in(request):
    """First the patient (`?patient=`), then the queue."""
    wanted = asked_id(request, "patient")
    patient = get_object_or_404(Patient.objects.visible_to(request.user), public_id=wanted) if wanted else None
    form = WalkInForm(request.POST if request.method == "POST" and patient else None)
    if request.method == "GET" or patient is None or not form.is_valid():
        status = 200 if request.method == "GET" else 422 if request.htmx else 400
        return render(request, "scheduling/walk_in.html", {"patient": patient, "form": form}, status=status)
    try:
        token = queueing.walk_in(
            patient_id=patient.pk,
            priority=form.cleaned_data["priority"],
            reason=form.cleaned_data["reason"],
            by=request.user,
            now=timezone.now(),
            request_id=form.cleaned_data["request_id"],
            **form.owner(),
        )
    except DomainError as refusal:
        context = {"patient": patient, "form": form} | refused(request, refusal)
        return render(request, "scheduling/walk_in.html", context, status=status_of(request, refusal))
    messages.success(request, f"{patient.full_name} has token {token.label}.")
    return redirect("scheduling:slip", token.public_id)


@require_safe
@staff_page(VIEW_QUEUE)
def slip(request, token: UUID):
    """The number to hand over; it names nobody, for slips get lost."""
    row = token_row(get_object_or_404(Token.objects.visible_to(request.user), public_id=token).pk)
    context = {"row": row, "label": f"{row['queue__code']}-{row['number']}", "queue_name": queue_name(row), "room": room_words(row["room"])}
    return render(request, "scheduling/slip.html", context)
