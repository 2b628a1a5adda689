"""Orders from suppliers, and what comes of them."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from clinic.audit.api import idempotent
from pharmacy.api.body import checked
from pharmacy.api.filters import Filters
from pharmacy.api.serializers import OrderInput, OrderReceiptInput, OrderSerializer, ReasonInput
from pharmacy.models import PurchaseOrder
from pharmacy.permissions import MANAGE_STOCK, VIEW_STOCK
from pharmacy.services.purchasing import cancel_rest, place_order, receive_order


class OrderFilters(Filters):
    supplier = serializers.UUIDField(required=False)
    open = serializers.BooleanField(required=False, allow_null=True, default=None)


class PurchaseOrderViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet):
    serializer_class = OrderSerializer
    lookup_field = "public_id"
    action_permissions = {
        "list": VIEW_STOCK,
        "retrieve": VIEW_STOCK,
        "create": MANAGE_STOCK,
        "receive": MANAGE_STOCK,
        "cancel": MANAGE_STOCK,
    }
    queryset = PurchaseOrder.objects.all()

    def get_queryset(self):
        orders = PurchaseOrder.objects.with_details().order_by("-id")
        if self.action != "list":
            return orders
        filters = OrderFilters.of(self.request)
        if "supplier" in filters:
            orders = orders.filter(supplier__public_id=filters["supplier"])
        if filters["open"] is None:
            return orders
        return orders.open() if filters["open"] else orders.exclude(pk__in=PurchaseOrder.objects.open().values("pk"))

    @extend_schema(parameters=[OrderFilters])
    def list(self, request, *args, **kwargs):
        return super().list(request, *args, **kwargs)

    @extend_schema(request=OrderInput, responses={201: OrderSerializer})
    @idempotent
    def create(self, request):
        body = checked(OrderInput, request)
        order = place_order(supplier_id=body["supplier"].pk, lines=body["lines"], by=request.user, request_id=request.request_id)
        return self._answer(order, status=201)

    @extend_schema(request=OrderReceiptInput, responses={201: OrderSerializer})
    @action(detail=True, methods=["post"])
    @idempotent
    def receive(self, request, public_id):
        """Take units of one line into stock; more than is still to come is refused."""
        body, order = checked(OrderReceiptInput, request), self.get_object()
        receive_order(order_id=order.pk, by=request.user, on=timezone.localdate(), request_id=request.request_id, **body)
        return self._answer(order, status=201)

    @extend_schema(request=ReasonInput, responses=OrderSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request, public_id):
        """What did not come so far is no longer awaited."""
        body = checked(ReasonInput, request)
        return self._answer(cancel_rest(order_id=self.get_object().pk, by=request.user, **body))

    def _answer(self, order: PurchaseOrder, status: int = 200) -> Response:
        return Response(OrderSerializer(PurchaseOrder.objects.with_details().get(pk=order.pk)).data, status=status)
