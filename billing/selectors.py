"""Reads shaped like the pages and endpoints of billing."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from django.db.models import BooleanField, Case, Exists, F, IntegerField, OuterRef, Prefetch, Q, Sum, TextField, Value, When
from django.db.models.functions import Cast, Coalesce, Concat, Lower
from django.utils import timezone

from billing import rules
from billing.models import CashCount, Invoice, InvoiceLine, InvoiceState, Payment, PaymentMethod, Refund, Shift
from billing.rules import Charge
from clinic.core.money import ZERO
from patients.models import Encounter
from patients.models.encounter import EncounterStatus
from patients.models.patient import Unaccent
from pharmacy.models import PrescriptionItem, PrescriptionStatus

BILLED_PRESCRIPTIONS = [PrescriptionStatus.SIGNED, PrescriptionStatus.PARTIALLY_DISPENSED, PrescriptionStatus.DISPENSED]


# --- What a visit costs -------------------------------------------------------------------


def charges_of(encounter: Encounter) -> list[Charge]:
    """The consultation and what its signed prescriptions order, at today's prices. The encounter comes with doctor and user."""
    items = PrescriptionItem.objects.filter(prescription__encounter=encounter, prescription__status__in=BILLED_PRESCRIPTIONS)
    medicines = [_medicine_charge(item) for item in items.select_related("medicine").order_by("id")]
    return _consultation(encounter) + medicines


def unbilled(charges: list[Charge]) -> list[Charge]:
    billed = set(live_lines(charges).values_list("charge_key", flat=True))
    return [charge for charge in charges if charge.key not in billed]


def live_lines(charges: list[Charge]):
    """The lines on which these charges are billed."""
    return InvoiceLine.objects.filter(charge_key__in=[charge.key for charge in charges], is_void=False)


def _consultation(encounter: Encounter) -> list[Charge]:
    return rules.consultation_charge(
        encounter_id=encounter.public_id, doctor_name=encounter.doctor.name, fee=encounter.doctor.consultation_fee
    )


def _medicine_charge(item: PrescriptionItem) -> Charge:
    medicine = item.medicine
    return rules.medicine_charge(
        item_id=item.public_id,
        item_pk=item.pk,
        medicine_name=medicine.name,
        unit=medicine.unit,
        quantity=item.quantity,
        price=medicine.price,
    )


@dataclass(frozen=True)
class VisitToBill:
    encounter: Encounter
    charges: list[Charge]

    @property
    def amount(self) -> Decimal:
        return rules.sum_of(charge.quantity * charge.unit_price for charge in self.charges)


def visits_to_bill(*, since: datetime):
    """Completed visits, begun since then, with a charge that stands on no invoice; the longest waiting first."""
    billed = InvoiceLine.objects.filter(is_void=False)
    consultation = billed.filter(charge_key=Concat(Value("consultation:"), Cast(OuterRef("public_id"), TextField())))
    items = PrescriptionItem.objects.filter(prescription__status__in=BILLED_PRESCRIPTIONS)
    unbilled_items = items.exclude(Exists(billed.filter(prescription_item=OuterRef("pk"))))
    return (
        Encounter.objects.filter(status=EncounterStatus.COMPLETED, started_at__gte=since, source_id__isnull=True)
        .annotate(
            owes_consultation=Case(
                When(Q(doctor__consultation_fee__gt=0) & ~Exists(consultation), then=True), default=False, output_field=BooleanField()
            )
        )
        .filter(Q(owes_consultation=True) | Exists(unbilled_items.filter(prescription__encounter=OuterRef("pk"))))
        .select_related("patient", "doctor__user")
        .prefetch_related(
            Prefetch("prescriptions__items", queryset=unbilled_items.select_related("medicine").order_by("id"), to_attr="unbilled_items")
        )
        .order_by("signed_at", "id")
    )


def to_bill_rows(encounters) -> list[VisitToBill]:
    """Each visit of a page of `visits_to_bill` with its charges."""
    return [
        VisitToBill(
            encounter,
            (_consultation(encounter) if encounter.owes_consultation else [])
            + [_medicine_charge(item) for prescription in encounter.prescriptions.all() for item in prescription.unbilled_items],
        )
        for encounter in encounters
    ]


_OPEN = Q(state=InvoiceState.DRAFT) | Q(state=InvoiceState.ISSUED, paid__lt=F("total"))


# --- Invoices -------------------------------------------------------------------------------


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
    """What a patient owes over all issued invoices."""
    owed = Invoice.objects.filter(patient=patient, state=InvoiceState.ISSUED).aggregate(owed=Sum(F("total") - F("paid")))
    return owed["owed"] or ZERO


# --- Shifts -----------------------------------------------------------------------------------


def expected_in(shift: Shift) -> dict[str, Decimal]:
    """What the ledger says should be there, by method."""
    return expected_in_each([shift])[shift.pk]


def expected_in_each(shifts: list[Shift]) -> dict[int, dict[str, Decimal]]:
    """The same for several shifts, by primary key: 2 queries."""
    taken, given = _sums_in(shifts)
    return {
        shift.pk: rules.expected_by_method(opening_float=shift.opening_float, payments=taken[shift.pk], refunds=given[shift.pk])
        for shift in shifts
    }


def movements_in(shift: Shift) -> dict[str, dict[str, Decimal]]:
    """{method: {taken, given, expected}} of every way to pay: 2 queries."""
    taken, given = (sums[shift.pk] for sums in _sums_in([shift]))
    expected = rules.expected_by_method(opening_float=shift.opening_float, payments=taken, refunds=given)
    return {
        method: {"taken": taken.get(method, ZERO), "given": given.get(method, ZERO), "expected": expected.get(method, ZERO)}
        for method in PaymentMethod.values
    }


def _sums_in(shifts: list[Shift]):
    """(payments, refunds) as {shift: {method: sum}}; a refund counts by the method of its payment."""
    taken, given = defaultdict(dict), defaultdict(dict)
    payments = Payment.objects.filter(shift__in=shifts).order_by().values_list("shift", "method").annotate(Sum("amount"))
    for shift, method, amount in payments:
        taken[shift][method] = amount
    refunds = Refund.objects.filter(shift__in=shifts).order_by().values_list("shift", "payment__method").annotate(Sum("amount"))
    for shift, method, amount in refunds:
        given[shift][method] = amount
    return taken, given


def open_shift_of(user) -> Shift | None:
    return shifts_for_list(Shift.objects.open().filter(cashier=user)).first()


def shifts_for_list(queryset):
    counts = CashCount.objects.order_by("method")
    return queryset.select_related("cashier").prefetch_related(Prefetch("counts", queryset=counts)).order_by("-id")
