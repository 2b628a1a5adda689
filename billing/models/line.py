from decimal import Decimal

import pgtrigger
from django.db import models
from django.db.models import F, Q

from billing.models.fields import sum_field
from billing.models.returning import UnitsAddUp
from billing.models.triggers import CreditLineCounts, LineOfDraft, LineOfPatient, LinesAddUp
from clinic.core.models import BaseModel


class LineKind(models.TextChoices):
    CONSULTATION = "consultation", "Consultation"
    TREATMENT = "treatment", "Treatment"
    MEDICINE = "medicine", "Medicine"
    OTHER = "other", "Other"


TAKEN_BACK = Q(credited=F("total"), total__gt=0)  # a line that nothing is left of


class InvoiceLine(BaseModel):
    """One charge. `charge_key` names what is charged, so that nothing is billed twice."""

    invoice = models.ForeignKey("billing.Invoice", models.PROTECT, related_name="lines")
    kind = models.CharField(max_length=14, choices=LineKind, default=LineKind.OTHER)
    description = models.CharField(max_length=200)
    quantity = models.PositiveIntegerField(default=1)
    unit_price = models.DecimalField(max_digits=12, decimal_places=2)
    discount = models.DecimalField(max_digits=12, decimal_places=2, default=Decimal("0.00"), help_text="An amount, off the whole line.")
    discount_reason = models.CharField(max_length=200, blank=True, default="", db_default="", help_text="Why something is taken off.")
    tax_percent = models.DecimalField(max_digits=5, decimal_places=2, default=Decimal("0.00"))
    tax = models.DecimalField(max_digits=12, decimal_places=2, default=Decimal("0.00"))
    total = models.DecimalField(max_digits=12, decimal_places=2)
    insurer_share = sum_field("What the insurer bears of the total.")
    patient_share = models.GeneratedField(
        expression=F("total") - F("insurer_share"),
        output_field=models.DecimalField(max_digits=12, decimal_places=2),
        db_persist=True,
        help_text="The rest of the total.",
    )
    credited = sum_field("What credit notes took back of the total.")
    credited_quantity = models.PositiveIntegerField(
        default=0, db_default=0, editable=False, help_text="Units that came back to the pharmacy and were credited."
    )
    prescription_item = models.ForeignKey("pharmacy.PrescriptionItem", models.PROTECT, null=True, blank=True, related_name="invoice_lines")
    charge_key = models.CharField(
        max_length=80, null=True, blank=True, help_text="e.g. consultation:UUID, treatment:UUID; empty for a free line."
    )
    is_void = models.BooleanField(default=False, editable=False, help_text="Of a voided invoice: its charge may be billed anew.")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(name="line_quantity_positive", condition=Q(quantity__gt=0)),
            models.CheckConstraint(name="line_price_not_negative", condition=Q(unit_price__gte=0)),
            models.CheckConstraint(
                name="line_discount_within_price", condition=Q(discount__gte=0) & Q(discount__lte=F("quantity") * F("unit_price"))
            ),
            models.CheckConstraint(name="line_discount_with_reason", condition=Q(discount=0) | ~Q(discount_reason="")),
            models.CheckConstraint(name="line_tax_not_negative", condition=Q(tax__gte=0)),
            models.CheckConstraint(
                name="line_total_adds_up", condition=Q(total=F("quantity") * F("unit_price") - F("discount") + F("tax"))
            ),
            models.CheckConstraint(
                name="line_insurer_share_within_total", condition=Q(insurer_share__gte=0) & Q(insurer_share__lte=F("total"))
            ),
            models.CheckConstraint(
                name="line_credited_within_total", condition=Q(credited=0) | Q(credited__gt=0) & Q(credited__lte=F("total"))
            ),
            models.CheckConstraint(name="line_credited_quantity_within_quantity", condition=Q(credited_quantity__lte=F("quantity"))),
            models.UniqueConstraint(fields=["charge_key"], condition=Q(is_void=False), name="line_charge_billed_once"),
        ]
        triggers = [
            LineOfDraft(name="line_of_issued_invoice_frozen"),
            CreditLineCounts(name="line_credits_add_up", key="id", operation=pgtrigger.UpdateOf("credited")),
            UnitsAddUp(
                name="line_units_credited_add_up", line="NEW.id", operation=pgtrigger.Insert | pgtrigger.UpdateOf("credited_quantity")
            ),
            LineOfPatient(name="line_of_the_invoices_patient"),
            LinesAddUp(
                name="line_keeps_the_total",
                invoice="invoice_id",
                operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
            ),
        ]

    @property
    def creditable(self) -> Decimal:
        return self.total - self.credited
