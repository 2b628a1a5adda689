"""Medicines, batches, suppliers, the ledger, and what runs low or out of date."""

from datetime import timedelta

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet, ModelViewSet

from clinic.audit.api import idempotent
from clinic.core.api import EtagMixin
from clinic.core.errors import NotFound
from clinic.core.http import expected_version
from pharmacy.api.filters import BatchFilters, ExpiringFilters, MedicineFilters, MovementFilters, SupplierFilters, end_of, start_of
from pharmacy.api.serializers import (
    AdjustmentInput,
    BatchChangeInput,
    BatchSerializer,
    MedicineSerializer,
    MovementSerializer,
    ReasonInput,
    RecallCallInput,
    ReceiptInput,
    RecipientSerializer,
    RegisterEntrySerializer,
    ReorderSerializer,
    StockValueSerializer,
    SupplierSerializer,
)
from pharmacy.api.witness import witnessed
from pharmacy.models import Batch, BatchState, Medicine, MovementKind, StockMovement, Supplier
from pharmacy.permissions import DISPENSE, MANAGE_MEDICINE, MANAGE_STOCK, VIEW_MEDICINE, VIEW_STOCK
from pharmacy.selectors import demand
from pharmacy.selectors.recall import recipients_of
from pharmacy.selectors.stock import register_of
from pharmacy.services import catalogue, stock
from pharmacy.services.recall import read_recipients, record_call
from pharmacy.services.register import read_register


def checked(serializer_class, request, **options) -> dict:
    body = serializer_class(data=request.data, **options)
    body.is_valid(raise_exception=True)
    return body.validated_data


class MedicineViewSet(EtagMixin, ModelViewSet):
    serializer_class = MedicineSerializer
    lookup_field = "public_id"
    http_method_names = ["get", "post", "put", "patch", "delete", "head", "options"]
    action_permissions = {
        "list": VIEW_MEDICINE,
        "retrieve": VIEW_MEDICINE,
        "create": MANAGE_MEDICINE,
        "update": MANAGE_MEDICINE,
        "partial_update": MANAGE_MEDICINE,
        "destroy": MANAGE_MEDICINE,
        "register": DISPENSE,
    }
    queryset = Medicine.objects.all()

    def get_queryset(self):
        medicines = Medicine.objects.with_on_hand(timezone.localdate())
        if self.action != "list":
            return medicines
        filters = MedicineFilters.of(self.request)
        if filters["is_active"] is not None:
            medicines = medicines.filter(is_active=filters["is_active"])
        return medicines.matching(filters.get("search", ""))

    @extend_schema(parameters=[MedicineFilters])
    def list(self, request, *args, **kwargs):
        return super().list(request, *args, **kwargs)

    def retrieve(self, request, *args, **kwargs):
        return self.versioned_response(self.get_object())  # never 304: what is on hand changes without the medicine

    def create(self, request, *args, **kwargs):
        medicine = catalogue.add_medicine(data=checked(MedicineSerializer, request), by=request.user)
        return self._answer(medicine, status=201)

    def update(self, request, *args, partial=False, **kwargs):
        medicine = self.get_object()
        changes = checked(MedicineSerializer, request, instance=medicine, partial=partial)
        changed = catalogue.update_medicine(
            medicine_id=medicine.pk, changes=changes, by=request.user, expected_version=expected_version(request)
        )
        return self._answer(changed)

    def destroy(self, request, *args, **kwargs):
        catalogue.deactivate_medicine(medicine_id=self.get_object().pk, by=request.user)
        return Response(status=204)

    @extend_schema(responses=RegisterEntrySerializer(many=True))
    @action(detail=True)
    def register(self, request, public_id):
        """Of a controlled medicine: its ledger, newest first, with a running balance over all batches."""
        medicine = self.get_object()
        if not medicine.is_controlled:
            raise NotFound
        page = self.paginate_queryset(register_of(medicine))
        read_register(medicine=medicine, entries=page, by=request.user)
        return self.get_paginated_response(RegisterEntrySerializer(page, many=True).data)

    def _answer(self, medicine: Medicine, status: int = 200) -> Response:
        return self.versioned_response(Medicine.objects.with_on_hand(timezone.localdate()).get(pk=medicine.pk), status=status)


class SupplierViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet):
    serializer_class = SupplierSerializer
    lookup_field = "public_id"
    action_permissions = {"list": VIEW_STOCK, "retrieve": VIEW_STOCK, "create": MANAGE_STOCK, "partial_update": MANAGE_STOCK}
    queryset = Supplier.objects.all()

    def get_queryset(self):
        suppliers = Supplier.objects.order_by("name", "id")
        search = SupplierFilters.of(self.request).get("search") if self.action == "list" else None
        return suppliers.filter(name__icontains=search) if search else suppliers

    @extend_schema(parameters=[SupplierFilters])
    def list(self, request, *args, **kwargs):
        return super().list(request, *args, **kwargs)

    def create(self, request):
        supplier = catalogue.add_supplier(data=checked(SupplierSerializer, request), by=request.user)
        return Response(SupplierSerializer(supplier).data, status=201)

    def partial_update(self, request, public_id):
        changes = checked(SupplierSerializer, request, partial=True)
        supplier = catalogue.update_supplier(supplier_id=self.get_object().pk, changes=changes, by=request.user)
        return Response(SupplierSerializer(supplier).data)


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
        batches = Batch.objects.select_related("medicine", "supplier", "returned_from").order_by("expires_on", "received_on", "id")
        if self.action != "list":
            return batches
        filters = BatchFilters.of(self.request)
        if "medicine" in filters:
            batches = batches.filter(medicine__public_id=filters["medicine"])
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


class StockMovementViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet):
    """The ledger, newest first."""

    serializer_class = MovementSerializer
    lookup_field = "public_id"
    action_permissions = {"list": VIEW_STOCK, "retrieve": VIEW_STOCK}
    queryset = StockMovement.objects.all()

    def get_queryset(self):
        movements = StockMovement.objects.select_related("batch__medicine", "by", "witness", "dispense_line__dispense").order_by("-id")
        if self.action != "list":
            return movements
        filters = MovementFilters.of(self.request)
        wanted = {
            "medicine": lambda value: {"batch__medicine__public_id": value},
            "batch": lambda value: {"batch__public_id": value},
            "kind": lambda value: {"kind": value},
            "date_from": lambda value: {"at__gte": start_of(value)},
            "date_to": lambda value: {"at__lt": end_of(value)},
        }
        for name, value in filters.items():
            movements = movements.filter(**wanted[name](value))
        return movements

    @extend_schema(parameters=[MovementFilters])
    def list(self, request, *args, **kwargs):
        return super().list(request, *args, **kwargs)


class InventoryViewSet(GenericViewSet):
    action_permissions = {"low_stock": VIEW_STOCK, "expiring": VIEW_STOCK, "reorder": VIEW_STOCK, "value": VIEW_STOCK}
    serializer_class = MedicineSerializer
    queryset = Medicine.objects.none()

    @extend_schema(responses=MedicineSerializer(many=True))
    @action(detail=False, url_path="low-stock")
    def low_stock(self, request):
        """Medicines at or below their reorder level, the emptiest first."""
        page = self.paginate_queryset(Medicine.objects.low(timezone.localdate()))
        return self.get_paginated_response(MedicineSerializer(page, many=True).data)

    @extend_schema(parameters=[OpenApiParameter("days", int)], responses=BatchSerializer(many=True))
    @action(detail=False)
    def expiring(self, request):
        """Batches with something left that expire within `days` (30), what is expired already included."""
        until = timezone.localdate() + timedelta(days=ExpiringFilters.of(request)["days"])
        page = self.paginate_queryset(Batch.objects.expiring(until).select_related("medicine", "supplier", "returned_from"))
        return self.get_paginated_response(BatchSerializer(page, many=True).data)

    @extend_schema(responses=ReorderSerializer(many=True))
    @action(detail=False)
    def reorder(self, request):
        """What to order now, what runs out first on top: from the mean daily demand over the days with stock."""
        page = self.paginate_queryset(demand.reorder_lines(on=timezone.localdate()))
        return self.get_paginated_response(ReorderSerializer(page, many=True).data)

    @extend_schema(responses=StockValueSerializer)
    @action(detail=False)
    def value(self, request):
        """What the stock is worth, at what was paid for it."""
        return Response(StockValueSerializer(demand.stock_value(on=timezone.localdate())).data)
