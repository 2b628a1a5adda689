"""A visit and what is recorded in it."""

from datetime import date

from django.core.validators import MaxValueValidator, MinValueValidator
from rest_framework import serializers

from patients.api.serializers.fields import TextField
from patients.api.serializers.treatments import TreatmentSerializer
from patients.models import DiagnosisRank, EncounterStatus
from patients.models.encounter import VITALS_RANGES
from patients.selectors import unusual_of


class VitalsSerializer(serializers.Serializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    temperature_c = serializers.DecimalField(max_digits=6, decimal_places=3, required=False, allow_null=True, coerce_to_string=False)
    pulse_bpm = serializers.IntegerField(required=False, allow_null=True)
    systolic_mmhg = serializers.IntegerField(required=False, allow_null=True)
    diastolic_mmhg = serializers.IntegerField(required=False, allow_null=True)
    respiratory_rate_bpm = serializers.IntegerField(required=False, allow_null=True)
    spo2_percent = serializers.IntegerField(required=False, allow_null=True)
    weight_kg = serializers.DecimalField(max_digits=8, decimal_places=3, required=False, allow_null=True, coerce_to_string=False)
    height_cm = serializers.DecimalField(max_digits=8, decimal_places=3, required=False, allow_null=True, coerce_to_string=False)
    glucose_mmol_l = serializers.DecimalField(max_digits=6, decimal_places=3, required=False, allow_null=True, coerce_to_string=False)
    pain = serializers.IntegerField(required=False, allow_null=True)
    bmi = serializers.FloatField(read_only=True)
    unusual = serializers.SerializerMethodField()
    recorded_at = serializers.DateTimeField(read_only=True)
    recorded_by = serializers.CharField(read_only=True)

    def get_unusual(self, vitals) -> list[str]:
        return [each.name for each in unusual_of(vitals)]

    def to_representation(self, vitals):
        """Measurements are numbers: 36.6, not "36.600"."""
        shown = super().to_representation(vitals)
        for name in VITALS_RANGES:
            value = getattr(vitals, name)
            shown[name] = value if value is None or isinstance(value, int) else float(value)
        return shown


class DiagnosisSerializer(serializers.Serializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    code = TextField(max_length=10)
    text = serializers.CharField(max_length=300)
    rank = serializers.ChoiceField(DiagnosisRank.choices, default=DiagnosisRank.PRIMARY)


class FileInput(serializers.Serializer):
    """What the file really is the service finds out."""

    file = serializers.FileField(max_length=300, help_text="JPEG, PNG or PDF, at most 10 MB.")


class AttachmentSerializer(serializers.Serializer):
    """The header of a file; the file itself is at its own address."""

    id = serializers.UUIDField(source="public_id")
    name = serializers.CharField()
    content_type = serializers.CharField()
    size_bytes = serializers.IntegerField()
    sha256 = serializers.CharField()
    uploaded_at = serializers.DateTimeField()
    uploaded_by = serializers.CharField()


class AddendumSerializer(serializers.Serializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    reason = serializers.CharField(max_length=200)
    text = serializers.CharField(max_length=10_000)
    author = serializers.UUIDField(source="author.public_id", read_only=True)
    author_name = serializers.CharField(source="author", read_only=True)
    created_at = serializers.DateTimeField(read_only=True)


class VisitSerializer(serializers.Serializer):
    """An encounter; `id` is its record_uuid. The scheduling app adds where it came from."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    patient = serializers.UUIDField(source="patient.public_id", read_only=True)
    patient_name = serializers.CharField(source="patient.full_name", read_only=True)
    doctor = serializers.UUIDField(source="doctor.public_id", read_only=True)
    doctor_name = serializers.CharField(source="doctor.name", read_only=True)
    status = serializers.CharField(read_only=True)
    reason = TextField(max_length=300)
    diagnosis = TextField(source="diagnosis_text", max_length=2000)
    started_at = serializers.DateTimeField(read_only=True)
    signed_at = serializers.DateTimeField(read_only=True)
    signed_by = serializers.CharField(read_only=True, allow_null=True)
    content_sha256 = serializers.CharField(read_only=True)
    vitals = VitalsSerializer(many=True, read_only=True)
    diagnoses = DiagnosisSerializer(many=True, read_only=True)
    treatments = TreatmentSerializer(many=True, read_only=True)


# Beyond these years a day has no instant in every time zone.
_DAYS_OF_RECORDS = [MinValueValidator(date(1900, 1, 1)), MaxValueValidator(date(2999, 12, 31))]


class VisitFilter(serializers.Serializer):
    """Query parameters of the list. Dates are days on the clinic's wall clock, both included."""

    patient = serializers.UUIDField(source="patient__public_id", required=False)
    doctor = serializers.UUIDField(source="doctor__public_id", required=False)
    status = serializers.ChoiceField(EncounterStatus.choices, required=False)
    date_from = serializers.DateField(required=False, validators=_DAYS_OF_RECORDS)
    date_to = serializers.DateField(required=False, validators=_DAYS_OF_RECORDS)
