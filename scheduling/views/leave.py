"""Appointments in a time that leave or a holiday closed: move, cancel or keep, one by one."""

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from clinic.core.errors import NotFound
from clinic.core.pages import staff_page
from scheduling.forms import ReasonForm
from scheduling.models import Appointment, DoctorException
from scheduling.permissions import CHANGE_APPOINTMENT, VIEW_APPOINTMENT
from scheduling.selectors.leave import undecided, with_offers
from scheduling.services import leave
from scheduling.views.pages import url_with

PER_PAGE = 25


@require_safe
@staff_page(VIEW_APPOINTMENT)
def affected(request, exception: UUID):
    row = get_object_or_404(DoctorException.objects.select_related("doctor__user"), public_id=exception)
    now = timezone.now()
    page = Paginator(undecided(row, now=now), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "exception": row,
        "rows": with_offers(list(page.object_list), now=now),
        "page_obj": page,
        "cancel_form": ReasonForm(initial={"reason": f"{row.get_kind_display()}: the doctor is away."}, auto_id=False),
        "back": url_with("scheduling:hours", doctor=row.doctor.public_id if row.doctor else None),
    }
    return render(request, "scheduling/affected.html", context)


@require_POST
@staff_page(CHANGE_APPOINTMENT)
def keep(request, exception: UUID, appointment: UUID):
    row = get_object_or_404(DoctorException, public_id=exception)
    kept = get_object_or_404(Appointment.objects.visible_to(request.user), public_id=appointment)
    try:
        leave.keep_appointment(exception_id=row.pk, appointment_id=kept.pk, by=request.user, now=timezone.now())
    except NotFound as refusal:
        raise Http404 from refusal
    messages.success(request, "Kept. The appointment stands as it was booked.")
    return redirect("scheduling:affected", row.public_id)
