"""The ledger: everything that changed what is owed or what is in the drawers, from the rows that hold it.

The day report, the export for the accountant and the drawers' expectations are all sums over these rows.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import CharField, DecimalField, F, Value
from django.utils import timezone

from billing.models import CreditNote, Deposit, DepositRefund, Invoice, Payment, PaymentMethod, Refund
from billing.selectors.invoices import midnight
from clinic.core.money import ZERO

INVOICE, VOID, CREDIT_NOTE, PAYMENT, REFUND = "invoice", "void", "credit note", "payment", "refund"
DEPOSIT, DEPOSIT_REFUND = "advance", "advance refund"
REDUCES = {VOID, CREDIT_NOTE, REFUND, DEPOSIT_REFUND}
HEADING = ["at", "kind", "number", "invoice", "mrn", "method", "amount", "by", "reference"]
_COLUMNS = ("at", "kind", "number", "invoice", "mrn", "method", "amount", "who", "reference")

_MONEY = [method.value for method in PaymentMethod if method != PaymentMethod.DEPOSIT]


@dataclass(frozen=True)
class Entry:
    """`amount` is never negative: the kind says which way it went."""

    at: datetime
    kind: str
    number: str
    invoice: str
    mrn: str
    method: str
    amount: Decimal
    who: str
    reference: str

    @property
    def is_reduction(self) -> bool:
        return self.kind in REDUCES

    @property
    def cells(self) -> list:
        """As the accountant gets it, in the clinic's time; what reduces is negative."""
        sign = -1 if self.is_reduction else 1
        at = timezone.localtime(self.at).strftime("%Y-%m-%d %H:%M:%S")
        return [at, self.kind, self.number, self.invoice, self.mrn, self.method, sign * self.amount, self.who, self.reference]


def entries(*, start: datetime, end: datetime) -> Iterator[Entry]:
    """All of [start, end), oldest first: 1 query.

    A void invoice stands on the day of its issue and, taken back, on that of its voiding: no past day changes. A payment from an
    advance is money that came before, as the advance.
    """
    rows = (
        _rows(
            Invoice.objects.filter(issued_at__gte=start, issued_at__lt=end),
            INVOICE, at="issued_at", number="number", invoice="number", mrn="patient__mrn", amount="total", who="created_by__username",
        )
        .union(
            _rows(
                Invoice.objects.filter(issued_at__isnull=False, voided_at__gte=start, voided_at__lt=end),
                VOID, at="voided_at", number="number", invoice="number", mrn="patient__mrn", amount="total", reference="void_reason",
            ),
            _rows(
                Deposit.objects.filter(received_at__gte=start, received_at__lt=end),
                DEPOSIT, at="received_at", mrn="patient__mrn", method="method", amount="amount", who="received_by__username",
                reference="reference",
            ),
            _rows(
                DepositRefund.objects.filter(refunded_at__gte=start, refunded_at__lt=end),
                DEPOSIT_REFUND, at="refunded_at", mrn="deposit__patient__mrn", method="deposit__method", amount="amount",
                who="refunded_by__username", reference="reason",
            ),
            _rows(
                CreditNote.objects.filter(issued_at__gte=start, issued_at__lt=end),
                CREDIT_NOTE, at="issued_at", number="number", invoice="invoice__number", mrn="invoice__patient__mrn", amount="amount",
                who="issued_by__username", reference="reason",
            ),
            _rows(
                Payment.objects.filter(received_at__gte=start, received_at__lt=end),
                PAYMENT, at="received_at", invoice="invoice__number", mrn="invoice__patient__mrn", method="method", amount="amount",
                who="received_by__username", reference="reference",
            ),
            _rows(
                Refund.objects.filter(refunded_at__gte=start, refunded_at__lt=end),
                REFUND, at="refunded_at", invoice="payment__invoice__number", mrn="payment__invoice__patient__mrn",
                method="payment__method", amount="amount", who="refunded_by__username", reference="reason",
            ),
            all=True,
        )
        .order_by("its_at", "its_kind", "its_number")
    )  # fmt: skip
    for at, kind, number, invoice, mrn, method, amount, who, reference in rows:
        yield Entry(at, kind, number, invoice, mrn, method, amount, who or "", reference)


def _rows(queryset, kind: str, **columns: str):
    """The queryset's rows as (at, kind, number, ...); a column that is not named is empty."""
    empty = Value("", output_field=CharField())
    named = {f"its_{name}": F(columns[name]) if name in columns else empty for name in _COLUMNS if name not in {"kind", "amount"}}
    named["its_kind"] = Value(kind, output_field=CharField())
    named["its_amount"] = F(columns["amount"]) + Value(ZERO, output_field=DecimalField(max_digits=12, decimal_places=2))
    return queryset.order_by().annotate(**named).values_list(*(f"its_{name}" for name in _COLUMNS))


@dataclass
class Flow:
    taken: Decimal = ZERO
    given: Decimal = ZERO

    @property
    def net(self) -> Decimal:
        return self.taken - self.given


@dataclass
class DayReport:
    """What a day did to what is owed, and to the money there is.

    billed - voided - credited - paid is what was added to what is owed; `methods` is money, whatever for.
    """

    on: date
    billed: Decimal = ZERO
    voided: Decimal = ZERO
    credited: Decimal = ZERO
    invoices: int = 0
    methods: dict[str, Flow] = field(
        default_factory=lambda: {method: Flow() for method in PaymentMethod if method != PaymentMethod.DEPOSIT}
    )
    cashiers: dict[str, Flow] = field(default_factory=lambda: defaultdict(Flow))
    deposits: Flow = field(default_factory=Flow)  # money in advance
    applied: Flow = field(default_factory=Flow)  # advances that paid invoices, and that went back
    entries: list[Entry] = field(default_factory=list)

    @property
    def taken(self) -> Decimal:
        return sum((flow.taken for flow in self.methods.values()), ZERO)

    @property
    def given(self) -> Decimal:
        return sum((flow.given for flow in self.methods.values()), ZERO)

    @property
    def net(self) -> Decimal:
        """Money that came in, less what went out."""
        return self.taken - self.given

    @property
    def paid(self) -> Decimal:
        """What was paid of invoices, with money of that day or with advances."""
        return self.net - self.deposits.net + self.applied.net

    @property
    def net_billed(self) -> Decimal:
        return self.billed - self.voided - self.credited


def day_report(on: date) -> DayReport:
    """The sums of one day of the clinic, midnight to midnight: 1 query."""
    report = DayReport(on)
    for entry in entries(start=midnight(on), end=midnight(on + timedelta(days=1))):
        report.entries.append(entry)
        _count(report, entry)
    return report


def _count(report: DayReport, entry: Entry) -> None:
    if entry.kind == INVOICE:
        report.billed += entry.amount
        report.invoices += 1
    elif entry.kind == VOID:
        report.voided += entry.amount
    elif entry.kind == CREDIT_NOTE:
        report.credited += entry.amount
    elif entry.method == PaymentMethod.DEPOSIT:
        _add(entry, report.applied)
    else:
        _add(entry, report.methods[entry.method], report.cashiers[entry.who])
        if entry.kind in {DEPOSIT, DEPOSIT_REFUND}:
            _add(entry, report.deposits)


def _add(entry: Entry, *flows: Flow) -> None:
    for flow in flows:
        if entry.kind in REDUCES:
            flow.given += entry.amount
        else:
            flow.taken += entry.amount
