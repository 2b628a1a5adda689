"""Pure decisions about money. Amounts are Decimals in the clinic's currency, with two decimals."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

from clinic.core.errors import InvalidInput
from clinic.core.money import CENT, ZERO, to_cents

MAX_AMOUNT = Decimal("9999999999.99")  # what numeric(12, 2) holds
MAX_QUANTITY = 2_147_483_647
CASH = "cash"
INSURANCE = "insurance"


@dataclass(frozen=True)
class LineAmounts:
    tax: Decimal
    total: Decimal


@dataclass(frozen=True)
class Charge:
    """Something that a patient owes for. `key` names it, so that it is billed once."""

    kind: str
    key: str
    name: str
    description: str
    quantity: int
    unit_price: Decimal
    refers: dict[str, Any] = field(default_factory=dict)  # columns of the line that point at it

    @property
    def label(self) -> str:
        """Short, for a list."""
        return self.name if self.quantity == 1 else f"{self.quantity} × {self.name}"


def line_amounts(*, quantity: int, unit_price: Decimal, discount: Decimal = ZERO, tax_percent: Decimal = ZERO) -> LineAmounts:
    """Tax on what is left after the discount, and the line's total; both to the cent, halves up."""
    net = quantity * unit_price - discount
    tax = to_cents(net * tax_percent / 100)
    return LineAmounts(tax=tax, total=to_cents(net + tax))


def insurer_share(total: Decimal, cover_percent: int) -> Decimal:
    """What the insurer bears of a line's total, to the cent, halves up; the patient bears the rest."""
    return to_cents(total * cover_percent / 100)


def cover_on(*, payer: str, cover_percent: int | None, valid_until: date | None, on: date) -> int:
    """The percentage that an insurance pays on that day; `valid_until` is its last day, None without an end."""
    holds = bool(payer.strip()) and (valid_until is None or on <= valid_until)
    return (cover_percent or 0) if holds else 0


def discount_of(full: Decimal, *, amount: Decimal | None, percent: Decimal | None, zero: bool = False) -> Decimal:
    """What comes off `full`: the amount, or the percentage of it to the cent, halves up."""
    if (amount is None) == (percent is None):
        raise InvalidInput(errors={"discount": ["Give an amount or a percentage."]})
    if percent is not None:
        if not percent.is_finite() or not 0 <= percent <= 100 or (percent == 0 and not zero):
            raise InvalidInput(errors={"discount_percent": ["Above 0, at most 100." if not zero else "Between 0 and 100."]})
        return to_cents(full * percent / 100)
    if check_amount(amount, "discount", zero=zero) > full:
        raise InvalidInput(errors={"discount": [f"That is more than the {full} it costs."]})
    return amount.quantize(CENT)


def package_parts(price: Decimal, fulls: Mapping[Any, Decimal]) -> dict[Any, Decimal]:
    """What each part of a package costs, in proportion to its price by itself; to the cent, and together the package's price."""
    parts = spread(price, fulls)
    return {name: parts.get(name, ZERO) for name in fulls}


def sum_of(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, ZERO)


def consultation_charge(*, encounter_id, doctor_name: str, fee: Decimal, charged_on: date | None = None) -> list[Charge]:
    """The doctor's fee; a free consultation is no charge. A follow-up of one charged on `charged_on` is a charge of 0 that says why."""
    if fee <= 0:
        return []
    words = f"Consultation, {doctor_name}"[:120]
    if charged_on:
        fee, words = ZERO, f"{words}: free follow-up of {charged_on.day} {charged_on:%B %Y}"
    return [Charge("consultation", f"consultation:{encounter_id}", "Consultation", words, 1, fee)]


def treatment_charge(*, treatment_id, name: str, cost: Decimal) -> Charge | None:
    """What was done in a visit; what costs nothing is no charge."""
    return Charge("treatment", f"treatment:{treatment_id}", name, name[:200], 1, cost) if cost > 0 else None


def medicine_charge(
    *, item_id, item_pk: int, medicine_name: str, unit: str, quantity: int, price: Decimal, billed_as: Collection[str] = ()
) -> Charge | None:
    """So many units of a prescribed item. A medicine that costs nothing is a charge too: its prescription waits for the invoice.

    `billed_as` holds the keys under which units of it are billed: two that bill the same units get the same key.
    """
    if quantity <= 0:
        return None
    words = f"{medicine_name}, per {unit}" if unit else medicine_name
    keys = (f"prescription_item:{item_id}" + (f":{part}" if part > 1 else "") for part in count(1))
    key = next(key for key in keys if key not in billed_as)
    return Charge("medicine", key, medicine_name, words[:200], quantity, price, {"prescription_item_id": item_pk})


def change_due(*, method: str, amount: Decimal, tendered: Decimal | None) -> tuple[Decimal | None, Decimal]:
    """(tendered, change) as they are written down. Without a word cash is tendered exactly."""
    if method != CASH:
        if tendered is not None:
            raise InvalidInput(errors={"tendered": ["Only cash is tendered."]})
        return None, ZERO
    tendered = amount if tendered is None else tendered
    if tendered < amount:
        raise InvalidInput(errors={"tendered": ["That is less than the amount to pay."]})
    return tendered, tendered - amount


def check_amount(value: Decimal, name: str = "amount", *, zero: bool = False) -> Decimal:
    """The value, when it is an amount of money: two decimals at most, above zero (or zero, if allowed)."""
    if not value.is_finite() or value.copy_abs() > MAX_AMOUNT:  # abs() overflows
        raise InvalidInput(errors={name: ["Not an amount."]})
    if value < 0 or (value == 0 and not zero):
        raise InvalidInput(errors={name: ["This must not be negative." if zero else "This must be more than zero."]})
    if value != value.quantize(CENT):
        raise InvalidInput(errors={name: ["At most two decimals."]})
    return value.quantize(CENT)


def check_reason(value: str, name: str = "reason") -> str:
    value = value.strip()
    if not value:
        raise InvalidInput(errors={name: ["Say why."]})
    if len(value) > 200:
        raise InvalidInput(errors={name: ["At most 200 characters."]})
    return value


def looks_like_card_number(text: str) -> bool:
    """13 to 19 digits whose Luhn check digit is right: must not be stored."""
    digits = [int(sign) for sign in text if sign.isdecimal()]
    if not 13 <= len(digits) <= 19:
        return False
    doubled = [digit * 2 - 9 * (digit > 4) if place % 2 else digit for place, digit in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0


def invoice_number(year: int, number: int) -> str:
    return f"INV-{year}-{number:06d}"


def credit_note_number(year: int, number: int) -> str:
    return f"CN-{year}-{number:06d}"


def spread(amount: Decimal, over: Mapping[Any, Decimal]) -> dict[Any, Decimal]:
    """The amount divided in proportion, to the cent; the parts sum up to it and none is more than what it is a part of."""
    whole, upto, placed, parts = sum_of(over.values()), ZERO, ZERO, {}
    for name, weight in over.items():
        upto += weight
        until_here = to_cents(amount * upto / whole) if whole else ZERO
        parts[name], placed = until_here - placed, until_here
    return {name: part for name, part in parts.items() if part}


def part_of(share: Decimal, *, total: Decimal, before: Decimal, amount: Decimal) -> Decimal:
    """How much of a share of `total` goes with `amount`, after `before` of the total had gone; all of it with the last cent."""
    return to_cents(share * (before + amount) / total) - to_cents(share * before / total)


def units_to_credit(billed: Mapping[Any, int], returned: Mapping[Any, int], *, held: int) -> list[tuple[Any, Any, int]]:
    """[(line, return, units)]: what came back is taken off what was billed, each in the order given.

    `billed` and `returned` are what is not credited yet. What the patient holds stays billed: what was handed out again is not credited.
    """
    left, found = max(sum(billed.values()) - held, 0), []
    returned = dict(returned)
    for line, units in billed.items():
        for each in returned:
            taken = min(units, returned[each], left)
            if taken:
                found.append((line, each, taken))
                units, left, returned[each] = units - taken, left - taken, returned[each] - taken
    return found


def expected_by_method(*, opening_float: Decimal, payments: Mapping[str, Decimal], refunds: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """What a shift should hold: cash begins with the float; refunds go out by the method of their payment."""
    methods = {CASH, *payments, *refunds}
    start = {CASH: opening_float}
    return {name: start.get(name, ZERO) + payments.get(name, ZERO) - refunds.get(name, ZERO) for name in sorted(methods)}


def check_counted(counted: Mapping[str, Decimal], expected: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """What was counted, complete: each method in which money moved, and cash always."""
    errors = {name: ["Count this too."] for name in expected if name not in counted and (name == CASH or expected[name])}
    if errors:
        raise InvalidInput(errors={"counted": errors})
    return {name: _check_count(name, value) for name, value in counted.items()}


def _check_count(name: str, value: Decimal) -> Decimal:
    """Cash in a drawer is not negative; of a card more may have gone back than came in."""
    try:
        checked = check_amount(abs(value) if name != CASH else value, name, zero=True)
    except InvalidInput as error:
        raise InvalidInput(errors={"counted": error.errors}) from error
    return checked.copy_sign(value)


def variances(counted: Mapping[str, Decimal], expected: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Counted less expected, of the methods where they differ."""
    found = {name: value - expected.get(name, ZERO) for name, value in counted.items()}
    return {name: value for name, value in found.items() if value}
