"""Shapes of what comes in and goes out. Rules stand in the services."""

from datetime import date

from django.core.validators import MaxValueValidator, MinValueValidator
from rest_framework import serializers

from clinic.core.serializers import MoneyField, PublicIdField
from patients.models import (
    AllergySeverity,
    Attachment,
    ConsentCategory,
    ConsentStatus,
    DiagnosisRank,
    EncounterStatus,
    Patient,
    Sex,
    TreatmentType,
)
from patients.models.encounter import VITALS_RANGES
from patients.models.patient import BloodGroup, DatePrecision
from patients.selectors import unusual_of


class TextField(serializers.CharField):
    """Text that may be left out or empty; null means empty."""

    def __init__(self, **kwargs):
        super().__init__(**{"required": False, "allow_blank": True, **kwargs})

    def run_validation(self, data=serializers.empty):
        return super().run_validation("" if data is None and not self.required else data)


class ChoiceOrBlankField(serializers.ChoiceField):
    """One of the choices, or nothing; null means nothing."""

    def __init__(self, choices, **kwargs):
        super().__init__(choices, required=False, allow_blank=True, **kwargs)

    def run_validation(self, data=serializers.empty):
        return super().run_validation("" if data is None else data)


class EmailOrBlankField(TextField, serializers.EmailField):
    """An e-mail address or nothing."""


class _Group(serializers.Serializer):
    """Some columns of the patient as one object; null empties all of them."""

    def run_validation(self, data=serializers.empty):
        return super().run_validation(dict.fromkeys(self.fields) if data is None else data)


class EmergencyContactSerializer(_Group):
    name = TextField(source="emergency_contact_name", max_length=120)
    phone = TextField(source="emergency_contact_phone", max_length=40)
    relation = TextField(source="emergency_contact_relation", max_length=40)


class InsuranceSerializer(_Group):
    payer = TextField(source="insurance_payer", max_length=120)
    policy_number = TextField(source="insurance_policy_number", max_length=60)
    valid_until = serializers.DateField(source="insurance_valid_until", required=False, allow_null=True)
    cover_percent = serializers.IntegerField(source="insurance_cover_percent", required=False, allow_null=True, min_value=0, max_value=100)


class AllergySerializer(serializers.Serializer):
    substance = serializers.CharField(max_length=120)
    reaction = TextField(max_length=200)
    severity = ChoiceOrBlankField(AllergySeverity.choices)


class ProblemSerializer(serializers.Serializer):
    text = serializers.CharField(max_length=200)
    code = TextField(max_length=10)
    onset_on = serializers.DateField(required=False, allow_null=True)
    is_active = serializers.BooleanField(required=False)


class PatientRowSerializer(serializers.Serializer):
    """A patient in a list: without what is clinical, since a list is no opened chart."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    mrn = serializers.CharField(read_only=True)
    first_name = serializers.CharField(max_length=80)
    last_name = serializers.CharField(max_length=80)
    date_of_birth = serializers.DateField()
    date_of_birth_precision = serializers.ChoiceField(DatePrecision.choices, required=False)
    sex = serializers.ChoiceField(Sex.choices)
    phone = TextField(max_length=40)
    email = EmailOrBlankField()
    address = TextField(max_length=500)
    blood_group = ChoiceOrBlankField(BloodGroup.choices)
    national_id = TextField(max_length=40)
    emergency_contact = EmergencyContactSerializer(source="*", required=False)
    insurance = InsuranceSerializer(source="*", required=False)
    registered_on = serializers.DateField(read_only=True)
    is_restricted = serializers.BooleanField(read_only=True)
    status = serializers.CharField(read_only=True)


class PatientSerializer(PatientRowSerializer):
    allergies = AllergySerializer(many=True, required=False)
    problems = ProblemSerializer(many=True, required=False)
    allergies_reviewed_at = serializers.DateTimeField(read_only=True)
    deactivated_reason = serializers.CharField(read_only=True)
    merged_into = serializers.UUIDField(source="merged_into.public_id", read_only=True, default=None)


class ReasonInput(serializers.Serializer):
    reason = serializers.CharField(max_length=200)


class OtherPatientInput(serializers.Serializer):
    """Another record that may be the same person's."""

    other = PublicIdField(queryset=Patient.objects.all())


class MergeInput(OtherPatientInput, ReasonInput):
    """The record that is a duplicate, and how that is known."""


class AccessSerializer(serializers.Serializer):
    """One reading of a chart."""

    at = serializers.DateTimeField(source="occurred_at")
    user = serializers.SerializerMethodField()
    resource = serializers.CharField(source="resource_type")

    def get_user(self, event) -> dict | None:
        return event.document["user"]


class ConsentSerializer(serializers.Serializer):
    """One decision of a patient. The newest of a category is the one that stands."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    category = serializers.ChoiceField(ConsentCategory.choices)
    scope = serializers.CharField(read_only=True, help_text="FHIR's code for what the category belongs to.")
    status = serializers.ChoiceField(ConsentStatus.choices)
    given_on = serializers.DateField()
    valid_until = serializers.DateField(required=False, allow_null=True)
    detail = TextField(max_length=300)
    attachment = PublicIdField(queryset=Attachment.objects.defer("content"), required=False, allow_null=True)
    recorded_by_name = serializers.CharField(source="recorded_by", read_only=True)
    recorded_at = serializers.DateTimeField(read_only=True)


class BreakGlassSerializer(serializers.Serializer):
    """One opening of a restricted chart."""

    id = serializers.UUIDField(source="public_id")
    patient = serializers.UUIDField(source="patient.public_id")
    patient_mrn = serializers.CharField(source="patient.mrn")
    user = serializers.UUIDField(source="user.public_id")
    user_name = serializers.CharField(source="user")
    reason = serializers.CharField()
    granted_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()


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


class NoteInput(serializers.Serializer):
    """Sizes, keys and values of observations are checked by the service."""

    text = TextField()
    observations = serializers.JSONField(required=False, default=dict)
    tags = serializers.ListField(child=serializers.CharField(), required=False, default=list)
    amends = serializers.UUIDField(required=False, allow_null=True, help_text="The note that this is a new version of.")


class NoteSearch(serializers.Serializer):
    """Query parameters of the list."""

    search = serializers.CharField(max_length=100, help_text='Words, "a phrase", or, -without.')


class PredecessorNoteInput(NoteInput):
    record_uuid = serializers.UUIDField()
    patient = serializers.UUIDField()


class NoteSerializer(serializers.Serializer):
    """A note as it was read: its text is null while it cannot be read, which `state` explains."""

    id = serializers.UUIDField(source="header.public_id")
    record_uuid = serializers.UUIDField(source="header.encounter.public_id")
    patient = serializers.UUIDField(source="header.encounter.patient.public_id")
    thread = serializers.UUIDField(source="header.thread", help_text="The id of the first version.")
    version = serializers.IntegerField(source="header.number")
    author = serializers.UUIDField(source="header.author.public_id")
    author_name = serializers.CharField(source="header.author")
    text = serializers.CharField(allow_null=True)
    observations = serializers.JSONField(allow_null=True)
    tags = serializers.ListField(child=serializers.CharField(), allow_null=True)
    state = serializers.CharField()
    sha256 = serializers.CharField(source="header.sha256")
    written_at = serializers.DateTimeField(source="header.written_at")


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
