"""The API's description of a patient's history."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from clinic.core.schema import describe
from clinic.portal.api import history
from patients.api.schema import NoteAnswer, VisitAnswer
from pharmacy.models import PrescriptionStatus


class PrescriptionThenAnswer(history.HistoryPrescriptionSerializer):
    status = serializers.ChoiceField(PrescriptionStatus.choices)
    signed_at = serializers.DateTimeField(allow_null=True)


class HistoryEntryAnswer(VisitAnswer, history.HistoryEntrySerializer):
    notes = NoteAnswer(many=True)
    prescriptions = PrescriptionThenAnswer(many=True)


describe(
    history.PatientHistory,
    get=extend_schema(operation_id="patients_history", responses=HistoryEntryAnswer(many=True)),
)
