"""Batches and the ledger."""

from decimal import ROUND_HALF_UP

from rest_framework import serializers

from clinic.core.serializers import MoneyField, PublicIdField
from pharmacy.api.serializers.fields import WholeNumberField, WitnessInput, quantity_field, unit_cost_field
from pharmacy.models import Batch, Medicine, StockMovement, Store, Supplier
from pharmacy.rules.quantities import MAX_QUANTITY


class BatchSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    medicine = PublicIdField(read_only=True)
    medicine_name = serializers.CharField(source="medicine.name", read_only=True)
    store = PublicIdField(read_only=True)
    store_name = serializers.CharField(source="store.name", read_only=True)
    supplier = PublicIdField(read_only=True)
    supplier_name = serializers.CharField(source="supplier.name", read_only=True, default=None)
    returned_from = PublicIdField(read_only=True)

    class Meta:
        model = Batch
        fields = [
            "id", "medicine", "medicine_name", "lot", "store", "store_name", "expires_on", "received_on", "supplier", "supplier_name",
            "unit_cost", "received_quantity", "on_hand", "state", "state_reason", "returned_from",
        ]  # fmt: skip
        read_only_fields = fields


class ReceiptInput(serializers.Serializer):
    medicine = PublicIdField(queryset=Medicine.objects.all())
    lot = serializers.CharField(max_length=60)
    expires_on = serializers.DateField()
    quantity = quantity_field()
    unit_cost = unit_cost_field()
    supplier = PublicIdField(queryset=Supplier.objects.all(), required=False, allow_null=True, default=None)
    store = PublicIdField(queryset=Store.objects.all(), required=False, help_text="Without it: the default dispensary.")


class BatchChangeInput(serializers.Serializer):
    supplier = PublicIdField(queryset=Supplier.objects.all(), required=False, allow_null=True)
    unit_cost = unit_cost_field(required=False)


class AdjustmentInput(serializers.Serializer):
    quantity = WholeNumberField(min_value=-MAX_QUANTITY, max_value=MAX_QUANTITY)
    reason = serializers.CharField(max_length=200)
    is_waste = serializers.BooleanField(required=False, default=False, help_text="Broken, spilt or thrown away.")
    witness = WitnessInput(required=False, write_only=True)


class MovementSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    batch = PublicIdField(read_only=True)
    lot = serializers.CharField(source="batch.lot", read_only=True)
    medicine = serializers.UUIDField(source="batch.medicine.public_id", read_only=True)
    medicine_name = serializers.CharField(source="batch.medicine.name", read_only=True)
    by_name = serializers.CharField(source="by", read_only=True)
    witness_name = serializers.CharField(source="witness", read_only=True, default=None)
    dispensing = serializers.UUIDField(source="dispense_line.dispense.public_id", read_only=True, default=None)
    transfer = PublicIdField(read_only=True)

    class Meta:
        model = StockMovement
        fields = [
            "id", "at", "batch", "lot", "medicine", "medicine_name", "kind", "quantity", "balance", "reason", "by_name",
            "witness_name", "dispensing", "transfer",
        ]  # fmt: skip
        read_only_fields = fields


class RegisterEntrySerializer(MovementSerializer):
    medicine_balance = serializers.IntegerField(help_text="Of the medicine, in all batches, after this entry.")
    patient = serializers.UUIDField(source="patient.public_id", default=None)
    patient_name = serializers.CharField(source="patient.full_name", default=None)
    prescriber_name = serializers.CharField(source="ordered_by.name", default=None)

    class Meta:
        model = StockMovement
        fields = [
            "id", "at", "kind", "quantity", "medicine_balance", "batch", "lot", "patient", "patient_name", "prescriber_name", "reason",
            "by_name", "witness_name",
        ]  # fmt: skip
        read_only_fields = fields


class WorthSerializer(serializers.Serializer):
    usable = MoneyField(max_digits=24, rounding=ROUND_HALF_UP)
    set_aside = MoneyField(max_digits=24, rounding=ROUND_HALF_UP)
    expired = MoneyField(max_digits=24, rounding=ROUND_HALF_UP)
    total = MoneyField(max_digits=24, rounding=ROUND_HALF_UP)


class StoreWorthSerializer(WorthSerializer):
    id = serializers.UUIDField(source="store_id")
    name = serializers.CharField()


class StockValueSerializer(WorthSerializer):
    stores = StoreWorthSerializer(many=True)
