"""What should be in a drawer."""

from collections import defaultdict
from decimal import Decimal

from django.db.models import F, Prefetch, Sum

from billing import rules
from billing.models import COUNTER_METHODS, CashCount, Deposit, DepositRefund, Invoice, InvoiceState, Payment, Refund, Shift
from billing.permissions import WORK_SHIFT
from clinic.accounts.models import User
from clinic.accounts.roles import ROLE_CODENAMES
from clinic.core.money import ZERO


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
    """{method: {taken, given, expected}} of every way to pay at the counter: 2 queries."""
    taken, given = (sums[shift.pk] for sums in _sums_in([shift]))
    expected = rules.expected_by_method(opening_float=shift.opening_float, payments=taken, refunds=given)
    return {
        method: {"taken": taken.get(method, ZERO), "given": given.get(method, ZERO), "expected": expected.get(method, ZERO)}
        for method, _ in COUNTER_METHODS
    }


def _sums_in(shifts: list[Shift]):
    """(payments, refunds) as {shift: {method: sum}}; a refund counts by the method of its payment."""
    taken, given = defaultdict(dict), defaultdict(dict)
    came = _by_method(Payment.objects, shifts, "method").union(_by_method(Deposit.objects, shifts, "method"), all=True)
    refunds = _by_method(Refund.objects, shifts, "payment__method")
    went = refunds.union(_by_method(DepositRefund.objects, shifts, "deposit__method"), all=True)
    for rows, into in ((came, taken), (went, given)):
        for shift, method, amount in rows:
            into[shift][method] = into[shift].get(method, ZERO) + amount
    return taken, given


def _by_method(rows, shifts: list[Shift], method: str):
    return rows.filter(shift__in=shifts).order_by().annotate(by=F(method)).values_list("shift", "by").annotate(amount=Sum("amount"))


def pending_in(shift: Shift) -> list[str]:
    """What keeps a shift from being handed over, in words: 2 queries."""
    drafts = Invoice.objects.filter(state=InvoiceState.DRAFT, created_by=shift.cashier_id, created_at__gte=shift.opened_at).count()
    credited = Invoice.objects.filter(
        credit_notes__issued_by=shift.cashier_id, credit_notes__issued_at__gte=shift.opened_at, state=InvoiceState.ISSUED
    ).distinct()
    owed_back = sum(1 for invoice in credited if invoice.overpaid)
    words = {"drafts that are neither issued nor void": drafts, "invoices of which too much is paid": owed_back}
    return [f"{number} {what}" for what, number in words.items() if number]


def people_for(shift: Shift):
    """Who could take over a drawer: those who work at one, and have none open."""
    busy = Shift.objects.open().values("cashier")
    roles = [role for role, codenames in ROLE_CODENAMES.items() if WORK_SHIFT in codenames]
    return User.objects.filter(is_active=True, groups__name__in=roles).exclude(pk__in=busy).distinct().order_by("first_name", "pk")


def open_shift_of(user) -> Shift | None:
    return shifts_for_list(Shift.objects.open().filter(cashier=user)).first()


def shifts_for_list(queryset):
    counts = CashCount.objects.order_by("method")
    return queryset.select_related("cashier").prefetch_related(Prefetch("counts", queryset=counts)).order_by("-id")
