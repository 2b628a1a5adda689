from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from clinic.core.models import BaseModel
from clinic.core.triggers import AppendOnly, NotTruncated
from pharmacy.models.triggers import TransferFitsItsBatches, TransferIsItsMovements


class StockTransferQuerySet(models.QuerySet):
    def with_details(self):
        """All that its JSON and its row show: 1 query."""
        return self.select_related("source__medicine", "source__store", "target__store", "transferred_by")


class StockTransfer(BaseModel):
    """Units of a lot, carried from one store to another: out of the one batch and into the other, in one transaction."""

    source = models.ForeignKey("pharmacy.Batch", models.PROTECT, related_name="+", help_text="What it was taken from.")
    target = models.ForeignKey("pharmacy.Batch", models.PROTECT, related_name="+", help_text="The same lot, where it went.")
    quantity = models.PositiveIntegerField(help_text="Units.")
    transferred_on = models.DateField(help_text="The clinic's day; what expires by then was not carried anywhere.")
    transferred_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", help_text="Who did.")
    transferred_at = models.DateTimeField(db_default=Now(), help_text="When.")
    request_id = models.UUIDField(unique=True, editable=False)

    objects = StockTransferQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(name="stock_transfer_quantity_positive", condition=Q(quantity__gt=0)),
            models.CheckConstraint(name="stock_transfer_between_two_batches", condition=~Q(source=F("target"))),
        ]
        triggers = [
            AppendOnly(name="stock_transfer_append_only"),
            NotTruncated(name="stock_transfer_not_truncated"),
            TransferFitsItsBatches(name="stock_transfer_fits"),
            TransferIsItsMovements(name="stock_transfer_is_its_movements", transfer="NEW.id"),
        ]
