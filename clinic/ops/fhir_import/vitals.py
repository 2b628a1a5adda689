"""Vital signs by their LOINC codes, in the units of our columns."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from clinic.ops.fhir_import import values

LOINC = "http://loinc.org"
CODES = {
    "8310-5": "temperature_c",
    "8867-4": "pulse_bpm",
    "8480-6": "systolic_mmhg",
    "8462-4": "diastolic_mmhg",
    "9279-1": "respiratory_rate_bpm",
    "2708-6": "spo2_percent",
    "59408-5": "spo2_percent",
    "29463-7": "weight_kg",
    "8302-2": "height_cm",
    "72514-3": "pain",
}
PRESSURE_PANELS = {"85354-9", "55284-4"}
_QUANTUM = {"temperature_c": Decimal("0.1"), "weight_kg": Decimal("0.01"), "height_cm": Decimal("0.1")}


def _same(value: Decimal) -> Decimal:
    return value


def _times(factor: str) -> Callable[[Decimal], Decimal]:
    return lambda value: value * Decimal(factor)


# UCUM codes, and the spellings that senders put in their place. Factors: NIST SP 811, appendix B.
UNITS: dict[str, dict[str, Callable[[Decimal], Decimal]]] = {
    "temperature_c": {
        "Cel": _same, "C": _same, "°C": _same, "degC": _same,
        "[degF]": lambda value: (value - 32) / Decimal("1.8"), "F": lambda value: (value - 32) / Decimal("1.8"),
        "degF": lambda value: (value - 32) / Decimal("1.8"), "K": lambda value: value - Decimal("273.15"),
    },
    "pulse_bpm": {"/min": _same, "{beats}/min": _same, "{Beats}/min": _same, "beats/min": _same, "beats/minute": _same, "bpm": _same},
    "systolic_mmhg": {"mm[Hg]": _same, "mmHg": _same, "mm Hg": _same, "kPa": _times("7.500617")},
    "respiratory_rate_bpm": {"/min": _same, "{breaths}/min": _same, "{Breaths}/min": _same, "breaths/min": _same, "breaths/minute": _same},
    "spo2_percent": {"%": _same, "percent": _same, "1": _times("100")},
    "weight_kg": {
        "kg": _same, "g": _times("0.001"), "[lb_av]": _times("0.45359237"), "lb": _times("0.45359237"), "lbs": _times("0.45359237"),
        "[oz_av]": _times("0.028349523125"),
    },
    "height_cm": {
        "cm": _same, "m": _times("100"), "mm": _times("0.1"), "[in_i]": _times("2.54"), "in": _times("2.54"), "[in_us]": _times("2.54"),
        "[ft_i]": _times("30.48"),
    },
    "pain": {"{score}": _same, "1": _same, "": _same},
}  # fmt: skip
UNITS["diastolic_mmhg"] = UNITS["systolic_mmhg"]


@dataclass(frozen=True)
class Reading:
    """What one Observation measures: {column: value}, and why other values of it were not taken."""

    values: dict[str, Decimal]
    problems: list[str]


def is_vital_sign(observation: dict) -> bool:
    codes = _loinc(values.part(observation, "code"))
    return any(code in CODES or code in PRESSURE_PANELS for code in codes)


def read_observation(observation: dict) -> Reading:
    """The values of a vital sign or of a blood pressure's components, converted; ranges are not looked at here."""
    found: dict[str, Decimal] = {}
    problems = []
    for piece in [observation, *values.parts(observation, "component")]:
        column = next((CODES[code] for code in _loinc(values.part(piece, "code")) if code in CODES), None)
        if column is None:
            continue
        value, problem = _quantity(values.part(piece, "valueQuantity"), column)
        if value is None:
            problems.append(problem)
        else:
            found[column] = value
    return Reading(found, problems or ([] if found else ["it has no value"]))


def _loinc(concept: dict) -> list[str]:
    return [code for system, code in values.codes(concept) if system == LOINC]


def _quantity(quantity: dict, column: str) -> tuple[Decimal | None, str]:
    number = quantity.get("value")
    if isinstance(number, bool) or not isinstance(number, int | float):
        return None, "it has no value"
    if quantity.get("comparator"):
        return None, "it is a limit, not a value"
    names = [values.text(quantity, "code"), values.text(quantity, "unit")]
    convert = next((UNITS[column][name] for name in names if name in UNITS[column] and (name or not any(names))), None)
    if convert is None:
        return None, f"its unit is not known: {names[0] or names[1] or 'none'}"
    if not abs(number) <= 10**6:  # also what is infinite
        return None, "its value is not plausible"
    return convert(Decimal(str(number))).quantize(_QUANTUM.get(column, Decimal(1)), rounding=ROUND_HALF_UP), ""
