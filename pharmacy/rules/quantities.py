"""How many units a prescription line comes to, and what it says in plain words."""

import math
import re
from fractions import Fraction

from pharmacy.rules.frequencies import ONCE, STANDARD, WHEN_NEEDED, spelled, standard

# What the forms offer: (as stored, as said).
FREQUENCIES = [(each.code, each.words) for each in STANDARD]
ROUTES = [
    ("oral", "by mouth"),
    ("topical", "on the skin"),
    ("inhaled", "by inhaler"),
    ("nasal", "into the nose"),
    ("eye", "into the eye"),
    ("ear", "into the ear"),
    ("rectal", "into the rectum"),
    ("vaginal", "into the vagina"),
    ("sublingual", "under the tongue"),
    ("injection", "by injection"),
]
_VERBS = {"oral": "Take", "sublingual": "Put", "inhaled": "Inhale", "injection": "Inject", "topical": "Apply"}
_WORDS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "once": 1, "twice": 2, "thrice": 3,
    "half": Fraction(1, 2), "½": Fraction(1, 2), "¼": Fraction(1, 4), "¾": Fraction(3, 4),
}  # fmt: skip
_PER_PERIOD = {"day": 1, "daily": 1, "week": 7, "weekly": 7, "month": 30, "monthly": 30}
_NUMBER = r"\d{1,4}(?:[.,]\d{1,3})?(?:\s*/\s*\d{1,2})?"
_MASS_IN_MG = {"mcg": Fraction(1, 1000), "µg": Fraction(1, 1000), "ug": Fraction(1, 1000), "mg": Fraction(1), "g": Fraction(1000)}
# As many units as this are a typing error, whatever the frequency.
MAX_QUANTITY = 100_000


def times_a_day(frequency: str) -> Fraction | None:
    """Doses a day of 'TDS', 'Q8H', '1-0-1', 'twice a day', 'every 6 hours'; None when the words are not understood.

    With a 'when needed' beside it, the most that may be taken is counted; alone, it says nothing about how often.
    """
    bare = re.sub(r"\b(prn|sos|when needed|as needed|if needed|when required|as required)\b", "", spelled(frequency)).strip()
    if found := standard(bare):
        return found.a_day
    for pattern, count in _PATTERNS:
        if match := re.fullmatch(pattern, bare):
            return count(match)
    return None


def is_single_dose(frequency: str) -> bool:
    return _is(ONCE, frequency)


def is_when_needed(frequency: str) -> bool:
    """Of a 'when needed' that does not say how often at most."""
    return _is(WHEN_NEEDED, frequency)


def _is(code: str, frequency: str) -> bool:
    found = standard(frequency)
    return found is not None and found.code == code


def _count(word: str) -> Fraction | None:
    return Fraction(int(word)) if word.isdigit() else Fraction(_WORDS[word]) if word in _WORDS else None


def _every_hours(match) -> Fraction | None:
    hours = _count(match["n"])
    return Fraction(24) / hours if hours and hours <= 24 else None


def _per_period(match) -> Fraction | None:
    count = _count(match["n"])
    return count / _PER_PERIOD[match["period"]] if count else None


_HOURS = r"(?P<n>\d{1,2}|one|two|three|four|six)"
_COUNT = r"(?P<n>\d{1,2}|once|twice|thrice|one|two|three|four|five|six)"
_PERIOD = r"(?P<period>day|daily|week|weekly|month|monthly)"
_DAILY = r"(?:every|each) (?:day|morning|evening|night)|in the (?:morning|evening)|at (?:night|bedtime)|before bed"
_PATTERNS = [
    (r"q ?" + _HOURS + r" ?h(?:rs?|ourly|ours)?", _every_hours),
    (r"every " + _HOURS + r" ?(?:h|hrs?|hours?)", _every_hours),
    (_HOURS + r"[ -]?hourly", _every_hours),
    (_COUNT + r"(?: times?| ?x)?(?: a| per| each| every|/)? ?" + _PERIOD, _per_period),
    (_DAILY, lambda _: Fraction(1)),
    (r"every other day|alternate days?|every second day|every 2 days", lambda _: Fraction(1, 2)),
    (r"every week|each week", lambda _: Fraction(1, 7)),
    (r"(\d)[-+](\d)[-+](\d)(?:[-+](\d))?", lambda match: Fraction(sum(int(part or 0) for part in match.groups())) or None),
]


def units_per_dose(dose: str, *, unit: str, strength: str = "") -> Fraction | None:
    """Units of the medicine in a dose: '1 tablet', '1-2' (the most), '½', '5 ml', or by mass: '1 g' of 500 mg tablets is 2."""
    words = re.sub(r"\s+", " ", dose.strip().lower())
    match = re.fullmatch(rf"(?:(?P<low>{_NUMBER})\s*(?:-|–|to|or)\s*)?(?P<n>{_NUMBER}|[a-z]+|[½¼¾])\s*(?P<of>.*)", words)
    amount = match and _amount(match["n"])
    if not amount:
        return None
    of = match["of"].strip()
    if of.startswith("a ") and match["n"] == "half":
        of = of[2:]
    if not of or _same_unit(of, unit):
        return amount
    mass = _mass_in_mg(strength)
    return amount * _MASS_IN_MG[of] / mass if of in _MASS_IN_MG and mass else None


def _amount(text: str) -> Fraction | None:
    if text in _WORDS:
        return Fraction(_WORDS[text])
    if not re.fullmatch(_NUMBER, text):
        return None
    top, _, bottom = text.replace(",", ".").replace(" ", "").partition("/")
    return Fraction(top) / int(bottom) if bottom and int(bottom) else None if bottom else Fraction(top)


def _same_unit(words: str, unit: str) -> bool:
    first = words.split(" ")[0].removesuffix("(s)")
    unit = unit.strip().lower()
    return first.removesuffix("s") == unit.removesuffix("s") or (unit == "ml" and first in {"millilitre", "millilitres", "milliliters"})


def _mass_in_mg(strength: str) -> Fraction | None:
    """Of a single solid strength ('500 mg'); a concentration ('125 mg/5 ml') or a mixture is not one."""
    match = re.fullmatch(rf"({_NUMBER})\s*(mcg|µg|ug|mg|g)", strength.strip().lower())
    amount = match and _amount(match[1])
    return amount * _MASS_IN_MG[match[2]] if amount else None


def compute_quantity(
    *, dose: str, frequency: str, duration_days: int, unit: str, strength: str = "", max_doses_a_day: int | None = None
) -> int | None:
    """Units for one filling, rounded up; None when dose or frequency are words that cannot be counted."""
    each = units_per_dose(dose, unit=unit, strength=strength)
    if each is None:
        return None
    if is_single_dose(frequency):
        total = each
    else:
        a_day = max_doses_a_day if is_when_needed(frequency) else times_a_day(frequency)
        if a_day is None:
            return None
        total = math.ceil(a_day * duration_days) * each
    quantity = math.ceil(total)
    return quantity if 1 <= quantity <= MAX_QUANTITY else None


_INVARIABLE = {"ml", "l", "g", "mg", "mcg", "iu", "units", "drops"}


def plural(unit: str) -> str:
    """'capsules', 'patches', 'ml'."""
    if unit.lower() in _INVARIABLE or unit.endswith("s"):
        return unit
    return f"{unit}es" if unit.endswith(("x", "ch", "sh")) else f"{unit}s"


def counted(quantity: int, unit: str) -> str:
    """'21 capsules', '1 tablet', '100 ml'."""
    return f"{quantity} {unit if quantity == 1 else plural(unit)}"


def dose_with_unit(dose: str, unit: str) -> str:
    """A bare '2' becomes '2 tablets': what stands on the label is read by someone else."""
    amount = _amount(dose.strip()) if re.fullmatch(_NUMBER, dose.strip()) else None
    if not amount:
        return dose
    return f"{dose.strip()} {plural(unit) if amount > 1 else unit}"


def in_words(*, dose: str, route: str, frequency: str, duration_days: int, max_doses_a_day: int | None = None) -> str:
    """'Take 1 tablet by mouth 3 times a day for 7 days.'"""
    found = standard(frequency)
    often = found.words if found else frequency
    where = dict(ROUTES).get(route.strip().lower(), route)
    verb = _VERBS.get(route.strip().lower(), "Use")
    most = f", at most {_time_or_times(max_doses_a_day)} a day," if max_doses_a_day else ""
    for_days = "" if is_single_dose(frequency) else f" for {duration_days} {'day' if duration_days == 1 else 'days'}"
    return f"{verb} {dose} {where} {often}{most}{for_days}."


def _time_or_times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def directions(item) -> str:
    """In words, of a line of a prescription or a favourite."""
    names = ("dose", "route", "frequency", "duration_days", "max_doses_a_day")
    return in_words(**{name: getattr(item, name) for name in names})
