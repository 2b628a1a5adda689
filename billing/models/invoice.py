from decimal import Decimal

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from billing.models.fields import sum_field
from billing.models.triggers import CreditsAddUp, LinesAddUp, PaymentsAddUp
from clinic.core.models import VersionedModel
from clinic.core.money import ZERO
from clinic.core.triggers import Frozen, Kept


class InvoiceState(models.TextChoices):
    """What is stored. Whether an issued invoice is partly paid or paid follows from its amounts."""

    DRAFT = "draft", "Draft"
    ISSUED = "issued", "Issued"
    VOID = "void", "Void"


# Of an issued invoice only the state (to void, with a reason) and what was paid, credited or declined may change.
_CHANGED_AFTER_ISSUE = """
    OLD.state <> 'draft' AND (
        NEW.state = 'draft' OR (OLD.state = 'void' AND NEW.state <> 'void')
        OR (OLD.state = 'void' AND (NEW.voided_at, NEW.void_reason) IS DISTINCT FROM (OLD.voided_at, OLD.void_reason))
        OR (NEW.patient_id, NEW.encounter_id, NEW.number, NEW.issued_at, NEW.total, NEW.insurer_share, NEW.payer, NEW.policy_number,
            NEW.cover_percent, NEW.created_by_id, NEW.request_id, NEW.public_id)
           IS DISTINCT FROM
           (OLD.patient_id, OLD.encounter_id, OLD.number, OLD.issued_at, OLD.total, OLD.insurer_share, OLD.payer, OLD.policy_number,
            OLD.cover_percent, OLD.created_by_id, OLD.request_id, OLD.public_id)
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
    CREDITED = "credited", "Credited"
    VOID = "void", "Void"


_ISSUED = Q(state=InvoiceState.ISSUED)
# Each side bears its share less what was credited of it; what the insurer declined is the patient's to pay.
_BORNE_BY_INSURER = F("insurer_share") - F("declined") - F("insurer_credited")
_BORNE_BY_PATIENT = F("total") - F("credited") - _BORNE_BY_INSURER
OWED_BY_PATIENT = _BORNE_BY_PATIENT - (F("paid") - F("insurer_paid"))
OWED_BY_INSURER = _BORNE_BY_INSURER - F("insurer_paid")
_PATIENT_OWES = Q(paid__lt=F("insurer_paid") + _BORNE_BY_PATIENT)
_INSURER_OWES = Q(insurer_paid__lt=_BORNE_BY_INSURER)
OWED = _ISSUED & (_PATIENT_OWES | _INSURER_OWES)
_CREDITED = Q(credited=F("total"), total__gt=0)
_STATUS_FILTERS = {
    InvoiceStatus.DRAFT: Q(state=InvoiceState.DRAFT),
    InvoiceStatus.ISSUED: OWED & Q(paid=0),
    InvoiceStatus.PARTLY_PAID: OWED & Q(paid__gt=0),
    InvoiceStatus.PAID: _ISSUED & ~(_PATIENT_OWES | _INSURER_OWES | _CREDITED),
    InvoiceStatus.CREDITED: _ISSUED & _CREDITED,
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
        """Issued, and something is still owed, by whomever."""
        return self.filter(OWED)

    def owed_by_patients(self):
        return self.filter(_ISSUED, _PATIENT_OWES)

    def owed_by_insurers(self):
        return self.filter(_ISSUED, _INSURER_OWES)

    def settled_by_patient(self):
        """Nothing is left for the patient to pay; the insurer may still owe its share."""
        return self.filter(_ISSUED).exclude(_PATIENT_OWES)


class Invoice(VersionedModel):
    """What a patient and the insurer are asked to pay. `total` is the sum of its lines, `paid` of its payments less refunds.

    The composite foreign key (encounter, patient) is in the migrations.
    """

    patient = models.ForeignKey("patients.Patient", models.PROTECT, related_name="invoices")
    encounter = models.ForeignKey("patients.Encounter", models.PROTECT, null=True, blank=True, related_name="invoices")
    state = models.CharField(max_length=8, choices=InvoiceState, default=InvoiceState.DRAFT, editable=False)
    number = models.CharField(max_length=20, null=True, unique=True, editable=False, help_text="Gapless within a year; given when issued.")
    issued_at = models.DateTimeField(null=True, blank=True, editable=False)
    total = models.DecimalField(max_digits=12, decimal_places=2, default=Decimal("0.00"), editable=False)
    paid = models.DecimalField(max_digits=12, decimal_places=2, default=Decimal("0.00"), editable=False)
    payer = models.CharField(
        max_length=120, blank=True, default="", db_default="", editable=False, help_text="The insurer, as of its making."
    )
    policy_number = models.CharField(max_length=60, blank=True, default="", db_default="", editable=False, help_text="Of the patient then.")
    cover_percent = models.PositiveSmallIntegerField(
        default=0, db_default=0, editable=False, help_text="What the insurer bears of each line."
    )
    insurer_share = sum_field("The sum of what the insurer bears of the lines.")
    insurer_paid = sum_field("Of `paid`, what the insurer paid.")
    declined = sum_field("Of the insurer's share, what fell back to the patient.")
    credited = sum_field("The sum of its credit notes.")
    insurer_credited = sum_field("Of `credited`, what the insurer need not pay.")
    void_reason = models.CharField(max_length=200, blank=True, editable=False)
    voided_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="When it was taken back; the ledger shows it then.")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+")
    request_id = models.UUIDField(null=True, unique=True, editable=False)

    objects = InvoiceQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(name="invoice_total_not_negative", condition=Q(total__gte=0)),
            models.CheckConstraint(name="invoice_paid_within_total", condition=Q(paid__gte=0) & Q(paid__lte=F("total"))),
            models.CheckConstraint(
                name="invoice_insurer_share_within_total", condition=Q(insurer_share__gte=0) & Q(insurer_share__lte=F("total"))
            ),
            models.CheckConstraint(name="invoice_cover_within_0_to_100", condition=Q(cover_percent__range=(0, 100))),
            models.CheckConstraint(name="invoice_insurer_named", condition=Q(insurer_share=0) | ~Q(payer="")),
            models.CheckConstraint(
                name="invoice_insurer_paid_within_share",
                condition=Q(insurer_paid__gte=0, declined__gte=0) & Q(insurer_paid__lte=F("insurer_share") - F("declined")),
            ),
            models.CheckConstraint(
                name="invoice_patient_paid_within_share",
                condition=Q(paid__gte=F("insurer_paid")) & Q(paid__lte=F("insurer_paid") + F("total") - F("insurer_share") + F("declined")),
            ),
            models.CheckConstraint(
                name="invoice_credit_within_each_share",
                condition=Q(credited=0, insurer_credited=0)
                | Q(insurer_credited__gte=0, credited__gte=F("insurer_credited"))
                & Q(insurer_credited__lte=F("insurer_share") - F("declined"))
                & Q(credited__lte=F("insurer_credited") + F("total") - F("insurer_share") + F("declined")),
            ),
            models.CheckConstraint(name="invoice_credited_only_when_issued", condition=Q(state=InvoiceState.ISSUED) | Q(credited=0)),
            models.CheckConstraint(
                name="invoice_numbered_when_issued",
                condition=Q(state=InvoiceState.DRAFT, number__isnull=True, issued_at__isnull=True)
                | Q(state=InvoiceState.ISSUED, number__isnull=False, issued_at__isnull=False)
                | Q(state=InvoiceState.VOID),
            ),
            models.CheckConstraint(name="invoice_void_with_reason", condition=~Q(state=InvoiceState.VOID) | ~Q(void_reason="")),
            models.CheckConstraint(
                name="invoice_voided_at_when_void",
                condition=Q(state=InvoiceState.VOID, voided_at__isnull=False) | ~Q(state=InvoiceState.VOID) & Q(voided_at__isnull=True),
            ),
            models.CheckConstraint(name="invoice_void_owes_nothing", condition=~Q(state=InvoiceState.VOID) | Q(paid=0)),
            models.CheckConstraint(name="invoice_draft_is_unpaid", condition=~Q(state=InvoiceState.DRAFT) | Q(paid=0)),
        ]
        indexes = [
            models.Index(fields=["patient", "-id"], name="invoice_by_patient"),
            models.Index(fields=["encounter"], name="invoice_by_encounter"),
            models.Index(fields=["issued_at"], name="invoice_by_issue"),
            models.Index(fields=["voided_at"], name="invoice_by_void", condition=Q(voided_at__isnull=False)),
            models.Index(fields=["id"], name="invoice_unpaid", condition=OWED),
        ]
        triggers = [
            Frozen(name="invoice_issued_is_frozen", condition=pgtrigger.Condition(_CHANGED_AFTER_ISSUE), sentence="the invoice is issued"),
            Kept(name="invoice_kept"),
            LinesAddUp(
                name="invoice_lines_add_up",
                invoice="id",
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("total", "insurer_share", "state"),
            ),
            CreditsAddUp(
                name="invoice_credits_add_up", key="id", operation=pgtrigger.Insert | pgtrigger.UpdateOf("credited", "insurer_credited")
            ),
            PaymentsAddUp(
                name="invoice_payments_add_up", key="id", operation=pgtrigger.Insert | pgtrigger.UpdateOf("paid", "insurer_paid")
            ),
        ]

    @property
    def patient_share(self) -> Decimal:
        return self.total - self.insurer_share

    @property
    def patient_paid(self) -> Decimal:
        return self.paid - self.insurer_paid

    @property
    def patient_balance(self) -> Decimal:
        """What the patient still owes: the own share and what the insurer declined, less credits. Below zero: paid too much."""
        if self.state == InvoiceState.VOID:
            return ZERO
        return self.patient_share + self.declined - (self.credited - self.insurer_credited) - self.patient_paid

    @property
    def insurer_balance(self) -> Decimal:
        """What the insurer still owes. Below zero: it paid too much."""
        return ZERO if self.state == InvoiceState.VOID else self.insurer_share - self.declined - self.insurer_credited - self.insurer_paid

    @property
    def balance(self) -> Decimal:
        """What is owed, by whomever."""
        return max(self.patient_balance, ZERO) + max(self.insurer_balance, ZERO)

    @property
    def overpaid(self) -> Decimal:
        """What is to be given back after a credit note, to whomever."""
        return max(-self.patient_balance, ZERO) + max(-self.insurer_balance, ZERO)

    @property
    def creditable(self) -> Decimal:
        return self.total - self.credited if self.state == InvoiceState.ISSUED else ZERO

    @property
    def status(self) -> str:
        if self.state != InvoiceState.ISSUED:
            return self.state
        if self.total and self.credited == self.total:
            return InvoiceStatus.CREDITED
        if not self.balance:
            return InvoiceStatus.PAID
        return InvoiceStatus.PARTLY_PAID if self.paid else InvoiceStatus.ISSUED

    def get_status_display(self) -> str:
        return InvoiceStatus(self.status).label

    @property
    def is_draft(self) -> bool:
        return self.state == InvoiceState.DRAFT

    @property
    def is_payable(self) -> bool:
        return self.state == InvoiceState.ISSUED and self.balance > 0

    @property
    def is_settled_by_patient(self) -> bool:
        return self.state == InvoiceState.ISSUED and self.patient_balance <= 0

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
