from decimal import Decimal

import pgtrigger
from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchQuery, SearchVectorField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from clinic.core.models import BaseModel, VersionedModel
from clinic.core.triggers import Frozen, Kept, refusal
from patients.models.access import BreakGlass
from patients.models.patient import Patient


class EncounterStatus(models.TextChoices):
    IN_PROGRESS = "in_progress", "In progress"
    COMPLETED = "completed", "Completed"
    ENTERED_IN_ERROR = "entered_in_error", "Entered in error"


NEXT_STATUSES = {
    EncounterStatus.IN_PROGRESS: {EncounterStatus.COMPLETED, EncounterStatus.ENTERED_IN_ERROR},
    EncounterStatus.COMPLETED: set(),
    EncounterStatus.ENTERED_IN_ERROR: set(),
}

# (lowest, highest) that a living patient can have; outside it is a typing error. Units stand in the names.
# Source: ranges of the clinic, wider than any normal range; see patients/README.md.
VITALS_RANGES: dict[str, tuple[Decimal | int, Decimal | int]] = {
    "temperature_c": (Decimal("25.0"), Decimal("45.0")),
    "pulse_bpm": (20, 300),
    "systolic_mmhg": (40, 300),
    "diastolic_mmhg": (20, 200),
    "respiratory_rate_bpm": (3, 80),
    "spo2_percent": (30, 100),
    "weight_kg": (Decimal("0.20"), Decimal("500.00")),
    "height_cm": (Decimal("20.0"), Decimal("260.0")),
    "glucose_mmol_l": (Decimal("0.5"), Decimal("60.0")),
    "pain": (0, 10),
}


class FrozenWithEncounter(pgtrigger.Trigger):
    """A child of a closed encounter cannot be added, changed or removed.

    The share lock makes a writer wait for a signature that is being given, and then see it.
    """

    when = pgtrigger.Before
    declare = [("encounter_status", "text")]

    def __init__(self, name: str, operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete, condition=None, column="encounter_id"):
        func = f"""
            SELECT status INTO encounter_status FROM patients_encounter
             WHERE id = COALESCE(NEW.{column}, OLD.{column}) FOR SHARE;
            IF encounter_status <> 'in_progress' THEN
                {refusal(name, "the encounter is closed")}
            END IF;
            RETURN COALESCE(NEW, OLD);
        """
        super().__init__(name=name, operation=operation, condition=condition, func=func)


class EncounterQuerySet(models.QuerySet):
    def in_progress(self):
        return self.filter(status=EncounterStatus.IN_PROGRESS)

    def visible_to(self, user):
        """Staff see every encounter; a patient sees the own ones."""
        return self.filter(patient__user=user) if user.is_only_patient else self

    def of_open_charts(self, user, *, now):
        """Without those of restricted charts that are not open to this person: the rule of services.access as SQL."""
        if user.is_only_patient:
            return self
        restricted = Patient.objects.filter(is_restricted=True).exclude(user=user)
        opened = BreakGlass.objects.active(now).filter(user=user).values("patient")
        treated = Encounter.objects.in_progress().filter(doctor__user=user).values("patient")
        return self.exclude(patient__in=restricted.exclude(pk__in=opened).exclude(pk__in=treated))


class Encounter(VersionedModel):
    """A visit: the medical record of one consultation. `public_id` is its record_uuid."""

    patient = models.ForeignKey("patients.Patient", models.PROTECT, related_name="encounters")
    doctor = models.ForeignKey("accounts.Doctor", models.PROTECT, related_name="encounters")
    status = models.CharField(max_length=16, choices=EncounterStatus, default=EncounterStatus.IN_PROGRESS, editable=False)
    reason = models.CharField(max_length=300, blank=True, help_text="Why the patient came, in their words.")
    diagnosis_text = models.TextField(blank=True, max_length=2000)
    started_at = models.DateTimeField(db_default=Now())
    signed_at = models.DateTimeField(null=True, blank=True, editable=False)
    signed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, editable=False, related_name="+")
    content_sha256 = models.CharField(max_length=64, blank=True, editable=False, help_text="Of the content that was signed.")
    entered_in_error_reason = models.CharField(max_length=200, blank=True, editable=False)
    request_id = models.UUIDField(null=True, unique=True, editable=False)
    source_id = models.CharField(
        max_length=200, null=True, unique=True, editable=False, help_text="Identifier in the system it was imported from."
    )

    objects = EncounterQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at", "-id"]
        constraints = [
            # What the composite foreign keys of notes and prescriptions point at.
            models.UniqueConstraint(fields=["id", "patient"], name="encounter_belongs_to_one_patient"),
            models.CheckConstraint(
                name="encounter_completed_means_signed",
                condition=(Q(status=EncounterStatus.COMPLETED, signed_at__isnull=False, signed_by__isnull=False) & ~Q(content_sha256=""))
                | (~Q(status=EncounterStatus.COMPLETED) & Q(signed_at__isnull=True, content_sha256="")),
            ),
            models.CheckConstraint(
                name="encounter_in_error_with_reason",
                condition=~Q(status=EncounterStatus.ENTERED_IN_ERROR) | ~Q(entered_in_error_reason=""),
            ),
        ]
        indexes = [
            models.Index(fields=["patient", "-started_at"], name="encounter_by_patient"),
            models.Index(fields=["doctor", "-started_at"], name="encounter_by_doctor"),
        ]
        triggers = [
            Frozen(name="encounter_closed_is_frozen", condition=~pgtrigger.Q(old__status=EncounterStatus.IN_PROGRESS)),
            Kept(name="encounter_kept"),
        ]

    @property
    def is_open(self) -> bool:
        return self.status == EncounterStatus.IN_PROGRESS


def _vitals_constraints():
    return [
        models.CheckConstraint(
            name=f"vitals_{name}_plausible", condition=Q(**{f"{name}__isnull": True}) | Q(**{f"{name}__range": VITALS_RANGES[name]})
        )
        for name in VITALS_RANGES
    ]


class Vitals(BaseModel):
    """One set of measurements. Each value is optional; at least one is there."""

    encounter = models.ForeignKey(Encounter, models.PROTECT, related_name="vitals")
    temperature_c = models.DecimalField(max_digits=3, decimal_places=1, null=True, blank=True)
    pulse_bpm = models.PositiveSmallIntegerField(null=True, blank=True)
    systolic_mmhg = models.PositiveSmallIntegerField(null=True, blank=True)
    diastolic_mmhg = models.PositiveSmallIntegerField(null=True, blank=True)
    respiratory_rate_bpm = models.PositiveSmallIntegerField(null=True, blank=True)
    spo2_percent = models.PositiveSmallIntegerField(null=True, blank=True)
    weight_kg = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    height_cm = models.DecimalField(max_digits=4, decimal_places=1, null=True, blank=True)
    glucose_mmol_l = models.DecimalField(max_digits=4, decimal_places=1, null=True, blank=True)
    pain = models.PositiveSmallIntegerField(null=True, blank=True, help_text="0 none to 10 worst")
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField(db_default=Now())
    request_id = models.UUIDField(null=True, unique=True, editable=False)

    class Meta:
        ordering = ["-recorded_at", "-id"]
        verbose_name_plural = "vitals"
        constraints = [
            *_vitals_constraints(),
            models.CheckConstraint(
                name="vitals_diastolic_below_systolic",
                condition=Q(systolic_mmhg__isnull=True) | Q(diastolic_mmhg__isnull=True) | Q(diastolic_mmhg__lt=F("systolic_mmhg")),
            ),
            models.CheckConstraint(name="vitals_not_empty", condition=~Q(**{f"{name}__isnull": True for name in VITALS_RANGES})),
        ]
        triggers = [
            FrozenWithEncounter(name="vitals_frozen_when_signed"),
            Frozen(name="vitals_stay_with_their_encounter", condition=pgtrigger.AnyChange("encounter")),
        ]

    @property
    def bmi(self) -> Decimal | None:
        """Body mass index in kg/m2, one decimal."""
        if not (self.weight_kg and self.height_cm):
            return None
        return (self.weight_kg / (self.height_cm / 100) ** 2).quantize(Decimal("0.1"))


class DiagnosisRank(models.TextChoices):
    PRIMARY = "primary", "Primary"
    SECONDARY = "secondary", "Secondary"


class Diagnosis(BaseModel):
    encounter = models.ForeignKey(Encounter, models.PROTECT, related_name="diagnoses")
    code = models.CharField(max_length=10, blank=True, help_text="ICD-10; empty for free text")
    text = models.CharField(max_length=300)
    rank = models.CharField(max_length=10, choices=DiagnosisRank, default=DiagnosisRank.PRIMARY)
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    request_id = models.UUIDField(null=True, unique=True, editable=False)

    class Meta:
        ordering = ["rank", "id"]
        verbose_name_plural = "diagnoses"
        constraints = [
            models.UniqueConstraint(fields=["encounter"], condition=Q(rank=DiagnosisRank.PRIMARY), name="diagnosis_one_primary"),
            models.CheckConstraint(name="diagnosis_has_text", condition=~Q(text="")),
        ]
        triggers = [
            FrozenWithEncounter(name="diagnosis_frozen_when_signed"),
            Frozen(name="diagnosis_stays_with_its_encounter", condition=pgtrigger.AnyChange("encounter")),
        ]


_SEARCH_WORDS = """
    NEW.search_words = to_tsvector('english', concat_ws(' ', NEW.body->>'text', NEW.body->'observations'->>'symptoms', NEW.body->>'tags'));
    RETURN NEW;
"""


class ClinicalNoteQuerySet(models.QuerySet):
    def current(self):
        """The newest version of each."""
        later = ClinicalNote.objects.filter(thread=models.OuterRef("thread"), number__gt=models.OuterRef("number"))
        return self.filter(~models.Exists(later))

    def of_words(self, query: str):
        """Those that hold all the words, as a person types them: "a phrase", or, -without."""
        return self.filter(search_words=SearchQuery(query, search_type="websearch", config="english"))


class ClinicalNote(BaseModel):
    """The header of one immutable version of a note. Its body lives in MongoDB.

    `body` holds {text, observations, tags} until a day after MongoDB's copy was read back equal;
    `stored_at` says when that was. The composite foreign key (encounter, patient) is in the migrations.
    """

    encounter = models.ForeignKey(Encounter, models.PROTECT, related_name="notes")
    patient = models.ForeignKey("patients.Patient", models.PROTECT, related_name="notes")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    thread = models.UUIDField(help_text="The public id of the first version.")
    number = models.PositiveSmallIntegerField(default=1, help_text="Version within the thread.")
    sha256 = models.CharField(max_length=64, help_text="Of the body's canonical JSON.")
    body = models.JSONField(null=True, blank=True)
    stored_at = models.DateTimeField(null=True, blank=True)
    written_at = models.DateTimeField(db_default=Now())
    search_words = SearchVectorField(
        null=True, editable=False, help_text="Lexemes of text, symptoms and tags, to search by; written by a trigger from the body."
    )
    request_id = models.UUIDField(null=True, unique=True, editable=False)

    objects = ClinicalNoteQuerySet.as_manager()

    class Meta:
        ordering = ["written_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["thread", "number"], name="note_version_once"),
            models.CheckConstraint(name="note_body_somewhere", condition=Q(body__isnull=False) | Q(stored_at__isnull=False)),
        ]
        indexes = [
            models.Index(fields=["id"], name="note_waiting_for_mongodb", condition=Q(stored_at__isnull=True)),
            GinIndex(fields=["search_words"], name="note_search_words"),
            models.Index(fields=["stored_at"], name="note_body_in_both", condition=Q(stored_at__isnull=False, body__isnull=False)),
        ]
        triggers = [
            FrozenWithEncounter(name="note_frozen_when_signed", operation=pgtrigger.Insert),
            pgtrigger.Trigger(name="note_search_words_written", when=pgtrigger.Before, operation=pgtrigger.Insert, func=_SEARCH_WORDS),
            Frozen(name="note_version_immutable", condition=pgtrigger.AnyChange(exclude=["body", "stored_at"])),
            Frozen(
                name="note_body_immutable",
                condition=pgtrigger.Condition("OLD.body IS NOT NULL AND NEW.body IS NOT NULL AND NEW.body <> OLD.body"),
            ),
            Kept(name="note_kept"),
        ]


class Addendum(BaseModel):
    """A correction to a signed encounter, which itself stays as it was signed."""

    encounter = models.ForeignKey(Encounter, models.PROTECT, related_name="addenda")
    reason = models.CharField(max_length=200)
    text = models.TextField(max_length=10_000)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    request_id = models.UUIDField(null=True, unique=True, editable=False)

    class Meta:
        ordering = ["created_at", "id"]
        verbose_name_plural = "addenda"
        constraints = [models.CheckConstraint(name="addendum_has_reason_and_text", condition=~Q(reason="") & ~Q(text=""))]
        triggers = [
            Frozen(name="addendum_unchanged", condition=pgtrigger.AnyChange()),
            Kept(name="addendum_kept"),
        ]
