from decimal import ROUND_HALF_UP

from rest_framework import serializers

from clinic.core.serializers import MoneyField, PublicIdField
from patients.models import Encounter, Patient
from pharmacy.models import (
    Batch,
    CallOutcome,
    Dispense,
    DispenseLine,
    Medicine,
    Prescription,
    PrescriptionItem,
    ReturnTo,
    Severity,
    StockMovement,
    Supplier,
)
from pharmacy.rules.quantities import MAX_QUANTITY
from pharmacy.services.items import MOST_ITEMS, MOST_REPEATS


class VisibleIdField(PublicIdField):
    """A row by its public id, among those that the caller may see."""

    def get_queryset(self):
        return super().get_queryset().visible_to(self.context["request"].user)


def quantity_field(**kwargs) -> serializers.IntegerField:
    return WholeNumberField(**({"min_value": 1, "max_value": MAX_QUANTITY} | kwargs))


class WholeNumberField(serializers.IntegerField):
    """A JSON integer: 5, not 5.0 and not true."""

    def to_internal_value(self, data):
        if isinstance(data, bool | float):
            self.fail("invalid")
        return super().to_internal_value(data)


class MedicineSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    ingredients = serializers.ListField(child=serializers.CharField(), read_only=True)
    price = MoneyField()
    reorder_level = WholeNumberField(min_value=0, max_value=MAX_QUANTITY, required=False)
    on_hand = serializers.IntegerField(read_only=True, help_text="Units that may go out today.")
    is_low = serializers.SerializerMethodField()

    class Meta:
        model = Medicine
        fields = [
            "id", "name", "generic_name", "ingredients", "form", "strength", "unit", "code_system", "code", "price", "reorder_level",
            "prescription_required", "is_controlled", "is_active", "on_hand", "is_low",
        ]  # fmt: skip
        validators = []  # the service names the duplicate

    def get_is_low(self, medicine) -> bool:
        return medicine.on_hand <= medicine.reorder_level

    def validate_generic_name(self, value):
        if not any(part.strip() for part in value.split("+")):
            raise serializers.ValidationError("Name at least one ingredient.")
        return value


class SupplierSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)

    class Meta:
        model = Supplier
        fields = ["id", "name", "phone", "email"]
        validators = []  # the service names the duplicate


class BatchSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    medicine = PublicIdField(read_only=True)
    medicine_name = serializers.CharField(source="medicine.name", read_only=True)
    supplier = PublicIdField(read_only=True)
    supplier_name = serializers.CharField(source="supplier.name", read_only=True, default=None)
    returned_from = PublicIdField(read_only=True)

    class Meta:
        model = Batch
        fields = [
            "id", "medicine", "medicine_name", "lot", "expires_on", "received_on", "supplier", "supplier_name", "unit_cost",
            "received_quantity", "on_hand", "state", "state_reason", "returned_from",
        ]  # fmt: skip
        read_only_fields = fields


def unit_cost_field(**kwargs):
    return serializers.DecimalField(max_digits=12, decimal_places=4, min_value=0, **kwargs)


class ReceiptInput(serializers.Serializer):
    medicine = PublicIdField(queryset=Medicine.objects.all())
    lot = serializers.CharField(max_length=60)
    expires_on = serializers.DateField()
    quantity = quantity_field()
    unit_cost = unit_cost_field()
    supplier = PublicIdField(queryset=Supplier.objects.all(), required=False, allow_null=True, default=None)


class BatchChangeInput(serializers.Serializer):
    supplier = PublicIdField(queryset=Supplier.objects.all(), required=False, allow_null=True)
    unit_cost = unit_cost_field(required=False)


class WitnessInput(serializers.Serializer):
    """The second person at a controlled medicine."""

    username = serializers.CharField(max_length=254)
    password = serializers.CharField(max_length=256, trim_whitespace=False, write_only=True)


class AdjustmentInput(serializers.Serializer):
    quantity = WholeNumberField(min_value=-MAX_QUANTITY, max_value=MAX_QUANTITY)
    reason = serializers.CharField(max_length=200)
    is_waste = serializers.BooleanField(required=False, default=False, help_text="Broken, spilt or thrown away.")
    witness = WitnessInput(required=False, write_only=True)


class ReasonInput(serializers.Serializer):
    reason = serializers.CharField(max_length=200)


class RecipientSerializer(serializers.Serializer):
    """A patient who was given something of a batch, and how it went to tell them."""

    patient = serializers.UUIDField(source="patient.public_id")
    patient_name = serializers.CharField(source="patient.full_name")
    mrn = serializers.CharField(source="patient.mrn")
    phone = serializers.CharField(source="patient.phone")
    units = serializers.IntegerField(help_text="Given out of it.")
    returned = serializers.IntegerField(help_text="Of those, brought back.")
    first_on = serializers.DateField()
    last_on = serializers.DateField()
    outcome = serializers.ChoiceField(CallOutcome.choices, source="last_call.outcome", default=None, help_text="Of the last call.")
    called_at = serializers.DateTimeField(source="last_call.called_at", default=None)
    calls = serializers.IntegerField(help_text="Made so far.")


class RecallCallInput(serializers.Serializer):
    patient = PublicIdField(queryset=Patient.objects.all())
    outcome = serializers.ChoiceField(CallOutcome.choices)
    note = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class MovementSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    batch = PublicIdField(read_only=True)
    lot = serializers.CharField(source="batch.lot", read_only=True)
    medicine = serializers.UUIDField(source="batch.medicine.public_id", read_only=True)
    medicine_name = serializers.CharField(source="batch.medicine.name", read_only=True)
    by_name = serializers.CharField(source="by", read_only=True)
    witness_name = serializers.CharField(source="witness", read_only=True, default=None)
    dispensing = serializers.UUIDField(source="dispense_line.dispense.public_id", read_only=True, default=None)

    class Meta:
        model = StockMovement
        fields = [
            "id", "at", "batch", "lot", "medicine", "medicine_name", "kind", "quantity", "balance", "reason", "by_name",
            "witness_name", "dispensing",
        ]  # fmt: skip
        read_only_fields = fields


class ReorderSerializer(serializers.Serializer):
    """Demand is counted in whole clinic days before today."""

    medicine = serializers.UUIDField(source="medicine.public_id")
    medicine_name = serializers.CharField(source="medicine.name")
    unit = serializers.CharField(source="medicine.unit")
    on_hand = serializers.IntegerField(source="medicine.on_hand")
    reorder_level = serializers.IntegerField(source="medicine.reorder_level")
    dispensed = serializers.IntegerField(help_text="Units in the days looked at, less what came back.")
    days_in_stock = serializers.IntegerField(help_text="Of the days looked at.")
    daily_demand = serializers.DecimalField(source="daily", max_digits=12, decimal_places=2, help_text="Units a day with stock.")
    days_left = serializers.IntegerField(source="advice.days_left", allow_null=True, help_text="How long what is there lasts.")
    order_quantity = serializers.IntegerField(source="advice.quantity")


class StockValueSerializer(serializers.Serializer):
    usable = MoneyField(max_digits=24, rounding=ROUND_HALF_UP)
    set_aside = MoneyField(max_digits=24, rounding=ROUND_HALF_UP)
    expired = MoneyField(max_digits=24, rounding=ROUND_HALF_UP)
    total = MoneyField(max_digits=24, rounding=ROUND_HALF_UP)


class RegisterEntrySerializer(MovementSerializer):
    medicine_balance = serializers.IntegerField(help_text="Of the medicine, in all batches, after this entry.")
    patient = serializers.UUIDField(source="dispense_line.item.prescription.patient.public_id", default=None)
    patient_name = serializers.CharField(source="dispense_line.item.prescription.patient.full_name", default=None)
    prescriber_name = serializers.CharField(source="dispense_line.item.prescription.prescriber.name", default=None)

    class Meta:
        model = StockMovement
        fields = [
            "id", "at", "kind", "quantity", "medicine_balance", "batch", "lot", "patient", "patient_name", "prescriber_name", "reason",
            "by_name", "witness_name",
        ]  # fmt: skip
        read_only_fields = fields


# --- Prescriptions ---------------------------------------------------------------------------


class PrescriptionItemSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    medicine = PublicIdField(read_only=True)
    medicine_name = serializers.CharField(source="medicine.name", read_only=True)
    unit = serializers.CharField(source="medicine.unit", read_only=True)
    is_controlled = serializers.BooleanField(source="medicine.is_controlled", read_only=True)

    class Meta:
        model = PrescriptionItem
        fields = [
            "id", "medicine", "medicine_name", "dose", "route", "frequency", "duration_days", "quantity", "repeats", "instructions",
            "dispensed_quantity", "unit", "is_controlled",
        ]  # fmt: skip
        read_only_fields = fields


class AlertSerializer(serializers.Serializer):
    kind = serializers.ChoiceField(["allergy", "interaction", "duplicate", "controlled"])
    medicine = serializers.CharField()
    text = serializers.CharField()
    needs_reason = serializers.BooleanField()
    severity = serializers.ChoiceField(Severity.choices, allow_blank=True, help_text="Of an interaction.")


class ChecksSerializer(serializers.Serializer):
    """What the alerts speak about; `unknown` is not 'none'."""

    allergies = serializers.ChoiceField(["checked", "unknown"])
    interactions = serializers.ChoiceField(["checked", "unknown"])


class PrescriptionSerializer(serializers.ModelSerializer):
    """Needs `reports` in its context: {pk: SafetyReport}."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    visit = serializers.UUIDField(source="encounter.public_id", read_only=True)
    patient = PublicIdField(read_only=True)
    patient_name = serializers.CharField(source="patient.full_name", read_only=True)
    prescriber = PublicIdField(read_only=True)
    prescriber_name = serializers.CharField(source="prescriber.name", read_only=True)
    cleared = serializers.BooleanField(source="is_cleared", read_only=True)
    items = PrescriptionItemSerializer(many=True, read_only=True)
    alerts = serializers.SerializerMethodField()
    checks = serializers.SerializerMethodField()

    class Meta:
        model = Prescription
        fields = [
            "id", "visit", "patient", "patient_name", "prescriber", "prescriber_name", "status", "signed_at", "valid_until", "cleared",
            "cancelled_reason", "override_reason", "items", "alerts", "checks",
        ]  # fmt: skip
        read_only_fields = fields

    def get_alerts(self, prescription) -> AlertSerializer(many=True):
        return self.context["reports"][prescription.pk].as_json()

    def get_checks(self, prescription) -> ChecksSerializer:
        report = self.context["reports"][prescription.pk]
        return {"allergies": report.allergies, "interactions": report.interactions}


class PrescriptionItemInput(serializers.Serializer):
    medicine = PublicIdField(queryset=Medicine.objects.active())
    dose = serializers.CharField(max_length=60)
    route = serializers.CharField(max_length=40, required=False, default="oral")
    frequency = serializers.CharField(max_length=40)
    duration_days = WholeNumberField(min_value=1, max_value=366)
    quantity = quantity_field(required=False, allow_null=True, help_text="Computed from dose, frequency and duration when left out.")
    repeats = WholeNumberField(min_value=0, max_value=MOST_REPEATS, required=False, default=0)
    instructions = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


class PrescriptionInput(serializers.Serializer):
    visit = VisibleIdField(queryset=Encounter.objects.all())
    items = PrescriptionItemInput(many=True, allow_empty=False, max_length=MOST_ITEMS)


class PrescriptionChangeInput(serializers.Serializer):
    items = PrescriptionItemInput(many=True, allow_empty=False, max_length=MOST_ITEMS)


class SignInput(serializers.Serializer):
    override_reason = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


# --- Dispensing ------------------------------------------------------------------------------


class DispenseLineSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    item = PublicIdField(read_only=True)
    medicine = serializers.UUIDField(source="item.medicine.public_id", read_only=True)
    medicine_name = serializers.CharField(source="item.medicine.name", read_only=True)
    batch = PublicIdField(read_only=True)
    lot = serializers.CharField(source="batch.lot", read_only=True)
    expires_on = serializers.DateField(source="batch.expires_on", read_only=True)

    class Meta:
        model = DispenseLine
        fields = ["id", "item", "medicine", "medicine_name", "batch", "lot", "expires_on", "quantity", "returned_quantity"]
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
