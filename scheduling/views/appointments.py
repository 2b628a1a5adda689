"""One appointment, and what can be done with it."""

from uuid import UUID

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from clinic.core.errors import DomainError
from clinic.core.pages import permission_required_page, posted_request_id, staff_page
from patients.permissions import START_ENCOUNTER
from scheduling.forms import ReasonForm
from scheduling.models import Appointment, AppointmentStatus
from scheduling.models.appointment import NEXT_STATUSES
from scheduling.permissions import CANCEL_APPOINTMENT, CHANGE_APPOINTMENT, ISSUE_TOKENS, VIEW_APPOINTMENT
from scheduling.selectors.arrivals import arrival
from scheduling.services import booking, queueing
from scheduling.services.visits import start_visit as start_the_visit
from scheduling.views.pages import back_to, refused, status_of, url_with


@require_safe
@permission_required_page(VIEW_APPOINTMENT)
def appointment(request, appointment: UUID):
    return _page(request, _get(request, appointment))


@require_POST
@permission_required_page(CANCEL_APPOINTMENT)
def cancel(request, appointment: UUID):
    row, form = _get(request, appointment), ReasonForm(request.POST)
    if not form.is_valid():
        return _page(request, row, cancel_form=form)
    try:
        booking.cancel_appointment(appointment_id=row.pk, by=request.user, now=timezone.now(), **form.cleaned_data)
    except DomainError as refusal:
        return _page(request, row, refusal=refusal)
    messages.success(request, "The appointment is cancelled; its time is free again.")
    return back_to(request, "scheduling:appointment", row.public_id)


@require_POST
@staff_page(CHANGE_APPOINTMENT)
def no_show(request, appointment: UUID):
    row = _get(request, appointment)
    try:
        booking.mark_no_show(appointment_id=row.pk, by=request.user, now=timezone.now())
    except DomainError as refusal:
        return _page(request, row, refusal=refusal)
    messages.success(request, "Marked as a no-show.")
    return back_to(request, "scheduling:appointment", row.public_id)


@require_POST
@staff_page(ISSUE_TOKENS)
def check_in(request, appointment: UUID):
    """With htmx the arrival's row of the desk, else a redirect."""
    row = _get(request, appointment)
    try:
        token = queueing.check_in(appointment_id=row.pk, by=request.user, now=timezone.now(), request_id=posted_request_id(request))
    except DomainError as refusal:
        if not request.htmx:
            return _page(request, row, refusal=refusal)
        context = {"arrival": arrival(row.pk)} | refused(refusal)
        return render(request, "scheduling/_arrival.html", context, status=status_of(request, refusal))
    if request.htmx:
        response = render(request, "scheduling/_arrival.html", {"arrival": arrival(row.pk), "is_new": True})
        response["HX-Trigger"] = f'{{"toast": {{"text": "Token {token.label}", "tone": "success"}}, "queueChanged": {{}}}}'
        return response
    messages.success(request, f"Checked in: token {token.label}.")
    return back_to(request, "scheduling:appointment", row.public_id)


@require_POST
@staff_page(START_ENCOUNTER)
def start_visit(request, appointment: UUID):
    row = _get(request, appointment)
    try:
        encounter = start_the_visit(appointment_id=row.pk, by=request.user, request_id=posted_request_id(request))
    except DomainError as refusal:
        return _page(request, row, refusal=refusal)
    return redirect("portal:consultation", encounter.public_id)


def _get(request, public_id: UUID) -> Appointment:
    rows = Appointment.objects.visible_to(request.user).select_related(
        "patient",
        "doctor__user",
        "doctor__department",
        "rescheduled_to",
        "rescheduled_from",
        "encounter",
        "token__queue",
        "booked_by",
        "series",
    )
    return get_object_or_404(rows, public_id=public_id)


def _page(request, row: Appointment, *, cancel_form: ReasonForm | None = None, refusal: DomainError | None = None):
    following = NEXT_STATUSES[row.status]
    now = timezone.now()
    is_staff = request.user.is_staff_member
    context = {
        "appointment": row,
        "patient": row.patient,
        "is_today": timezone.localdate(row.starts_at) == timezone.localdate(now),
        "can_cancel": AppointmentStatus.CANCELLED in following,
        "can_move": AppointmentStatus.RESCHEDULED in following,
        "can_miss": is_staff and AppointmentStatus.NO_SHOW in following and now >= row.starts_at,
        "can_start": is_staff and AppointmentStatus.IN_CONSULTATION in following,
        "is_staff_member": is_staff,
        "back": url_with("scheduling:schedule", date=timezone.localdate(row.starts_at)) if is_staff else reverse("portal:home"),
        "cancel_form": cancel_form or ReasonForm(auto_id="cancel_%s"),
    }
    status = 200
    if refusal:
        context |= refused(refusal)
        status = status_of(request, refusal)
    elif cancel_form:
        context["refusal"] = "Say why it is cancelled."
        status = 400
    return render(request, "scheduling/appointment.html", context, status=status)
