import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from billing.models.fields import money_field, sum_field
from billing.models.payment import DEPOSIT_METHODS, PaymentMethod, Shift
from billing.models.triggers import DepositApplied, DepositRefundsAddUp, InOpenShift
from clinic.core.models import BaseModel
from clinic.core.triggers import AppendOnly, Frozen, Kept


class DepositQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Staff see every advance; a patient sees the own ones."""
        return self.filter(patient__user=user) if user.is_only_patient else self

    def with_rest(self):
        """Those of which something is left."""
        return self.filter(amount__gt=F("applied") + F("refunded"))


class Deposit(BaseModel):
    """Money that a patient paid in advance. Never more of it is applied to invoices and given back than was paid."""

    patient = models.ForeignKey("patients.Patient", models.PROTECT, related_name="deposits", help_text="Whose money it is.")
    method = models.CharField(max_length=10, choices=DEPOSIT_METHODS)
    amount = money_field("What was paid.")
    applied = sum_field("What pays invoices now.")
    refunded = sum_field("What was given back.")
    reference = models.CharField(max_length=80, blank=True, help_text="Of the card slip or transfer; never a card number.")
    shift = models.ForeignKey(Shift, models.PROTECT, null=True, blank=True, related_name="deposits", help_text="The drawer it went into.")
    received_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", help_text="Who took it.")
    received_at = models.DateTimeField(db_default=Now(), help_text="When.")
    request_id = models.UUIDField(unique=True, editable=False)

    objects = DepositQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(name="deposit_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="deposit_used_within_amount",
                condition=Q(applied__gte=0, refunded__gte=0) & Q(amount__gte=F("applied") + F("refunded")),
            ),
            models.CheckConstraint(name="deposit_cash_in_a_shift", condition=~Q(method=PaymentMethod.CASH) | Q(shift__isnull=False)),
            models.CheckConstraint(name="deposit_is_money", condition=Q(method__in=[method for method, _ in DEPOSIT_METHODS])),
        ]
        indexes = [models.Index(fields=["received_at"], name="deposit_by_time")]
        triggers = [
            Frozen(name="deposit_unchanged", condition=pgtrigger.AnyChange(exclude=["applied", "refunded"])),
            Kept(name="deposit_kept"),
            InOpenShift(name="deposit_in_open_shift"),
            DepositApplied(name="deposit_applied_adds_up", key="id", operation=pgtrigger.Insert | pgtrigger.UpdateOf("applied")),
            DepositRefundsAddUp(name="deposit_refunds_add_up", key="id", operation=pgtrigger.Insert | pgtrigger.UpdateOf("refunded")),
        ]

    @property
    def rest(self):
        return self.amount - self.applied - self.refunded


class DepositRefund(BaseModel):
    """Money given back of one advance, by the way it came."""

    deposit = models.ForeignKey(Deposit, models.PROTECT, related_name="refunds", help_text="Of which it is given back.")
    amount = money_field("What was given back.")
    reason = models.CharField(max_length=200)
    shift = models.ForeignKey(
        Shift, models.PROTECT, null=True, blank=True, related_name="deposit_refunds", help_text="The drawer it came from."
    )
    refunded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", help_text="Who gave it back.")
    refunded_at = models.DateTimeField(db_default=Now(), help_text="When.")
    request_id = models.UUIDField(unique=True, editable=False)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(name="deposit_refund_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(name="deposit_refund_has_a_reason", condition=~Q(reason="")),
        ]
        indexes = [models.Index(fields=["refunded_at"], name="deposit_refund_by_time")]
        triggers = [
            AppendOnly(name="deposit_refund_append_only"),
            InOpenShift(name="deposit_refund_in_open_shift"),
            DepositRefundsAddUp(name="deposit_refund_counts", key="deposit_id", operation=pgtrigger.Insert),
        ]
