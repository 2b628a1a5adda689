"""When doctors work: weekly sessions, leave, holidays, extra hours."""

from uuid import UUID

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from clinic.accounts.models import Doctor
from clinic.core.errors import DomainError
from clinic.core.pages import staff_page
from scheduling.forms import ExceptionForm, SessionForm
from scheduling.models import DoctorException, DoctorSession
from scheduling.permissions import MANAGE_HOURS, VIEW_HOURS
from scheduling.selectors.picker import active_doctors
from scheduling.selectors.working import exceptions_from, sessions_from, summary_of
from scheduling.services import hours as service
from scheduling.views.pages import asked_id, refused, status_of, url_with


@require_safe
@staff_page(VIEW_HOURS)
def hours(request):
    return _page(request)


@require_POST
@staff_page(MANAGE_HOURS)
def add_session(request):
    form = SessionForm(request.POST, auto_id="session_%s")
    if not form.is_valid():
        return _page(request, session_form=form)
    try:
        session = service.add_session(data=form.cleaned_data, by=request.user)
    except DomainError as refusal:
        return _page(request, session_form=form, refusal=refusal)
    messages.success(request, "The session is added.")
    return redirect(url_with("scheduling:hours", doctor=session.doctor.public_id))


@require_POST
@staff_page(MANAGE_HOURS)
def end_session(request, session: UUID):
    row = get_object_or_404(DoctorSession.objects.select_related("doctor"), public_id=session)
    service.end_session(session_id=row.pk, on=timezone.localdate(), by=request.user)
    messages.success(request, "The session holds no longer. Booked appointments stay.")
    return redirect(url_with("scheduling:hours", doctor=row.doctor.public_id))


@require_POST
@staff_page(MANAGE_HOURS)
def add_exception(request):
    form = ExceptionForm(request.POST, auto_id="exception_%s")
    if not form.is_valid():
        return _page(request, exception_form=form)
    data = form.cleaned_data
    start, end = data.pop("start"), data.pop("end")
    try:
        added = service.add_exception(data=data, start=start, end=end, by=request.user, now=timezone.now())
    except DomainError as refusal:
        return _page(request, exception_form=form, refusal=refusal)
    if added.affected:
        messages.warning(request, "Saved. There are appointments in that time: move, cancel or keep each of them.")
        return redirect("scheduling:affected", added.exception.public_id)
    messages.success(request, "Saved.")
    return redirect(url_with("scheduling:hours", doctor=added.exception.doctor.public_id if added.exception.doctor else None))


@require_POST
@staff_page(MANAGE_HOURS)
def remove_exception(request, exception: UUID):
    row = get_object_or_404(DoctorException.objects.select_related("doctor"), public_id=exception)
    service.remove_exception(exception_id=row.pk, by=request.user)
    messages.success(request, "Removed.")
    return redirect(url_with("scheduling:hours", doctor=row.doctor.public_id if row.doctor else None))


def _page(request, *, session_form=None, exception_form=None, refusal: DomainError | None = None):
    doctor = Doctor.objects.select_related("user", "department__facility").filter(public_id=asked_id(request, "doctor")).first()
    today = timezone.localdate()
    initial = {"doctor": doctor.public_id, "facility": doctor.department.facility.public_id} if doctor else {}
    sessions = sessions_from(today, doctor=doctor)
    context = {
        "doctor": doctor,
        "doctors": active_doctors(),
        "sessions": sessions,
        "summary": [] if doctor else summary_of(sessions),
        "exceptions": exceptions_from(today, now=timezone.now(), doctor=doctor),
        "session_form": session_form or SessionForm(auto_id="session_%s", initial=initial),
        "exception_form": exception_form or ExceptionForm(auto_id="exception_%s", initial={"doctor": initial.get("doctor")}),
        "open_session_form": session_form is not None,
        "open_exception_form": exception_form is not None,
    }
    status = 200
    if refusal:
        context |= refused(refusal)
        status = status_of(request, refusal)
    elif session_form or exception_form:
        status = 400
    return render(request, "scheduling/hours.html", context, status=status)
