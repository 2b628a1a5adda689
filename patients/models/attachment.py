import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from clinic.core.models import BaseModel
from clinic.core.triggers import Frozen
from patients.models.encounter import Encounter, FrozenWithEncounter

LARGEST_FILE = 10 * 1024 * 1024  # bytes


class ContentType(models.TextChoices):
    JPEG = "image/jpeg", "JPEG image"
    PNG = "image/png", "PNG image"
    PDF = "application/pdf", "PDF"


class AttachmentQuerySet(models.QuerySet):
    def headers(self):
        """Without the content, which a list does not show."""
        return self.defer("content").select_related("uploaded_by").order_by("uploaded_at", "id")


class Attachment(BaseModel):
    """The header of a file of a visit. The file itself lives in MongoDB's GridFS.

    `content` holds it until a day after MongoDB's copy was read back equal; `stored_at` says when that
    was. The composite foreign key (encounter, patient) is in the migrations.
    """

    encounter = models.ForeignKey(Encounter, models.PROTECT, related_name="attachments")
    patient = models.ForeignKey("patients.Patient", models.PROTECT, related_name="attachments")
    name = models.CharField(max_length=120, help_text="What the person called the file; its ending is that of its type.")
    content_type = models.CharField(max_length=20, choices=ContentType, help_text="Found by reading the file, whatever it said of itself.")
    size_bytes = models.PositiveIntegerField(help_text="Length of what is kept: images are drawn anew.")
    sha256 = models.CharField(max_length=64, help_text="Of what is kept.")
    content = models.BinaryField(null=True, help_text="The file, until MongoDB's copy was read back equal.")
    stored_at = models.DateTimeField(null=True, help_text="When MongoDB's copy was read back equal.")
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", help_text="Who added it.")
    uploaded_at = models.DateTimeField(db_default=Now(), help_text="When it was added.")
    request_id = models.UUIDField(null=True, unique=True, editable=False)

    objects = AttachmentQuerySet.as_manager()

    class Meta:
        ordering = ["uploaded_at", "id"]
        constraints = [
            models.CheckConstraint(name="attachment_somewhere", condition=Q(content__isnull=False) | Q(stored_at__isnull=False)),
            models.CheckConstraint(name="attachment_size_in_range", condition=Q(size_bytes__range=(1, LARGEST_FILE))),
            models.CheckConstraint(name="attachment_of_known_type", condition=Q(content_type__in=ContentType.values)),
        ]
        indexes = [
            models.Index(fields=["id"], name="attachment_waiting", condition=Q(stored_at__isnull=True)),
            models.Index(fields=["stored_at"], name="attachment_in_both", condition=Q(stored_at__isnull=False, content__isnull=False)),
        ]
        triggers = [
            FrozenWithEncounter(name="attachment_frozen_when_signed", operation=pgtrigger.Insert | pgtrigger.Delete),
            Frozen(name="attachment_unchanged", condition=pgtrigger.AnyChange(exclude=["content", "stored_at"])),
            Frozen(
                name="attachment_content_unchanged",
                condition=pgtrigger.Condition("OLD.content IS NOT NULL AND NEW.content IS NOT NULL AND NEW.content <> OLD.content"),
            ),
        ]


class Refiling(models.Model):
    """A visit that a merge gave to another patient, while its documents in MongoDB still name the one before."""

    encounter = models.ForeignKey(Encounter, models.PROTECT, related_name="refilings")

    def __str__(self):
        return f"refiling {self.pk}"
