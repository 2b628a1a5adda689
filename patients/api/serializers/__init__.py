"""Shapes of what comes in and goes out. Rules stand in the services."""

from patients.api.serializers.fields import ReasonInput, TextField
from patients.api.serializers.notes import NoteInput, NoteSearch, NoteSerializer, PredecessorNoteInput
from patients.api.serializers.patients import (
    AccessSerializer,
    BreakGlassSerializer,
    ConsentSerializer,
    MergeInput,
    OtherPatientInput,
    PatientRowSerializer,
    PatientSerializer,
)
from patients.api.serializers.treatments import TreatmentSerializer, TreatmentTypeSerializer
from patients.api.serializers.visits import (
    AddendumSerializer,
    AttachmentSerializer,
    DiagnosisSerializer,
    FileInput,
    VisitFilter,
    VisitSerializer,
    VitalsSerializer,
)

__all__ = [
    "AccessSerializer",
    "AddendumSerializer",
    "AttachmentSerializer",
    "BreakGlassSerializer",
    "ConsentSerializer",
    "DiagnosisSerializer",
    "FileInput",
    "MergeInput",
    "NoteInput",
    "NoteSearch",
    "NoteSerializer",
    "OtherPatientInput",
    "PatientRowSerializer",
    "PatientSerializer",
    "PredecessorNoteInput",
    "ReasonInput",
    "TextField",
    "TreatmentSerializer",
    "TreatmentTypeSerializer",
    "VisitFilter",
    "VisitSerializer",
    "VitalsSerializer",
]
