"""What insurers owe, were asked for, and answered."""

from django.db.models import Count, Exists, OuterRef, Sum
from django.utils import timezone

from billing.models import Claim, ClaimBatch, Invoice
from billing.models.claim import LIVE_CLAIMS
from billing.models.invoice import OWED_BY_INSURER


def to_claim():
    """Issued invoices of which an insurer owes something that no claim asks for, oldest first."""
    live = Claim.objects.filter(invoice=OuterRef("pk"), status__in=LIVE_CLAIMS)
    return Invoice.objects.owed_by_insurers().exclude(Exists(live)).select_related("patient").order_by("issued_at", "id")


def to_claim_by_payer() -> list[dict]:
    """[{payer, invoices, amount}]: 1 query."""
    rows = to_claim().order_by("payer").values("payer")
    return list(rows.annotate(invoices=Count("pk"), amount=Sum(OWED_BY_INSURER)))


def claims_for_list(queryset):
    return queryset.select_related("invoice__patient", "batch").order_by("-id")


def batch_rows(batch: ClaimBatch) -> list[tuple]:
    """What the insurer gets: one row for each claim of the batch, 1 query."""
    claims = Claim.objects.filter(batch=batch).select_related("invoice__patient").order_by("id")
    return [
        (
            claim.number,
            claim.invoice.policy_number,
            claim.invoice.patient.full_name,
            claim.invoice.patient.date_of_birth,
            claim.invoice.number,
            timezone.localdate(claim.invoice.issued_at),
            claim.invoice.total,
            claim.amount,
        )
        for claim in claims
    ]


BATCH_HEADING = ["claim", "policy_number", "patient", "date_of_birth", "invoice", "issued_on", "invoice_total", "claimed"]
