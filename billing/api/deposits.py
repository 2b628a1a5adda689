"""Money in advance."""

from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from billing.api.filters import DepositFilter, within
from billing.api.inputs import DepositInput, RefundInput, read
from billing.models import Deposit
from billing.permissions import REFUND_PAYMENT, TAKE_PAYMENT, VIEW_INVOICE
from billing.services import deposits
from clinic.audit.api import idempotent
from clinic.core.api import HasActionPermission
from clinic.core.serializers import MoneyField


class DepositSerializer(serializers.ModelSerializer):
    """Needs the patient."""

    id = serializers.UUIDField(source="public_id")
    patient = serializers.UUIDField(source="patient.public_id")
    rest = MoneyField()

    class Meta:
        model = Deposit
        fields = ["id", "patient", "method", "amount", "applied", "refunded", "rest", "reference", "received_at"]


class DepositViewSet(ListModelMixin, RetrieveModelMixin, GenericViewSet):
    """What patients paid in advance, newest first. It is used at invoices/{id}/apply-deposit/."""

    permission_classes = [HasActionPermission]
    action_permissions = {"list": VIEW_INVOICE, "retrieve": VIEW_INVOICE, "create": TAKE_PAYMENT, "refund": REFUND_PAYMENT}
    serializer_class = DepositSerializer
    queryset = Deposit.objects.none()
    lookup_field = "public_id"
    lookup_value_converter = "uuid"

    def get_queryset(self):
        found = Deposit.objects.visible_to(self.request.user).select_related("patient").order_by("-id")
        if self.action != "list":
            return found
        asked = DepositFilter.of(self.request)
        if "patient" in asked:
            found = found.filter(patient__public_id=asked["patient"])
        return within(found, "received_at", asked)

    @idempotent
    def create(self, request, *args, **kwargs):
        body = read(DepositInput, request)
        patient = body.pop("patient")
        made = deposits.take_deposit(patient_id=patient.pk, by=request.user, request_id=request.request_id, **body)
        return Response(DepositSerializer(made).data, status=201)

    @action(detail=True, methods=["post"])
    @idempotent
    def refund(self, request, *args, **kwargs):
        """Give back what is left, or part of it."""
        body = read(RefundInput, request)
        refund = deposits.refund_deposit(deposit_id=self.get_object().pk, by=request.user, request_id=request.request_id, **body)
        return Response(DepositSerializer(Deposit.objects.select_related("patient").get(pk=refund.deposit_id)).data, status=201)
