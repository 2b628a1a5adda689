import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from clinic.core.models import BaseModel, VersionedModel
from clinic.core.triggers import Frozen, Kept
from pharmacy.models.triggers import CountedInAnOpenTake, TakeApprovedByAnother


class StockTakeState(models.TextChoices):
    COUNTING = "counting", "Counting"
    APPROVED = "approved", "Approved"
    DROPPED = "dropped", "Dropped"


class StockTake(VersionedModel):
    """A count of a list of batches, from the sheet to its approval by a second person."""

    title = models.CharField(max_length=120, help_text="What was counted.")
    state = models.CharField(
        max_length=10, choices=StockTakeState, default=StockTakeState.COUNTING, editable=False, help_text="How far it is."
    )
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", help_text="Who opened the sheet.")
    opened_at = models.DateTimeField(db_default=Now(), help_text="When the sheet was opened.")
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+", help_text="Who approved or dropped it."
    )
    closed_at = models.DateTimeField(null=True, editable=False, help_text="When it was approved or dropped.")
    request_id = models.UUIDField(unique=True, editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="stock_take_closed_by_someone",
                condition=Q(state="counting", closed_by__isnull=True, closed_at__isnull=True)
                | (~Q(state="counting") & Q(closed_by__isnull=False, closed_at__isnull=False)),
            ),
            models.CheckConstraint(name="stock_take_approved_by_another", condition=~Q(state="approved") | ~Q(closed_by=F("opened_by"))),
        ]
        triggers = [
            Kept(name="stock_take_kept"),
            Frozen(name="stock_take_closed_is_final", condition=pgtrigger.Condition("OLD.state <> 'counting'")),
            TakeApprovedByAnother(name="stock_take_approved_by_who_did_not_count"),
        ]

    @property
    def is_open(self) -> bool:
        return self.state == StockTakeState.COUNTING


class CountLine(BaseModel):
    """One batch on the sheet. A count is held against what the ledger said at that moment, so whatever moves later stays out of it."""

    take = models.ForeignKey(StockTake, models.PROTECT, related_name="lines", help_text="The count it is part of.")
    batch = models.ForeignKey("pharmacy.Batch", models.PROTECT, related_name="counts", help_text="What is counted.")
    expected = models.PositiveIntegerField(help_text="On hand when the sheet was opened.")
    counted = models.PositiveIntegerField(null=True, help_text="Units that were found.")
    on_hand_then = models.PositiveIntegerField(null=True, help_text="On hand by the ledger when the count was written down.")
    counted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", help_text="Who counted.")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["take", "batch"], name="count_line_once_per_batch"),
            models.CheckConstraint(
                name="count_line_counted_by_someone",
                condition=Q(counted__isnull=True, on_hand_then__isnull=True, counted_by__isnull=True)
                | Q(counted__isnull=False, on_hand_then__isnull=False, counted_by__isnull=False),
            ),
        ]
        triggers = [
            Kept(name="count_line_kept"),
            Frozen(name="count_line_of_its_batch", condition=pgtrigger.AnyChange("take", "batch", "expected", "public_id")),
            CountedInAnOpenTake(name="count_line_frozen_when_closed"),
        ]

    @property
    def variance(self) -> int | None:
        """Units found beyond, or short of, what the ledger said then."""
        return None if self.counted is None else self.counted - self.on_hand_then

    @property
    def moved(self) -> int | None:
        """Units that came or went between the opening of the sheet and the count."""
        return None if self.on_hand_then is None else self.on_hand_then - self.expected
