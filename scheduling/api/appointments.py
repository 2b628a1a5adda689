"""Appointments over the API: lists, booking, moving, cancelling."""

from django.utils import timezone
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.generics import get_object_or_404
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from clinic.accounts.models import Doctor
from clinic.audit.api import idempotent
from clinic.core.http import etag_of, expected_version
from patients.models import Patient
from scheduling.api.paging import paged
from scheduling.api.serializers import AppointmentChange, AppointmentFilter, AppointmentInput, ReasonInput, RescheduleInput
from scheduling.models import Appointment
from scheduling.permissions import BOOK_APPOINTMENT, CANCEL_APPOINTMENT, CHANGE_APPOINTMENT, VIEW_APPOINTMENT
from scheduling.selectors.appointments import appointment_json, as_json, list_appointments
from scheduling.services import booking


def answer(appointment: Appointment, request, status: int = 200) -> Response:
    body = appointment_json(appointment.pk, request.user)
    etag = etag_of(body.pop("version"))
    if status == 200 and request.method == "GET" and request.headers.get("If-None-Match") == etag:
        return Response(status=304, headers={"ETag": etag})
    return Response(body, status=status, headers={"ETag": etag})


def filtered(request, **fixed) -> Response:
    """A page of the appointments that the query parameters ask for; `fixed` cannot be overridden by them."""
    filters = AppointmentFilter(data=request.query_params)
    filters.is_valid(raise_exception=True)
    rows = list_appointments(request.user, **(filters.validated_data | fixed))
    return paged(request, rows, lambda page: as_json(page, request.user))


class AppointmentViewSet(GenericViewSet):
    """DELETE cancels, with a reason. A patient acts on the own appointments only."""

    action_permissions = {
        "list": VIEW_APPOINTMENT,
        "retrieve": VIEW_APPOINTMENT,
        "create": BOOK_APPOINTMENT,
        "partial_update": CHANGE_APPOINTMENT,
        "destroy": CANCEL_APPOINTMENT,
        "cancel": CANCEL_APPOINTMENT,
        "reschedule": BOOK_APPOINTMENT,
        "no_show": CHANGE_APPOINTMENT,
    }
    lookup_field = "public_id"
    lookup_value_converter = "uuid"
    serializer_class = AppointmentInput

    def get_queryset(self):
        return Appointment.objects.visible_to(self.request.user)

    def list(self, request):
        return filtered(request)

    def retrieve(self, request, public_id):
        return answer(self.get_object(), request)

    @idempotent
    def create(self, request):
        body = AppointmentInput(data=request.data, context={"user": request.user})
        body.is_valid(raise_exception=True)
        wanted = body.validated_data
        appointment = booking.book_appointment(
            patient_id=wanted.pop("patient").pk,
            doctor_id=wanted.pop("doctor").pk,
            by=request.user,
            now=timezone.now(),
            request_id=request.request_id,
            **wanted,
        )
        return answer(appointment, request, status=201)

    def partial_update(self, request, public_id):
        body = AppointmentChange(data=request.data)
        body.is_valid(raise_exception=True)
        appointment = booking.change_details(
            appointment_id=self.get_object().pk,
            changes=body.validated_data,
            by=request.user,
            expected_version=expected_version(request),
        )
        return answer(appointment, request)

    def destroy(self, request, public_id):
        self._cancel(request, request.data or request.query_params)
        return Response(status=204)

    @action(detail=True, methods=["post"])
    def cancel(self, request, public_id):
        return answer(self._cancel(request, request.data), request)

    @action(detail=True, methods=["post"])
    @idempotent
    def reschedule(self, request, public_id):
        body = RescheduleInput(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data
        doctor = wanted.pop("doctor", None)
        appointment = booking.reschedule_appointment(
            appointment_id=self.get_object().pk,
            doctor_id=doctor.pk if doctor else None,
            by=request.user,
            now=timezone.now(),
            request_id=request.request_id,
            **wanted,
        )
        return answer(appointment, request, status=201)

    @action(detail=True, methods=["post"], url_path="no-show")
    def no_show(self, request, public_id):
        appointment = booking.mark_no_show(appointment_id=self.get_object().pk, by=request.user, now=timezone.now())
        return answer(appointment, request)

    def _cancel(self, request, data) -> Appointment:
        body = ReasonInput(data=data)
        body.is_valid(raise_exception=True)
        return booking.cancel_appointment(
            appointment_id=self.get_object().pk,
            reason=body.validated_data["reason"],
            by=request.user,
            now=timezone.now(),
            expected_version=expected_version(request),
        )


class DoctorAppointments(APIView):
    action_permissions = {"get": VIEW_APPOINTMENT}

    def get(self, request, public_id):
        response = filtered(request, doctor=public_id)
        if not response.data["results"] and not Doctor.objects.filter(public_id=public_id).exists():
            raise NotFound
        return response


class PatientAppointments(APIView):
    """The latest first."""

    action_permissions = {"get": VIEW_APPOINTMENT}

    def get(self, request, public_id):
        get_object_or_404(Patient.objects.visible_to(request.user).only("pk"), public_id=public_id)
        ordering = {} if "ordering" in request.query_params else {"ordering": "-start"}
        return filtered(request, patient=public_id, **ordering)
