"""Batches: receipt, corrections, recall."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from clinic.audit.api import idempotent
from clinic.core.api import EtagMixin
from clinic.core.http import expected_version
from pharmacy.api.body import checked
from pharmacy.api.filters import BatchFilters
from pharmacy.api.serializers import (
    AdjustmentInput,
    BatchChangeInput,
    BatchSerializer,
    ReasonInput,
    RecallCallInput,
    ReceiptInput,
    RecipientSerializer,
)
from pharmacy.api.witness import witnessed
from pharmacy.models import Batch, BatchState, MovementKind
from pharmacy.permissions import MANAGE_STOCK, VIEW_STOCK
from pharmacy.selectors.recall import recipients_of
from pharmacy.services import stock
from pharmacy.services.recall import read_recipients, record_call


class BatchViewSet(EtagMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet):
    serializer_class = BatchSerializer
    lookup_field = "public_id"
    action_permissions = {
        "list": VIEW_STOCK,
        "retrieve": VIEW_STOCK,
        "create": MANAGE_STOCK,
        "partial_update": MANAGE_STOCK,
        "adjust": MANAGE_STOCK,
        "recall": MANAGE_STOCK,
        "quarantine": MANAGE_STOCK,
        "release": MANAGE_STOCK,
        "recipients": MANAGE_STOCK,  # names and telephone numbers
        "calls": MANAGE_STOCK,
    }
    queryset = Batch.objects.all()

    def get_queryset(self):
        batches = Batch.objects.with_details().order_by("expires_on", "received_on", "id")
        if self.action != "list":
            return batches
        filters = BatchFilters.of(self.request)
        if "medicine" in filters:
            batches = batches.filter(medicine__public_id=filters["medicine"])
        if "store" in filters:
            batches = batches.filter(store__public_id=filters["store"])
        return batches.filter(state=filters["state"]) if "state" in filters else batches

    @extend_schema(parameters=[BatchFilters])
    def list(self, request, *args, **kwargs):
        return super().list(request, *args, **kwargs)

    @extend_schema(request=ReceiptInput, responses={201: BatchSerializer})
    @idempotent
    def create(self, request):
        body = checked(ReceiptInput, request)
        supplier = body.pop("supplier")
        batch = stock.receive_batch(
            medicine_id=body.pop("medicine").pk,
            supplier_id=supplier and supplier.pk,
            by=request.user,
            on=timezone.localdate(),
            request_id=request.request_id,
            **body,
        )
        return self._answer(batch, status=201)

    @extend_schema(request=BatchChangeInput, responses=BatchSerializer)
    def partial_update(self, request, public_id):
        batch = stock.update_batch(
            batch_id=self.get_object().pk,
            changes=checked(BatchChangeInput, request),
            by=request.user,
            expected_version=expected_version(request),
        )
        return self._answer(batch)

    @extend_schema(request=AdjustmentInput, responses=BatchSerializer)
    @action(detail=True, methods=["post"])
    @witnessed
    @idempotent
    def adjust(self, request, public_id):
        body = checked(AdjustmentInput, request) | {"witness": request.witness}
        body["kind"] = MovementKind.WASTE if body.pop("is_waste") else MovementKind.ADJUSTMENT
        return self._answer(stock.adjust_batch(batch_id=self.get_object().pk, by=request.user, request_id=request.request_id, **body))

    @extend_schema(request=ReasonInput, responses=BatchSerializer)
    @action(detail=True, methods=["post"])
    def recall(self, request, public_id):
        return self._change_state(request, BatchState.RECALLED)

    @extend_schema(request=ReasonInput, responses=BatchSerializer)
    @action(detail=True, methods=["post"])
    def quarantine(self, request, public_id):
        return self._change_state(request, BatchState.QUARANTINED)

    @extend_schema(request=ReasonInput, responses=BatchSerializer)
    @action(detail=True, methods=["post"])
    def release(self, request, public_id):
        return self._change_state(request, BatchState.AVAILABLE)

    @extend_schema(responses=RecipientSerializer(many=True))
    @action(detail=True)
    def recipients(self, request, public_id):
        """Every patient who was given something of the batch, those still to be called first."""
        page = self.paginate_queryset(read_recipients(batch=self.get_object(), by=request.user))
        return self.get_paginated_response(RecipientSerializer(page, many=True).data)

    @extend_schema(request=RecallCallInput, responses={201: RecipientSerializer})
    @action(detail=True, methods=["post"])
    @idempotent
    def calls(self, request, public_id):
        """Write down how it went to tell one of them."""
        body, batch = checked(RecallCallInput, request), self.get_object()
        patient = body.pop("patient")
        record_call(batch_id=batch.pk, patient_id=patient.pk, by=request.user, request_id=request.request_id, **body)
        [told] = recipients_of(batch, patient_id=patient.pk)
        return Response(RecipientSerializer(told).data, status=201)

    def _change_state(self, request, to: BatchState) -> Response:
        body = checked(ReasonInput, request)
        return self._answer(stock.change_batch_state(batch_id=self.get_object().pk, to=to, by=request.user, **body))

    def _answer(self, batch: Batch, status: int = 200) -> Response:
        return self.versioned_response(self.get_queryset().get(pk=batch.pk), status=status)
