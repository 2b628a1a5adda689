import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from clinic.core.models import BaseModel
from clinic.core.triggers import Frozen, Kept
from pharmacy.models.prescription import Prescription
from pharmacy.models.triggers import ItemIsItsLines, LineFitsItsDispense, LineIsItsMovements, SubstituteIsApproved


class DispenseQuerySet(models.QuerySet):
    def with_details(self):
        """All that its JSON and its labels show: 1 more query, however many rows."""
        lines = DispenseLine.objects.select_related("item__medicine", "batch__medicine").order_by("id")
        return self.select_related("prescription__patient", "dispensed_by").prefetch_related(models.Prefetch("lines", queryset=lines))

    def of_open_charts(self, user, *, now):
        """Without those of restricted charts that are not open to this person."""
        return self.filter(prescription__in=Prescription.objects.of_open_charts(user, now=now))

    def visible_to(self, user):
        return self.filter(prescription__patient__user=user) if user.is_only_patient else self


class Dispense(BaseModel):
    """One handing over at the counter."""

    prescription = models.ForeignKey("pharmacy.Prescription", models.PROTECT, related_name="dispenses")
    dispensed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    dispensed_at = models.DateTimeField(db_default=Now())
    dispensed_on = models.DateField(help_text="The clinic's day; what expires by then cannot have gone out.")
    override_reason = models.CharField(max_length=300, blank=True, help_text="Why it was given out in spite of a warning.")
    request_id = models.UUIDField(unique=True, editable=False)

    objects = DispenseQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        triggers = [Kept(name="dispense_kept"), Frozen(name="dispense_unchanged", condition=pgtrigger.AnyChange())]


class SubstitutionBasis(models.TextChoices):
    SAME = "same", "Same ingredients, form and strength"
    APPROVED = "approved", "Approved as equivalent"
    AGREED = "agreed", "Agreed by the doctor"


class DispenseLine(BaseModel):
    """Units of one batch, given for one item of the prescription."""

    dispense = models.ForeignKey(Dispense, models.PROTECT, related_name="lines")
    item = models.ForeignKey("pharmacy.PrescriptionItem", models.PROTECT, related_name="dispense_lines")
    batch = models.ForeignKey("pharmacy.Batch", models.PROTECT, related_name="dispense_lines")
    quantity = models.PositiveIntegerField()
    returned_quantity = models.PositiveIntegerField(default=0, editable=False)
    credited_quantity = models.PositiveIntegerField(
        default=0, db_default=0, editable=False, help_text="Of what was returned, the units whose price was credited."
    )
    substitution_reason = models.CharField(max_length=200, blank=True, help_text="Why another medicine was given than the one prescribed.")
    substitution_basis = models.CharField(
        max_length=8, choices=SubstitutionBasis, blank=True, editable=False, help_text="On what ground the other one was given."
    )
    prescriber_agreement = models.CharField(
        max_length=200, blank=True, help_text="How and when the doctor agreed, where the two are not equivalent."
    )

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(name="dispense_line_quantity_positive", condition=Q(quantity__gt=0)),
            models.CheckConstraint(name="dispense_line_returned_within_given", condition=Q(returned_quantity__lte=F("quantity"))),
            models.CheckConstraint(
                name="dispense_line_credited_within_returned", condition=Q(credited_quantity__lte=F("returned_quantity"))
            ),
            models.CheckConstraint(
                name="dispense_line_substitution_has_basis",
                condition=Q(substitution_basis="", substitution_reason="") | (~Q(substitution_basis="") & ~Q(substitution_reason="")),
            ),
            models.CheckConstraint(
                name="dispense_line_agreement_of_the_prescriber",
                condition=(Q(substitution_basis="agreed") & ~Q(prescriber_agreement=""))
                | (~Q(substitution_basis="agreed") & Q(prescriber_agreement="")),
            ),
            models.UniqueConstraint(fields=["dispense", "item", "batch"], name="dispense_line_once_per_batch"),
        ]
        indexes = [models.Index(fields=["item"], condition=Q(returned_quantity__gt=F("credited_quantity")), name="dispense_line_to_credit")]
        triggers = [
            Kept(name="dispense_line_kept"),
            Frozen(name="dispense_line_only_returned", condition=pgtrigger.AnyChange(exclude=["returned_quantity", "credited_quantity"])),
            Frozen(
                name="dispense_line_return_is_final",
                condition=pgtrigger.Condition("NEW.returned_quantity < OLD.returned_quantity"),
                sentence="what was returned stays returned",
            ),
            Frozen(
                name="dispense_line_credit_is_final",
                condition=pgtrigger.Condition("NEW.credited_quantity < OLD.credited_quantity"),
                sentence="what was credited stays credited",
            ),
            LineFitsItsDispense(name="dispense_line_fits"),
            SubstituteIsApproved(name="dispense_line_substitute_is_approved"),
            LineIsItsMovements(
                name="dispense_line_is_its_movements", operation=pgtrigger.Insert | pgtrigger.UpdateOf("returned_quantity"), line="NEW.id"
            ),
            ItemIsItsLines(
                name="dispense_line_counts_in_its_item",
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("returned_quantity"),
                item="NEW.item_id",
            ),
        ]

    @property
    def medicine(self):
        """What was given: the one prescribed, or its substitute."""
        return self.batch.medicine

    @property
    def returnable_quantity(self) -> int:
        return self.quantity - self.returned_quantity


class ReturnTo(models.TextChoices):
    BATCH = "batch", "Back to its batch"
    QUARANTINE = "quarantine", "To quarantine"


class DispenseReturn(BaseModel):
    """Units of one dispense that came back to the counter at a time; its movements say which and how many."""

    dispense = models.ForeignKey(Dispense, models.PROTECT, related_name="returns")
    to = models.CharField(max_length=10, choices=ReturnTo)
    reason = models.CharField(max_length=200)
    quantities = models.JSONField(default=dict, editable=False, help_text="{public id of a dispensed line: units of it that came back}.")
    returned_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    returned_at = models.DateTimeField(db_default=Now())
    request_id = models.UUIDField(unique=True, editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [models.CheckConstraint(name="dispense_return_has_reason", condition=~Q(reason=""))]
        triggers = [Kept(name="dispense_return_kept"), Frozen(name="dispense_return_unchanged", condition=pgtrigger.AnyChange())]
