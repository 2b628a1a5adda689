"""Reads of invoices, shaped like the pages and endpoints."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal

from django.db.models import Case, F, IntegerField, Prefetch, Q, Sum, Value, When
from django.db.models.functions import Coalesce, Lower
from django.utils import timezone

from billing.models import CreditLine, Deposit, Invoice, InvoiceLine, InvoiceState, Payment, Refund
from billing.models.invoice import OWED, OWED_BY_PATIENT
from clinic.core.money import ZERO
from patients.models.patient import Unaccent

_OPEN = Q(state=InvoiceState.DRAFT) | OWED


def open_invoices(queryset):
    """Drafts and what is still owed, newest first."""
    return _for_list(queryset.filter(_OPEN)).order_by("-id")


def invoices_open_first(queryset):
    is_open = Case(When(_OPEN, then=0), default=1, output_field=IntegerField())
    return _for_list(queryset).order_by(is_open, "-id")


def _for_list(queryset):
    """All that a row of the list shows: 1 query."""
    return queryset.select_related("patient").annotate(dated_at=Coalesce("issued_at", "created_at"))


def search_invoices(queryset, *, q: str = "", status: str = "", date_from: date | None = None, date_to: date | None = None):
    """What matches all that was asked; dates are whole days of the clinic, both included."""
    if status:
        queryset = queryset.in_status(status)
    start = midnight(date_from) if date_from else None
    end = midnight(date_to + timedelta(days=1)) if date_to else None
    return dated_between(find_invoices(queryset, q), start=start, end=end)


def midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def with_lines(queryset):
    """As the API answers them: 2 queries however many invoices."""
    lines = InvoiceLine.objects.order_by("id")
    return queryset.select_related("patient", "encounter").prefetch_related(Prefetch("lines", queryset=lines))


def find_invoices(queryset, text: str):
    """By number, MRN, or parts of the patient's name, with or without accents."""
    text = text.strip().replace("\0", "")
    if not text:
        return queryset
    words = Q()
    for word in text.split()[:5]:
        words &= Q(patient__search_name__contains=Unaccent(Lower(Value(word))))
    return queryset.filter(Q(number__icontains=text) | Q(patient__mrn__icontains=text) | words)


def dated_between(queryset, *, start: datetime | None, end: datetime | None):
    """By the day of issue, for a draft of its making: [start, end)."""
    queryset = queryset.annotate(dated_at=Coalesce("issued_at", "created_at"))
    if start:
        queryset = queryset.filter(dated_at__gte=start)
    return queryset.filter(dated_at__lt=end) if end else queryset


def payments_of(invoice: Invoice) -> list[Payment]:
    refunds = Refund.objects.select_related("refunded_by").order_by("id")
    return list(
        Payment.objects.filter(invoice=invoice)
        .select_related("received_by")
        .prefetch_related(Prefetch("refunds", queryset=refunds))
        .order_by("id")
    )


def owed_by(patient) -> Decimal:
    """What a patient owes over all issued invoices, without what insurers owe."""
    owed = Invoice.objects.filter(patient=patient, state=InvoiceState.ISSUED).aggregate(owed=Sum(OWED_BY_PATIENT))
    return owed["owed"] or ZERO


def deposits_of(patient) -> list[Deposit]:
    """What a patient paid in advance and is left, oldest first."""
    return list(Deposit.objects.with_rest().filter(patient=patient).order_by("id"))


def advance_of(patient) -> Decimal:
    """What is left of all that a patient paid in advance."""
    rest = Deposit.objects.with_rest().filter(patient=patient).aggregate(rest=Sum(F("amount") - F("applied") - F("refunded")))
    return rest["rest"] or ZERO


def credit_notes(queryset):
    """As pages and the API show them, newest first: 2 queries."""
    lines = CreditLine.objects.select_related("line").annotate(returned=Sum("returns__quantity")).order_by("id")
    return queryset.select_related("invoice", "issued_by").prefetch_related(Prefetch("lines", queryset=lines)).order_by("-id")
