import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from clinic.core.models import BaseModel, VersionedModel
from clinic.core.triggers import Frozen, Kept
from pharmacy.models.triggers import OrderLineIsItsReceipts


class PurchaseOrderQuerySet(models.QuerySet):
    def open(self):
        """Something of it may still come."""
        return self.filter(models.Exists(PurchaseOrderLine.objects.filter(order=models.OuterRef("pk")).outstanding()))

    def with_details(self):
        """All that its page shows: 1 more query, however many rows."""
        lines = PurchaseOrderLine.objects.select_related("medicine").order_by("id")
        return self.select_related("supplier", "ordered_by").prefetch_related(models.Prefetch("lines", queryset=lines))


class PurchaseOrder(VersionedModel):
    """What was ordered from a supplier. How far it is follows from its lines."""

    supplier = models.ForeignKey("pharmacy.Supplier", models.PROTECT, related_name="orders", help_text="Who delivers it.")
    ordered_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", help_text="Who ordered it.")
    ordered_at = models.DateTimeField(db_default=Now(), help_text="When it was ordered.")
    cancelled_reason = models.CharField(max_length=200, blank=True, editable=False, help_text="Why the rest of it is not awaited.")
    request_id = models.UUIDField(unique=True, editable=False)

    objects = PurchaseOrderQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        triggers = [
            Kept(name="purchase_order_kept"),
            Frozen(
                name="purchase_order_unchanged",
                condition=pgtrigger.AnyChange("supplier", "ordered_by", "ordered_at", "request_id", "public_id"),
            ),
        ]

    @property
    def status(self) -> str:
        """ordered, partly_received, received or cancelled. `lines` are at hand, or cost a query."""
        lines = list(self.lines.all())
        came = any(line.received_quantity for line in lines)
        if any(line.outstanding for line in lines):
            return "partly_received" if came else "ordered"
        return "received" if came else "cancelled"

    @property
    def status_words(self) -> str:
        return self.status.replace("_", " ").capitalize()


class PurchaseOrderLineQuerySet(models.QuerySet):
    def outstanding(self):
        return self.filter(ordered_quantity__gt=F("received_quantity") + F("cancelled_quantity"))


class PurchaseOrderLine(BaseModel):
    """One medicine of an order. What came of it stands in the ledger."""

    order = models.ForeignKey(PurchaseOrder, models.PROTECT, related_name="lines", help_text="The order it is part of.")
    medicine = models.ForeignKey("pharmacy.Medicine", models.PROTECT, related_name="+", help_text="What was ordered.")
    ordered_quantity = models.PositiveIntegerField(help_text="Units ordered.")
    received_quantity = models.PositiveIntegerField(default=0, editable=False, help_text="Units that came so far.")
    cancelled_quantity = models.PositiveIntegerField(default=0, editable=False, help_text="Units that are no longer awaited.")
    unit_cost = models.DecimalField(max_digits=12, decimal_places=4, help_text="What one unit was to cost, in the clinic's currency.")

    objects = PurchaseOrderLineQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["order", "medicine"], name="purchase_order_line_once_per_medicine"),
            models.CheckConstraint(name="purchase_order_line_orders_something", condition=Q(ordered_quantity__gt=0)),
            models.CheckConstraint(
                name="purchase_order_line_within_ordered",
                condition=Q(ordered_quantity__gte=F("received_quantity") + F("cancelled_quantity")),
            ),
            models.CheckConstraint(name="purchase_order_line_cost_not_negative", condition=Q(unit_cost__gte=0)),
        ]
        triggers = [
            Kept(name="purchase_order_line_kept"),
            Frozen(
                name="purchase_order_line_unchanged",
                condition=pgtrigger.AnyChange("order", "medicine", "ordered_quantity", "unit_cost", "public_id"),
            ),
            Frozen(
                name="purchase_order_line_only_grows",
                condition=pgtrigger.Condition(
                    "NEW.received_quantity < OLD.received_quantity OR NEW.cancelled_quantity < OLD.cancelled_quantity"
                ),
                sentence="what came or was cancelled stays so",
            ),
            OrderLineIsItsReceipts(
                name="purchase_order_line_is_its_receipts",
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("received_quantity"),
                line="NEW.id",
            ),
        ]

    @property
    def outstanding(self) -> int:
        return self.ordered_quantity - self.received_quantity - self.cancelled_quantity
