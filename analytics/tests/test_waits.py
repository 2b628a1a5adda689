from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from analytics.rules.waits import Waits, waits_of

NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def at(minutes):
    return NINE + timedelta(minutes=minutes)


def test_tells_those_called_from_those_who_wait():
    tokens = [(at(0), at(10), False), (at(0), at(31), False), (at(5), at(20), False), (at(5), None, True), (at(9), at(12), True)]

    assert waits_of(tokens, now=at(50)) == Waits(called=3, median=15, longest=31, longest_now=45)


def test_empty_queue_has_no_waits():
    assert waits_of([], now=NINE) == Waits(called=0, median=None, longest=None, longest_now=None)


def test_who_left_uncalled_is_in_no_figure():
    assert waits_of([(at(0), None, False)], now=at(60)).called == 0


@given(st.lists(st.integers(0, 600), min_size=1, max_size=50))
def test_median_lies_between_the_shortest_and_the_longest(minutes):
    waits = waits_of([(NINE, at(each), False) for each in minutes], now=NINE)

    assert min(minutes) <= waits.median <= waits.longest == max(minutes)
