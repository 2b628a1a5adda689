"""What lies in the pharmacy now, by its cost, and what was handed out in the days asked for."""

from decimal import Decimal

from django.db.models import DecimalField, ExpressionWrapper, F, Sum
from django.db.models.functions import Coalesce, TruncMonth

from analytics.dashboards.asked import Asked
from analytics.dashboards.definition import ACROSS, BARS, COUNT, LINE, MONEY, PERIOD, WORDS, Column, Figure, Row
from analytics.models import FactDispense
from clinic.core.money import ZERO, to_cents
from pharmacy.models import Batch
from pharmacy.models.stock import sound_on

_COST = ExpressionWrapper(F("on_hand") * F("unit_cost"), output_field=DecimalField(max_digits=20, decimal_places=4))


def _cents(amount: Decimal | None) -> Decimal:
    return to_cents(amount or ZERO)


def _value(asked: Asked) -> list[Row]:
    medicines = Batch.objects.filter(on_hand__gt=0).order_by().values("medicine__public_id", "medicine__name")
    summed = medicines.annotate(units=Sum("on_hand"), value=Sum(_COST), usable=Sum(_COST, filter=sound_on(asked.today)))
    cells = [
        {
            "medicine": cell["medicine__name"],
            "units": cell["units"],
            "value": _cents(cell["value"]),
            "unusable": _cents(cell["value"] - (cell["usable"] or ZERO)),
        }
        for cell in summed.order_by("-value", "medicine__name", "medicine__public_id")
    ]
    return [Row(cell) for cell in cells]


def _expiring(asked: Asked) -> list[Row]:
    usable = Batch.objects.filter(sound_on(asked.today)).annotate(month=TruncMonth("expires_on")).order_by().values("month")
    cells = usable.annotate(units=Sum("on_hand"), value=Sum(_COST)).order_by("month")[:24]
    return [Row({"month": f"{cell['month']:%Y-%m}", "units": cell["units"], "value": _cents(cell["value"])}) for cell in cells]


def _given(asked: Asked) -> list[Row]:
    given = asked.narrowed(FactDispense.objects).order_by().values("medicine__public_id", "medicine__name", "medicine__unit")
    cells = given.annotate(units=Sum("quantity"), cost=Sum("value")).order_by("-cost", "medicine__name", "medicine__public_id")
    return [
        Row(
            {"medicine": cell["medicine__name"], "unit": cell["medicine__unit"], "units": cell["units"], "cost": cell["cost"]},
            {"medicine": cell["medicine__public_id"]},
        )
        for cell in cells
    ]


def _given_by_period(asked: Asked) -> list[Row]:
    moved = asked.narrowed(FactDispense.objects).annotate(period=asked.period).order_by().values("period")
    found = {cell["period"]: cell for cell in moved.annotate(units=Coalesce(Sum("quantity"), 0), cost=Coalesce(Sum("value"), ZERO))}
    nothing = {"units": 0, "cost": ZERO}
    return [Row({"period": key, **found.get(key, nothing)}, days) for key, days in asked.periods()] if found else []


VALUE = Figure(
    "value",
    "Value in stock, now",
    (
        Column("medicine", "Medicine", WORDS),
        Column("units", "Units", COUNT),
        Column("value", "Value", MONEY, drawn=True),
        Column("unusable", "Of it not to be given out", MONEY, drawn=True),
    ),
    _value,
    chart=ACROSS,
    charted=15,
    note="By the cost of each batch. Not to be given out: expired, quarantined or recalled. The 15 highest are drawn.",
    empty="Nothing is in stock.",
    live=True,
)
EXPIRING = Figure(
    "expiring",
    "Expiring, by month",
    (Column("month", "Month", WORDS), Column("units", "Units", COUNT), Column("value", "Value", MONEY, drawn=True)),
    _expiring,
    chart=BARS,
    note="Of what is good, in all stores; the next 24 months in which something expires.",
    empty="Nothing in stock expires.",
    live=True,
)
GIVEN = Figure(
    "given",
    "Handed out, by medicine",
    (
        Column("medicine", "Medicine", WORDS),
        Column("unit", "Unit", WORDS),
        Column("units", "Units", COUNT),
        Column("cost", "Cost", MONEY, drawn=True),
    ),
    _given,
    chart=ACROSS,
    charted=15,
    note="Less what came back. The 15 highest are drawn.",
    behind="dispenses",
    empty="Nothing was handed out in these days.",
)
GIVEN_BY_PERIOD = Figure(
    "given-by-time",
    "Handed out",
    (Column("period", "When", PERIOD), Column("units", "Units", COUNT), Column("cost", "Cost", MONEY, drawn=True)),
    _given_by_period,
    chart=LINE,
    behind="dispenses",
    empty="Nothing was handed out in these days.",
)
