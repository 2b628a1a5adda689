"""What people of an age usually measure at rest. A value outside is kept and marked, and the page asks before it is saved.

Sources, as the clinic's policy rounds them; none of this is a diagnosis:

- Adults: the zones that score 0 or 1 in NEWS2 (Royal College of Physicians, National Early Warning Score 2, 2017)
  for breathing rate and oxygen saturation; the clinic's own, narrower or wider, for the rest.
- Below 16 years: pulse (awake), breathing rate and blood pressure from the tables of normal values by age in
  Pediatric Advanced Life Support (American Heart Association, 2020).
- Temperature, oxygen saturation, glucose and pain do not follow the age here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from patients.rules.vitals import VITALS_LABELS, VITALS_UNITS

Ranges = dict[str, tuple[Decimal, Decimal]]  # both ends included

ADULT: Ranges = {
    "temperature_c": (Decimal("35.5"), Decimal("38.0")),
    "pulse_bpm": (Decimal(50), Decimal(110)),
    "systolic_mmhg": (Decimal(95), Decimal(160)),
    "diastolic_mmhg": (Decimal(50), Decimal(100)),
    "respiratory_rate_bpm": (Decimal(9), Decimal(20)),
    "spo2_percent": (Decimal(94), Decimal(100)),
    "glucose_mmol_l": (Decimal("3.9"), Decimal("11.0")),
    "pain": (Decimal(0), Decimal(6)),
}
_BY_AGE = ("pulse_bpm", "respiratory_rate_bpm", "systolic_mmhg", "diastolic_mmhg")
# (below so many completed months, the ranges of _BY_AGE)
_CHILDREN = (
    (1, (100, 205), (30, 53), (60, 84), (31, 53)),  # newborn
    (12, (100, 180), (30, 53), (72, 104), (37, 56)),  # infant
    (36, (98, 140), (22, 37), (86, 106), (42, 63)),  # toddler
    (72, (80, 120), (20, 28), (89, 112), (46, 72)),  # before school
    (120, (75, 118), (18, 25), (97, 115), (57, 76)),  # 6 to 9 years
    (144, (75, 118), (18, 25), (102, 120), (61, 80)),  # 10 and 11 years
    (192, (60, 100), (12, 20), (110, 131), (64, 83)),  # 12 to 15 years
)


@dataclass(frozen=True)
class Unusual:
    """A value that is possible and seldom, with the range that it is outside of."""

    name: str
    value: Decimal
    lowest: Decimal
    highest: Decimal

    def __str__(self):
        unit = VITALS_UNITS[self.name]
        return f"{VITALS_LABELS[self.name]} {_plain(self.value)} {unit} (usually {_plain(self.lowest)} to {_plain(self.highest)})"


def usual_ranges(*, born: date, on: date) -> Ranges:
    """Of someone of that age on that day."""
    months = _months(born, on)
    for below, *ranges in _CHILDREN:
        if months < below:
            return ADULT | {name: (Decimal(low), Decimal(high)) for name, (low, high) in zip(_BY_AGE, ranges, strict=True)}
    return ADULT


def unusual_vitals(values: Mapping, *, born: date, on: date) -> list[Unusual]:
    """Of these values, by the names of Vitals, those that someone of that age does not usually have."""
    found = []
    for name, (lowest, highest) in usual_ranges(born=born, on=on).items():
        value = values.get(name)
        if value is not None and not lowest <= value <= highest:
            found.append(Unusual(name, Decimal(value), lowest, highest))
    return found


def mark_of(unusual: list[Unusual]) -> str:
    """What a form sends back to say that exactly these values were looked at: 'pulse_bpm=130,spo2_percent=90'."""
    return ",".join(f"{each.name}={_plain(each.value)}" for each in unusual)


def _months(born: date, on: date) -> int:
    return (on.year - born.year) * 12 + on.month - born.month - (on.day < born.day)


def _plain(value: Decimal) -> str:
    return f"{Decimal(value).normalize():f}"
