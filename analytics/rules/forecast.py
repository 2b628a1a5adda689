"""How many visits a day will bring, from the counts of the days before; no model that a pencil could not follow.

A history is the visits of consecutive days, the last of them yesterday. A method is judged by going back: it is shown
the days up to one evening, forecasts the two weeks after, and is compared with what came. The weeks that
choose the method are not the weeks that its error is measured on, else the error would flatter it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

WEEK = 7
HORIZON = 2 * WEEK
_WEEKDAYS_SEEN = 8  # how many of the same weekday a mean takes
_LEAST_SEEN = 4  # and the fewest that it can do with
_ORIGINS = 4  # weeks that choose, and as many that measure
LEAST_DAYS = WEEK * (_LEAST_SEEN + 2 * _ORIGINS) + HORIZON
_WITHIN = 0.8

History = Sequence[int]


@dataclass(frozen=True)
class Method:
    key: str
    words: str
    of_weekday: Callable[[Sequence[int]], float]  # from the counts of the same weekday, the oldest first


NAIVE = Method("naive", "as many as on the same weekday of the last week", lambda seen: float(seen[-1]))
METHODS = (
    NAIVE,
    Method("mean", "the mean of the last 8 same weekdays", lambda seen: fmean(seen[-_WEEKDAYS_SEEN:])),
    Method("median", "the median of the last 8 same weekdays", lambda seen: float(median(seen[-_WEEKDAYS_SEEN:]))),
)


@dataclass(frozen=True)
class Forecast:
    """Visits of the next 14 days; the errors are of days that the choice of the method has not seen."""

    method: Method
    days: tuple[float, ...]
    errors: Mapping[str, float]  # by method: mean absolute error, visits a day
    margin: float  # 8 of 10 back-tested days lay within the forecast plus or minus this
    tested: int  # days

    @property
    def error(self) -> float:
        return self.errors[self.method.key]

    @property
    def naive_error(self) -> float:
        return self.errors[NAIVE.key]


def forecast(history: History) -> Forecast | None:
    """None where the history is too short to be tested against."""
    if len(history) < LEAST_DAYS:
        return None
    last = len(history) - HORIZON
    measuring = [last - WEEK * back for back in range(_ORIGINS)]
    choosing = [origin - WEEK * (_ORIGINS + 1) for origin in measuring]  # their two weeks end where the measured ones begin
    method = min(METHODS, key=lambda each: fmean(_misses(each, history, choosing)))  # of equals the first, so the plainest
    misses = {each.key: _misses(each, history, measuring) for each in METHODS}
    own = misses[method.key]
    return Forecast(
        method=method,
        days=tuple(_ahead(method, history)),
        errors={key: fmean(each) for key, each in misses.items()},
        margin=sorted(own)[int(_WITHIN * (len(own) - 1))],
        tested=len(own),
    )


def _ahead(method: Method, history: History) -> list[float]:
    """The next 14 days. The second week repeats the first: neither knows more than the history."""
    week = [method.of_weekday(_same_weekday(history, ahead)) for ahead in range(WEEK)]
    return week * (HORIZON // WEEK)


def _same_weekday(history: History, ahead: int) -> list[int]:
    """The counts of the weekday of the day after the history (0), of the day after that (1), …; the oldest first."""
    return list(history[(len(history) + ahead) % WEEK :: WEEK])


def _misses(method: Method, history: History, origins: Sequence[int]) -> list[float]:
    return [
        abs(expected - came)
        for origin in origins
        for expected, came in zip(_ahead(method, history[:origin]), history[origin : origin + HORIZON], strict=True)
    ]
