"""What is handed out of prescriptions, and what comes back."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from clinic.audit.api import idempotent
from patients.services.access import check_chart_open
from patients.services.reading import record_chart_read
from pharmacy.api.body import checked
from pharmacy.api.filters import DispensingFilters, end_of, start_of
from pharmacy.api.serializers import (
    DispenseInput,
    DispenseSerializer,
    ReturnInput,
)
from pharmacy.api.witness import witnessed
from pharmacy.models import Dispense
from pharmacy.permissions import DISPENSE, VIEW_PRESCRIPTION
from pharmacy.services.dispensing import dispense_prescription
from pharmacy.services.reading import record_list_read
from pharmacy.services.returning import return_dispensed


class DispensingViewSet(mixins.ListModelMixin, GenericViewSet):
    serializer_class = DispenseSerializer
    lookup_field = "public_id"
    action_permissions = {"list": VIEW_PRESCRIPTION, "retrieve": VIEW_PRESCRIPTION, "create": DISPENSE, "return_lines": DISPENSE}
    queryset = Dispense.objects.all()

    def get_queryset(self):
        dispenses = Dispense.objects.visible_to(self.request.user).with_details().order_by("-id")
        if self.action != "list":
            return dispenses
        dispenses = dispenses.of_open_charts(self.request.user, now=timezone.now())
        filters = DispensingFilters.of(self.request)
        wanted = {
            "prescription": lambda value: {"prescription__public_id": value},
            "patient": lambda value: {"prescription__patient__public_id": value},
            "date_from": lambda value: {"dispensed_at__gte": start_of(value)},
            "date_to": lambda value: {"dispensed_at__lt": end_of(value)},
        }
        for name, value in filters.items():
            dispenses = dispenses.filter(**wanted[name](value))
        return dispenses

    def get_object(self):
        """Whatever is done with one, its patient's chart is opened."""
        dispense = super().get_object()
        check_chart_open(patient=dispense.prescription.patient, by=self.request.user)
        return dispense

    @extend_schema(parameters=[DispensingFilters])
    def list(self, request):
        page = self.paginate_queryset(self.get_queryset())
        record_list_read(prescriptions=[dispense.prescription for dispense in page], by=request.user)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def retrieve(self, request, public_id):
        dispense = self.get_object()
        record_chart_read(patient=dispense.prescription.patient, by=request.user, subject=dispense)
        return Response(self.get_serializer(dispense).data)

    @extend_schema(request=DispenseInput, responses={201: DispenseSerializer})
    @witnessed
    @idempotent
    def create(self, request):
        body = checked(DispenseInput, request, context={"request": request})
        prescription = body.pop("prescription")
        check_chart_open(patient=prescription.patient, by=request.user)
        dispense = dispense_prescription(
            prescription_id=prescription.pk,
            pharmacist=request.user,
            request_id=request.request_id,
            on=timezone.localdate(),
            **(body | {"witness": request.witness}),
        )
        return self._answer(dispense, status=201)

    @extend_schema(request=ReturnInput, responses={201: DispenseSerializer})
    @action(detail=True, methods=["post"], url_path="return")
    @idempotent
    def return_lines(self, request, public_id):
        body = checked(ReturnInput, request)
        dispense = self.get_object()
        return_dispensed(dispense_id=dispense.pk, by=request.user, request_id=request.request_id, **body)
        return self._answer(dispense, status=201)

    def _answer(self, dispense: Dispense, status: int) -> Response:
        return Response(self.get_serializer(Dispense.objects.with_details().get(pk=dispense.pk)).data, status=status)
