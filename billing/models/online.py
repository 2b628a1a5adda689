from django.conf import settings
from django.db import models
from django.db.models import Q

from billing.models.deposit import Deposit
from billing.models.fields import money_field
from billing.models.payment import Payment
from clinic.core.models import BaseModel, VersionedModel
from clinic.core.triggers import AppendOnly, Kept


class OnlinePayment(VersionedModel):
    """A patient's way to the provider's page. What came of it is a payment, or an advance when the invoice was paid meanwhile."""

    invoice = models.ForeignKey("billing.Invoice", models.PROTECT, related_name="online_payments", help_text="What is to be paid.")
    amount = money_field("What the provider was asked to take.")
    currency = models.CharField(max_length=3, help_text="ISO 4217.")
    provider = models.CharField(max_length=40, help_text="Its name, as in the address of its events.")
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", help_text="The patient's account.")
    payment = models.OneToOneField(Payment, models.PROTECT, null=True, editable=False, related_name="online", help_text="What it became.")
    deposit = models.OneToOneField(Deposit, models.PROTECT, null=True, editable=False, related_name="online", help_text="Or this.")
    request_id = models.UUIDField(unique=True, editable=False)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(name="online_payment_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(name="online_payment_became_one_thing", condition=Q(payment__isnull=True) | Q(deposit__isnull=True)),
        ]
        triggers = [Kept(name="online_payment_kept")]

    @property
    def is_paid(self) -> bool:
        return self.payment_id is not None or self.deposit_id is not None


class EventOutcome(models.TextChoices):
    PAID = "paid", "Paid the invoice"
    ADVANCE = "advance", "Kept as an advance"
    MISMATCH = "mismatch", "Another amount or currency than asked for"
    REPEATED = "repeated", "Paid before"


class ProviderEvent(BaseModel):
    """What the provider said, once for each of its event ids, and what was done about it."""

    provider = models.CharField(max_length=40, help_text="Its name.")
    event_id = models.CharField(max_length=100, help_text="The provider's own id of the event.")
    online_payment = models.ForeignKey(OnlinePayment, models.PROTECT, related_name="events", help_text="What it is about.")
    amount = models.DecimalField(max_digits=12, decimal_places=2, help_text="What the provider took.")
    currency = models.CharField(max_length=3, help_text="ISO 4217.")
    outcome = models.CharField(max_length=8, choices=EventOutcome, help_text="What was done about it.")

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(name="provider_event_once", fields=["provider", "event_id"])]
        triggers = [AppendOnly(name="provider_event_append_only")]
