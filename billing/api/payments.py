"""Payments and their refunds."""

from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from billing.api.filters import PaymentFilter, within
from billing.api.inputs import RefundInput, read
from billing.api.serializers import PaymentSerializer, RefundSerializer
from billing.models import Payment
from billing.permissions import REFUND_PAYMENT, VIEW_INVOICE
from billing.services import payments
from clinic.audit.api import idempotent
from clinic.core.api import HasActionPermission


class PaymentViewSet(ListModelMixin, RetrieveModelMixin, GenericViewSet):
    """Payments, newest first. They are taken at invoices/{id}/pay/."""

    permission_classes = [HasActionPermission]
    action_permissions = {"list": VIEW_INVOICE, "retrieve": VIEW_INVOICE, "refund": REFUND_PAYMENT}
    serializer_class = PaymentSerializer
    queryset = Payment.objects.none()
    lookup_field = "public_id"
    lookup_value_converter = "uuid"

    def get_queryset(self):
        found = Payment.objects.visible_to(self.request.user).select_related("invoice").order_by("-id")
        if self.action != "list":
            return found
        asked = PaymentFilter.of(self.request)
        columns = {"invoice": "invoice__public_id", "patient": "invoice__patient__public_id", "method": "method"}
        found = found.filter(**{column: asked[name] for name, column in columns.items() if name in asked})
        return within(found, "received_at", asked)

    @action(detail=True, methods=["post"])
    @idempotent
    def refund(self, request, *args, **kwargs):
        body = read(RefundInput, request)
        refund = payments.refund_payment(payment_id=self.get_object().pk, by=request.user, request_id=request.request_id, **body)
        found = type(refund).objects.select_related("payment__invoice").get(pk=refund.pk)
        return Response(RefundSerializer(found).data, status=201)
