import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Collate, Concat, Lower, Now, Reverse
from phonenumber_field.modelfields import PhoneNumberField

from clinic.core.models import BaseModel, VersionedModel
from clinic.core.triggers import Kept
from patients.models.past import KeepsPast, KeepsReviews, ListKind
from patients.models.search import keeps_name_words


class Sex(models.TextChoices):
    """FHIR administrative gender."""

    FEMALE = "female", "Female"
    MALE = "male", "Male"
    OTHER = "other", "Other"
    UNKNOWN = "unknown", "Unknown"


class DatePrecision(models.TextChoices):
    DAY = "day", "Exact"
    MONTH = "month", "Month and year"
    YEAR = "year", "Year only"
    ESTIMATED = "estimated", "Estimated"


class BloodGroup(models.TextChoices):
    A_POS = "A+", "A+"
    A_NEG = "A-", "A-"
    B_POS = "B+", "B+"
    B_NEG = "B-", "B-"
    AB_POS = "AB+", "AB+"
    AB_NEG = "AB-", "AB-"
    O_POS = "O+", "O+"
    O_NEG = "O-", "O-"


class PatientStatus(models.TextChoices):
    ACTIVE = "active", "Active"
    INACTIVE = "inactive", "Inactive"


class AllergySeverity(models.TextChoices):
    MILD = "mild", "Mild"
    MODERATE = "moderate", "Moderate"
    SEVERE = "severe", "Severe"


class MrnCounter(models.Model):
    """One row; locked while the next medical record number is taken, so that none is given twice."""

    last_number = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(name="mrn_counter_is_one_row", condition=Q(pk=1))]

    def __str__(self):
        return str(self.last_number)


class Unaccent(Func):
    """`clinic_unaccent(text)`: unaccent, declared immutable so that it can be indexed (migration 0001)."""

    function = "clinic_unaccent"
    output_field = models.TextField()


class NameWords(Func):
    """`clinic_name_words(text)`: the words of a name, told apart at spaces and hyphens (migration 0012)."""

    function = "clinic_name_words"
    output_field = ArrayField(models.TextField())


class PatientQuerySet(models.QuerySet):
    def unmerged(self):
        """Without the records that another one took the place of."""
        return self.filter(merged_into=None)

    def active(self):
        return self.filter(status=PatientStatus.ACTIVE)

    def visible_to(self, user):
        """Staff see every patient; a patient sees the own row."""
        return self.filter(user=user) if user.is_only_patient else self


class Patient(VersionedModel):
    """A person whom the clinic cares for. Nobody is deleted."""

    mrn = models.CharField("MRN", max_length=12, unique=True, editable=False, help_text="Medical record number, with a check digit.")
    first_name = models.CharField(max_length=80)
    last_name = models.CharField(max_length=80)
    date_of_birth = models.DateField()
    date_of_birth_precision = models.CharField(max_length=10, choices=DatePrecision, default=DatePrecision.DAY)
    sex = models.CharField(max_length=8, choices=Sex)
    phone = PhoneNumberField(blank=True)
    email = models.EmailField("e-mail", blank=True)
    address = models.TextField(blank=True, max_length=500)
    blood_group = models.CharField(max_length=3, choices=BloodGroup, blank=True)
    national_id = models.CharField(max_length=40, blank=True)
    emergency_contact_name = models.CharField(max_length=120, blank=True)
    emergency_contact_phone = PhoneNumberField(blank=True)
    emergency_contact_relation = models.CharField(max_length=40, blank=True)
    insurance_payer = models.CharField(max_length=120, blank=True)
    insurance_policy_number = models.CharField(max_length=60, blank=True)
    insurance_valid_until = models.DateField(null=True, blank=True)
    insurance_cover_percent = models.PositiveSmallIntegerField(null=True, blank=True)
    allergies_reviewed_at = models.DateTimeField(null=True, blank=True, help_text="When someone asked; without it 'none' would be a guess.")
    lists_kept_since = models.DateTimeField(
        db_default=Now(), editable=False, help_text="From when each change of allergies and problems is kept."
    )
    registered_on = models.DateField()
    is_restricted = models.BooleanField(default=False)
    status = models.CharField(max_length=10, choices=PatientStatus, default=PatientStatus.ACTIVE, editable=False)
    deactivated_reason = models.CharField(max_length=200, blank=True, editable=False)
    merged_into = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="merged_from",
        help_text="The record that took its place.",
    )
    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="patient")
    request_id = models.UUIDField(null=True, unique=True, editable=False)
    source_id = models.CharField(
        max_length=200, null=True, unique=True, editable=False, help_text="Identifier in the system it was imported from."
    )
    search_name = models.GeneratedField(
        expression=Unaccent(Lower(Concat(F("first_name"), Value(" "), F("last_name")))),
        output_field=models.TextField(),
        db_persist=True,
    )
    # Byte order, so that one index answers a prefix and gives its rows in order.
    sort_name = models.GeneratedField(
        expression=Unaccent(Lower(Concat(F("last_name"), Value(" "), F("first_name")))),
        output_field=models.TextField(db_collation="C"),
        db_persist=True,
    )

    objects = PatientQuerySet.as_manager()

    class Meta:
        ordering = ["last_name", "first_name", "id"]
        constraints = [
            models.CheckConstraint(name="patient_has_a_name", condition=~Q(first_name="") & ~Q(last_name="")),
            models.CheckConstraint(name="patient_born_after_1880", condition=Q(date_of_birth__gte="1880-01-01")),
            models.CheckConstraint(name="patient_born_before_registration", condition=Q(date_of_birth__lte=F("registered_on"))),
            models.CheckConstraint(
                name="patient_cover_within_0_to_100",
                condition=Q(insurance_cover_percent__isnull=True) | Q(insurance_cover_percent__range=(0, 100)),
            ),
            models.CheckConstraint(
                name="patient_inactive_with_reason", condition=Q(status=PatientStatus.ACTIVE) | ~Q(deactivated_reason="")
            ),
            models.CheckConstraint(
                name="patient_merged_is_inactive",
                condition=Q(merged_into__isnull=True) | (Q(status=PatientStatus.INACTIVE) & ~Q(merged_into=F("id"))),
            ),
            models.UniqueConstraint(
                Lower("email"), name="patient_email_unique_among_accounts", condition=Q(user__isnull=False) & ~Q(email="")
            ),
        ]
        indexes = [
            GinIndex(OpClass(F("search_name"), name="gin_trgm_ops"), name="patient_name_trigrams"),
            GinIndex(NameWords("search_name"), name="patient_by_name_words"),
            models.Index(fields=["sort_name", "id"], name="patient_by_sort_name"),
            models.Index(Collate("search_name", "C"), "id", name="patient_by_given_name"),
            models.Index(Collate(Reverse("phone"), "C"), name="patient_by_phone_ending", condition=~Q(phone="")),
            models.Index(fields=["phone"], name="patient_by_phone", condition=~Q(phone="")),
            models.Index(fields=["national_id"], name="patient_by_national_id", condition=~Q(national_id="")),
            models.Index(fields=["date_of_birth"], name="patient_by_birth_date"),
            models.Index(fields=["last_name", "first_name", "id"], name="patient_by_name"),
            models.Index(fields=["id"], name="patient_restricted", condition=Q(is_restricted=True)),
        ]
        triggers = [Kept(name="patient_kept"), keeps_name_words(pgtrigger.Insert), keeps_name_words(pgtrigger.Update)]
        triggers += [KeepsReviews(name="patient_keeps_reviews")]

    def __str__(self):
        return self.mrn

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}"

    @property
    def is_active(self) -> bool:
        return self.status == PatientStatus.ACTIVE


class Allergy(BaseModel):
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="allergies")
    substance = models.CharField(max_length=120)
    reaction = models.CharField(max_length=200, blank=True)
    severity = models.CharField(max_length=10, choices=AllergySeverity, blank=True)
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["substance"]
        verbose_name_plural = "allergies"
        constraints = [models.UniqueConstraint("patient", Lower("substance"), name="allergy_once_per_substance")]
        triggers = [KeepsPast("allergy_keeps_past", ListKind.ALLERGY, ("substance", "reaction", "severity"))]

    def __str__(self):
        return f"allergy {self.public_id}"


class Problem(BaseModel):
    """A line of the problem list: what the patient lives with, beyond one visit."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="problems")
    text = models.CharField(max_length=200)
    code = models.CharField(max_length=10, blank=True, help_text="ICD-10")
    onset_on = models.DateField(null=True, blank=True)
    is_active = models.BooleanField(default=True)
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-is_active", "text"]
        triggers = [KeepsPast("problem_keeps_past", ListKind.PROBLEM, ("text", "code", "onset_on", "is_active"))]

    def __str__(self):
        return f"problem {self.public_id}"
