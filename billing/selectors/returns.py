"""What came back to the pharmacy and was billed: it is to be credited."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Exists, F, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce

from billing import rules
from billing.models import Invoice, InvoiceLine, InvoiceState, ReturnCredit
from billing.models.line import TAKEN_BACK
from clinic.core.money import ZERO
from pharmacy.models import DispenseLine, MovementKind, StockMovement


@dataclass(frozen=True)
class Returned:
    """Units of one line that came back, by which movements, and their price."""

    line: InvoiceLine
    parts: list[tuple[StockMovement, int]]

    @property
    def units(self) -> int:
        return sum(units for _, units in self.parts)

    @property
    def amount(self) -> Decimal:
        """Their share of the line to the cent, as far as it was not credited otherwise."""
        line = self.line
        share = rules.part_of(line.total, total=Decimal(line.quantity), before=Decimal(line.credited_quantity), amount=Decimal(self.units))
        return min(share, line.creditable)


@dataclass(frozen=True)
class InvoiceToCredit:
    invoice: Invoice
    lines: list[Returned]

    @property
    def amount(self) -> Decimal:
        return rules.sum_of(each.amount for each in self.lines)


def _billed():
    """Lines of issued invoices of which something may be credited."""
    issued = InvoiceLine.objects.filter(is_void=False, invoice__state=InvoiceState.ISSUED)
    return issued.filter(prescription_item__isnull=False).exclude(TAKEN_BACK)


def returned_of(items: Iterable[int]) -> list[Returned]:
    """What is to be credited of prescribed items: the last line of an item first, by the first return. At most 2 queries."""
    items = set(items)
    lines, came_back = defaultdict(dict), defaultdict(dict)
    credited = ReturnCredit.objects.filter(movement=OuterRef("pk")).order_by().values("movement").annotate(units=Sum("quantity"))
    movements = StockMovement.objects.filter(kind=MovementKind.RETURN, dispense_line__item__in=items).select_related("dispense_line")
    for each in movements.annotate(left=F("quantity") - Coalesce(Subquery(credited.values("units")), 0)).order_by("id"):
        came_back[each.dispense_line.item_id][each] = each.left
    if not came_back:
        return []
    for line in _billed().filter(prescription_item__in=came_back).select_related("prescription_item").order_by("-id"):
        lines[line.prescription_item][line] = line.quantity - line.credited_quantity
    found = defaultdict(list)
    for item, billed in lines.items():
        for line, movement, units in rules.units_to_credit(billed, came_back[item.pk], held=item.dispensed_quantity):
            found[line].append((movement, units))
    returned = [Returned(line, parts) for line, parts in sorted(found.items(), key=lambda pair: pair[0].pk)]
    return [each for each in returned if each.amount > ZERO]


def returned_on(invoice: Invoice) -> InvoiceToCredit | None:
    """What is to be credited of this invoice, if anything is. At most 2 queries, when its lines are at hand."""
    items = {line.prescription_item_id for line in invoice.lines.all() if line.prescription_item_id}
    lines = [each for each in returned_of(items) if each.line.invoice_id == invoice.pk] if items else []
    return InvoiceToCredit(invoice, lines) if lines else None


def invoices_to_credit(queryset):
    """Issued invoices of which something came back and is not credited, the longest issued first."""
    same = _billed().filter(prescription_item=OuterRef("prescription_item")).order_by().values("prescription_item")
    billed = same.annotate(units=Sum(F("quantity") - F("credited_quantity"))).values("units")
    came_back = DispenseLine.objects.filter(item=OuterRef("prescription_item"), returned_quantity__gt=F("credited_quantity"))
    lines = _billed().filter(Exists(came_back), quantity__gt=F("credited_quantity")).annotate(billed=Subquery(billed))
    lines = lines.filter(billed__gt=F("prescription_item__dispensed_quantity"))
    return queryset.filter(pk__in=lines.values("invoice")).select_related("patient").order_by("issued_at", "id")


def to_credit_rows(invoices: Iterable[Invoice]) -> list[InvoiceToCredit]:
    """Each invoice of a page of `invoices_to_credit` with what came back of it: 3 queries."""
    invoices = list(invoices)
    on = InvoiceLine.objects.filter(invoice__in=invoices, prescription_item__isnull=False)
    found = defaultdict(list)
    for each in returned_of(on.values_list("prescription_item", flat=True)):
        found[each.line.invoice_id].append(each)
    return [InvoiceToCredit(invoice, found[invoice.pk]) for invoice in invoices if found[invoice.pk]]
