"""Writing history: a patient, and visits that were over long ago, which no service of the day's work makes.

Each function runs in the caller's transaction.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from django.utils import timezone

from clinic.accounts.models import Doctor, User
from clinic.audit.services.recording import record
from clinic.ops.fhir_import.mapping import AllergyFacts, ConditionFacts, PatientFacts, Unusable, VisitFacts, row_id
from patients.models import Allergy, Diagnosis, DiagnosisRank, Encounter, EncounterStatus, Patient, Problem, Vitals
from patients.rules.notes import sha256_of
from patients.services.registration import register_patient
from patients.services.signed_content import content_of


@dataclass(frozen=True)
class Measured:
    """One set of vital signs."""

    public_id: UUID
    at: datetime
    values: dict[str, Decimal]


@dataclass
class Visit:
    """All of a visit: once it is written it is signed, and nothing can be added."""

    source_id: str
    facts: VisitFacts
    doctor: Doctor
    diagnoses: list[tuple[UUID, ConditionFacts]] = field(default_factory=list)
    vitals: list[Measured] = field(default_factory=list)


def find_patient(source_id: str) -> Patient | None:
    return Patient.objects.filter(source_id=source_id).first()


def check_same_person(patient: Patient, facts: PatientFacts):
    """Ids of two systems may collide: a stranger's record must not land on this chart. Raises Unusable."""
    names = {patient.last_name.casefold(), patient.first_name.casefold()}
    if patient.date_of_birth != facts.data["date_of_birth"] and facts.data["last_name"].casefold() not in names:
        raise Unusable("another patient was imported under this id; name the system it is from with --source")


def add_patient(facts: PatientFacts, source_id: str, *, on: date, by: User) -> Patient:
    patient = register_patient(data=facts.data, by=by, on=on, request_id=row_id("Patient", source_id))
    Patient.objects.filter(pk=patient.pk).update(source_id=source_id)
    patient.source_id = source_id
    return patient


def add_allergy(patient: Patient, facts: AllergyFacts, public_id: UUID, *, by: User) -> bool:
    """False when the substance is on the list already."""
    if patient.allergies.filter(substance__iexact=facts.substance).exists():
        return False
    Allergy.objects.create(
        public_id=public_id, patient=patient, substance=facts.substance, reaction=facts.reaction, severity=facts.severity, recorded_by=by
    )
    asked_at = min(facts.asked_at or timezone.now(), timezone.now())
    if patient.allergies_reviewed_at is None or patient.allergies_reviewed_at < asked_at:
        patient.allergies_reviewed_at = asked_at
        Patient.objects.filter(pk=patient.pk).update(allergies_reviewed_at=asked_at)
    record(action="patients.allergy.imported", actor=by, subject=patient, patient=patient)
    return True


def add_problem(patient: Patient, facts: ConditionFacts, public_id: UUID, *, by: User) -> bool:
    """False when it is on the list already."""
    if Problem.objects.filter(public_id=public_id).exists():
        return False
    text = facts.text if len(facts.text) <= 200 else f"{facts.text[:199]}…"
    Problem.objects.create(
        public_id=public_id,
        patient=patient,
        text=text,
        code=facts.code,
        onset_on=facts.onset_on,
        is_active=facts.is_active,
        recorded_by=by,
    )
    record(action="patients.problem.imported", actor=by, subject=patient, patient=patient)
    return True


def find_visit(source_id: str) -> Encounter | None:
    return Encounter.objects.filter(source_id=source_id).first()


def add_visit(patient: Patient, visit: Visit, *, by: User) -> Encounter:
    """A signed encounter with its diagnoses and measurements.

    It began when it did; the signature is the importer's, of now: nobody signed it here at that time.
    """
    facts = visit.facts
    encounter = Encounter.objects.create(
        public_id=row_id("Encounter", visit.source_id),
        patient=patient,
        doctor=visit.doctor,
        started_at=facts.started_at,
        reason=facts.reason,
        source_id=visit.source_id,
    )
    Diagnosis.objects.bulk_create(_diagnoses(encounter, visit.diagnoses, by))
    Vitals.objects.bulk_create(
        Vitals(public_id=each.public_id, encounter=encounter, recorded_by=by, recorded_at=each.at, **each.values) for each in visit.vitals
    )
    encounter.save_changes(
        status=EncounterStatus.COMPLETED, signed_at=timezone.now(), signed_by=by, content_sha256=sha256_of(content_of(encounter))
    )
    record(
        action="patients.encounter.imported",
        actor=by,
        subject=encounter,
        patient=patient,
        changes={"status": encounter.status, "diagnoses": len(visit.diagnoses), "vitals": len(visit.vitals)},
    )
    return encounter


def _diagnoses(encounter: Encounter, found: Iterable[tuple[UUID, ConditionFacts]], by: User) -> Iterable[Diagnosis]:
    """The first one named is the primary one."""
    ranks = [DiagnosisRank.PRIMARY]
    for public_id, facts in found:
        text = facts.text if len(facts.text) <= 300 else f"{facts.text[:299]}…"
        rank = ranks.pop() if ranks else DiagnosisRank.SECONDARY
        yield Diagnosis(public_id=public_id, encounter=encounter, text=text, code=facts.code, rank=rank, recorded_by=by)
