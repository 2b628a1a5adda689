"""What a doctor orders."""

from rest_framework import serializers

from clinic.core.serializers import PublicIdField
from patients.models import Encounter
from pharmacy.api.serializers.fields import VisibleIdField, WholeNumberField, quantity_field
from pharmacy.models import Favourite, Medicine, Prescription, PrescriptionItem, Severity
from pharmacy.rules.frequencies import timing
from pharmacy.rules.quantities import directions
from pharmacy.services.items import MOST_DOSES_A_DAY, MOST_ITEMS, MOST_REPEATS


class PrescriptionItemSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    medicine = PublicIdField(read_only=True)
    medicine_name = serializers.CharField(source="medicine.name", read_only=True)
    unit = serializers.CharField(source="medicine.unit", read_only=True)
    is_controlled = serializers.BooleanField(source="medicine.is_controlled", read_only=True)
    directions = serializers.SerializerMethodField(help_text="In plain words.")
    timing = serializers.SerializerMethodField(help_text="A coded frequency as FHIR R4 writes it; null for plain words.")

    class Meta:
        model = PrescriptionItem
        fields = [
            "id", "medicine", "medicine_name", "dose", "route", "frequency", "max_doses_a_day", "duration_days", "quantity", "repeats",
            "instructions", "directions", "timing", "dispensed_quantity", "unit", "is_controlled",
        ]  # fmt: skip
        read_only_fields = fields

    def get_directions(self, item) -> str:
        return directions(item)

    def get_timing(self, item) -> dict | None:
        return timing(item.frequency, max_doses_a_day=item.max_doses_a_day)


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
    duplicates = serializers.ChoiceField(["checked", "unknown"])
    unmatched_allergies = serializers.ListField(child=serializers.CharField(), help_text="They name no ingredient and no class.")
    without_ingredients = serializers.ListField(child=serializers.CharField(), help_text="Medicines that could not be checked.")


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
        return {
            "allergies": report.allergies,
            "interactions": report.interactions,
            "duplicates": report.duplicates,
            "unmatched_allergies": report.unmatched,
            "without_ingredients": report.without_ingredients,
        }


class PrescriptionItemInput(serializers.Serializer):
    medicine = PublicIdField(queryset=Medicine.objects.all())
    dose = serializers.CharField(max_length=60)
    route = serializers.CharField(max_length=40, required=False, default="oral")
    frequency = serializers.CharField(max_length=40)
    max_doses_a_day = WholeNumberField(
        min_value=1, max_value=MOST_DOSES_A_DAY, required=False, allow_null=True, help_text="PRN needs it: how often at most."
    )
    duration_days = WholeNumberField(min_value=1, max_value=366)
    quantity = quantity_field(required=False, allow_null=True, help_text="Computed from dose, frequency and duration when left out.")
    repeats = WholeNumberField(min_value=0, max_value=MOST_REPEATS, required=False, default=0)
    instructions = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


class PrescriptionInput(serializers.Serializer):
    visit = VisibleIdField(queryset=Encounter.objects.select_related("patient"))
    items = PrescriptionItemInput(many=True, allow_empty=False, max_length=MOST_ITEMS)


class PrescriptionChangeInput(serializers.Serializer):
    items = PrescriptionItemInput(many=True, allow_empty=False, max_length=MOST_ITEMS)


class SignInput(serializers.Serializer):
    override_reason = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


class RepeatInput(serializers.Serializer):
    """The visit in which the patient's last prescription is drafted once more."""

    visit = VisibleIdField(queryset=Encounter.objects.select_related("patient"))


class FavouriteSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    medicine = PublicIdField(read_only=True)
    medicine_name = serializers.CharField(source="medicine.name", read_only=True)
    directions = serializers.SerializerMethodField(help_text="In plain words.")
    for_everyone = serializers.BooleanField(source="is_for_everyone", read_only=True)

    class Meta:
        model = Favourite
        fields = [
            "id", "medicine", "medicine_name", "dose", "route", "frequency", "max_doses_a_day", "duration_days", "quantity", "repeats",
            "instructions", "directions", "for_everyone",
        ]  # fmt: skip
        read_only_fields = fields

    def get_directions(self, favourite) -> str:
        return directions(favourite)


class FavouriteInput(PrescriptionItemInput):
    for_everyone = serializers.BooleanField(required=False, default=False)
