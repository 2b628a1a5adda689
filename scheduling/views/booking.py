"""Choosing a time: for a new appointment, or to move one."""

from datetime import date, timedelta
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from clinic.accounts.models import Doctor
from clinic.core.errors import DomainError
from clinic.core.pages import permission_required_page
from patients.models import Patient
from scheduling.forms import BookingForm
from scheduling.models import Appointment
from scheduling.permissions import BOOK_APPOINTMENT
from scheduling.selectors import picker
from scheduling.services import booking, holds
from scheduling.services.series import Repeat, book_series
from scheduling.views.pages import asked_date, asked_id, back_to, refused, status_of


@require_http_methods(["GET", "POST"])
@permission_required_page(BOOK_APPOINTMENT)
def book(request, patient: UUID):
    person = get_object_or_404(Patient.objects.visible_to(request.user), public_id=patient)
    form = BookingForm(request.POST or None)
    if request.method == "GET" or not form.is_valid():
        return _page(request, person, form)
    doctor = get_object_or_404(Doctor, public_id=asked_id(request, "doctor"))
    wanted = form.cleaned_data
    if wanted["every_weeks"]:
        return _book_series(request, person, doctor, form)
    try:
        appointment = booking.book_appointment(
            patient_id=person.pk,
            doctor_id=doctor.pk,
            start=wanted["start"],
            reason=wanted["reason"],
            hold=wanted["hold"],
            overbook_reason=wanted["overbook_reason"],
            by=request.user,
            now=timezone.now(),
            request_id=wanted["request_id"],
        )
    except DomainError as refusal:
        return _page(request, person, form, refusal=refusal)
    return _done(request, appointment, "Booked")


def _book_series(request, person: Patient, doctor: Doctor, form: BookingForm):
    if not request.user.is_staff_member:  # a patient books one appointment at a time
        raise PermissionDenied
    wanted = form.cleaned_data
    holds.release_hold(doctor_id=doctor.pk, start=wanted["start"], hold=wanted["hold"])
    try:
        made = book_series(
            patient_id=person.pk,
            doctor_id=doctor.pk,
            start=wanted["start"],
            repeat=Repeat(wanted["every_weeks"], wanted["count"], wanted["until"]),
            reason=wanted["reason"],
            by=request.user,
            now=timezone.now(),
            request_id=wanted["request_id"],
        )
    except DomainError as refusal:
        return _page(request, person, form, refusal=refusal)
    return redirect("scheduling:series", made.public_id)


@require_http_methods(["GET", "POST"])
@permission_required_page(BOOK_APPOINTMENT)
def move(request, appointment: UUID):
    old = get_object_or_404(_visible(request), public_id=appointment)
    form = BookingForm(request.POST or None)
    if request.method == "GET" or not form.is_valid():
        return _page(request, old.patient, form, moving=old)
    doctor = get_object_or_404(Doctor, public_id=asked_id(request, "doctor"))
    wanted = form.cleaned_data
    try:
        moved = booking.reschedule_appointment(
            appointment_id=old.pk,
            doctor_id=doctor.pk,
            start=wanted["start"],
            hold=wanted["hold"],
            by=request.user,
            now=timezone.now(),
            request_id=wanted["request_id"],
        )
    except DomainError as refusal:
        return _page(request, old.patient, form, moving=old, refusal=refusal)
    return _done(request, moved, "Moved to")


@require_POST
@permission_required_page(BOOK_APPOINTMENT)
def hold(request):
    """Keep the chosen time free while the form is filled in; answers the form's hidden field."""
    form = BookingForm(request.POST)
    doctor = get_object_or_404(Doctor, public_id=asked_id(request, "doctor"))
    if not form.is_valid():
        return render(request, "scheduling/_hold.html", {"refusal": "Choose a time first."}, status=422)
    wanted = form.cleaned_data
    if wanted["hold"] and wanted["held_start"]:  # the one that was chosen before
        holds.release_hold(doctor_id=doctor.pk, start=wanted["held_start"], hold=wanted["hold"])
    try:
        held = holds.hold_slot(doctor=doctor, start=wanted["start"], by=request.user, now=timezone.now())
    except DomainError as refusal:
        return render(request, "scheduling/_hold.html", refused(refusal), status=status_of(request, refusal))
    return render(request, "scheduling/_hold.html", {"held": held, "held_start": wanted["start"]})


def _done(request, appointment: Appointment, word: str):
    at = timezone.localtime(appointment.starts_at)
    messages.success(request, f"{word} {at:%A} {at.day} {at:%B}, {at:%H:%M}.")
    return back_to(request, "scheduling:appointment", appointment.public_id)


def _visible(request):
    return Appointment.objects.visible_to(request.user).select_related("patient", "doctor__user", "doctor__department")


def _page(request, patient: Patient, form: BookingForm, *, moving: Appointment | None = None, refusal: DomainError | None = None):
    context = {"patient": patient, "moving": moving, "form": form} | _offers(request, patient, moving)
    status = 200
    if refusal:
        context |= refused(refusal)
        status = status_of(request, refusal)
    elif form.is_bound:
        status = 422 if request.htmx else 400
    return render(request, "scheduling/_picker.html" if request.htmx else "scheduling/book.html", context, status=status)


def _offers(request, patient: Patient, moving: Appointment | None) -> dict:
    now = timezone.now()
    doctors = picker.active_doctors()
    doctor = _doctor(request, doctors, patient, moving)
    if doctor is None:
        return {"doctors": doctors, "doctor": None}
    first = asked_date(request, "from")
    choices = picker.strip(doctor, first=first, now=now, user=request.user)
    asked = asked_date(request) if "date" in request.GET else None
    following = choices[-1].on + timedelta(days=1)
    return {
        "doctors": doctors,
        "doctor": doctor,
        "choices": choices,
        "chosen": picker.chosen_of(choices, asked),
        "first": choices[0].on,
        "earlier": picker.earlier_strip(choices[0].on, now),
        "following": following if following < date(2200, 1, 1) else None,
        "posted_start": request.POST.get("start", ""),
    }


def _doctor(request, doctors: list[Doctor], patient: Patient, moving: Appointment | None) -> Doctor | None:
    """The asked one, else the appointment's, the own, or the patient's usual one."""
    if asked := asked_id(request, "doctor"):
        return next((each for each in doctors if each.public_id == asked), None)
    if moving:
        return _by_pk(doctors, moving.doctor_id)
    if own := getattr(request.user, "doctor", None):
        return _by_pk(doctors, own.pk)
    return _by_pk(doctors, picker.usual_doctor_id(patient)) or (doctors[0] if len(doctors) == 1 else None)


def _by_pk(doctors: list[Doctor], pk: int | None) -> Doctor | None:
    return next((each for each in doctors if each.pk == pk), None)
