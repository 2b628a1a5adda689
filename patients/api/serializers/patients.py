"""Patients: who they are, who opened their charts, what they decided."""

from rest_framework import serializers

from clinic.core.serializers import PublicIdField
from patients.api.serializers.fields import ChoiceOrBlankField, EmailOrBlankField, ReasonInput, TextField
from patients.models import AllergySeverity, Attachment, ConsentCategory, ConsentStatus, Patient, Sex
from patients.models.patient import BloodGroup, DatePrecision


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
