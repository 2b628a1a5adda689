"""Which measurements are possible."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from patients.models.encounter import VITALS_RANGES

VITALS_UNITS = {
    "temperature_c": "°C",
    "pulse_bpm": "/min",
    "systolic_mmhg": "mmHg",
    "diastolic_mmhg": "mmHg",
    "respiratory_rate_bpm": "/min",
    "spo2_percent": "%",
    "weight_kg": "kg",
    "height_cm": "cm",
    "glucose_mmol_l": "mmol/l",
    "pain": "of 10",
}
VITALS_LABELS = {
    "temperature_c": "Temperature",
    "pulse_bpm": "Pulse",
    "systolic_mmhg": "Systolic",
    "diastolic_mmhg": "Diastolic",
    "respiratory_rate_bpm": "Breathing rate",
    "spo2_percent": "Oxygen saturation",
    "weight_kg": "Weight",
    "height_cm": "Height",
    "glucose_mmol_l": "Glucose",
    "pain": "Pain",
}
DECIMALS = {"temperature_c": 1, "weight_kg": 2, "height_cm": 1, "glucose_mmol_l": 1}


def check_vitals(values: Mapping) -> tuple[dict[str, Decimal], dict[str, list[str]]]:
    """(values that were given, messages by name). A message names the range and its unit."""
    given, errors = {}, {}
    for name, value in values.items():
        if name not in VITALS_RANGES:
            errors[name] = ["This is not a vital sign that is recorded."]
        elif value not in (None, ""):
            given[name], problem = _check_vital(name, value)
            if problem:
                errors[name] = [problem]
    systolic, diastolic = given.get("systolic_mmhg"), given.get("diastolic_mmhg")
    if not errors and systolic and diastolic and diastolic >= systolic:
        errors["diastolic_mmhg"] = ["The diastolic pressure must be below the systolic one."]
    if not errors and not given:
        errors["non_field_errors"] = ["Give at least one value."]
    return given, errors


def _check_vital(name: str, value) -> tuple[Decimal | None, str]:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None, "Give a number."
    lowest, highest = VITALS_RANGES[name]
    if not number.is_finite() or not lowest <= number <= highest:
        return None, f"Must be between {lowest} and {highest} {VITALS_UNITS[name]}."
    places = DECIMALS.get(name, 0)
    if number != round(number, places):
        return None, f"Give at most {places} decimal place{'' if places == 1 else 's'}." if places else "Give a whole number."
    return round(number, places) if places else round(number), ""
