"""The ledger, and what runs low or out of date."""

from datetime import timedelta

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from pharmacy.api.filters import ExpiringFilters, MovementFilters, end_of, start_of
from pharmacy.api.serializers import (
    BatchSerializer,
    MedicineSerializer,
    MovementSerializer,
    ReorderSerializer,
    StockValueSerializer,
)
from pharmacy.models import Batch, Medicine, StockMovement
from pharmacy.permissions import VIEW_STOCK
from pharmacy.selectors import demand


class StockMovementViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet):
    """The ledger, newest first."""

    serializer_class = MovementSerializer
    lookup_field = "public_id"
    action_permissions = {"list": VIEW_STOCK, "retrieve": VIEW_STOCK}
    queryset = StockMovement.objects.all()

    def get_queryset(self):
        movements = StockMovement.objects.select_related(
            "batch__medicine", "by", "witness", "dispense_line__dispense", "transfer"
        ).order_by("-id")
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
        """Medicines of which all stores together hold no more than the reorder level, the emptiest first."""
        page = self.paginate_queryset(Medicine.objects.low(timezone.localdate()))
        return self.get_paginated_response(MedicineSerializer(page, many=True).data)

    @extend_schema(responses=BatchSerializer(many=True))
    @action(detail=False)
    def expiring(self, request):
        """Batches with something left that expire within `days` (30), what is expired already included."""
        filters = ExpiringFilters.of(request)
        batches = Batch.objects.expiring(timezone.localdate() + timedelta(days=filters["days"])).with_details()
        if "store" in filters:
            batches = batches.filter(store__public_id=filters["store"])
        page = self.paginate_queryset(batches)
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
        """What the stock is worth, at what was paid for it, and how much of that stands in each store."""
        return Response(StockValueSerializer(demand.stock_value(on=timezone.localdate())).data)
