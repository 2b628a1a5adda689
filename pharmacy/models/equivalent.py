import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from clinic.core.models import BaseModel
from clinic.core.triggers import Frozen, Kept, NotTruncated

_DECIDED = pgtrigger.AnyChange(exclude=["withdrawn_at", "withdrawn_by"])


class EquivalentQuerySet(models.QuerySet):
    def in_force(self):
        return self.filter(withdrawn_at__isnull=True)

    def of(self, medicine):
        """Those that the medicine is one side of, the newest first."""
        return self.filter(Q(first=medicine) | Q(second=medicine)).select_related("first", "second", "approved_by").order_by("-id")


class Equivalent(BaseModel):
    """Two medicines of which one may be given for the other, unit for unit, because a pharmacist decided so.

    What has the same ingredients, form, strength and unit needs no decision (rules.substitution).
    """

    first = models.ForeignKey("pharmacy.Medicine", models.PROTECT, related_name="+", help_text="Of the two the one with the lower key.")
    second = models.ForeignKey("pharmacy.Medicine", models.PROTECT, related_name="+", help_text="The other one.")
    reason = models.CharField(max_length=200, help_text="Why they may stand for each other.")
    approved_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", help_text="Who decided it.")
    approved_at = models.DateTimeField(db_default=Now(), help_text="When.")
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", help_text="Who ended it; empty while it holds."
    )
    withdrawn_at = models.DateTimeField(null=True, help_text="When it ended.")

    objects = EquivalentQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], condition=Q(withdrawn_at__isnull=True), name="equivalent_pair_once"),
            models.CheckConstraint(name="equivalent_pair_in_order", condition=Q(first__lt=F("second"))),
            models.CheckConstraint(name="equivalent_has_reason", condition=~Q(reason="")),
            models.CheckConstraint(
                name="equivalent_withdrawn_by_someone",
                condition=Q(withdrawn_at__isnull=True, withdrawn_by__isnull=True)
                | Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False),
            ),
        ]
        triggers = [
            Kept(name="equivalent_kept"),
            NotTruncated(name="equivalent_not_truncated"),
            Frozen(name="equivalent_decision_stays", condition=_DECIDED),
            Frozen(
                name="equivalent_withdrawal_is_final",
                condition=pgtrigger.Condition("OLD.withdrawn_at IS NOT NULL"),
                sentence="what was withdrawn stays so",
            ),
        ]

    def other(self, medicine):
        return self.second if self.first_id == medicine.pk else self.first
