from decimal import Decimal

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from billing.models.triggers import (
    DepositApplied,
    DepositOfPatient,
    HandedOver,
    InOpenShift,
    PaymentsAddUp,
    PiecesAddUp,
    RefundsAddUp,
    VarianceExplained,
)
from billing.permissions import OVERSEE_SHIFTS
from clinic.core.models import BaseModel, VersionedModel
from clinic.core.triggers import AppendOnly, Frozen, Kept


class PaymentMethod(models.TextChoices):
    CASH = "cash", "Cash"
    CARD = "card", "Card"
    MOBILE = "mobile", "Mobile money"
    BANK = "bank", "Bank transfer"
    INSURANCE = "insurance", "Insurance"
    DEPOSIT = "deposit", "Advance"
    ONLINE = "online", "Online"


# What a person takes at the counter; the others come about by themselves.
COUNTER_METHODS = [choice for choice in PaymentMethod.choices if choice[0] not in {PaymentMethod.DEPOSIT, PaymentMethod.ONLINE}]
# How a patient pays in advance: with money.
DEPOSIT_METHODS = [choice for choice in PaymentMethod.choices if choice[0] not in {PaymentMethod.DEPOSIT, PaymentMethod.INSURANCE}]
# Of those, what is money in a person's hand.
MONEY_METHODS = [choice for choice in COUNTER_METHODS if choice[0] != PaymentMethod.INSURANCE]


class ShiftQuerySet(models.QuerySet):
    def visible_to(self, user):
        """A cashier sees the own shifts; who oversees the drawers sees all."""
        return self if user.has_perm(OVERSEE_SHIFTS) else self.filter(cashier=user)

    def open(self):
        return self.filter(closed_at__isnull=True)


class Shift(VersionedModel):
    """A cashier's time at a drawer. Cash is taken in an open one only; a closed one is frozen."""

    cashier = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="shifts")
    opening_float = models.DecimalField(max_digits=12, decimal_places=2)
    opened_at = models.DateTimeField(db_default=Now(), editable=False)
    closed_at = models.DateTimeField(null=True, blank=True, editable=False)
    variance_reason = models.CharField(max_length=200, blank=True, editable=False)
    handed_over_from = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, editable=False, related_name="handed_over_to", help_text="The shift before it."
    )
    request_id = models.UUIDField(null=True, unique=True, editable=False)

    objects = ShiftQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["cashier"], condition=Q(closed_at__isnull=True), name="shift_one_open_per_cashier"),
            models.CheckConstraint(name="shift_float_not_negative", condition=Q(opening_float__gte=0)),
        ]
        triggers = [
            Frozen(name="shift_closed_is_frozen", condition=pgtrigger.Q(old__closed_at__isnull=False)),
            Kept(name="shift_kept"),
            HandedOver(name="shift_begins_with_what_was_handed_over"),
        ]

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    @property
    def variance(self) -> Decimal:
        """Over all that was counted; the counts are prefetched."""
        return sum((count.variance for count in self.counts.all()), Decimal(0))


class CashCount(models.Model):
    """What was counted of one method when a shift closed, beside what the ledger says."""

    shift = models.ForeignKey(Shift, models.PROTECT, related_name="counts")
    method = models.CharField(max_length=10, choices=PaymentMethod)
    expected = models.DecimalField(max_digits=12, decimal_places=2)
    counted = models.DecimalField(max_digits=12, decimal_places=2)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["shift", "method"], name="cash_count_once_per_method"),
            # Of other methods more may have gone back than came in.
            models.CheckConstraint(name="cash_count_not_negative", condition=~Q(method=PaymentMethod.CASH) | Q(counted__gte=0)),
        ]
        triggers = [
            AppendOnly(name="cash_count_append_only"),
            InOpenShift(name="cash_count_in_open_shift"),
            VarianceExplained(name="cash_count_variance_explained"),
        ]

    def __str__(self):
        return self.method

    @property
    def variance(self) -> Decimal:
        return self.counted - self.expected


class DenominationCount(models.Model):
    """How many notes or coins of one value lay in the drawer when its shift closed."""

    shift = models.ForeignKey(Shift, models.PROTECT, related_name="denominations", help_text="The drawer that was counted.")
    value = models.DecimalField(max_digits=12, decimal_places=2, help_text="Of one note or coin.")
    number = models.PositiveIntegerField(help_text="How many of them.")

    class Meta:
        ordering = ["-value"]
        constraints = [
            models.UniqueConstraint(fields=["shift", "value"], name="denomination_once_per_shift"),
            models.CheckConstraint(name="denomination_positive", condition=Q(value__gt=0, number__gt=0)),
        ]
        triggers = [
            AppendOnly(name="denomination_append_only"),
            InOpenShift(name="denomination_in_open_shift"),
            PiecesAddUp(name="denominations_add_up_to_the_cash"),
        ]

    def __str__(self):
        return f"{self.number} x {self.value}"


class PaymentQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Staff see every payment; a patient sees the own ones."""
        return self.filter(invoice__patient__user=user) if user.is_only_patient else self


class Payment(BaseModel):
    """Money received for an invoice."""

    invoice = models.ForeignKey("billing.Invoice", models.PROTECT, related_name="payments")
    method = models.CharField(max_length=10, choices=PaymentMethod)
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    tendered = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True, help_text="Cash handed over.")
    change = models.DecimalField(max_digits=12, decimal_places=2, default=Decimal("0.00"))
    reference = models.CharField(max_length=80, blank=True, help_text="Of the card slip or transfer; never a card number.")
    refunded = models.DecimalField(max_digits=12, decimal_places=2, default=Decimal("0.00"), editable=False)
    deposit = models.ForeignKey(
        "billing.Deposit", models.PROTECT, null=True, blank=True, related_name="payments", help_text="The advance that it was taken from."
    )
    shift = models.ForeignKey(Shift, models.PROTECT, null=True, blank=True, related_name="payments")
    received_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    received_at = models.DateTimeField(db_default=Now())
    request_id = models.UUIDField(unique=True, editable=False)

    objects = PaymentQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(name="payment_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(name="payment_cash_in_a_shift", condition=~Q(method=PaymentMethod.CASH) | Q(shift__isnull=False)),
            models.CheckConstraint(
                name="payment_change_adds_up",
                condition=Q(tendered__isnull=True, change=0) | Q(change=F("tendered") - F("amount"), change__gte=0),
            ),
            models.CheckConstraint(
                name="payment_from_a_deposit",
                condition=Q(method=PaymentMethod.DEPOSIT, deposit__isnull=False, shift__isnull=True)
                | ~Q(method=PaymentMethod.DEPOSIT) & Q(deposit__isnull=True),
            ),
            models.CheckConstraint(name="payment_refunded_within_amount", condition=Q(refunded__gte=0) & Q(refunded__lte=F("amount"))),
        ]
        indexes = [models.Index(fields=["received_at"], name="payment_by_time")]
        triggers = [
            Frozen(name="payment_unchanged", condition=pgtrigger.AnyChange(exclude=["refunded"])),
            Kept(name="payment_kept"),
            InOpenShift(name="payment_in_open_shift"),
            DepositOfPatient(name="payment_from_the_patients_deposit"),
            DepositApplied(
                name="payment_counts_as_applied",
                key="deposit_id",
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("refunded"),
                condition=pgtrigger.Q(new__deposit__isnull=False),
            ),
            PaymentsAddUp(name="payment_counts_as_paid", key="invoice_id", operation=pgtrigger.Insert | pgtrigger.Update),
            RefundsAddUp(name="payment_refunds_add_up", key="id", operation=pgtrigger.Insert | pgtrigger.Update),
        ]

    @property
    def refundable(self) -> Decimal:
        return self.amount - self.refunded


class Refund(BaseModel):
    """Money given back of one payment."""

    payment = models.ForeignKey(Payment, models.PROTECT, related_name="refunds")
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    reason = models.CharField(max_length=200)
    shift = models.ForeignKey(Shift, models.PROTECT, null=True, blank=True, related_name="refunds")
    refunded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    refunded_at = models.DateTimeField(db_default=Now())
    request_id = models.UUIDField(unique=True, editable=False)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(name="refund_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(name="refund_has_a_reason", condition=~Q(reason="")),
        ]
        indexes = [models.Index(fields=["refunded_at"], name="refund_by_time")]
        triggers = [
            AppendOnly(name="refund_append_only"),
            InOpenShift(name="refund_in_open_shift"),
            RefundsAddUp(name="refund_counts_as_refunded", key="payment_id", operation=pgtrigger.Insert),
        ]
