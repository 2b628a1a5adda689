"""What went out, on how many days there was something to give, and what follows for the next order."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import DecimalField, ExpressionWrapper, F, Q, Sum
from django.utils import timezone

from pharmacy.models import Batch, BatchState, DispenseLine, Medicine, TreatmentLine
from pharmacy.rules.reordering import Advice, advise

DEMAND_DAYS = 90
WEEKS_SHOWN = 13

# A day counts when a batch that was not expired held something at some time of it. Each line of the ledger holds
# until the next one of its batch; a day on which the last unit went out counts. That a batch was in quarantine is
# not looked at: the ledger does not say when.
_DAYS_IN_STOCK = """
WITH steps AS (
    SELECT before.batch_id, before.id, %(start)s::timestamptz AS at, before.balance
      FROM pharmacy_batch batch
      CROSS JOIN LATERAL (SELECT id, batch_id, balance FROM pharmacy_stockmovement
                           WHERE batch_id = batch.id AND at < %(start)s ORDER BY id DESC LIMIT 1) before
     WHERE before.balance > 0
    UNION ALL
    SELECT batch_id, id, at, balance FROM pharmacy_stockmovement WHERE at >= %(start)s AND at < %(end)s
), spans AS (
    SELECT batch_id, balance, (at AT TIME ZONE %(zone)s)::date AS first_day,
           COALESCE((LEAD(at) OVER (PARTITION BY batch_id ORDER BY id) AT TIME ZONE %(zone)s)::date, %(last_day)s::date) AS last_day
      FROM steps
), days AS (
    SELECT batch.medicine_id,
           range_agg(daterange(first_day, GREATEST(first_day, LEAST(last_day + 1, batch.expires_on)))) AS held  -- clocks may step back
      FROM spans JOIN pharmacy_batch batch ON batch.id = spans.batch_id
     WHERE spans.balance > 0 AND spans.first_day < batch.expires_on
     GROUP BY batch.medicine_id
)
SELECT medicine_id, (SELECT SUM(upper(part) - lower(part)) FROM unnest(held) AS part) FROM days
"""


def days_in_stock(*, first: date, until: date) -> dict[int, int]:
    """{medicine pk: days in [first, until) on which something of it could be given}. Clinic days; one query."""
    start, end = (timezone.make_aware(datetime.combine(day, time.min)) for day in (first, until))
    values = {"start": start, "end": end, "last_day": until - timedelta(days=1), "zone": settings.TIME_ZONE}
    with connection.cursor() as cursor:
        cursor.execute(_DAYS_IN_STOCK, values)
        return dict(cursor.fetchall())


def _kept(first: date, until: date, by: str, **only):
    """(`by`, units) that patients kept in [first, until): handed out, or used in a treatment. One query; a key may come twice."""
    kept = Sum(F("quantity") - F("returned_quantity"))
    parts = []
    for lines, day in ((DispenseLine, "dispense__dispensed_on"), (TreatmentLine, "used_on")):
        rows = lines.objects.filter(**{f"{day}__gte": first, f"{day}__lt": until}, **only).order_by()
        parts.append(rows.annotate(day=F(day)).values_list(by).annotate(kept=kept))
    return parts[0].union(parts[1], all=True)


def dispensed_units(*, first: date, until: date) -> dict[int, int]:
    """{medicine pk: units given out in [first, until), less what of them came back}."""
    units: Counter[int] = Counter()
    for medicine, kept in _kept(first, until, "batch__medicine"):
        units[medicine] += kept
    return dict(units)


@dataclass(frozen=True)
class ReorderLine:
    medicine: Medicine
    dispensed: int
    days_in_stock: int
    advice: Advice

    @property
    def daily(self) -> Decimal:
        return round(Decimal(self.advice.daily.numerator) / self.advice.daily.denominator, 2)


def reorder_lines(*, on: date, only_due: bool = True) -> list[ReorderLine]:
    """What to order, what runs out first on top. Three queries; today, which is not over, does not count."""
    first = on - timedelta(days=DEMAND_DAYS)
    dispensed, days = dispensed_units(first=first, until=on), days_in_stock(first=first, until=on)
    lines = [_line(medicine, dispensed.get(medicine.pk, 0), days.get(medicine.pk, 0)) for medicine in _stocked(on)]
    wanted = [line for line in lines if line.advice.quantity or not only_due]
    return sorted(wanted, key=lambda line: (line.advice.days_left is None, line.advice.days_left or 0, line.medicine.name))


def _stocked(on: date):
    return Medicine.objects.active().with_stock(on).order_by("name", "id")


def _line(medicine: Medicine, dispensed: int, days: int) -> ReorderLine:
    advice = advise(
        dispensed=dispensed,
        days_in_stock=days,
        on_hand=medicine.in_stores,
        reorder_level=medicine.reorder_level,
        lead_days=settings.STOCK_LEAD_DAYS,
        cover_days=settings.STOCK_COVER_DAYS,
    )
    return ReorderLine(medicine, dispensed, days, advice)


def weekly_consumption(medicine: Medicine, *, on: date) -> list[tuple[date, int]]:
    """[(Monday, units kept by patients)] of the last weeks, the running one included; oldest first."""
    this_week = on - timedelta(days=on.weekday())
    weeks = [this_week - timedelta(weeks=back) for back in range(WEEKS_SHOWN - 1, -1, -1)]
    units = dict.fromkeys(weeks, 0)
    for day, count in _kept(weeks[0], this_week + timedelta(weeks=1), "day", batch__medicine=medicine):
        units[day - timedelta(days=day.weekday())] += count
    return list(units.items())


@dataclass(frozen=True)
class Worth:
    """At what was paid for it. `usable` is good; the rest is set aside (quarantined, recalled) or expired."""

    usable: Decimal
    set_aside: Decimal
    expired: Decimal

    @property
    def total(self) -> Decimal:
        return self.usable + self.set_aside + self.expired


@dataclass(frozen=True)
class StoreWorth(Worth):
    store_id: UUID
    name: str


@dataclass(frozen=True)
class StockValue(Worth):
    """Of all stores together, and of each in which something stands."""

    stores: list[StoreWorth]


def stock_value(*, on: date) -> StockValue:
    """One query."""
    available = Q(state=BatchState.AVAILABLE)
    parts = {"usable": available & Q(expires_on__gt=on), "set_aside": ~available, "expired": available & Q(expires_on__lte=on)}
    worth = ExpressionWrapper(F("on_hand") * F("unit_cost"), output_field=DecimalField(max_digits=24, decimal_places=4))
    sums = {name: Sum(worth, filter=part, default=Decimal(0)) for name, part in parts.items()}
    held = Batch.objects.filter(on_hand__gt=0)
    rows = held.values_list("store__public_id", "store__name").annotate(**sums).order_by("store__name")
    stores = [StoreWorth(usable, set_aside, expired, *store) for *store, usable, set_aside, expired in rows]
    return StockValue(**{part: sum((getattr(each, part) for each in stores), Decimal(0)) for part in parts}, stores=stores)
