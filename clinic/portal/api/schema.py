"""The API's description of a patient's history."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers

from clinic.core.schema import PDF, describe
from clinic.portal.api import history, record, timeline
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


class EventsAnswer(serializers.Serializer):
    """A page of the timeline. `next` goes on where it ends; there is no way back."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = timeline.EventSerializer(many=True)


describe(
    timeline.PatientEvents,
    get=extend_schema(
        operation_id="patients_history_events",
        parameters=[
            OpenApiParameter("kind", str, enum=list(timeline.SOURCES), many=True, description="Only these kinds."),
            OpenApiParameter("before", str, description="The place where the page before ended; `next` holds it."),
        ],
        responses=EventsAnswer,
    ),
)
describe(
    record.RecordJson,
    get=extend_schema(operation_id="patients_export", responses={200: OpenApiTypes.OBJECT, 503: None}),
)
describe(
    record.RecordPdf,
    get=extend_schema(
        operation_id="patients_export_pdf",
        responses={**PDF, 503: None},
    ),
)
