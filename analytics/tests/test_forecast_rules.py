from random import Random
from statistics import fmean, median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.rules import forecast as rules
from analytics.rules.forecast import HORIZON, LEAST_DAYS, METHODS, NAIVE, forecast

WEEKLY = [30, 25, 20, 25, 30, 5, 0]


def test_a_short_history_gives_no_forecast():
    assert forecast(WEEKLY * 20) is not None
    assert forecast((WEEKLY * 20)[: LEAST_DAYS - 1]) is None
    assert forecast((WEEKLY * 20)[:LEAST_DAYS]) is not None


@pytest.mark.parametrize("extra", range(7))
def test_a_steady_week_is_continued_from_whatever_weekday(extra):
    history = (WEEKLY * 30)[: 29 * 7 + extra]

    found = forecast(history)

    assert list(found.days) == (WEEKLY * 32)[len(history) : len(history) + HORIZON]
    assert (found.errors, found.margin) == ({"naive": 0, "mean": 0, "median": 0}, 0)
    assert found.method is NAIVE  # of equals the plainest


def test_noise_around_a_level_is_met_best_by_a_mean_and_the_error_says_so():
    dice = Random(7)
    noisy = [dice.randint(10, 30) for _ in range(200)]

    found = forecast(noisy)

    assert found.method.key in {"mean", "median"}
    assert found.error < found.naive_error


def test_a_lasting_change_is_met_best_by_the_last_week():
    rising = [index // 7 * 5 for index in range(210)]

    assert forecast(rising).method is NAIVE


def test_the_error_is_that_of_weeks_which_did_not_choose():
    history = [10] * 140
    history[-1] = 24  # only the measuring weeks reach the last day

    found = forecast(history)

    assert found.tested == 4 * HORIZON
    # Of the origins 14, 21, 28 and 35 days before the end only the first reaches the last day.
    assert found.error == pytest.approx(14 / found.tested)


def test_the_methods_are_what_their_words_say():
    seen = [100, 1, 2, 3, 4, 5, 6, 7, 36]
    of = {method.key: method.of_weekday(seen) for method in METHODS}

    assert of == {"naive": 36, "mean": fmean(seen[1:]), "median": median(seen[1:])}


@given(st.lists(st.integers(0, 400), min_size=LEAST_DAYS, max_size=LEAST_DAYS + 60))
def test_a_forecast_lies_within_what_was_seen(history):
    found = forecast(history)

    assert len(found.days) == HORIZON
    assert all(min(history) <= day <= max(history) for day in found.days)
    assert 0 <= found.error <= max(history)
    assert 0 <= found.margin <= max(history)


@given(st.lists(st.integers(0, 400), min_size=LEAST_DAYS, max_size=LEAST_DAYS + 30), st.integers(0, 10_000))
def test_what_comes_later_never_reaches_an_earlier_forecast(history, later):
    """No leak: the forecasts that are measured do not know the days they are measured on."""
    origin = len(history) - HORIZON
    changed = [*history[:origin], *[later] * HORIZON]

    misses = rules._misses(METHODS[1], changed, [origin])

    assert misses == [abs(day - later) for day in rules._ahead(METHODS[1], history[:origin])]


@given(st.lists(st.integers(0, 400), min_size=LEAST_DAYS, max_size=LEAST_DAYS + 30), st.integers(0, 10_000))
def test_the_days_that_measure_have_no_say_in_the_choice(history, later):
    measured = HORIZON + 3 * rules.WEEK
    changed = [*history[:-measured], *[later] * measured]

    assert forecast(changed).method is forecast(history).method
