"""A series of appointments: what became of each date, and the end of it."""

from uuid import UUID

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from clinic.core.errors import DomainError
from clinic.core.pages import permission_required_page
from scheduling.forms import SeriesEndForm
from scheduling.models import AppointmentSeries
from scheduling.permissions import CANCEL_APPOINTMENT, VIEW_APPOINTMENT
from scheduling.selectors.series import dates_of
from scheduling.services import series as service
from scheduling.views.pages import refused, status_of


@require_safe
@permission_required_page(VIEW_APPOINTMENT)
def series(request, series: UUID):
    return _page(request, _get(request, series))


@require_POST
@permission_required_page(CANCEL_APPOINTMENT)
def cancel(request, series: UUID):
    row, form = _get(request, series), SeriesEndForm(request.POST)
    if not form.is_valid():
        return _page(request, row, form=form)
    try:
        count = service.cancel_series(series_id=row.pk, by=request.user, now=timezone.now(), **form.cleaned_data)
    except DomainError as refusal:
        return _page(request, row, form=form, refusal=refusal)
    words = {0: "Nothing was left to cancel from that day on.", 1: "1 appointment is cancelled; its time is free again."}
    messages.success(request, words.get(count, f"{count} appointments are cancelled; their times are free again."))
    return redirect("scheduling:series", row.public_id)


def _get(request, public_id: UUID) -> AppointmentSeries:
    rows = AppointmentSeries.objects.visible_to(request.user).select_related("patient", "doctor__user", "doctor__department")
    return get_object_or_404(rows, public_id=public_id)


def _page(request, row: AppointmentSeries, *, form: SeriesEndForm | None = None, refusal: DomainError | None = None):
    dates = list(dates_of(row))
    context = {
        "series": row,
        "patient": row.patient,
        "dates": dates,
        "booked": sum(each.status == "booked" for each in dates),
        "can_cancel": any(each.appointment and each.appointment.is_live for each in dates),
        "form": form or SeriesEndForm(),
    }
    status = 200
    if refusal:
        context |= refused(refusal)
        status = status_of(request, refusal)
    elif form:
        status = 400
    return render(request, "scheduling/series.html", context, status=status)
