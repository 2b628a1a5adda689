"""Orders from suppliers."""

from rest_framework import serializers

from clinic.core.serializers import PublicIdField
from pharmacy.api.serializers.fields import quantity_field, unit_cost_field
from pharmacy.models import Medicine, PurchaseOrder, PurchaseOrderLine, Store, Supplier
from pharmacy.services.purchasing import MOST_LINES


class OrderLineSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    medicine = PublicIdField(read_only=True)
    medicine_name = serializers.CharField(source="medicine.name", read_only=True)
    outstanding = serializers.IntegerField(read_only=True, help_text="Units still to come.")

    class Meta:
        model = PurchaseOrderLine
        fields = [
            "id", "medicine", "medicine_name", "ordered_quantity", "received_quantity", "cancelled_quantity", "outstanding", "unit_cost",
        ]  # fmt: skip
        read_only_fields = fields


class OrderSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    supplier = PublicIdField(read_only=True)
    supplier_name = serializers.CharField(source="supplier.name", read_only=True)
    ordered_by_name = serializers.CharField(source="ordered_by", read_only=True)
    status = serializers.ChoiceField(["ordered", "partly_received", "received", "cancelled"], read_only=True)
    lines = OrderLineSerializer(many=True, read_only=True)

    class Meta:
        model = PurchaseOrder
        fields = ["id", "supplier", "supplier_name", "ordered_at", "ordered_by_name", "status", "cancelled_reason", "lines"]
        read_only_fields = fields


class OrderLineInput(serializers.Serializer):
    medicine = PublicIdField(queryset=Medicine.objects.active())
    quantity = quantity_field()
    unit_cost = unit_cost_field()


class OrderInput(serializers.Serializer):
    supplier = PublicIdField(queryset=Supplier.objects.all())
    lines = OrderLineInput(many=True, allow_empty=False, max_length=MOST_LINES)


class OrderReceiptInput(serializers.Serializer):
    line = serializers.UUIDField()
    lot = serializers.CharField(max_length=60)
    expires_on = serializers.DateField()
    quantity = quantity_field()
    unit_cost = unit_cost_field(required=False)
    store = PublicIdField(queryset=Store.objects.all(), required=False, help_text="Without it: the default dispensary.")
