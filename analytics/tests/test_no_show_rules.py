import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.rules.no_shows import FIRST_TIME, LEAST_TESTED, Cell, Seen, back_test, cell_of, rate_of_all, risk

CELLS = st.builds(Cell, st.sampled_from([0, 1, 3, 8, 15]), st.sampled_from([FIRST_TIME, 0, 1, 2]))
SEEN = st.integers(0, 500).flatmap(lambda number: st.integers(0, number).map(lambda missed: Seen(number, missed)))
TABLES = st.dictionaries(CELLS, SEEN, max_size=12)

GOOD, BAD = Cell(0, 0), Cell(15, 2)


@pytest.mark.parametrize(
    ("lead_days", "former", "before", "cell"),
    [
        (0, 0, 0, Cell(0, FIRST_TIME)),
        (-1, 0, 3, Cell(0, 0)),
        (1, 1, 1, Cell(1, 1)),
        (2, 2, 2, Cell(1, 2)),
        (3, 9, 20, Cell(3, 2)),
        (7, 0, 1, Cell(3, 0)),
        (8, 0, 1, Cell(8, 0)),
        (14, 0, 1, Cell(8, 0)),
        (15, 0, 1, Cell(15, 0)),
        (4000, 0, 1, Cell(15, 0)),
    ],
)
def test_a_cell_is_a_lead_and_a_past(lead_days, former, before, cell):
    assert cell_of(lead_days=lead_days, former=former, before=before) == cell


def test_few_appointments_are_drawn_to_the_rate_of_all_and_many_speak_for_themselves():
    table = {GOOD: Seen(10_000, 1_000), BAD: Seen(2, 2)}

    assert rate_of_all(table) == pytest.approx(1_002 / 10_002)
    assert risk(table, GOOD) == pytest.approx(0.1, abs=0.001)
    assert risk(table, BAD) == pytest.approx((2 + 20 * 1_002 / 10_002) / 22)  # not 100 %
    assert risk(table, Cell(3, 1)) == pytest.approx(rate_of_all(table))


def test_rates_that_hold_beat_the_rate_of_all_and_are_calibrated():
    table = {GOOD: Seen(1_000, 20), BAD: Seen(1_000, 400)}

    found = back_test(table, table)

    assert found.tested == 2_000
    assert found.helps
    assert found.base == pytest.approx(0.21 * 0.79)
    assert found.score == pytest.approx((0.02 * 0.98 + 0.4 * 0.6) / 2, abs=0.001)
    assert [(band.words, band.appointments, band.came) for band in found.bands] == [
        ("under 5 %", 1_000, 0.02),
        ("30 % or more", 1_000, 0.4),
    ]


def test_rates_that_turned_around_do_not_help():
    assert not back_test({GOOD: Seen(1_000, 20), BAD: Seen(1_000, 400)}, {GOOD: Seen(1_000, 400), BAD: Seen(1_000, 20)}).helps


def test_too_few_later_appointments_tell_nothing():
    assert back_test({GOOD: Seen(1_000, 20)}, {GOOD: Seen(LEAST_TESTED - 1, 1)}) is None
    assert back_test({}, {GOOD: Seen(LEAST_TESTED, 1)}) is None
    assert back_test({GOOD: Seen(1_000, 20)}, {GOOD: Seen(LEAST_TESTED, 1)}) is not None


@given(TABLES, CELLS)
def test_a_risk_is_a_probability(table, cell):
    assert 0 <= risk(table, cell) <= 1


@given(TABLES, TABLES)
def test_scores_are_what_a_sum_over_each_appointment_gives(earlier, later):
    found = back_test(earlier, later)

    if found is None:
        return
    squares = [
        (risk(earlier, cell) - came) ** 2
        for cell, seen in later.items()
        for came in [1] * seen.missed + [0] * (seen.appointments - seen.missed)
    ]
    assert found.score == pytest.approx(sum(squares) / len(squares))
    assert sum(band.appointments for band in found.bands) == found.tested
    assert all(0 <= band.expected <= 1 and 0 <= band.came <= 1 for band in found.bands)
