from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from clinic.core.models import BaseModel
from clinic.core.triggers import Kept


class DispenseQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(prescription__patient__user=user) if user.is_only_patient else self


class Dispense(BaseModel):
    """One handing over at the counter."""

    prescription = models.ForeignKey("pharmacy.Prescription", models.PROTECT, related_name="dispenses")
    dispensed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    dispensed_at = models.DateTimeField(db_default=Now())
    override_reason = models.CharField(max_length=300, blank=True, help_text="Why it was given out in spite of a warning.")
    request_id = models.UUIDField(unique=True, editable=False)

    objects = DispenseQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        triggers = [Kept(name="dispense_kept")]


class DispenseLine(BaseModel):
    """Units of one batch, given for one item of the prescription."""

    dispense = models.ForeignKey(Dispense, models.PROTECT, related_name="lines")
    item = models.ForeignKey("pharmacy.PrescriptionItem", models.PROTECT, related_name="dispense_lines")
    batch = models.ForeignKey("pharmacy.Batch", models.PROTECT, related_name="dispense_lines")
    quantity = models.PositiveIntegerField()
    returned_quantity = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(name="dispense_line_quantity_positive", condition=Q(quantity__gt=0)),
            models.CheckConstraint(name="dispense_line_returned_within_given", condition=Q(returned_quantity__lte=F("quantity"))),
            models.UniqueConstraint(fields=["dispense", "item", "batch"], name="dispense_line_once_per_batch"),
        ]
        triggers = [Kept(name="dispense_line_kept")]
