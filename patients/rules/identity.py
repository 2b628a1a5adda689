"""Medical record numbers, and what identifies a person."""

import calendar
import re
from datetime import date

import phonenumbers

# Damm, H. M. (2004): a totally anti-symmetric quasigroup of order 10. It catches every single wrong
# digit and every swap of two neighbours.
_DAMM = (
    "0317598642", "7092154863", "4206871359", "1750983426", "6123045978",
    "3674209581", "5869720134", "8945362017", "9438617205", "2581436790",
)  # fmt: skip
MRN_DIGITS = 7


def damm_digit(digits: str) -> str:
    """The check digit of a row of decimal digits."""
    state = 0
    for digit in digits:
        state = int(_DAMM[state][int(digit)])
    return str(state)


def mrn_of(number: int) -> str:
    """572 -> '0000572-4': seven digits (more when the clinic outgrows them), a dash and the check digit."""
    digits = f"{number:0{MRN_DIGITS}d}"
    return f"{digits}-{damm_digit(digits)}"


def is_mrn(text: str) -> bool:
    """Whether the text is a whole MRN whose check digit is right."""
    return bool(re.fullmatch(r"[0-9]{7,10}-[0-9]", text)) and damm_digit(text[:-2]) == text[-1]


# --- Who a patient is --------------------------------------------------------------------

EARLIEST_BIRTH = date(1880, 1, 1)


def birth_date_error(born: date, *, on: date) -> str:
    """Why nobody who comes on this day was born then; "" when it is possible."""
    if born > on:
        return "The birth date lies in the future."
    return "The birth date is before 1880." if born < EARLIEST_BIRTH else ""


def birth_dates_near(born: date) -> list[date]:
    """Birth dates that a slip makes of this one: another day, month or year, or day and month swapped."""
    others = {(born.year, born.month, day) for day in range(1, 32)}
    others |= {(born.year, month, born.day) for month in range(1, 13)}
    others |= {(year, born.month, born.day) for year in range(EARLIEST_BIRTH.year, born.year + 101)}
    others.add((born.year, born.day, born.month))
    return sorted(date(*each) for each in others - {(born.year, born.month, born.day)} if _is_date(*each))


def _is_date(year: int, month: int, day: int) -> bool:
    return 1 <= month <= 12 and year <= date.max.year and day <= calendar.monthrange(year, month)[1]


def e164_of(text: str, *, region: str) -> str | None:
    """A phone number as +15550123456; numbers without a country code are the region's. None when nobody can dial it."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def plain_identifier(text: str) -> str:
    """A national id as it is stored and searched: upper case, without spaces."""
    return "".join(text.split()).upper()


def plain_words(text: str) -> str:
    return " ".join(text.split())
