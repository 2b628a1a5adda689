from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import rules
from clinic.core.errors import InvalidInput
from clinic.core.money import CENT

AMOUNTS = st.decimals(min_value=0, max_value=100_000, places=2)
METHODS = st.sampled_from(["cash", "card", "mobile", "bank", "insurance"])


class TestLineAmounts:
    def test_rounds_half_a_cent_of_tax_up(self):
        amounts = rules.line_amounts(quantity=1, unit_price=Decimal("0.50"), tax_percent=Decimal("5"))

        assert amounts == rules.LineAmounts(tax=Decimal("0.03"), total=Decimal("0.53"))

    def test_takes_the_discount_off_before_tax(self):
        amounts = rules.line_amounts(quantity=3, unit_price=Decimal("10"), discount=Decimal("5"), tax_percent=Decimal("10"))

        assert amounts == rules.LineAmounts(tax=Decimal("2.50"), total=Decimal("27.50"))

    @given(
        quantity=st.integers(1, 1000), price=AMOUNTS, percent=st.decimals(min_value=0, max_value=100, places=2), part=st.integers(0, 100)
    )
    def test_adds_up_to_the_cent(self, quantity, price, percent, part):
        discount = (quantity * price * part / 100).quantize(CENT)
        discount = min(discount, quantity * price)

        amounts = rules.line_amounts(quantity=quantity, unit_price=price, discount=discount, tax_percent=percent)

        net = quantity * price - discount
        assert amounts.total == net + amounts.tax
        assert amounts.total == amounts.total.quantize(CENT)
        assert abs(amounts.tax - net * percent / 100) <= CENT / 2

    @given(lines=st.lists(st.tuples(st.integers(1, 50), AMOUNTS), max_size=20))
    def test_sum_of_lines_needs_no_rounding(self, lines):
        totals = [rules.line_amounts(quantity=quantity, unit_price=price).total for quantity, price in lines]

        assert rules.sum_of(totals) == rules.sum_of(totals).quantize(CENT)
        assert rules.sum_of(totals) == rules.sum_of(reversed(totals))


class TestChangeDue:
    @given(amount=AMOUNTS, more=AMOUNTS)
    def test_cash_and_change_make_the_amount(self, amount, more):
        tendered, change = rules.change_due(method="cash", amount=amount, tendered=amount + more)

        assert tendered - change == amount
        assert change >= 0

    def test_cash_without_a_word_is_exact(self):
        assert rules.change_due(method="cash", amount=Decimal(40), tendered=None) == (Decimal(40), Decimal(0))

    def test_refuses_less_than_the_amount(self):
        with pytest.raises(InvalidInput) as refused:
            rules.change_due(method="cash", amount=Decimal(40), tendered=Decimal("39.99"))

        assert "tendered" in refused.value.errors

    def test_refuses_change_for_a_card(self):
        with pytest.raises(InvalidInput):
            rules.change_due(method="card", amount=Decimal(40), tendered=Decimal(50))


class TestCheckAmount:
    @pytest.mark.parametrize("value", ["0", "-1", "0.001", "NaN", "Infinity", "10000000000.00", "1E+30"])
    def test_refuses_what_is_no_amount(self, value):
        with pytest.raises(InvalidInput) as refused:
            rules.check_amount(Decimal(value))

        assert "amount" in refused.value.errors

    @pytest.mark.parametrize("value", ["1e99999999", "-1e99999999", "1e-99999999", "NaN", "sNaN", "-Infinity"])
    def test_refuses_numbers_beyond_what_can_be_reckoned_with(self, value):
        with pytest.raises(InvalidInput):
            rules.check_amount(Decimal(value))

    @pytest.mark.parametrize(("value", "kept"), [("0.01", "0.01"), ("5", "5.00"), ("9999999999.99", "9999999999.99")])
    def test_keeps_an_amount_at_two_decimals(self, value, kept):
        assert str(rules.check_amount(Decimal(value))) == kept


class TestShift:
    @given(
        opening=AMOUNTS,
        payments=st.dictionaries(METHODS, AMOUNTS),
        refunds=st.dictionaries(METHODS, AMOUNTS),
    )
    def test_expects_float_and_takings_less_refunds(self, opening, payments, refunds):
        expected = rules.expected_by_method(opening_float=opening, payments=payments, refunds=refunds)

        assert sum(expected.values()) == opening + sum(payments.values()) - sum(refunds.values())
        assert expected["cash"] == opening + payments.get("cash", 0) - refunds.get("cash", 0)
        assert rules.variances(expected, expected) == {}

    def test_wants_every_method_counted_in_which_money_moved(self):
        expected = {"cash": Decimal(100), "card": Decimal(10), "bank": Decimal(0)}

        with pytest.raises(InvalidInput) as refused:
            rules.check_counted({"cash": Decimal(100)}, expected)

        assert refused.value.errors == {"counted": {"card": ["Count this too."]}}

    def test_refuses_a_negative_drawer_but_not_a_negative_card_total(self):
        assert rules.check_counted({"cash": Decimal(0), "card": Decimal(-5)}, {"cash": Decimal(0)})["card"] == Decimal(-5)
        with pytest.raises(InvalidInput):
            rules.check_counted({"cash": Decimal(-5)}, {"cash": Decimal(0)})


@pytest.mark.parametrize(
    ("text", "is_card"),
    [
        ("4111 1111 1111 1111", True),
        ("5500-0000-0000-0004", True),
        ("4111111111111112", False),
        ("SLIP 4711", False),
        ("", False),
        ("²" * 16, False),
    ],
)
def test_knows_a_card_number(text, is_card):
    assert rules.looks_like_card_number(text) is is_card


def test_free_consultation_is_no_charge():
    assert rules.consultation_charge(encounter_id="x", doctor_name="Dr A", fee=Decimal(0)) == []
