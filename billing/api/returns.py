"""What came back to the pharmacy and is to be credited."""

from rest_framework import serializers
from rest_framework.mixins import ListModelMixin
from rest_framework.viewsets import GenericViewSet

from billing import selectors
from billing.models import Invoice
from billing.permissions import CREDIT_INVOICE
from clinic.core.api import HasActionPermission
from clinic.core.serializers import MoneyField


class ReturnedSerializer(serializers.Serializer):
    line = serializers.UUIDField(source="line.public_id")
    description = serializers.CharField(source="line.description")
    quantity = serializers.IntegerField(source="units")
    amount = MoneyField()


class InvoiceToCreditSerializer(serializers.Serializer):
    invoice = serializers.UUIDField(source="invoice.public_id")
    invoice_number = serializers.CharField(source="invoice.number")
    patient = serializers.UUIDField(source="invoice.patient.public_id")
    patient_name = serializers.CharField(source="invoice.patient.full_name")
    amount = MoneyField()
    lines = ReturnedSerializer(many=True)


class ToCreditViewSet(ListModelMixin, GenericViewSet):
    """Invoices of which something came back to the pharmacy and is not credited. They are credited at invoices/{id}/credit-returned/."""

    permission_classes = [HasActionPermission]
    action_permissions = {"list": CREDIT_INVOICE}
    serializer_class = InvoiceToCreditSerializer
    queryset = Invoice.objects.none()

    def get_queryset(self):
        return selectors.invoices_to_credit(Invoice.objects.visible_to(self.request.user))

    def paginate_queryset(self, queryset):
        return selectors.to_credit_rows(super().paginate_queryset(queryset))
