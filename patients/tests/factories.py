"""Minimal valid rows of patients and their records."""

import hashlib
from datetime import date
from decimal import Decimal

import factory
from django.utils import timezone

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DoctorFactory, user
from patients.models import (
    Addendum,
    Allergy,
    Attachment,
    ClinicalNote,
    Consent,
    Diagnosis,
    Encounter,
    EncounterStatus,
    Patient,
    Problem,
    Treatment,
    TreatmentType,
    Vitals,
)
from patients.rules.identity import mrn_of
from patients.rules.notes import sha256_of


class PatientFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Patient

    mrn = factory.Sequence(lambda n: mrn_of(9_000_000 + n))  # far from what the counter gives
    first_name = "Ann"
    last_name = factory.Sequence(lambda n: f"Bell{n}")
    date_of_birth = date(1984, 2, 29)
    sex = "female"
    registered_on = date(2026, 1, 1)


class AllergyFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Allergy

    patient = factory.SubFactory(PatientFactory)
    substance = factory.Sequence(lambda n: f"Substance {n}")


class ProblemFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Problem

    patient = factory.SubFactory(PatientFactory)
    text = "Asthma"


class EncounterFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Encounter

    patient = factory.SubFactory(PatientFactory)
    doctor = factory.SubFactory(DoctorFactory)
    started_at = factory.LazyFunction(timezone.now)

    class Params:
        signed = factory.Trait(
            status=EncounterStatus.COMPLETED,
            signed_at=factory.LazyFunction(timezone.now),
            signed_by=factory.SelfAttribute("doctor.user"),
            content_sha256="0" * 64,
        )


class VitalsFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Vitals

    encounter = factory.SubFactory(EncounterFactory)
    pulse_bpm = 72
    recorded_by = factory.LazyFunction(lambda: user(Role.NURSE))
    recorded_at = factory.LazyFunction(timezone.now)


class DiagnosisFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Diagnosis

    encounter = factory.SubFactory(EncounterFactory)
    text = "Common cold"
    recorded_by = factory.SelfAttribute("encounter.doctor.user")


class ClinicalNoteFactory(factory.django.DjangoModelFactory):
    """Not yet moved to MongoDB."""

    class Meta:
        model = ClinicalNote

    encounter = factory.SubFactory(EncounterFactory)
    patient = factory.SelfAttribute("encounter.patient")
    author = factory.SelfAttribute("encounter.doctor.user")
    thread = factory.SelfAttribute("public_id")
    public_id = factory.Faker("uuid4", cast_to=None)
    body = factory.LazyFunction(lambda: {"text": "Cough for three days", "observations": {"symptoms": ["cough"]}, "tags": []})
    sha256 = factory.LazyAttribute(lambda note: sha256_of(note.body))
    written_at = factory.LazyFunction(timezone.now)


class AttachmentFactory(factory.django.DjangoModelFactory):
    """Not yet moved to MongoDB."""

    class Meta:
        model = Attachment

    encounter = factory.SubFactory(EncounterFactory)
    patient = factory.SelfAttribute("encounter.patient")
    name = "Referral.pdf"
    content_type = "application/pdf"
    content = b"%PDF-1.4 made up"
    size_bytes = factory.LazyAttribute(lambda row: len(row.content))
    sha256 = factory.LazyAttribute(lambda row: hashlib.sha256(row.content).hexdigest())
    uploaded_by = factory.SelfAttribute("encounter.doctor.user")
    uploaded_at = factory.LazyFunction(timezone.now)


class TreatmentTypeFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = TreatmentType

    name = factory.Sequence(lambda n: f"Dressing {n}")
    base_cost = Decimal("12.50")


class TreatmentFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Treatment

    encounter = factory.SubFactory(EncounterFactory)
    treatment_type = factory.SubFactory(TreatmentTypeFactory)
    name = factory.SelfAttribute("treatment_type.name")
    base_cost = factory.SelfAttribute("treatment_type.base_cost")
    recorded_by = factory.SelfAttribute("encounter.doctor.user")


class AddendumFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Addendum

    encounter = factory.SubFactory(EncounterFactory, signed=True)
    reason = "Wrong side"
    text = "The left knee, not the right one."
    author = factory.SelfAttribute("encounter.doctor.user")


class ConsentFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Consent

    patient = factory.SubFactory(PatientFactory)
    category = "treatment"
    status = "active"
    given_on = date(2026, 1, 5)
    recorded_by = factory.LazyFunction(lambda: user(Role.NURSE))
    recorded_at = factory.LazyFunction(timezone.now)
