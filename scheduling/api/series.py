"""Recurring appointments over the API."""

from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework.response import Response
from rest_framework.views import APIView

from clinic.audit.api import keyed
from clinic.core.policy import staff_with
from scheduling.api.serializers import SeriesCancelInput, SeriesInput
from scheduling.models import AppointmentSeries
from scheduling.permissions import BOOK_APPOINTMENT, CANCEL_APPOINTMENT, VIEW_APPOINTMENT
from scheduling.selectors.series import series_json
from scheduling.services import series as service


def series_of(request, public_id) -> AppointmentSeries:
    rows = AppointmentSeries.objects.visible_to(request.user).select_related("patient", "doctor__user")
    return get_object_or_404(rows, public_id=public_id)


class RecurringAppointments(APIView):
    """Staff only: a patient books one appointment at a time."""

    action_permissions = {"post": staff_with(BOOK_APPOINTMENT)}

    @keyed
    def post(self, request):
        body = SeriesInput(data=request.data, context={"user": request.user})
        body.is_valid(raise_exception=True)
        wanted = body.validated_data
        series = service.book_series(
            patient_id=wanted["patient"].pk,
            doctor_id=wanted["doctor"].pk,
            start=wanted["start"],
            repeat=service.Repeat(wanted["every_weeks"], wanted.get("count"), wanted.get("until")),
            reason=wanted["reason"],
            by=request.user,
            now=timezone.now(),
            request_id=request.request_id,
        )
        return Response(series_json(series_of(request, series.public_id)), status=201)


class RecurringAppointment(APIView):
    action_permissions = {"get": VIEW_APPOINTMENT}

    def get(self, request, public_id):
        return Response(series_json(series_of(request, public_id)))


class CancelRecurring(APIView):
    action_permissions = {"post": CANCEL_APPOINTMENT}

    def post(self, request, public_id):
        body = SeriesCancelInput(data=request.data)
        body.is_valid(raise_exception=True)
        series, wanted = series_of(request, public_id), body.validated_data
        cancelled = service.cancel_series(
            series_id=series.pk, from_on=wanted["date_from"], reason=wanted["reason"], by=request.user, now=timezone.now()
        )
        return Response({"cancelled": cancelled} | series_json(series))
