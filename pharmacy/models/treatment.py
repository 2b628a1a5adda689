import pgtrigger
from django.db import models
from django.db.models import F, Q

from clinic.core.models import BaseModel
from clinic.core.triggers import Frozen, Kept
from patients.models.encounter import FrozenWithEncounter
from pharmacy.models.triggers import LineIsItsMovements, TreatmentCostsItsLines, TreatmentUsesWhatMayGoOut


class TreatmentLine(BaseModel):
    """Units of one batch, used in a treatment. The treatment is empty once it was taken back, with its units."""

    encounter = models.ForeignKey("patients.Encounter", models.PROTECT, related_name="+", help_text="The visit it was used in.")
    treatment = models.ForeignKey(
        "patients.Treatment",
        models.SET_NULL,
        null=True,
        related_name="+",
        help_text="What it was used for; empty once that was taken back.",
    )
    batch = models.ForeignKey("pharmacy.Batch", models.PROTECT, related_name="treatment_lines", help_text="Where the units came from.")
    quantity = models.PositiveIntegerField(help_text="Units used.")
    returned_quantity = models.PositiveIntegerField(default=0, editable=False, help_text="Units put back because the treatment was.")
    unit_price = models.DecimalField(max_digits=12, decimal_places=2, help_text="The medicine's price on that day.")
    used_on = models.DateField(help_text="The clinic's day; what expires by then cannot have been used.")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(name="treatment_line_quantity_positive", condition=Q(quantity__gt=0)),
            models.CheckConstraint(name="treatment_line_returned_within_used", condition=Q(returned_quantity__lte=F("quantity"))),
            models.CheckConstraint(name="treatment_line_price_not_negative", condition=Q(unit_price__gte=0)),
            models.CheckConstraint(
                name="treatment_line_of_a_treatment", condition=Q(treatment__isnull=False) | Q(returned_quantity=F("quantity"))
            ),
            models.UniqueConstraint(fields=["treatment", "batch"], name="treatment_line_once_per_batch"),
        ]
        triggers = [
            Kept(name="treatment_line_kept"),
            FrozenWithEncounter(name="treatment_line_frozen_when_signed", operation=pgtrigger.Insert | pgtrigger.Update),
            Frozen(name="treatment_line_only_returned", condition=pgtrigger.AnyChange(exclude=["returned_quantity", "treatment"])),
            Frozen(
                name="treatment_line_return_is_final",
                condition=pgtrigger.Condition(
                    "NEW.returned_quantity < OLD.returned_quantity"
                    " OR (NEW.treatment_id IS NOT NULL AND NEW.treatment_id IS DISTINCT FROM OLD.treatment_id)"
                ),
                sentence="what was put back stays so",
            ),
            TreatmentUsesWhatMayGoOut(name="treatment_line_fits"),
            TreatmentCostsItsLines(name="treatment_costs_its_lines"),
            LineIsItsMovements(
                name="treatment_line_is_its_movements",
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("returned_quantity"),
                line="NEW.id",
                of="treatment",
            ),
        ]
