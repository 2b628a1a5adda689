from django.conf import settings
from django.db import models
from django.db.models import Q

from clinic.core.models import BaseModel


class ReminderKind(models.TextChoices):
    DAY_BEFORE = "day_before", "The day before"


class ReminderStatus(models.TextChoices):
    CLAIMED = "claimed", "Being sent"
    SENT = "sent", "Sent"
    DROPPED = "dropped", "Not needed any more"
    FAILED = "failed", "Given up"


class Reminder(BaseModel):
    """One mail about one appointment: claimed in PostgreSQL first, sent afterwards."""

    appointment = models.ForeignKey("scheduling.Appointment", models.PROTECT, related_name="reminders", help_text="What is reminded of.")
    kind = models.CharField(max_length=12, choices=ReminderKind, help_text="Which of the appointment's reminders.")
    status = models.CharField(max_length=8, choices=ReminderStatus, default=ReminderStatus.CLAIMED, help_text="How far it got.")
    claim = models.UUIDField(help_text="Of the run that sends it; a run that lost its claim writes nothing.")
    leased_until = models.DateTimeField(help_text="From then on another run may try, should this one have died.")
    attempts = models.PositiveSmallIntegerField(default=1, help_text="How often it was tried.")
    sent_at = models.DateTimeField(null=True, help_text="When the mail server took it.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["appointment", "kind"], name="reminder_once_per_appointment_and_kind"),
            models.CheckConstraint(
                name="reminder_sent_with_time",
                condition=Q(status=ReminderStatus.SENT, sent_at__isnull=False) | (~Q(status=ReminderStatus.SENT) & Q(sent_at__isnull=True)),
            ),
        ]
        indexes = [models.Index(fields=["leased_until"], name="reminder_claimed", condition=Q(status=ReminderStatus.CLAIMED))]


class ReminderOptOut(BaseModel):
    """A patient who wants no reminders."""

    patient = models.OneToOneField("patients.Patient", models.PROTECT, related_name="+", help_text="Who wants none.")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", help_text="Who said so; empty by the mail's own link."
    )
