from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pharmacy.rules.frequencies import STANDARD, standard, timing
from pharmacy.rules.interactions import InteractionTable, Pair
from pharmacy.rules.picks import Want, next_filling, plan_picks, status_after
from pharmacy.rules.quantities import MAX_QUANTITY, compute_quantity, counted, dose_with_unit, in_words, times_a_day, units_per_dose
from pharmacy.rules.safety import Drug, allergy_match, check_safety

TODAY = date(2027, 3, 1)


@dataclass
class Box:
    id: int
    medicine_id: int = 1
    on_hand: int = 10
    expires_on: date = date(2028, 1, 1)
    received_on: date = date(2027, 1, 1)
    state: str = "available"


# --- Picks -------------------------------------------------------------------------------------


def taken(plan) -> dict:
    return {(pick.item_id, pick.batch_id): pick.quantity for pick in plan.picks}


def test_takes_the_soonest_expiry_then_the_oldest_receipt_then_the_lowest_id():
    boxes = [
        Box(1, expires_on=date(2029, 1, 1), received_on=date(2026, 1, 1)),
        Box(4),
        Box(3),
        Box(5, received_on=date(2026, 12, 1)),
    ]

    plan = plan_picks([Want(7, 1, 35)], boxes, TODAY)

    assert [(pick.batch_id, pick.quantity) for pick in plan.picks] == [(5, 10), (3, 10), (4, 10), (1, 5)]


def test_the_oldest_receipt_goes_first_of_a_medicine_that_asks_for_it():
    old = {"received_on": date(2026, 1, 1), "expires_on": date(2029, 1, 1)}
    boxes = [Box(1), Box(2, **old), Box(3, 2), Box(4, 2, **old), Box(5, **old | {"expires_on": TODAY})]

    plan = plan_picks([Want(7, 1, 12), Want(8, 2, 12)], boxes, TODAY, oldest_first={1})

    assert taken(plan) == {(7, 2): 10, (7, 1): 2, (8, 3): 10, (8, 4): 2}


def test_a_chosen_box_is_kept_for_the_item_it_was_chosen_for():
    plan = plan_picks([Want(7, 1, 10), Want(8, 1, 10, batch_id=1)], [Box(1), Box(2, expires_on=date(2029, 1, 1))], TODAY)

    assert taken(plan) == {(8, 1): 10, (7, 2): 10}


def test_part_of_what_is_wanted_is_taken_only_when_asked():
    assert taken(plan_picks([Want(7, 1, 12)], [Box(1)], TODAY)) == {}
    assert taken(plan_picks([Want(7, 1, 12)], [Box(1)], TODAY, partial=True)) == {(7, 1): 10}


boxes = st.lists(
    st.builds(
        Box,
        id=st.integers(1, 50),
        medicine_id=st.integers(1, 3),
        on_hand=st.integers(0, 20),
        expires_on=st.dates(TODAY - timedelta(days=3), TODAY + timedelta(days=6)),
        received_on=st.dates(date(2026, 1, 1), date(2026, 1, 4)),
        state=st.sampled_from(["available", "available", "quarantined", "recalled"]),
    ),
    max_size=12,
    unique_by=lambda box: box.id,
)


def wants_of(batch_ids):
    want = st.builds(Want, item_id=st.integers(1, 5), medicine_id=st.integers(1, 3), quantity=st.integers(1, 30), batch_id=batch_ids)
    return st.lists(want, max_size=5, unique_by=lambda each: each.item_id)


@given(wants_of(st.none() | st.integers(1, 50)), boxes, st.booleans())
def test_every_plan_is_honest(wants, boxes, partial):
    plan = plan_picks(wants, boxes, TODAY, partial=partial)

    by_id = {box.id: box for box in boxes}
    by_item = {want.item_id: want for want in wants}
    for box in boxes:
        given_out = sum(pick.quantity for pick in plan.picks if pick.batch_id == box.id)
        assert given_out <= box.on_hand
        if given_out:
            assert box.state == "available"
            assert box.expires_on > TODAY
    short = {shortage.item_id for shortage in plan.shortages}
    for item_id, want in by_item.items():
        picks = [pick for pick in plan.picks if pick.item_id == item_id]
        assert all(by_id[pick.batch_id].medicine_id == want.medicine_id and pick.quantity > 0 for pick in picks)
        got = sum(pick.quantity for pick in picks)
        assert got == want.quantity if item_id not in short else got < want.quantity
        if item_id in short and not partial:
            assert got == 0


@given(wants_of(st.none()), boxes)
def test_nothing_stays_behind_that_expires_before_what_is_taken(wants, boxes):
    plan = plan_picks(wants, boxes, TODAY, partial=True)

    left = {box.id: box.on_hand - sum(pick.quantity for pick in plan.picks if pick.batch_id == box.id) for box in boxes}
    touched = {pick.batch_id for pick in plan.picks}
    for box in boxes:
        for other in boxes:
            usable = other.state == "available" and other.expires_on > TODAY
            if box.id in touched and usable and other.medicine_id == box.medicine_id and other.expires_on < box.expires_on:
                assert left[other.id] == 0


@given(st.integers(1, 500), st.integers(0, 12), st.data())
def test_fillings_add_up_to_what_was_prescribed(quantity, repeats, data):
    dispensed, fillings = data.draw(st.integers(0, quantity * (repeats + 1))), 0

    while units := next_filling(quantity=quantity, repeats=repeats, dispensed=dispensed):
        assert 1 <= units <= quantity
        dispensed += units
        fillings += 1

    assert dispensed == quantity * (repeats + 1)
    assert fillings <= repeats + 1


@dataclass
class Item:
    dispensed_quantity: int
    quantity: int = 10
    repeats: int = 1


@pytest.mark.parametrize(
    ("dispensed", "status"),
    [((0, 0), "signed"), ((1, 0), "partially_dispensed"), ((20, 19), "partially_dispensed"), ((20, 20), "dispensed")],
)
def test_the_status_follows_from_the_items(dispensed, status):
    assert status_after([Item(each) for each in dispensed]) == status


# --- Quantities --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dose", "frequency", "days", "quantity"),
    [
        ("1 tablet", "OD", 7, 7),
        ("1 tablet", "BD", 7, 14),
        ("1 tablet", "TDS", 7, 21),
        ("2 tablets", "QID", 5, 40),
        ("1", "Q4H", 2, 12),
        ("1", "Q6H", 2, 8),
        ("1", "Q8H", 7, 21),
        ("1", "Q12H", 7, 14),
        ("1", "HS", 10, 10),
        ("1", "TDS PRN", 10, 30),
        ("2", "STAT", 1, 2),
        ("1", "weekly", 28, 4),
        ("1", "WEEKLY", 10, 2),
        ("1-2 tablets", "three times a day", 5, 30),
        ("half a tablet", "every other day", 7, 2),
        ("½", "b.d.", 5, 5),
        ("1.5", "once daily", 3, 5),
        ("1 g", "every 8 hours", 5, 30),
        ("500mg", "1-0-1", 5, 10),
        ("1 tablet with food", "twice daily", 5, 10),
    ],
)
def test_counts_units_of_500_mg_tablets(dose, frequency, days, quantity):
    assert compute_quantity(dose=dose, frequency=frequency, duration_days=days, unit="tablet", strength="500 mg") == quantity


@pytest.mark.parametrize(("most", "quantity"), [(4, 20), (1, 5), (None, None)])
def test_when_needed_is_counted_by_its_maximum(most, quantity):
    assert compute_quantity(dose="1", frequency="PRN", duration_days=5, unit="tablet", max_doses_a_day=most) == quantity


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("bid", "BD"),
        ("B.D.", "BD"),
        ("t.i.d.", "TDS"),
        ("qds", "QID"),
        ("nocte", "NOCTE"),
        ("mane", "OM"),
        ("sos", "PRN"),
        ("stat", "STAT"),
    ],
)
def test_each_spelling_has_its_code(typed, code):
    assert standard(typed).code == code


def test_every_code_has_words_and_says_its_timing():
    for each in STANDARD:
        said = timing(each.code, max_doses_a_day=4 if each.code == "PRN" else None)
        repeat = said["timing"]["repeat"]
        assert each.words
        assert said["asNeededBoolean"] == (each.code == "PRN")
        if each.a_day:  # what is counted is what is said to other systems
            days = {"h": Fraction(1, 24), "d": 1, "wk": 7, "mo": 30}[repeat["periodUnit"]] * repeat["period"]
            assert Fraction(repeat["frequency"]) / days == each.a_day
    assert timing("as told by the nurse") is None
    assert timing("PRN", max_doses_a_day=4)["timing"]["repeat"]["frequencyMax"] == 4


def test_counts_millilitres():
    assert compute_quantity(dose="5 ml", frequency="TDS", duration_days=7, unit="ml", strength="120 mg/5 ml") == 105


@pytest.mark.parametrize(
    ("dose", "frequency"), [("a little", "BD"), ("1", "as told"), ("5 ml", "BD"), ("250 mg", "BD"), ("0", "BD"), ("", "")]
)
def test_says_nothing_where_it_cannot_count(dose, frequency):
    assert compute_quantity(dose=dose, frequency=frequency, duration_days=7, unit="tablet", strength="120 mg/5 ml") is None


@given(st.text(max_size=30), st.text(max_size=30), st.integers(1, 366), st.text(max_size=10))
def test_any_words_give_a_sensible_count_or_none(dose, frequency, days, unit):
    quantity = compute_quantity(dose=dose, frequency=frequency, duration_days=days, unit=unit, strength=dose)

    assert quantity is None or 1 <= quantity <= MAX_QUANTITY


@given(st.integers(1, 9), st.sampled_from(["OD", "BD", "TDS", "QID", "Q6H"]), st.integers(1, 180))
def test_a_longer_course_never_needs_less(units, frequency, days):
    def count(n):
        return compute_quantity(dose=str(units), frequency=frequency, duration_days=n, unit="tablet")

    assert count(days) == units * times_a_day(frequency) * days
    assert count(days + 1) > count(days)


def test_a_dose_by_mass_follows_the_strength():
    assert units_per_dose("250 mg", unit="tablet", strength="0.5 g") * 2 == 1


def test_words_for_the_label():
    assert in_words(dose="1 tablet", route="oral", frequency="TDS", duration_days=7) == "Take 1 tablet by mouth 3 times a day for 7 days."
    assert in_words(dose="2 puffs", route="inhaled", frequency="PRN", duration_days=1) == "Inhale 2 puffs by inhaler when needed for 1 day."
    when_needed = in_words(dose="1 tablet", route="oral", frequency="PRN", duration_days=5, max_doses_a_day=4)
    assert when_needed == "Take 1 tablet by mouth when needed, at most 4 times a day, for 5 days."
    assert in_words(dose="1 ml", route="injection", frequency="STAT", duration_days=1) == "Inject 1 ml by injection at once, a single dose."
    assert [counted(1, "tablet"), counted(2, "patch"), counted(5, "ml")] == ["1 tablet", "2 patches", "5 ml"]
    assert [dose_with_unit(dose, "tablet") for dose in ("1", "2", "1/2", "1 spoon")] == ["1 tablet", "2 tablets", "1/2 tablet", "1 spoon"]


# --- Safety ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ingredient", "substance"),
    [
        ("amoxicillin", "Penicillin"),
        ("ampicillin", "penicillins (rash as a child)"),
        ("amoxicillin trihydrate", "Amoxycillin"),
        ("flucloxacillin", "amoxicillin"),
        ("cefalexin", "Cephalosporins"),
        ("sulfamethoxazole", "sulfa drugs"),
        ("ibuprofen", "Aspirin"),
        ("diclofenac sodium", "NSAIDs"),
        ("paracetamol", "Acetaminophen"),
        ("codeine", "opioids"),
        ("latex", "Latex"),
    ],
)
def test_an_allergy_covers_the_ingredient_and_its_class(ingredient, substance):
    assert allergy_match(ingredient, substance)


@pytest.mark.parametrize(
    ("ingredient", "substance"),
    [("cefalexin", "penicillin"), ("metformin", "sulfa"), ("paracetamol", "peanuts"), ("paracetamol", ""), ("", "x")],
)
def test_an_allergy_to_something_else_is_none(ingredient, substance):
    assert not allergy_match(ingredient, substance)


AUGMENTIN = Drug("Co-amoxiclav 625 mg", ("amoxicillin", "clavulanic acid"))
AMOXICILLIN = Drug("Amoxicillin 500 mg", ("amoxicillin",))
MORPHINE = Drug("Morphine 10 mg", ("morphine",), is_controlled=True)


def test_warns_of_the_same_ingredient_here_and_in_what_is_taken():
    report = check_safety([AUGMENTIN, AMOXICILLIN], allergies=[], allergies_known=True, current=[AMOXICILLIN])

    assert [(alert.kind, alert.medicine) for alert in report.alerts] == [
        ("duplicate", AUGMENTIN.name),
        ("duplicate", AMOXICILLIN.name),
        ("duplicate", AMOXICILLIN.name),
    ]
    assert report.needs_reason


@pytest.mark.parametrize(
    ("one", "other", "is_twice"),
    [
        ("amlodipine besylate", "amlodipine", True),
        ("codeine", "codeine phosphate", True),
        ("acetaminophen", "paracetamol", True),
        ("insulin glargine", "insulin aspart", False),
        ("valproic acid", "folic acid", False),
    ],
)
def test_a_salt_is_the_same_ingredient(one, other, is_twice):
    for first, second in ((one, other), (other, one)):
        report = check_safety([Drug("One", (first,))], allergies=[], allergies_known=True, current=[Drug("Other", (second,))])
        assert [alert.kind for alert in report.alerts] == ["duplicate"] * is_twice


def test_a_controlled_medicine_is_flagged_without_asking_why():
    report = check_safety([MORPHINE], allergies=[], allergies_known=True)

    assert [alert.kind for alert in report.alerts] == ["controlled"]
    assert not report.needs_reason


NAMES = ("amoxicillin", "clavulanic acid", "morphine", "paracetamol")


@pytest.mark.parametrize(
    ("substance", "word"),
    [
        ("penicillin", "checked"), ("Sulfa drugs", "checked"), ("acetaminophen", "checked"), ("Morphine sulfate", "checked"),
        ("peanuts", "unknown"), ("the red tablet", "unknown"), ("...", "unknown"),
    ],
)  # fmt: skip
def test_an_allergy_that_names_nothing_known_is_unknown(substance, word):
    report = check_safety([MORPHINE], allergies=[substance], allergies_known=True, known_names=lambda: NAMES)

    assert report.allergies == word
    assert report.unmatched == (() if word == "checked" else (substance,))


def test_a_warning_stands_beside_what_is_unknown():
    report = check_safety([AMOXICILLIN], allergies=["penicillin", "peanuts"], allergies_known=True, known_names=lambda: NAMES)

    assert [alert.kind for alert in report.alerts] == ["allergy"]
    assert (report.allergies, report.unmatched) == ("unknown", ("peanuts",))


@pytest.mark.parametrize("ingredients", [(), ("",), ("...",)])
def test_a_medicine_without_ingredients_is_unknown_in_every_check(ingredients):
    nameless = Drug("Herbal mixture", ingredients)
    table = InteractionTable({"morphine": frozenset()}, (Pair("a", "b", "serious", "Harm."),))

    for report in (
        check_safety([nameless, MORPHINE], allergies=[], allergies_known=True, table=table),
        check_safety([MORPHINE], current=[nameless], allergies=[], allergies_known=True, table=table),
    ):
        assert (report.allergies, report.duplicates, report.interactions) == ("unknown", "unknown", "unknown")
        assert report.without_ingredients == ("Herbal mixture",)


def test_what_was_not_checked_is_unknown_and_never_none():
    assert check_safety([MORPHINE], allergies=[], allergies_known=False).allergies == "unknown"
    assert check_safety([MORPHINE], allergies=[], allergies_known=True).allergies == "checked"
    assert check_safety([], allergies=[], allergies_known=True).interactions == "unknown"
