"""The API's description of patients, their visits and what is recorded in them."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from clinic.core.schema import (
    CHECKS_VERSION,
    NOTHING,
    READS_VERSION,
    REASON_IN_QUERY,
    SHOWS_VERSION,
    describe,
    whole_list_of,
)
from patients.api import serializers as shapes
from patients.api.notes import ClinicalNoteViewSet
from patients.api.treatment_types import TreatmentTypeViewSet
from patients.api.views import PatientViewSet
from patients.models import ContentType, EncounterStatus
from patients.models.patient import PatientStatus


class InErrorInput(shapes.ReasonInput):
    """Why it should not have been written."""


class BreakGlassInput(shapes.ReasonInput):
    """Why the chart has to be opened all the same."""


# --- Answers, where they say more than the serializer that makes them --------------------


class PatientRow(shapes.PatientRowSerializer):
    status = serializers.ChoiceField(PatientStatus.choices)


class PatientAnswer(shapes.PatientSerializer):
    status = serializers.ChoiceField(PatientStatus.choices)
    allergies_reviewed_at = serializers.DateTimeField(allow_null=True)


class DuplicateAnswer(PatientRow):
    reasons = serializers.ListField(child=serializers.CharField(), help_text="What they have in common.")


class ReaderAnswer(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    role = serializers.CharField(help_text="Roles, separated by commas.")


class AccessAnswer(shapes.AccessSerializer):
    user = ReaderAnswer(allow_null=True)


class VitalsAnswer(shapes.VitalsSerializer):
    temperature_c = serializers.FloatField(allow_null=True)
    weight_kg = serializers.FloatField(allow_null=True)
    height_cm = serializers.FloatField(allow_null=True)
    glucose_mmol_l = serializers.FloatField(allow_null=True)
    bmi = serializers.FloatField(allow_null=True)


class NoteAnswer(shapes.NoteSerializer):
    observations = serializers.DictField(child=serializers.JSONField(), allow_null=True)
    state = serializers.ChoiceField(["ok", "unavailable", "damaged"], help_text="Whether the text can be read.")


class RecordNotesAnswer(serializers.Serializer):
    record_uuid = serializers.UUIDField()
    patient = serializers.UUIDField()
    notes = NoteAnswer(many=True)


class VisitAnswer(shapes.VisitSerializer):
    status = serializers.ChoiceField(EncounterStatus.choices)
    signed_at = serializers.DateTimeField(allow_null=True)
    vitals = VitalsAnswer(many=True)


# --- Operations --------------------------------------------------------------------------

describe(
    PatientViewSet,
    list=extend_schema(
        parameters=[OpenApiParameter("search", OpenApiTypes.STR, description="Name, MRN, phone, national id or date of birth.")],
        responses=PatientRow(many=True),
    ),
    retrieve=extend_schema(responses=PatientAnswer, parameters=READS_VERSION),
    create=extend_schema(responses={201: PatientAnswer}, parameters=SHOWS_VERSION),
    update=extend_schema(responses=PatientAnswer, parameters=CHECKS_VERSION),
    partial_update=extend_schema(responses=PatientAnswer, parameters=CHECKS_VERSION),
    destroy=extend_schema(responses={204: NOTHING}, parameters=[REASON_IN_QUERY]),
    duplicates=extend_schema(
        description="Who else this may be.",
        responses=whole_list_of(DuplicateAnswer, "DuplicateList"),
    ),
    merge=extend_schema(request=shapes.MergeInput, responses=PatientAnswer, parameters=SHOWS_VERSION),
    unmerge=extend_schema(request=None, responses=PatientAnswer, parameters=SHOWS_VERSION),
    not_duplicate=extend_schema(
        description="Two people: never show them as possible duplicates again.", request=shapes.OtherPatientInput, responses={204: NOTHING}
    ),
    restrict=extend_schema(
        description="Open this chart to nobody without a reason.", request=None, responses=PatientAnswer, parameters=SHOWS_VERSION
    ),
    unrestrict=extend_schema(request=None, responses=PatientAnswer, parameters=SHOWS_VERSION),
    break_glass=extend_schema(
        description="Open a restricted chart for an hour; a manager is told.",
        request=BreakGlassInput,
        responses={201: shapes.BreakGlassSerializer},
    ),
    consents=extend_schema(description="What the patient decided, the newest first.", responses=shapes.ConsentSerializer(many=True)),
    record_consent=extend_schema(
        description="Write down a decision. It takes the place of the one before in its category.",
        request=shapes.ConsentSerializer,
        responses={201: shapes.ConsentSerializer},
    ),
    access_log=extend_schema(description="Who opened the chart, and when.", responses=AccessAnswer(many=True)),
)
describe(
    ClinicalNoteViewSet,
    list=extend_schema(parameters=[shapes.NoteSearch], responses=NoteAnswer(many=True)),
    create=extend_schema(request=shapes.PredecessorNoteInput, responses={201: NoteAnswer}),
    retrieve=extend_schema(responses=RecordNotesAnswer),
)
describe(
    TreatmentTypeViewSet,
    retrieve=extend_schema(parameters=READS_VERSION),
    create=extend_schema(parameters=SHOWS_VERSION),
    partial_update=extend_schema(parameters=CHECKS_VERSION),
)

# Of patients.api.visits.VisitViewSet; whoever mounts it describes it.
VISIT_OPERATIONS = {
    "list": extend_schema(parameters=[shapes.VisitFilter], responses=VisitAnswer(many=True)),
    "retrieve": extend_schema(responses=VisitAnswer, parameters=READS_VERSION),
    "partial_update": extend_schema(responses=VisitAnswer, parameters=CHECKS_VERSION),
    "complete": extend_schema(
        description="Sign it: after this it can only be added to.", request=None, responses=VisitAnswer, parameters=CHECKS_VERSION
    ),
    "entered_in_error": extend_schema(request=InErrorInput, responses=VisitAnswer, parameters=SHOWS_VERSION),
    "vitals": extend_schema(responses=whole_list_of(VitalsAnswer, "VitalsList")),
    "add_vitals": extend_schema(request=shapes.VitalsSerializer, responses={201: VitalsAnswer}),
    "diagnoses": extend_schema(responses=whole_list_of(shapes.DiagnosisSerializer, "DiagnosisList")),
    "add_diagnosis": extend_schema(request=shapes.DiagnosisSerializer, responses={201: shapes.DiagnosisSerializer}),
    "notes": extend_schema(responses=whole_list_of(NoteAnswer, "NoteList")),
    "add_note": extend_schema(request=shapes.NoteInput, responses={201: NoteAnswer}),
    "attachments": extend_schema(responses=whole_list_of(shapes.AttachmentSerializer, "AttachmentList")),
    "add_attachment": extend_schema(
        description="A JPEG, PNG or PDF file. Images are drawn anew; a PDF with active content is refused.",
        request={"multipart/form-data": shapes.FileInput},
        responses={201: shapes.AttachmentSerializer},
    ),
    "attachment": extend_schema(
        description="The file itself, to save: never shown inside a page.",
        responses={(200, kind): OpenApiResponse(OpenApiTypes.BINARY, description="The file.") for kind in ContentType.values},
    ),
    "remove_attachment": extend_schema(responses={204: NOTHING}),
    "addenda": extend_schema(responses=whole_list_of(shapes.AddendumSerializer, "AddendumList")),
    "add_addendum": extend_schema(request=shapes.AddendumSerializer, responses={201: shapes.AddendumSerializer}),
}
