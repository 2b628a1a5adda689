import uuid

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from clinic.core.triggers import Frozen, Kept, NotTruncated


class Topic(models.TextChoices):
    """The MongoDB collection that a row is shipped to."""

    AUDIT = "audit_logs", "Audit log"
    STOCK = "stock_movements", "Stock movements"
    VISITS = "visit_history", "Visit history"


_SEAL = ("sequence", "seal", "key_id")
_SEALED_AGAIN = "OLD.sequence IS NOT NULL AND (OLD.sequence, OLD.seal, OLD.key_id) IS DISTINCT FROM (NEW.sequence, NEW.seal, NEW.key_id)"


class OutboxEventQuerySet(models.QuerySet):
    def unshipped(self):
        return self.filter(shipped_at=None)

    def unsealed(self):
        return self.filter(sequence=None)

    def sealed(self):
        return self.filter(sequence__isnull=False)

    def audit(self):
        return self.filter(topic=Topic.AUDIT)


class OutboxEvent(models.Model):
    """What happened, written in the transaction in which it happened, and shipped to MongoDB afterwards.

    `document` is what MongoDB gets; it holds ids, statuses and amounts, never clinical text or a
    patient's name. The columns beside it are there to search by.
    """

    event_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False, help_text="MongoDB's _id: shipping twice has one effect.")
    topic = models.CharField(max_length=20, choices=Topic)
    occurred_at = models.DateTimeField(db_default=Now(), editable=False)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    action = models.CharField(max_length=80, help_text="app.thing.what_happened")
    resource_type = models.CharField(max_length=40, blank=True)
    resource_id = models.UUIDField(null=True, blank=True)
    patient_id = models.UUIDField(null=True, blank=True, help_text="The public id of the patient it concerns.")
    request_id = models.CharField(max_length=64, blank=True)
    document = models.JSONField()
    shipped_at = models.DateTimeField(null=True, blank=True)
    sequence = models.BigIntegerField(null=True, editable=False, help_text="Its place in the chain, without gaps; empty until sealed.")
    seal = models.CharField(
        max_length=64,
        default="",
        db_default="",
        editable=False,
        help_text="HMAC-SHA-256 over the seal before it, the sequence and the row.",
    )
    key_id = models.CharField(max_length=8, default="", db_default="", editable=False, help_text="Which key made the seal.")

    objects = OutboxEventQuerySet.as_manager()

    class Meta:
        verbose_name = "audit event"
        constraints = [
            # Partial: a new event costs this index nothing.
            models.UniqueConstraint(fields=["sequence"], name="outbox_event_one_a_place", condition=Q(sequence__isnull=False)),
            models.CheckConstraint(
                name="outbox_event_sealed_whole",
                condition=Q(sequence=None, seal="", key_id="")
                | Q(sequence__gte=1, seal__regex="^[0-9a-f]{64}$", key_id__regex="^[0-9a-f]{8}$"),
            ),
        ]
        indexes = [
            models.Index(fields=["id"], name="outbox_unshipped", condition=Q(shipped_at__isnull=True)),
            models.Index(fields=["id"], name="outbox_unsealed", condition=Q(sequence__isnull=True)),
            models.Index(fields=["patient_id", "-occurred_at"], name="outbox_by_patient", condition=Q(patient_id__isnull=False)),
            models.Index(fields=["actor", "-occurred_at"], name="outbox_by_actor"),
            models.Index(fields=["-occurred_at"], name="outbox_recent"),
        ]
        triggers = [
            Frozen(name="outbox_event_unchanged", condition=pgtrigger.AnyChange(exclude=["shipped_at", *_SEAL])),
            Frozen(name="outbox_event_sealed_once", condition=pgtrigger.Condition(_SEALED_AGAIN)),
            Kept(name="outbox_event_kept"),
            NotTruncated(name="outbox_event_not_truncated"),
        ]

    def __str__(self):
        return f"{self.action} {self.event_id}"


class AnsweredRequest(models.Model):
    """The answer given to an Idempotency-Key, committed together with the effect of the request."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of method, path and body.")
    status = models.PositiveSmallIntegerField()
    body = models.TextField(help_text="JSON, as it was sent.")
    etag = models.CharField(max_length=40, blank=True, db_default="", help_text="Of the answer, where it had one.")
    answered_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="answered_request_once_per_key")]
        indexes = [models.Index(fields=["answered_at"], name="answered_request_age")]

    def __str__(self):
        return f"answer {self.pk}"
