from datetime import date
from decimal import Decimal

import pytest

from patients.rules import identity, notes
from patients.rules.search import SearchTerms, parse_search
from patients.rules.usual import mark_of, unusual_vitals, usual_ranges
from patients.rules.vitals import check_vitals


class TestMrn:
    def test_check_digit_is_damms(self):
        assert identity.damm_digit("572") == "4"  # the example of Damm's thesis
        assert identity.mrn_of(572) == "0000572-4"

    def test_number_that_outgrows_the_digits_stays_whole(self):
        assert identity.mrn_of(12_345_678).startswith("12345678-")
        assert len(identity.mrn_of(2**31)) <= 12

    def test_every_single_wrong_digit_is_caught(self):
        mrn = identity.mrn_of(123_457)
        places = [at for at, character in enumerate(mrn) if character.isdigit()]

        wrong = [mrn[:at] + digit + mrn[at + 1 :] for at in places for digit in "0123456789" if digit != mrn[at]]

        assert identity.is_mrn(mrn)
        assert not [text for text in wrong if identity.is_mrn(text)]

    def test_every_swap_of_neighbours_is_caught(self):
        for number in range(0, 100_000, 997):
            digits = identity.mrn_of(number).replace("-", "")
            for at in range(len(digits) - 1):
                swapped = digits[:at] + digits[at + 1] + digits[at] + digits[at + 2 :]
                assert swapped == digits or not identity.is_mrn(f"{swapped[:-1]}-{swapped[-1]}")


class TestIdentity:
    @pytest.mark.parametrize(
        ("typed", "stored"),
        [
            ("(202) 555-0143", "+12025550143"),
            ("+44 20 7946 0018", "+442079460018"),
            ("12", None),
            ("call me", None),
            ("555-0143", None),
            ("+1" + "5" * 30, None),
        ],
    )
    def test_phone_is_e164_or_nothing(self, typed, stored):
        assert identity.e164_of(typed, region="US") == stored

    @pytest.mark.parametrize(
        ("born", "is_possible"),
        [(date(2026, 5, 1), True), (date(2026, 5, 2), False), (date(1880, 1, 1), True), (date(1879, 12, 31), False)],
    )
    def test_birth_date_lies_between_1880_and_the_day(self, born, is_possible):
        assert (identity.birth_date_error(born, on=date(2026, 5, 1)) == "") == is_possible

    def test_birth_dates_near_are_one_slip_away(self):
        near = identity.birth_dates_near(date(1984, 2, 3))

        assert {date(1984, 2, 4), date(1984, 12, 3), date(1948, 2, 3), date(1984, 3, 2)} <= set(near)
        assert date(1984, 2, 3) not in near
        assert date(1985, 2, 4) not in near
        assert date(1983, 2, 28) in identity.birth_dates_near(date(1984, 2, 28))
        assert identity.birth_dates_near(date(1984, 2, 29))  # which most years lack


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("  Ann   BELL ", SearchTerms(words=("ann", "bell"))),
        ("0000572-4", SearchTerms(digits="00005724", identifier="0000572-4")),
        ("+1 (202) 555-0143", SearchTerms(digits="12025550143", identifier="+1(202)555-0143")),
        ("1984-02-29", SearchTerms(born_on=(date(1984, 2, 29),))),
        ("29/2/1984", SearchTerms(born_on=(date(1984, 2, 29),))),
        ("29.02.84", SearchTerms(born_on=(date(1984, 2, 29),))),  # 2084 has a 29 February as well
        ("31/31/2020", SearchTerms()),
        ("bell 3-11-1984", SearchTerms(words=("bell",), born_on=(date(1984, 11, 3),))),
        ("ab 12 34", SearchTerms(words=("ab", "12", "34"), identifier="AB1234")),
        ("o'brien-smith", SearchTerms(words=("o'brien-smith",))),
        ("%_\\", SearchTerms(words=())),
        ("\0", SearchTerms()),
    ],
)
def test_search_box_is_read_as(query, terms):
    read = parse_search(query)

    if query == "29.02.84":
        assert date(1984, 2, 29) in read.born_on
    else:
        assert read == terms


class TestVitals:
    def test_values_are_kept_in_their_own_precision(self):
        given, errors = check_vitals({"temperature_c": "36.6", "pulse_bpm": 72, "pain": None, "weight_kg": ""})

        assert not errors
        assert {name: str(value) for name, value in given.items()} == {"temperature_c": "36.6", "pulse_bpm": "72"}

    @pytest.mark.parametrize(
        ("values", "name"),
        [
            ({"temperature_c": "45.1"}, "temperature_c"),
            ({"temperature_c": "36.66"}, "temperature_c"),
            ({"pulse_bpm": "72.5"}, "pulse_bpm"),
            ({"pain": 11}, "pain"),
            ({"pain": "NaN"}, "pain"),
            ({"pain": "much"}, "pain"),
            ({"mood": 1}, "mood"),
            ({"systolic_mmhg": 100, "diastolic_mmhg": 100}, "diastolic_mmhg"),
            ({"pain": None}, "non_field_errors"),
        ],
    )
    def test_impossible_values_are_named(self, values, name):
        assert list(check_vitals(values)[1]) == [name]

    def test_bounds_themselves_are_possible(self):
        assert check_vitals({"temperature_c": "25.0", "pain": 10})[1] == {}


class TestUsualVitals:
    ADULT = {"born": date(1984, 2, 29), "on": date(2026, 11, 20)}

    def names(self, values, **of):
        return [each.name for each in unusual_vitals(values, **of)]

    def test_bounds_themselves_are_usual(self):
        assert self.names({"pulse_bpm": 110, "spo2_percent": 94, "pain": None}, **self.ADULT) == []
        assert self.names({"pulse_bpm": 111, "spo2_percent": 93}, **self.ADULT) == ["pulse_bpm", "spo2_percent"]

    @pytest.mark.parametrize(
        ("born", "lowest", "highest"),
        [
            (date(2026, 11, 20), 100, 205),  # born today
            (date(2026, 10, 21), 100, 205),  # tomorrow a month old
            (date(2026, 10, 20), 100, 180),
            (date(2025, 11, 20), 98, 140),
            (date(2023, 11, 20), 80, 120),
            (date(2020, 11, 20), 75, 118),
            (date(2014, 11, 20), 60, 100),
            (date(2010, 11, 21), 60, 100),  # tomorrow 16
            (date(2010, 11, 20), 50, 110),
        ],
    )
    def test_pulse_goes_by_the_age_of_that_day(self, born, lowest, highest):
        assert usual_ranges(born=born, on=date(2026, 11, 20))["pulse_bpm"] == (lowest, highest)

    @pytest.mark.parametrize("born", [date(2026, 11, 1), date(2026, 1, 1), date(2024, 1, 1), date(2022, 1, 1), date(2018, 1, 1)])
    def test_children_breathe_faster_and_have_lower_pressures_than_adults(self, born):
        child, adult = usual_ranges(born=born, on=date(2026, 11, 20)), usual_ranges(**self.ADULT)

        assert child["respiratory_rate_bpm"][1] > adult["respiratory_rate_bpm"][1]
        assert child["systolic_mmhg"][1] < adult["systolic_mmhg"][1]
        assert child["spo2_percent"] == adult["spo2_percent"]

    @pytest.mark.parametrize("years", range(20))
    def test_what_is_usual_is_possible(self, years):
        for name, ends in usual_ranges(born=date(2026 - years, 11, 1), on=date(2026, 11, 20)).items():
            assert [check_vitals({name: end})[1] for end in ends] == [{}, {}]

    def test_words_name_value_unit_and_range(self):
        [found] = unusual_vitals({"temperature_c": Decimal("39.5")}, **self.ADULT)

        assert str(found) == "Temperature 39.5 °C (usually 35.5 to 38)"

    def test_mark_is_of_these_values_only(self):
        marks = {
            mark_of(unusual_vitals(values, **self.ADULT))
            for values in ({"pulse_bpm": 130}, {"pulse_bpm": 131}, {"pulse_bpm": 130, "pain": 9}, {"pulse_bpm": 130, "spo2_percent": 90})
        }

        assert len(marks) == 4


class TestNotes:
    @pytest.mark.parametrize(
        "observations",
        [
            {},
            {"symptoms": []},
            {"a": {"b": [1, 2.5, None, True, "ü 😀"]}},
            {"n": -(10**15) + 1},
            {"small": 1e-300},
        ],
    )
    def test_any_json_object_is_accepted(self, observations):
        assert notes.observations_problem(observations) == ""

    @pytest.mark.parametrize(
        "observations",
        [
            [],
            {"a": {"$gt": 1}},
            {"a": [[{"b.c": 1}]]},
            {"a\0": 1},
            {"": 1},
            {1: 1},
            {"a": "\ud800"},
            {"a": float("inf")},
            {"a": float("nan")},
            {"a": -0.0},
            {"a": 10**15},
            {"a": {1, 2}},
            {"symptoms": "cough"},
            {"symptoms": [1]},
            {"a": "x" * 65_536},
        ],
    )
    def test_what_would_come_back_different_is_refused(self, observations):
        assert notes.observations_problem(observations)

    def test_depth_is_limited_before_the_stack_is(self):
        deep = {}
        for _ in range(notes.DEEPEST_OBSERVATIONS):
            deep = {"a": deep}

        assert notes.observations_problem(deep)
        assert not notes.observations_problem(deep["a"])

    def test_hash_follows_the_content_and_not_its_spelling(self):
        assert notes.sha256_of({"a": 1, "b": "ü"}) == notes.sha256_of({"b": "ü", "a": 1})
        assert notes.sha256_of({"a": 1}) != notes.sha256_of({"a": 2})
