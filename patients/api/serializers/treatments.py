"""The catalogue of treatments, and what was done in a visit."""

from rest_framework import serializers

from clinic.core.serializers import MoneyField, PublicIdField
from patients.api.serializers.fields import TextField
from patients.models import TreatmentType


class TreatmentTypeSerializer(serializers.Serializer):
    """A line of the catalogue."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    name = serializers.CharField(max_length=120)
    base_cost = MoneyField()
    is_active = serializers.BooleanField(required=False)


class UsedMedicineSerializer(serializers.Serializer):
    """As it was charged on that day."""

    medicine = serializers.UUIDField()
    name = serializers.CharField()
    unit = serializers.CharField()
    quantity = serializers.IntegerField()
    unit_price = serializers.CharField()
    cost = serializers.CharField()


class TreatmentSerializer(serializers.Serializer):
    """What was done. The server knows what it costs."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    treatment_type = PublicIdField(queryset=TreatmentType.objects.all())
    name = serializers.CharField(read_only=True)
    notes = TextField(max_length=2000)
    medicines = UsedMedicineSerializer(many=True, read_only=True)
    base_cost = MoneyField(read_only=True)
    cost = MoneyField(read_only=True)
    recorded_at = serializers.DateTimeField(read_only=True)
