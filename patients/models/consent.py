import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from clinic.core.models import BaseModel
from clinic.core.triggers import AppendOnly, refusal
from patients.models.attachment import Attachment


class ConsentCategory(models.TextChoices):
    """What is agreed to. Reminders are not here: who wants none says so in scheduling."""

    TREATMENT = "treatment", "Treatment"
    DATA_SHARING = "data_sharing", "Sharing data with others"
    RESEARCH = "research", "Research"


# The codes of FHIR's consent scopes.
SCOPES = {
    ConsentCategory.TREATMENT: "treatment",
    ConsentCategory.DATA_SHARING: "patient-privacy",
    ConsentCategory.RESEARCH: "research",
}


class ConsentStatus(models.TextChoices):
    """FHIR's words, of which a decision needs three."""

    ACTIVE = "active", "Given"
    INACTIVE = "inactive", "Withdrawn"
    REJECTED = "rejected", "Refused"


class ConsentQuerySet(models.QuerySet):
    def newest_first(self):
        return self.select_related("recorded_by", "attachment").defer("attachment__content").order_by("-recorded_at", "-id")

    def newest_of_each(self):
        """What was decided last in each category."""
        rows = self.select_related("recorded_by", "attachment").defer("attachment__content")
        return rows.order_by("category", "-recorded_at", "-id").distinct("category")


class Consent(BaseModel):
    """A decision of a patient, as it was written down. A later one takes its place; none is changed."""

    patient = models.ForeignKey("patients.Patient", models.PROTECT, related_name="consents")
    category = models.CharField(max_length=12, choices=ConsentCategory, help_text="What it is about.")
    status = models.CharField(max_length=8, choices=ConsentStatus, help_text="Given, withdrawn or refused.")
    given_on = models.DateField("decided on", help_text="The day of the patient's decision.")
    valid_until = models.DateField(null=True, blank=True, help_text="The first day on which it no longer holds; empty: until withdrawn.")
    detail = models.CharField(max_length=300, blank=True, help_text="Its bounds in words: for what, with whom.")
    attachment = models.ForeignKey(
        Attachment,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="consents",
        help_text="The signed paper, a file of the same patient.",
    )
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField(db_default=Now(), help_text="When it was written down; the newest of a category holds.")
    request_id = models.UUIDField(null=True, unique=True, editable=False)

    objects = ConsentQuerySet.as_manager()

    class Meta:
        ordering = ["-recorded_at", "-id"]
        constraints = [
            models.CheckConstraint(name="consent_of_known_category", condition=Q(category__in=ConsentCategory.values)),
            models.CheckConstraint(name="consent_of_known_status", condition=Q(status__in=ConsentStatus.values)),
            models.CheckConstraint(
                name="consent_ends_after_it_begins", condition=Q(valid_until__isnull=True) | Q(valid_until__gt=F("given_on"))
            ),
            models.CheckConstraint(
                name="consent_ends_only_when_given", condition=Q(valid_until__isnull=True) | Q(status=ConsentStatus.ACTIVE)
            ),
        ]
        indexes = [models.Index(fields=["patient", "category", "-recorded_at", "-id"], name="consent_newest_of_patient")]
        triggers = [
            AppendOnly(name="consent_append_only"),
            pgtrigger.Trigger(
                name="consent_paper_of_the_patient",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                condition=pgtrigger.Q(new__attachment__isnull=False),
                func=f"""
                    IF NOT EXISTS (SELECT FROM patients_attachment WHERE id = NEW.attachment_id AND patient_id = NEW.patient_id) THEN
                        {refusal("consent_paper_of_the_patient", "the paper belongs to another patient")}
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    @property
    def scope(self) -> str:
        """FHIR's code for what the category belongs to."""
        return SCOPES[self.category]

    def holds(self, on) -> bool:
        """Whether it allows anything on this day."""
        return self.status == ConsentStatus.ACTIVE and self.given_on <= on and (self.valid_until is None or on < self.valid_until)
