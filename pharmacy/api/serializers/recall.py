"""Who was given something of a recalled batch."""

from rest_framework import serializers

from clinic.core.serializers import PublicIdField
from patients.models import Patient
from pharmacy.models import CallOutcome


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
