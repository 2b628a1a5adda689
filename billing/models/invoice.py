from decimal import Decimal

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from clinic.core.models import BaseModel, VersionedModel
from clinic.core.triggers import Frozen, Kept, refusal


class InvoiceState(models.TextChoices):
    """What is stored. Whether an issued invoice is partly paid or paid follows from its amounts."""

    DRAFT = "draft", "Draft"
    ISSUED = "issued", "Issued"
    VOID = "void", "Void"


# Of an issued invoice only the state (to void) and what was paid may change.
_CHANGED_AFTER_ISSUE = """
    OLD.state <> 'draft' AND (
        NEW.state = 'draft' OR (OLD.state = 'void' AND NEW.state <> 'void')
        OR (NEW.patient_id, NEW.encounter_id, NEW.number, NEW.issued_at, NEW.total)
           IS DISTINCT FROM (OLD.patient_id, OLD.encounter_id, OLD.number, OLD.issued_at, OLD.total)
    )
"""


class InvoiceCounter(models.Model):
    """The number series of one year; locked last, so that no number is lost to a rollback or given twice."""

    year = models.PositiveSmallIntegerField(unique=True)
    last_number = models.PositiveIntegerField(default=0)

    def __str__(self):
        return f"{self.year}"


class InvoiceQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Staff see every invoice; a patient sees the own ones once they are issued."""
        if user.is_only_patient:
            return self.filter(patient__user=user).exclude(state=InvoiceState.DRAFT)
        return self


class Invoice(VersionedModel):
    """What a patient is asked to pay. `total` is the sum of its lines, `paid` of its payments less refunds."""

    patient = models.ForeignKey("patients.Patient", models.PROTECT, related_name="invoices")
    encounter = models.ForeignKey("patients.Encounter", models.PROTECT, null=True, blank=True, related_name="invoices")
    state = models.CharField(max_length=8, choices=InvoiceState, default=InvoiceState.DRAFT, editable=False)
    number = models.CharField(max_length=20, null=True, unique=True, editable=False, help_text="Gapless within a year; given when issued.")
    issued_at = models.DateTimeField(null=True, blank=True, editable=False)
    total = models.DecimalField(max_digits=12, decimal_places=2, default=Decimal("0.00"), editable=False)
    paid = models.DecimalField(max_digits=12, decimal_places=2, default=Decimal("0.00"), editable=False)
    void_reason = models.CharField(max_length=200, blank=True, editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+")
    request_id = models.UUIDField(null=True, unique=True, editable=False)

    objects = InvoiceQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(name="invoice_total_not_negative", condition=Q(total__gte=0)),
            models.CheckConstraint(name="invoice_paid_within_total", condition=Q(paid__gte=0) & Q(paid__lte=F("total"))),
            models.CheckConstraint(
                name="invoice_numbered_when_issued",
                condition=Q(state=InvoiceState.DRAFT, number__isnull=True, issued_at__isnull=True)
                | Q(state=InvoiceState.ISSUED, number__isnull=False, issued_at__isnull=False)
                | Q(state=InvoiceState.VOID),
            ),
            models.CheckConstraint(name="invoice_void_with_reason", condition=~Q(state=InvoiceState.VOID) | ~Q(void_reason="")),
            models.CheckConstraint(name="invoice_void_owes_nothing", condition=~Q(state=InvoiceState.VOID) | Q(paid=0)),
        ]
        indexes = [
            models.Index(fields=["patient", "-id"], name="invoice_by_patient"),
            models.Index(fields=["encounter"], name="invoice_by_encounter"),
        ]
        triggers = [
            Frozen(name="invoice_issued_is_frozen", condition=pgtrigger.Condition(_CHANGED_AFTER_ISSUE), sentence="the invoice is issued"),
            Kept(name="invoice_kept"),
        ]

    @property
    def balance(self) -> Decimal:
        return self.total - self.paid

    @property
    def status(self) -> str:
        """draft, issued, partly_paid, paid or void."""
        if self.state != InvoiceState.ISSUED:
            return self.state
        if self.paid >= self.total:
            return "paid"
        return "partly_paid" if self.paid else "issued"


class LineKind(models.TextChoices):
    CONSULTATION = "consultation", "Consultation"
    MEDICINE = "medicine", "Medicine"
    OTHER = "other", "Other"


class InvoiceLine(BaseModel):
    """One charge. `charge_key` names what is charged, so that nothing is billed twice."""

    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="lines")
    kind = models.CharField(max_length=14, choices=LineKind, default=LineKind.OTHER)
    description = models.CharField(max_length=200)
    quantity = models.PositiveIntegerField(default=1)
    unit_price = models.DecimalField(max_digits=12, decimal_places=2)
    discount = models.DecimalField(max_digits=12, decimal_places=2, default=Decimal("0.00"), help_text="An amount, off the whole line.")
    tax_percent = models.DecimalField(max_digits=5, decimal_places=2, default=Decimal("0.00"))
    tax = models.DecimalField(max_digits=12, decimal_places=2, default=Decimal("0.00"))
    total = models.DecimalField(max_digits=12, decimal_places=2)
    prescription_item = models.ForeignKey("pharmacy.PrescriptionItem", models.PROTECT, null=True, blank=True, related_name="invoice_lines")
    charge_key = models.CharField(max_length=80, null=True, blank=True, help_text="e.g. consultation:UUID; empty for a free line.")
    is_void = models.BooleanField(default=False, editable=False, help_text="Of a voided invoice: its charge may be billed anew.")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(name="line_quantity_positive", condition=Q(quantity__gt=0)),
            models.CheckConstraint(name="line_price_not_negative", condition=Q(unit_price__gte=0)),
            models.CheckConstraint(
                name="line_discount_within_price", condition=Q(discount__gte=0) & Q(discount__lte=F("quantity") * F("unit_price"))
            ),
            models.CheckConstraint(name="line_tax_not_negative", condition=Q(tax__gte=0)),
            models.CheckConstraint(
                name="line_total_adds_up", condition=Q(total=F("quantity") * F("unit_price") - F("discount") + F("tax"))
            ),
            models.UniqueConstraint(fields=["charge_key"], condition=Q(is_void=False), name="line_charge_billed_once"),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="line_of_issued_invoice_frozen",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
                declare=[("invoice_state", "text")],
                func=f"""
                    SELECT state INTO invoice_state FROM billing_invoice
                     WHERE id = COALESCE(NEW.invoice_id, OLD.invoice_id) FOR SHARE;
                    IF invoice_state = 'draft' OR (invoice_state = 'void' AND TG_OP = 'UPDATE' AND NEW.is_void AND NOT OLD.is_void) THEN
                        RETURN COALESCE(NEW, OLD);
                    END IF;
                    {refusal("line_of_issued_invoice_frozen", "the invoice is issued")}
                """,
            )
        ]
