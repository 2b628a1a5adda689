"""Arithmetic that every figure needs, and the quantile that Django lacks."""

from django.db.models import Aggregate, FloatField


class Percentile(Aggregate):
    """percentile_cont: `Percentile("wait_minutes", share=0.9)`."""

    function = "percentile_cont"
    template = "%(function)s(%(share)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()


def percent(part: int, whole: int) -> float | None:
    """Of 100, one decimal; None of nothing."""
    return round(100 * part / whole, 1) if whole else None


def mean(total: int, number: int) -> float | None:
    return round(total / number, 1) if number else None
