import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Lower, Now

from clinic.core.models import BaseModel, VersionedModel
from clinic.core.triggers import AppendOnly, Frozen, Kept
from pharmacy.models.store import Store, StoreKind
from pharmacy.models.triggers import (
    ControlledIsWitnessed,
    CorrectionIsOfItsCount,
    LineIsItsMovements,
    LotIsRecalledAsOne,
    MovementContinuesTheLedger,
    OnHandIsTheLedger,
    OrderLineIsItsReceipts,
    TransferIsItsMovements,
)


class Supplier(BaseModel):
    name = models.CharField(max_length=120)
    phone = models.CharField(max_length=40, blank=True)
    email = models.EmailField("e-mail", blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(Lower("name"), name="supplier_name_once")]

    def __str__(self):
        return self.name


class BatchState(models.TextChoices):
    AVAILABLE = "available", "Available"
    QUARANTINED = "quarantined", "Quarantined"
    RECALLED = "recalled", "Recalled"


NEXT_STATES = {
    BatchState.AVAILABLE: {BatchState.QUARANTINED, BatchState.RECALLED},
    BatchState.QUARANTINED: {BatchState.AVAILABLE, BatchState.RECALLED},
    BatchState.RECALLED: set(),
}


def sound_on(on) -> Q:
    """What is good on that day, in whichever store: available, not expired, something left."""
    return Q(state=BatchState.AVAILABLE, expires_on__gt=on, on_hand__gt=0)


def usable_on(on) -> Q:
    """What may go out on that day: what is good, and stands in a dispensary."""
    return sound_on(on) & Q(store__kind=StoreKind.DISPENSARY)


class BatchQuerySet(models.QuerySet):
    def usable(self, on):
        """Soonest expiry first, then oldest receipt."""
        return self.filter(usable_on(on)).order_by("expires_on", "received_on", "id")

    def with_details(self):
        """All that its JSON shows: 1 query."""
        return self.select_related("medicine", "store", "supplier", "returned_from")

    def of_lot(self, batch: "Batch"):
        """All of the same lot: in every store, and what came back of it from patients."""
        same = self.alias(lot_key=Lower("lot")).filter(medicine=batch.medicine_id, expires_on=batch.expires_on)
        return same.filter(lot_key=Lower(Value(batch.lot))).order_by("id")

    def expiring(self, before):
        """With something left, and to go out before that day; what is expired already included."""
        return self.filter(on_hand__gt=0, expires_on__lte=before).order_by("expires_on", "id")


class Batch(VersionedModel):
    """Units of one medicine from one lot, in one store. `on_hand` is the sum of its movements, kept in their transactions."""

    medicine = models.ForeignKey("pharmacy.Medicine", models.PROTECT, related_name="batches")
    lot = models.CharField(max_length=60)
    store = models.ForeignKey(Store, models.PROTECT, related_name="batches", help_text="Where it stands.")
    expires_on = models.DateField(help_text="The first day on which it may no longer be handed out.")
    received_on = models.DateField()
    supplier = models.ForeignKey(Supplier, models.PROTECT, null=True, blank=True, related_name="batches")
    unit_cost = models.DecimalField(max_digits=12, decimal_places=4)
    received_quantity = models.PositiveIntegerField(help_text="Units received into it in all.")
    on_hand = models.PositiveIntegerField(editable=False)
    state = models.CharField(max_length=12, choices=BatchState, default=BatchState.AVAILABLE, editable=False)
    state_reason = models.CharField(max_length=200, blank=True, editable=False, help_text="Why it was quarantined, recalled or released.")
    returned_from = models.OneToOneField(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="returned",
        help_text="The batch of the same lot that these units were dispensed from, before they came back into quarantine.",
    )

    objects = BatchQuerySet.as_manager()

    class Meta:
        ordering = ["expires_on", "received_on", "id"]
        verbose_name_plural = "batches"
        constraints = [
            models.UniqueConstraint(
                "medicine",
                Lower("lot"),
                "expires_on",
                "store",
                condition=Q(returned_from__isnull=True),
                name="batch_once_per_lot_expiry_and_store",
            ),
            models.CheckConstraint(name="batch_on_hand_not_negative", condition=Q(on_hand__gte=0)),
            models.CheckConstraint(name="batch_received_something", condition=Q(received_quantity__gt=0)),
            models.CheckConstraint(name="batch_cost_not_negative", condition=Q(unit_cost__gte=0)),
            models.CheckConstraint(name="batch_expires_after_receipt", condition=Q(expires_on__gt=F("received_on"))),
            models.CheckConstraint(name="batch_set_aside_with_reason", condition=Q(state=BatchState.AVAILABLE) | ~Q(state_reason="")),
        ]
        indexes = [
            models.Index(
                fields=["medicine", "expires_on", "received_on", "id"],
                name="batch_usable",
                condition=Q(state=BatchState.AVAILABLE, on_hand__gt=0),
            )
        ]
        triggers = [
            Kept(name="batch_kept"),
            Frozen(
                name="batch_recall_is_final",
                condition=pgtrigger.Condition("OLD.state = 'recalled' AND NEW.state <> 'recalled'"),
                sentence="a recalled batch stays recalled",
            ),
            Frozen(
                name="batch_stays_what_it_is",
                condition=pgtrigger.AnyChange("medicine", "lot", "expires_on", "store", "returned_from"),
                sentence="a batch stays of its lot and in its store",
            ),
            LotIsRecalledAsOne(name="batch_lot_is_recalled_as_one"),
            OnHandIsTheLedger(
                name="batch_on_hand_is_the_ledger", operation=pgtrigger.Insert | pgtrigger.UpdateOf("on_hand"), batch="NEW.id"
            ),
        ]

    def __str__(self):
        return self.lot


class MovementKind(models.TextChoices):
    IN = "IN", "Received"
    OUT = "OUT", "Dispensed"
    ADJUSTMENT = "ADJUSTMENT", "Adjusted"
    RETURN = "RETURN", "Returned"
    WASTE = "WASTE", "Wasted"


class StockMovement(BaseModel):
    """One line of the ledger: append-only, and the truth about stock."""

    batch = models.ForeignKey(Batch, models.PROTECT, related_name="movements")
    kind = models.CharField(max_length=10, choices=MovementKind)
    quantity = models.IntegerField(help_text="Units; positive into the batch, negative out of it.")
    balance = models.PositiveIntegerField(help_text="On hand of the batch after this movement.")
    dispense_line = models.ForeignKey("pharmacy.DispenseLine", models.PROTECT, null=True, blank=True, related_name="movements")
    treatment_line = models.ForeignKey(
        "pharmacy.TreatmentLine",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="movements",
        help_text="The treatment that used the units.",
    )
    order_line = models.ForeignKey(
        "pharmacy.PurchaseOrderLine", models.PROTECT, null=True, blank=True, related_name="receipts", help_text="The order that it came of."
    )
    count_line = models.OneToOneField(
        "pharmacy.CountLine", models.PROTECT, null=True, blank=True, related_name="correction", help_text="The count that it corrects to."
    )
    transfer = models.ForeignKey(
        "pharmacy.StockTransfer",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="movements",
        help_text="The transfer between stores that it is one side of.",
    )
    reason = models.CharField(max_length=200, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    witness = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", help_text="The second person, at a controlled medicine."
    )
    at = models.DateTimeField(db_default=Now())
    request_id = models.UUIDField(null=True, unique=True, editable=False, help_text="Of a receipt or an adjustment.")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                name="movement_sign_fits_kind",
                condition=Q(kind__in=[MovementKind.IN, MovementKind.RETURN], quantity__gt=0)
                | Q(kind__in=[MovementKind.OUT, MovementKind.WASTE], quantity__lt=0)
                | (Q(kind=MovementKind.ADJUSTMENT) & ~Q(quantity=0)),
            ),
            models.CheckConstraint(
                name="movement_out_names_its_line",
                condition=~Q(kind__in=[MovementKind.OUT, MovementKind.RETURN])
                | Q(dispense_line__isnull=False)
                | Q(treatment_line__isnull=False),
            ),
            models.CheckConstraint(name="movement_of_an_order_comes_in", condition=Q(order_line__isnull=True) | Q(kind=MovementKind.IN)),
            models.CheckConstraint(
                name="movement_of_a_transfer_adjusts",
                condition=Q(transfer__isnull=True) | Q(kind=MovementKind.ADJUSTMENT, count_line__isnull=True),
            ),
            models.CheckConstraint(name="movement_of_one_line", condition=Q(dispense_line__isnull=True) | Q(treatment_line__isnull=True)),
            models.CheckConstraint(
                name="movement_witness_is_another_person",
                condition=Q(witness__isnull=True) | (Q(by__isnull=False) & ~Q(witness=F("by"))),
            ),
            models.CheckConstraint(name="movement_adjusted_with_reason", condition=~Q(kind__in=["ADJUSTMENT", "WASTE"]) | ~Q(reason="")),
        ]
        indexes = [models.Index(fields=["batch", "id"], name="movement_by_batch"), models.Index(fields=["-at"], name="movement_recent")]
        triggers = [
            AppendOnly(name="movement_append_only"),
            CorrectionIsOfItsCount(name="movement_is_of_its_count"),
            ControlledIsWitnessed(name="movement_of_controlled_is_witnessed"),
            MovementContinuesTheLedger(name="movement_continues_the_ledger"),
            OnHandIsTheLedger(name="movement_left_what_is_on_hand", operation=pgtrigger.Insert, batch="NEW.batch_id"),
            LineIsItsMovements(
                name="movement_is_of_its_line",
                operation=pgtrigger.Insert,
                line="NEW.dispense_line_id",
                condition=pgtrigger.Condition("NEW.dispense_line_id IS NOT NULL"),
            ),
            LineIsItsMovements(
                name="movement_is_of_its_treatment_line",
                operation=pgtrigger.Insert,
                line="NEW.treatment_line_id",
                condition=pgtrigger.Condition("NEW.treatment_line_id IS NOT NULL"),
                of="treatment",
            ),
            TransferIsItsMovements(
                name="movement_is_of_its_transfer",
                transfer="NEW.transfer_id",
                condition=pgtrigger.Condition("NEW.transfer_id IS NOT NULL"),
            ),
            OrderLineIsItsReceipts(
                name="movement_is_of_its_order_line",
                operation=pgtrigger.Insert,
                line="NEW.order_line_id",
                condition=pgtrigger.Condition("NEW.order_line_id IS NOT NULL"),
            ),
        ]

    @property
    def patient(self):
        """Whom the units were for; none for what the clinic did for itself."""
        if self.dispense_line:
            return self.dispense_line.item.prescription.patient
        return self.treatment_line and self.treatment_line.encounter.patient

    @property
    def ordered_by(self):
        """The doctor who prescribed, or treated."""
        if self.dispense_line:
            return self.dispense_line.item.prescription.prescriber
        return self.treatment_line and self.treatment_line.encounter.doctor

    @property
    def units_out(self) -> int:
        return max(-self.quantity, 0)
