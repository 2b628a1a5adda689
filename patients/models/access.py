from datetime import timedelta

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from clinic.core.models import BaseModel
from clinic.core.triggers import Frozen, Kept

LONGEST_OPENING = timedelta(minutes=60)


class BreakGlassQuerySet(models.QuerySet):
    def active(self, now):
        return self.filter(granted_at__lte=now, expires_at__gt=now)


class BreakGlass(BaseModel):
    """One person's access to one restricted chart: with a reason, for at most 60 minutes, shown to the manager."""

    patient = models.ForeignKey("patients.Patient", models.PROTECT, related_name="break_glass")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reason = models.CharField(max_length=200)
    granted_at = models.DateTimeField(help_text="From when the chart is open.")
    expires_at = models.DateTimeField(help_text="Until when it is.")
    request_id = models.UUIDField(null=True, unique=True, editable=False)

    objects = BreakGlassQuerySet.as_manager()

    class Meta:
        ordering = ["-granted_at", "-id"]
        verbose_name = "opening of a restricted chart"
        verbose_name_plural = "openings of restricted charts"
        constraints = [
            models.CheckConstraint(name="break_glass_with_reason", condition=~Q(reason="")),
            models.CheckConstraint(
                name="break_glass_at_most_60_minutes",
                condition=Q(expires_at__gt=F("granted_at")) & Q(expires_at__lte=F("granted_at") + LONGEST_OPENING),
            ),
        ]
        indexes = [models.Index(fields=["user", "patient", "-expires_at"], name="break_glass_of_user")]
        triggers = [
            Kept(name="break_glass_kept"),
            Frozen(name="break_glass_unchanged", condition=pgtrigger.AnyChange()),
        ]
