"""What to order, from what really went out."""

import math
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Advice:
    """`daily` units go out on a day with stock; `days_left` is how long what is there lasts (None: nothing is known to go out)."""

    daily: Fraction
    days_left: int | None
    order_at: int
    quantity: int


def advise(*, dispensed: int, days_in_stock: int, on_hand: int, reorder_level: int, lead_days: int, cover_days: int) -> Advice:
    """Units to order now; 0 when there is enough.

    Demand is the mean over the days on which there was something to give: a shelf that stood empty
    for a month says nothing about what patients needed. It is time to order when what is there lasts
    no longer than the delivery takes, or stands at the reorder level; the order covers the wait and
    `cover_days` more, and at least lifts the stock above the reorder level.
    """
    daily = Fraction(dispensed, days_in_stock) if days_in_stock else Fraction(0)
    order_at = max(reorder_level, math.ceil(daily * lead_days))
    target = max(math.ceil(daily * (lead_days + cover_days)), reorder_level + 1 if reorder_level else 0)
    quantity = max(target - on_hand, 0) if on_hand <= order_at else 0
    return Advice(daily, math.floor(on_hand / daily) if daily else None, order_at, quantity)
