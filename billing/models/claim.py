import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from billing.models.fields import money_field
from clinic.core.models import BaseModel, VersionedModel
from clinic.core.triggers import AppendOnly, Frozen, Kept


class ClaimStatus(models.TextChoices):
    SUBMITTED = "submitted", "Submitted"
    ACCEPTED = "accepted", "Accepted"
    REJECTED = "rejected", "Rejected"
    PAID = "paid", "Paid"


NEXT_STATUSES = {
    ClaimStatus.SUBMITTED: {ClaimStatus.ACCEPTED, ClaimStatus.REJECTED, ClaimStatus.PAID},
    ClaimStatus.ACCEPTED: {ClaimStatus.REJECTED, ClaimStatus.PAID},
    ClaimStatus.REJECTED: set(),
    ClaimStatus.PAID: set(),
}
LIVE_CLAIMS = [ClaimStatus.SUBMITTED, ClaimStatus.ACCEPTED]


class ClaimBatch(BaseModel):
    """Claims that go to one insurer in one file."""

    payer = models.CharField(max_length=120, help_text="The insurer.")
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", help_text="Who made the file.")
    request_id = models.UUIDField(unique=True, editable=False)

    class Meta:
        ordering = ["-id"]
        triggers = [AppendOnly(name="claim_batch_append_only")]


class ClaimQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Staff see every claim; a patient sees none: what an insurer says goes to the clinic."""
        return self.none() if user.is_only_patient else self

    def live(self):
        return self.filter(status__in=LIVE_CLAIMS)


class Claim(VersionedModel):
    """What an insurer is asked to pay of one invoice. One that is rejected or paid is closed for good; another may follow."""

    invoice = models.ForeignKey("billing.Invoice", models.PROTECT, related_name="claims", help_text="What it is for.")
    batch = models.ForeignKey(ClaimBatch, models.PROTECT, null=True, blank=True, related_name="claims", help_text="The file it went in.")
    number = models.CharField(max_length=30, unique=True, help_text="The invoice's number, and which claim for it this is.")
    status = models.CharField(max_length=10, choices=ClaimStatus, default=ClaimStatus.SUBMITTED)
    amount = money_field("What was claimed: all that the insurer owed then.")
    answered = money_field("What the insurer accepted, or paid.", null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True, help_text="Why it was rejected, or answered with less.")
    payment = models.OneToOneField(
        "billing.Payment", models.PROTECT, null=True, blank=True, related_name="claim", help_text="What it brought."
    )
    submitted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", help_text="Who claimed.")
    submitted_at = models.DateTimeField(db_default=Now(), help_text="When.")
    answered_at = models.DateTimeField(null=True, blank=True, help_text="When the last answer came.")

    objects = ClaimQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(name="claim_positive", condition=Q(amount__gt=0)),
            models.UniqueConstraint(fields=["invoice"], condition=Q(status__in=LIVE_CLAIMS), name="claim_one_live_per_invoice"),
            models.CheckConstraint(
                name="claim_answered_within_amount",
                condition=Q(answered__isnull=True) | Q(answered__gte=0, answered__lte=models.F("amount")),
            ),
            models.CheckConstraint(name="claim_rejected_with_reason", condition=~Q(status=ClaimStatus.REJECTED) | ~Q(reason="")),
            models.CheckConstraint(
                name="claim_paid_by_a_payment",
                condition=Q(status=ClaimStatus.PAID, payment__isnull=False, answered__gt=0)
                | ~Q(status=ClaimStatus.PAID) & Q(payment__isnull=True),
            ),
        ]
        indexes = [models.Index(fields=["status", "id"], name="claim_by_status")]
        triggers = [
            Frozen(
                name="claim_closed_is_frozen", condition=pgtrigger.Q(old__status__in=["rejected", "paid"]), sentence="the claim is closed"
            ),
            Kept(name="claim_kept"),
        ]

    @property
    def is_live(self) -> bool:
        return self.status in LIVE_CLAIMS
