"""Money that came and went, by the day on which it moved."""

from django.db.models import Q, Sum
from django.db.models.functions import Coalesce

from analytics.dashboards.asked import Asked, who
from analytics.dashboards.definition import ACROSS, BARS, LINE, MONEY, PERIOD, WORDS, Column, Figure, Row
from analytics.models import FactPayment, PaymentKind
from billing.models import PaymentMethod
from clinic.core.money import ZERO

_NO_VISIT = "Without a visit"


def _sums(asked: Asked, *by: str, **named):
    """Received, given back and what is left, summed by these columns."""
    moved = asked.narrowed(FactPayment.objects).annotate(**named).order_by().values(*by, *named)
    return moved.annotate(
        received=Coalesce(Sum("amount", filter=Q(kind=PaymentKind.PAYMENT)), ZERO),
        back=Coalesce(-Sum("amount", filter=Q(kind=PaymentKind.REFUND)), ZERO),
        net=Sum("amount"),
    )


def _by_period(asked: Asked) -> list[Row]:
    found = {cell["period"]: cell for cell in _sums(asked, period=asked.period)}
    nothing = {"received": ZERO, "back": ZERO, "net": ZERO}
    return [Row({"period": key, **found.get(key, nothing)}, days) for key, days in asked.periods()] if found else []


def _by_method(asked: Asked) -> list[Row]:
    found = {cell["method"]: cell for cell in _sums(asked, "method")}
    return [Row({**found[way], "way": way.label}, {"method": way.value}) for way in PaymentMethod if way in found]


def _by_department(asked: Asked) -> list[Row]:
    cells = _sums(asked, "department__public_id", "department__name").order_by("-net", "department__name", "department__public_id")
    return [
        Row({**cell, "department": cell["department__name"] or _NO_VISIT}, who(department=cell["department__public_id"]) or None)
        for cell in cells
    ]


def _by_doctor(asked: Asked) -> list[Row]:
    cells = _sums(asked, "doctor__public_id", "doctor__name").order_by("-net", "doctor__name", "doctor__public_id")
    return [Row({**cell, "doctor": cell["doctor__name"] or _NO_VISIT}, who(cell["doctor__public_id"]) or None) for cell in cells]


def _columns(first: Column, *, drawn: tuple[str, ...] = ("net",)) -> tuple[Column, ...]:
    names = (("received", "Received"), ("back", "Given back"), ("net", "Net"))
    return (first, *(Column(key, label, MONEY, drawn=key in drawn) for key, label in names))


_EMPTY = "No money moved in these days."
BY_PERIOD = Figure(
    "by-time",
    "Money received",
    _columns(Column("period", "When", PERIOD), drawn=("received", "back")),
    _by_period,
    chart=LINE,
    note="By the day on which it was received or given back. An advance counts on the day on which it pays an invoice.",
    behind="payments",
    empty=_EMPTY,
)
BY_METHOD = Figure(
    "by-way", "By way of paying", _columns(Column("way", "Way", WORDS)), _by_method, chart=BARS, behind="payments", empty=_EMPTY
)
BY_DEPARTMENT = Figure(
    "by-department",
    "By department",
    _columns(Column("department", "Department", WORDS)),
    _by_department,
    chart=ACROSS,
    note="Of the doctor who saw the patient; an invoice written by hand has none.",
    behind="payments",
    empty=_EMPTY,
)
BY_DOCTOR = Figure(
    "by-doctor",
    "By doctor",
    _columns(Column("doctor", "Doctor", WORDS)),
    _by_doctor,
    chart=ACROSS,
    charted=20,
    note="The 20 highest are drawn.",
    behind="payments",
    empty=_EMPTY,
)
