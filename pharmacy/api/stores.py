"""Stores, and transfers between them."""

from django.db.models import Q
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from clinic.audit.api import idempotent
from pharmacy.api.body import checked
from pharmacy.api.filters import TransferFilters, end_of, start_of
from pharmacy.api.serializers import StockTransferInput, StockTransferSerializer, StoreChangeInput, StoreSerializer
from pharmacy.api.witness import witnessed
from pharmacy.models import StockTransfer, Store
from pharmacy.permissions import MANAGE_STOCK, VIEW_STOCK
from pharmacy.services.stores import add_store, remove_store, update_store
from pharmacy.services.transferring import transfer_stock


class StoreViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet):
    serializer_class = StoreSerializer
    lookup_field = "public_id"
    action_permissions = {
        "list": VIEW_STOCK,
        "retrieve": VIEW_STOCK,
        "create": MANAGE_STOCK,
        "partial_update": MANAGE_STOCK,
        "destroy": MANAGE_STOCK,
    }
    queryset = Store.objects.select_related("facility").order_by("-is_default", "name", "id")

    def create(self, request):
        store = add_store(data=checked(StoreSerializer, request), by=request.user)
        return Response(StoreSerializer(store).data, status=201)

    @extend_schema(request=StoreChangeInput, responses=StoreSerializer)
    def partial_update(self, request, public_id):
        changes = checked(StoreChangeInput, request, partial=True)
        return Response(StoreSerializer(update_store(store_id=self.get_object().pk, changes=changes, by=request.user)).data)

    def destroy(self, request, public_id):
        remove_store(store_id=self.get_object().pk, by=request.user)
        return Response(status=204)


class StockTransferViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet):
    """What was carried from store to store, newest first."""

    serializer_class = StockTransferSerializer
    lookup_field = "public_id"
    action_permissions = {"list": VIEW_STOCK, "retrieve": VIEW_STOCK, "create": MANAGE_STOCK}
    queryset = StockTransfer.objects.all()

    def get_queryset(self):
        transfers = StockTransfer.objects.with_details().order_by("-id")
        if self.action != "list":
            return transfers
        wanted = {
            "medicine": lambda value: Q(source__medicine__public_id=value),
            "store": lambda value: Q(source__store__public_id=value) | Q(target__store__public_id=value),
            "date_from": lambda value: Q(transferred_at__gte=start_of(value)),
            "date_to": lambda value: Q(transferred_at__lt=end_of(value)),
        }
        for name, value in TransferFilters.of(self.request).items():
            transfers = transfers.filter(wanted[name](value))
        return transfers

    @extend_schema(parameters=[TransferFilters])
    def list(self, request, *args, **kwargs):
        return super().list(request, *args, **kwargs)

    @extend_schema(request=StockTransferInput, responses={201: StockTransferSerializer})
    @witnessed
    @idempotent
    def create(self, request):
        body = checked(StockTransferInput, request) | {"witness": request.witness}
        transfer = transfer_stock(
            batch_id=body.pop("batch").pk, by=request.user, on=timezone.localdate(), request_id=request.request_id, **body
        )
        return Response(StockTransferSerializer(self.get_queryset().get(pk=transfer.pk)).data, status=201)
