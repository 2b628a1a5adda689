"""Walk-ins, the slip with a token's number, and where its holder sees the place in the queue."""

from uuid import UUID

import segno
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from clinic.core.errors import DomainError
from clinic.core.pages import staff_page
from patients.models import Patient
from scheduling.forms import WalkInForm
from scheduling.models import Token
from scheduling.permissions import ISSUE_TOKENS, VIEW_QUEUE
from scheduling.selectors.place import place_of
from scheduling.selectors.queue import queue_name, room_words, token_row
from scheduling.services import queueing
from scheduling.views.pages import asked_id, refused, status_of


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
        context = {"patient": patient, "form": form} | refused(refusal)
        return render(request, "scheduling/walk_in.html", context, status=status_of(request, refusal))
    messages.success(request, f"{patient.full_name} has token {token.label}.")
    return redirect("scheduling:slip", token.public_id)


@require_safe
@staff_page(VIEW_QUEUE)
def slip(request, token: UUID):
    """The number to hand over; it names nobody, for slips get lost."""
    found = get_object_or_404(Token.objects.visible_to(request.user), public_id=token)
    row = token_row(found.pk)
    address = request.build_absolute_uri(reverse("scheduling:place", args=[found.slip_key]))
    context = {
        "row": row,
        "label": f"{row['queue__code']}-{row['number']}",
        "queue_name": queue_name(row),
        "room": room_words(row["room"]),
        "code": segno.make(address, error="m", micro=False).svg_data_uri(scale=4, light="#fff"),
    }
    return render(request, "scheduling/slip.html", context)


@login_not_required
@never_cache
@require_safe
def place(request, key: UUID):
    """Public, for whoever holds the slip, on its day: the number and its place. A patient who was sent on is followed."""
    token = get_object_or_404(Token, slip_key=key, on=timezone.localdate())
    if later := Token.objects.filter(transferred_from=token).first():
        return redirect("scheduling:place", later.slip_key)
    page = "scheduling/_place.html" if request.htmx else "scheduling/place.html"
    response = render(request, page, {"place": place_of(token)})
    response["Referrer-Policy"] = "no-referrer"  # the address is the key
    response["X-Robots-Tag"] = "noindex"
    return response
