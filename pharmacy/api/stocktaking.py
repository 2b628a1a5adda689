"""Counting the shelves."""

from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from clinic.audit.api import idempotent
from pharmacy.api.body import checked
from pharmacy.api.serializers import CountsInput, StockTakeInput, StockTakeSerializer, StockTakeSheetSerializer
from pharmacy.models import StockTake
from pharmacy.permissions import MANAGE_STOCK, VIEW_STOCK
from pharmacy.selectors.stock import with_sheet
from pharmacy.services.stocktaking import approve_stock_take, drop_stock_take, open_stock_take, write_counts


class StockTakeViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet):
    serializer_class = StockTakeSerializer
    lookup_field = "public_id"
    action_permissions = {
        "list": VIEW_STOCK,
        "retrieve": VIEW_STOCK,
        "create": MANAGE_STOCK,
        "counts": MANAGE_STOCK,
        "approve": MANAGE_STOCK,
        "drop": MANAGE_STOCK,
    }
    queryset = StockTake.objects.all()

    def get_queryset(self):
        takes = StockTake.objects.select_related("opened_by", "closed_by").order_by("-id")
        return takes if self.action == "list" else with_sheet(takes)

    @extend_schema(responses=StockTakeSheetSerializer)
    def retrieve(self, request, public_id):
        return Response(StockTakeSheetSerializer(self.get_object()).data)

    @extend_schema(request=StockTakeInput, responses={201: StockTakeSheetSerializer})
    @idempotent
    def create(self, request):
        take = open_stock_take(by=request.user, request_id=request.request_id, **checked(StockTakeInput, request))
        return self._answer(take, status=201)

    @extend_schema(request=CountsInput, responses=StockTakeSheetSerializer)
    @action(detail=True, methods=["post"])
    def counts(self, request, public_id):
        """Write down what was found; each count is held against what is on hand now."""
        counts = {each["line"]: each["counted"] for each in checked(CountsInput, request)["counts"]}
        return self._answer(write_counts(take_id=self.get_object().pk, counts=counts, by=request.user))

    @extend_schema(request=None, responses=StockTakeSheetSerializer)
    @action(detail=True, methods=["post"])
    def approve(self, request, public_id):
        """Correct the stock; by someone who neither opened the sheet nor counted."""
        return self._answer(approve_stock_take(take_id=self.get_object().pk, by=request.user))

    @extend_schema(request=None, responses=StockTakeSheetSerializer)
    @action(detail=True, methods=["post"])
    def drop(self, request, public_id):
        """Close the sheet and correct nothing."""
        return self._answer(drop_stock_take(take_id=self.get_object().pk, by=request.user))

    def _answer(self, take: StockTake, status: int = 200) -> Response:
        return Response(StockTakeSheetSerializer(self.get_queryset().get(pk=take.pk)).data, status=status)
