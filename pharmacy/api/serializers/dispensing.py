"""What is handed out, and what comes back."""

from rest_framework import serializers

from clinic.core.serializers import PublicIdField
from pharmacy.api.serializers.fields import VisibleIdField, WitnessInput, quantity_field
from pharmacy.models import Dispense, DispenseLine, Prescription, ReturnTo, SubstitutionBasis


class DispenseLineSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    item = PublicIdField(read_only=True)
    medicine = serializers.UUIDField(source="medicine.public_id", read_only=True)
    medicine_name = serializers.CharField(source="medicine.name", read_only=True)
    batch = PublicIdField(read_only=True)
    lot = serializers.CharField(source="batch.lot", read_only=True)
    expires_on = serializers.DateField(source="batch.expires_on", read_only=True)
    substitution_basis = serializers.ChoiceField(SubstitutionBasis.choices, allow_blank=True, help_text="Empty for what was prescribed.")

    class Meta:
        model = DispenseLine
        fields = [
            "id",
            "item",
            "medicine",
            "medicine_name",
            "batch",
            "lot",
            "expires_on",
            "quantity",
            "returned_quantity",
            "credited_quantity",
            "substitution_reason",
            "substitution_basis",
            "prescriber_agreement",
        ]
        read_only_fields = fields


class DispenseSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    prescription = PublicIdField(read_only=True)
    patient = serializers.UUIDField(source="prescription.patient.public_id", read_only=True)
    dispensed_by = PublicIdField(read_only=True)
    dispensed_by_name = serializers.CharField(source="dispensed_by", read_only=True)
    lines = DispenseLineSerializer(many=True, read_only=True)

    class Meta:
        model = Dispense
        fields = ["id", "prescription", "patient", "dispensed_at", "dispensed_by", "dispensed_by_name", "override_reason", "lines"]
        read_only_fields = fields


class DispenseItemInput(serializers.Serializer):
    item = serializers.UUIDField()
    quantity = quantity_field()
    batch = serializers.UUIDField(required=False, allow_null=True)
    medicine = serializers.UUIDField(required=False, allow_null=True, help_text="Given instead of the one prescribed.")
    substitution_reason = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    prescriber_agreement = serializers.CharField(
        max_length=200, required=False, allow_blank=True, default="", help_text="How the doctor agreed to what is not equivalent."
    )


class DispenseInput(serializers.Serializer):
    prescription = VisibleIdField(queryset=Prescription.objects.all())
    items = DispenseItemInput(many=True, required=False, allow_empty=False, max_length=200)
    override_reason = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")
    witness = WitnessInput(required=False, write_only=True)


class ReturnLineInput(serializers.Serializer):
    line = serializers.UUIDField()
    quantity = quantity_field()


class ReturnInput(serializers.Serializer):
    lines = ReturnLineInput(many=True, required=False, allow_empty=False, max_length=200)
    to = serializers.ChoiceField(ReturnTo.choices)
    reason = serializers.CharField(max_length=200)
