import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from billing.models.fields import money_field
from billing.models.triggers import CreditLineCounts, CreditLinesAddUp, CreditOfOwnLine, CreditsAddUp
from clinic.core.models import BaseModel
from clinic.core.triggers import AppendOnly


class CreditNoteCounter(models.Model):
    """The number series of credit notes of one year; locked last, as that of the invoices is."""

    year = models.PositiveSmallIntegerField(unique=True, help_text="The year of the series.")
    last_number = models.PositiveIntegerField(default=0)

    def __str__(self):
        return f"{self.year}"


class CreditNoteQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Staff see every credit note; a patient sees the own ones."""
        return self.filter(invoice__patient__user=user) if user.is_only_patient else self


class CreditNote(BaseModel):
    """Takes back part or all of an issued invoice. Never changed; together never more than was invoiced."""

    invoice = models.ForeignKey("billing.Invoice", models.PROTECT, related_name="credit_notes", help_text="What is corrected.")
    number = models.CharField(max_length=20, unique=True, help_text="Gapless within a year.")
    amount = money_field("The sum of its lines, with tax.")
    tax = money_field("Of the amount, what is tax.")
    insurer_share = money_field("Of the amount, what the insurer need not pay.")
    reason = models.CharField(max_length=200)
    issued_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", help_text="Who wrote it.")
    issued_at = models.DateTimeField(db_default=Now(), help_text="When it got its number.")
    request_id = models.UUIDField(unique=True, editable=False)

    objects = CreditNoteQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(name="credit_note_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(name="credit_note_tax_within_amount", condition=Q(tax__gte=0) & Q(tax__lte=F("amount"))),
            models.CheckConstraint(
                name="credit_note_insurer_share_within_amount", condition=Q(insurer_share__gte=0) & Q(insurer_share__lte=F("amount"))
            ),
            models.CheckConstraint(name="credit_note_has_a_reason", condition=~Q(reason="")),
        ]
        indexes = [models.Index(fields=["issued_at"], name="credit_note_by_time")]
        triggers = [
            AppendOnly(name="credit_note_append_only"),
            CreditsAddUp(name="credit_note_counts_as_credited", key="invoice_id", operation=pgtrigger.Insert),
            CreditLinesAddUp(name="credit_note_lines_add_up", key="id", operation=pgtrigger.Insert),
        ]


class CreditLine(models.Model):
    """What is taken back of one line of the invoice."""

    credit_note = models.ForeignKey(CreditNote, models.PROTECT, related_name="lines", help_text="The note it is on.")
    line = models.ForeignKey("billing.InvoiceLine", models.PROTECT, related_name="credits", help_text="The line that is corrected.")
    amount = money_field("With tax.")
    tax = money_field("Of the amount, what is tax.")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["credit_note", "line"], name="credit_line_once_per_line"),
            models.CheckConstraint(name="credit_line_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(name="credit_line_tax_within_amount", condition=Q(tax__gte=0) & Q(tax__lte=F("amount"))),
        ]
        triggers = [
            AppendOnly(name="credit_line_append_only"),
            CreditLineCounts(name="credit_line_counts_as_credited", key="line_id", operation=pgtrigger.Insert),
            CreditOfOwnLine(name="credit_line_of_the_notes_invoice"),
            CreditLinesAddUp(name="credit_line_adds_up", key="credit_note_id", operation=pgtrigger.Insert),
        ]

    def __str__(self):
        return f"{self.credit_note_id} {self.line_id}"
