"""Medicines, suppliers, and what to order."""

from rest_framework import serializers

from clinic.core.serializers import MoneyField, PublicIdField
from pharmacy.api.serializers.fields import WholeNumberField
from pharmacy.models import Equivalent, Medicine, MedicineLeaflet, Supplier
from pharmacy.models.leaflet import SECTIONS
from pharmacy.rules.quantities import MAX_QUANTITY


class MedicineSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    ingredients = serializers.ListField(child=serializers.CharField(), read_only=True)
    price = MoneyField()
    reorder_level = WholeNumberField(min_value=0, max_value=MAX_QUANTITY, required=False)
    on_hand = serializers.IntegerField(read_only=True, help_text="Units that may go out today, in the dispensaries.")
    in_stores = serializers.IntegerField(read_only=True, help_text="Units that are good today, in all stores.")
    is_low = serializers.SerializerMethodField()

    class Meta:
        model = Medicine
        fields = [
            "id", "name", "generic_name", "ingredients", "form", "strength", "unit", "code_system", "code", "price", "reorder_level",
            "issue_policy", "prescription_required", "is_controlled", "is_active", "on_hand", "in_stores", "is_low",
        ]  # fmt: skip
        validators = []  # the service names the duplicate

    def get_is_low(self, medicine) -> bool:
        return medicine.in_stores <= medicine.reorder_level

    def validate_generic_name(self, value):
        if not any(part.strip() for part in value.split("+")):
            raise serializers.ValidationError("Name at least one ingredient.")
        return value


class LeafletSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)

    class Meta:
        model = MedicineLeaflet
        fields = ["id", "number", *SECTIONS, "source", "reviewed_on"]


class EquivalentSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    medicine = serializers.UUIDField(source="first.public_id")
    medicine_name = serializers.CharField(source="first.name")
    other = serializers.UUIDField(source="second.public_id")
    other_name = serializers.CharField(source="second.name")
    approved_by = PublicIdField(read_only=True)

    class Meta:
        model = Equivalent
        fields = ["id", "medicine", "medicine_name", "other", "other_name", "reason", "approved_by", "approved_at"]
        read_only_fields = fields


class EquivalentInput(serializers.Serializer):
    """Of two medicines in use, each may be given for the other, unit for unit."""

    medicine = PublicIdField(queryset=Medicine.objects.all())
    other = PublicIdField(queryset=Medicine.objects.all())
    reason = serializers.CharField(max_length=200)


class SupplierSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)

    class Meta:
        model = Supplier
        fields = ["id", "name", "phone", "email"]
        validators = []  # the service names the duplicate


class ReorderSerializer(serializers.Serializer):
    """Demand is counted in whole clinic days before today."""

    medicine = serializers.UUIDField(source="medicine.public_id")
    medicine_name = serializers.CharField(source="medicine.name")
    unit = serializers.CharField(source="medicine.unit")
    on_hand = serializers.IntegerField(source="medicine.in_stores", help_text="Units that are good today, in all stores.")
    reorder_level = serializers.IntegerField(source="medicine.reorder_level")
    dispensed = serializers.IntegerField(help_text="Units in the days looked at, less what came back.")
    days_in_stock = serializers.IntegerField(help_text="Of the days looked at.")
    daily_demand = serializers.DecimalField(source="daily", max_digits=12, decimal_places=2, help_text="Units a day with stock.")
    days_left = serializers.IntegerField(source="advice.days_left", allow_null=True, help_text="How long what is there lasts.")
    order_quantity = serializers.IntegerField(source="advice.quantity")
