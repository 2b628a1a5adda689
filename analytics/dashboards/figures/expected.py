"""How many visits the next two weeks will bring, and what the forecast was worth before."""

from datetime import timedelta

from django.db.models import Sum

from analytics.dashboards.asked import Asked
from analytics.dashboards.definition import LINE, NUMBER, PERIOD, WORDS, Column, Figure, Row
from analytics.dashboards.figures.waits import WEEKDAYS
from analytics.models import DoctorDay
from analytics.rules.forecast import LEAST_DAYS, METHODS, Forecast, forecast

MOST_DAYS = 400


def _history(asked: Asked) -> list[int]:
    """Visits of each day up to yesterday, from the first that there was, at most 400 days back."""
    yesterday = asked.today - timedelta(days=1)
    within = asked.during(asked.today - timedelta(days=MOST_DAYS), yesterday).narrowed(DoctorDay.objects.filter(visits__gt=0))
    by_day = dict(within.order_by().values_list("date").annotate(number=Sum("visits")))
    if not by_day:
        return []
    first = min(by_day)
    return [by_day.get(first + timedelta(days=number), 0) for number in range((yesterday - first).days + 1)]


def _found(asked: Asked) -> Forecast | None:
    return forecast(_history(asked))


def _days(asked: Asked) -> list[Row]:
    found = asked.once(_found)
    if found is None:
        return []
    days = [(asked.today + timedelta(days=ahead), visits) for ahead, visits in enumerate(found.days)]
    return [
        Row(
            {
                "day": day,
                "weekday": WEEKDAYS[day.weekday()],
                "least": round(max(visits - found.margin, 0), 1),
                "visits": round(visits, 1),
                "most": round(visits + found.margin, 1),
            }
        )
        for day, visits in days
    ]


def _errors(asked: Asked) -> list[Row]:
    found = asked.once(_found)
    if found is None:
        return []
    return [
        Row({"method": method.words, "error": round(found.errors[method.key], 2), "chosen": "used" if method is found.method else ""})
        for method in METHODS
    ]


_TOO_SHORT = f"There is no forecast yet: it needs {LEAST_DAYS} days of visits to be tested against."
DAYS = Figure(
    "days",
    "Visits expected, today and the 13 days after",
    (
        Column("day", "Day", PERIOD),
        Column("weekday", "Weekday", WORDS),
        Column("least", "At least", NUMBER, drawn=True),
        Column("visits", "Expected", NUMBER, drawn=True),
        Column("most", "At most", NUMBER, drawn=True),
    ),
    _days,
    chart=LINE,
    note="In the back-test 8 of 10 days lay between at least and at most. It knows of no holidays and of no bookings.",
    empty=_TOO_SHORT,
)
ERRORS = Figure(
    "errors",
    "What each method was worth",
    (
        Column("method", "Every day gets", WORDS),
        Column("error", "Off by, visits a day", NUMBER, drawn=True),
        Column("chosen", "Choice", WORDS),
    ),
    _errors,
    note=(
        "The mean absolute error of forecasts made on four evenings of the last five weeks for the two weeks after each, "
        "by what was known on that evening. The method was chosen on the five weeks before those."
    ),
    empty=_TOO_SHORT,
)
