"""The frequencies that have a code: what the code means, in plain words and as FHIR R4 says it.

Latin abbreviations as in the British National Formulary ("Labels, abbreviations"), with the spellings used elsewhere.
`abbreviation` is that of HL7's GTSAbbreviation where there is one; `repeat` is FHIR's Timing.repeat.
"""

import re
from dataclasses import dataclass, field
from fractions import Fraction


@dataclass(frozen=True)
class Frequency:
    """`a_day` is doses a day; None for a single dose, and for 'when needed', which has a maximum instead."""

    code: str
    words: str
    a_day: Fraction | None
    abbreviation: str = ""
    repeat: dict = field(default_factory=dict)
    also: tuple[str, ...] = ()


def _times(count: int, period: int = 1, unit: str = "d", **more) -> dict:
    return {"frequency": count, "period": period, "periodUnit": unit} | more


WHEN_NEEDED, ONCE = "PRN", "STAT"
STANDARD = (
    Frequency("OD", "once a day", Fraction(1), "QD", _times(1), ("qd", "daily")),
    Frequency("OM", "every morning", Fraction(1), "AM", _times(1, when=["MORN"]), ("mane",)),
    Frequency("NOCTE", "at night", Fraction(1), "", _times(1, when=["NIGHT"]), ("on",)),
    Frequency("HS", "at bedtime", Fraction(1), "BED", _times(1, when=["HS"])),
    Frequency("BD", "twice a day", Fraction(2), "BID", _times(2), ("bid", "bds")),
    Frequency("TDS", "3 times a day", Fraction(3), "TID", _times(3), ("tid", "td")),
    Frequency("QID", "4 times a day", Fraction(4), "QID", _times(4), ("qds",)),
    Frequency("Q4H", "every 4 hours", Fraction(6), "Q4H", _times(1, 4, "h")),
    Frequency("Q6H", "every 6 hours", Fraction(4), "Q6H", _times(1, 6, "h")),
    Frequency("Q8H", "every 8 hours", Fraction(3), "Q8H", _times(1, 8, "h")),
    Frequency("Q12H", "every 12 hours", Fraction(2), "", _times(1, 12, "h")),
    Frequency("ALT", "every other day", Fraction(1, 2), "QOD", _times(1, 2), ("qod", "eod")),
    Frequency("WEEKLY", "once a week", Fraction(1, 7), "WK", _times(1, 1, "wk")),
    Frequency("MONTHLY", "once a month", Fraction(1, 30), "MO", _times(1, 1, "mo")),
    Frequency(WHEN_NEEDED, "when needed", None, also=("sos", "when needed", "as needed", "if needed", "when required", "as required")),
    Frequency(ONCE, "at once, a single dose", None, repeat={"count": 1}, also=("once only", "single dose", "immediately")),
)
_BY_NAME = {name: each for each in STANDARD for name in (each.code.lower(), *each.also)}


def spelled(text: str) -> str:
    """As frequencies are compared: lower case, single spaces, no full stops."""
    return re.sub(r"\s+", " ", text.strip().lower().replace(".", ""))


def standard(text: str) -> Frequency | None:
    """What 'bid', 'B.D.' or 'BD' stands for; None for other words."""
    return _BY_NAME.get(spelled(text))


def timing(text: str, *, max_doses_a_day: int | None = None) -> dict | None:
    """FHIR's Dosage.timing and Dosage.asNeededBoolean; None for words without a code."""
    found = standard(text)
    if found is None:
        return None
    said = {"asNeededBoolean": found.code == WHEN_NEEDED}
    if max_doses_a_day:
        said["timing"] = {"repeat": {"frequencyMax": max_doses_a_day, "period": 1, "periodUnit": "d"}}
    elif found.repeat:
        coded = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-GTSAbbreviation", "code": found.abbreviation}]}
        said["timing"] = {"repeat": found.repeat} | ({"code": coded} if found.abbreviation else {})
    return said
