from patients.models.access import BreakGlass
from patients.models.attachment import Attachment, ContentType, Refiling
from patients.models.codes import Icd10Code
from patients.models.consent import Consent, ConsentCategory, ConsentStatus
from patients.models.draft import ConsultationDraft
from patients.models.encounter import (
    Addendum,
    ClinicalNote,
    Diagnosis,
    DiagnosisRank,
    Encounter,
    EncounterStatus,
    Vitals,
)
from patients.models.merge import MergedValue, NotDuplicate, PatientMerge
from patients.models.past import ListEntry, ListKind
from patients.models.patient import (
    Allergy,
    AllergySeverity,
    MrnCounter,
    Patient,
    PatientStatus,
    Problem,
    Sex,
)
from patients.models.search import NameWord
from patients.models.treatment import Treatment, TreatmentType

__all__ = [
    "Addendum",
    "Allergy",
    "AllergySeverity",
    "Attachment",
    "BreakGlass",
    "ClinicalNote",
    "Consent",
    "ConsentCategory",
    "ConsentStatus",
    "ConsultationDraft",
    "ContentType",
    "Diagnosis",
    "DiagnosisRank",
    "Encounter",
    "EncounterStatus",
    "Icd10Code",
    "ListEntry",
    "ListKind",
    "MergedValue",
    "MrnCounter",
    "NameWord",
    "NotDuplicate",
    "Patient",
    "PatientMerge",
    "PatientStatus",
    "Problem",
    "Refiling",
    "Sex",
    "Treatment",
    "TreatmentType",
    "Vitals",
]
