"""Prescriptions."""

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from clinic.audit.api import idempotent
from clinic.core.api import EtagMixin, ORJSONRenderer
from clinic.core.http import expected_version
from patients.services.access import check_chart_open
from patients.services.reading import record_chart_read
from pharmacy.api.body import checked
from pharmacy.api.filters import PrescriptionFilters
from pharmacy.api.serializers import (
    PrescriptionChangeInput,
    PrescriptionInput,
    PrescriptionSerializer,
    ReasonInput,
    RepeatInput,
    SignInput,
)
from pharmacy.errors import NotSigned
from pharmacy.models import Prescription
from pharmacy.permissions import PRESCRIBE, VIEW_PRESCRIPTION
from pharmacy.printing import prescription_pdf
from pharmacy.selectors.safety import safety_of_many
from pharmacy.services import prescribing
from pharmacy.services.reading import record_list_read


class PDFRenderer(ORJSONRenderer):
    """For clients that ask for a PDF by name; a refusal is a problem all the same."""

    media_type = "application/pdf"
    format = "pdf"


class PrescriptionViewSet(EtagMixin, mixins.ListModelMixin, GenericViewSet):
    serializer_class = PrescriptionSerializer
    lookup_field = "public_id"
    action_permissions = {
        "list": VIEW_PRESCRIPTION,
        "retrieve": VIEW_PRESCRIPTION,
        "create": PRESCRIBE,
        "repeat_last": PRESCRIBE,
        "partial_update": PRESCRIBE,
        "sign": PRESCRIBE,
        "cancel": PRESCRIBE,
        "print": VIEW_PRESCRIPTION,
    }
    queryset = Prescription.objects.all()

    def get_queryset(self):
        prescriptions = Prescription.objects.visible_to(self.request.user).with_details().order_by("-id")
        if self.action != "list":
            return prescriptions
        filters = PrescriptionFilters.of(self.request)
        names = {"patient": "patient__public_id", "visit": "encounter__public_id", "status": "status"}
        prescriptions = prescriptions.of_open_charts(self.request.user, now=timezone.now())
        return prescriptions.filter(**{names[name]: value for name, value in filters.items()})

    def get_object(self):
        """Whatever is done with one prescription, its patient's chart is opened."""
        prescription = super().get_object()
        check_chart_open(patient=prescription.patient, by=self.request.user)
        return prescription

    @extend_schema(parameters=[PrescriptionFilters])
    def list(self, request):
        page = self.paginate_queryset(self.get_queryset())
        record_list_read(prescriptions=page, by=request.user)
        return self.get_paginated_response(self._serialized(page, many=True))

    def retrieve(self, request, public_id):
        prescription = self.get_object()
        record_chart_read(patient=prescription.patient, by=request.user, subject=prescription)
        return self._response(prescription)

    @extend_schema(request=PrescriptionInput, responses={201: PrescriptionSerializer})
    @idempotent
    def create(self, request):
        body = checked(PrescriptionInput, request, context={"request": request})
        check_chart_open(patient=body["visit"].patient, by=request.user)
        prescription = prescribing.write_prescription(
            encounter_id=body["visit"].pk, items=body["items"], by=request.user, request_id=request.request_id
        )
        return self._answer(prescription, status=201)

    @extend_schema(request=RepeatInput, responses={201: PrescriptionSerializer})
    @action(detail=False, methods=["post"], url_path="repeat-last")
    @idempotent
    def repeat_last(self, request):
        visit = checked(RepeatInput, request, context={"request": request})["visit"]
        check_chart_open(patient=visit.patient, by=request.user)
        prescription = prescribing.repeat_last(encounter_id=visit.pk, by=request.user, request_id=request.request_id)
        return self._answer(prescription, status=201)

    @extend_schema(request=PrescriptionChangeInput, responses=PrescriptionSerializer)
    def partial_update(self, request, public_id):
        body = checked(PrescriptionChangeInput, request)
        prescription = prescribing.revise_prescription(
            prescription_id=self.get_object().pk, items=body["items"], by=request.user, expected_version=expected_version(request)
        )
        return self._answer(prescription)

    @extend_schema(request=SignInput, responses=PrescriptionSerializer)
    @action(detail=True, methods=["post"])
    def sign(self, request, public_id):
        body = checked(SignInput, request)
        return self._answer(prescribing.sign_prescription(prescription_id=self.get_object().pk, by=request.user, **body))

    @extend_schema(request=ReasonInput, responses=PrescriptionSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request, public_id):
        body = checked(ReasonInput, request)
        return self._answer(prescribing.cancel_prescription(prescription_id=self.get_object().pk, by=request.user, **body))

    @extend_schema(responses={(200, "application/pdf"): OpenApiResponse(OpenApiTypes.BINARY)})
    @action(detail=True, renderer_classes=[ORJSONRenderer, PDFRenderer])
    def print(self, request, public_id):
        prescription = self.get_object()
        if prescription.signed_at is None:
            raise NotSigned
        record_chart_read(patient=prescription.patient, by=request.user, subject=prescription)
        name = f"prescription-{prescription.public_id}.pdf"
        document = prescription_pdf(prescription, request=request)
        return HttpResponse(document, content_type="application/pdf", headers={"Content-Disposition": f'inline; filename="{name}"'})

    def _answer(self, prescription: Prescription, status: int = 200) -> Response:
        return self._response(Prescription.objects.with_details().get(pk=prescription.pk), status)

    def _response(self, prescription: Prescription, status: int = 200) -> Response:
        self._reports = safety_of_many([prescription], on=timezone.localdate())
        return self.versioned_response(prescription, status=status)

    def _serialized(self, prescriptions, many: bool):
        self._reports = safety_of_many(prescriptions, on=timezone.localdate())
        return self.get_serializer(prescriptions, many=many).data

    def get_serializer_context(self):
        return super().get_serializer_context() | {"reports": getattr(self, "_reports", {})}
