from decimal import Decimal

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from billing.models.triggers import LineOfDraft, LineOfPatient, LinesAddUp, PaymentsAddUp
from clinic.core.models import BaseModel, VersionedModel
from clinic.core.money import ZERO
from clinic.core.triggers import Frozen, Kept


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


class InvoiceStatus(models.TextChoices):
    """What people see: derived, see `Invoice.status`."""

    DRAFT = "draft", "Draft"
    ISSUED = "issued", "Issued"
    PARTLY_PAID = "partly_paid", "Partly paid"
    PAID = "paid", "Paid"
    VOID = "void", "Void"


_ISSUED = Q(state=InvoiceState.ISSUED)
_STATUS_FILTERS = {
    InvoiceStatus.DRAFT: Q(state=InvoiceState.DRAFT),
    InvoiceStatus.ISSUED: _ISSUED & Q(paid=0, total__gt=0),
    InvoiceStatus.PARTLY_PAID: _ISSUED & Q(paid__gt=0, paid__lt=F("total")),
    InvoiceStatus.PAID: _ISSUED & Q(paid=F("total")),
    InvoiceStatus.VOID: Q(state=InvoiceState.VOID),
}


class InvoiceQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Staff see every invoice; a patient sees the own ones once they are issued."""
        if user.is_only_patient:
            return self.filter(patient__user=user, issued_at__isnull=False)
        return self

    def in_status(self, status: str):
        return self.filter(_STATUS_FILTERS[status])

    def unpaid(self):
        """Issued, and something is still owed."""
        return self.filter(_ISSUED, paid__lt=F("total"))

    def paid_in_full(self):
        return self.in_status(InvoiceStatus.PAID)


class Invoice(VersionedModel):
    """What a patient is asked to pay. `total` is the sum of its lines, `paid` of its payments less refunds.

    The composite foreign key (encounter, patient) is in the migrations.
    """

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
            models.CheckConstraint(name="invoice_draft_is_unpaid", condition=~Q(state=InvoiceState.DRAFT) | Q(paid=0)),
        ]
        indexes = [
            models.Index(fields=["patient", "-id"], name="invoice_by_patient"),
            models.Index(fields=["encounter"], name="invoice_by_encounter"),
            models.Index(fields=["issued_at"], name="invoice_by_issue"),
            models.Index(fields=["id"], name="invoice_unpaid", condition=Q(state=InvoiceState.ISSUED, paid__lt=F("total"))),
        ]
        triggers = [
            Frozen(name="invoice_issued_is_frozen", condition=pgtrigger.Condition(_CHANGED_AFTER_ISSUE), sentence="the invoice is issued"),
            Kept(name="invoice_kept"),
            LinesAddUp(name="invoice_lines_add_up", invoice="id", operation=pgtrigger.Insert | pgtrigger.UpdateOf("total", "state")),
            PaymentsAddUp(name="invoice_payments_add_up", invoice="id", operation=pgtrigger.Insert | pgtrigger.UpdateOf("paid")),
        ]

    @property
    def balance(self) -> Decimal:
        return ZERO if self.state == InvoiceState.VOID else self.total - self.paid

    @property
    def status(self) -> str:
        if self.state != InvoiceState.ISSUED:
            return self.state
        if self.paid >= self.total:
            return InvoiceStatus.PAID
        return InvoiceStatus.PARTLY_PAID if self.paid else InvoiceStatus.ISSUED

    def get_status_display(self) -> str:
        return InvoiceStatus(self.status).label

    @property
    def is_draft(self) -> bool:
        return self.state == InvoiceState.DRAFT

    @property
    def is_payable(self) -> bool:
        return self.state == InvoiceState.ISSUED and self.paid < self.total

    @property
    def has_discount(self) -> bool:
        return any(line.discount for line in self.lines.all())

    @property
    def has_tax(self) -> bool:
        return any(line.tax for line in self.lines.all())

    @property
    def title(self) -> str:
        """Its number; a draft has none yet."""
        return self.number or "Draft"


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
            LineOfDraft(name="line_of_issued_invoice_frozen"),
            LineOfPatient(name="line_of_the_invoices_patient"),
            LinesAddUp(
                name="line_keeps_the_total",
                invoice="invoice_id",
                operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
            ),
        ]
