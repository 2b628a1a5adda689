"""How a patient's measurements went."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from clinic.core.together import Reader
from patients.models import EncounterStatus, Patient, Vitals
from patients.rules.trends import Line, draw, in_words, plain
from patients.rules.vitals import VITALS_LABELS, VITALS_UNITS

MOST_SETS = 30
FEWEST_VALUES = 2
_KINDS = (
    ("Blood pressure", ("systolic_mmhg", "diastolic_mmhg")),
    ("Pulse", ("pulse_bpm",)),
    ("Weight", ("weight_kg",)),
    ("Temperature", ("temperature_c",)),
    ("Oxygen saturation", ("spo2_percent",)),
    ("Glucose", ("glucose_mmol_l",)),
)


@dataclass(frozen=True)
class Trend:
    title: str
    unit: str
    latest: str
    words: str
    lines: list[Line]
    rows: list[tuple[datetime, str]]


def trends_of(patient: Patient, user) -> Reader:
    """[Trend], one for each kind of measurement that was taken at least twice, from the last MOST_SETS sets."""
    sets = Vitals.objects.filter(encounter__patient=patient).exclude(encounter__status=EncounterStatus.ENTERED_IN_ERROR)
    if user.is_only_patient:
        sets = sets.filter(encounter__patient__user=user)
    newest = sets.order_by("-recorded_at", "-id")[:MOST_SETS]
    yield [newest]
    taken = [_trend(title, names, list(newest)[::-1]) for title, names in _KINDS]
    return [trend for trend in taken if trend]


def _trend(title: str, names: tuple[str, ...], sets: list[Vitals]) -> Trend | None:
    series = [(name, [(row.recorded_at, getattr(row, name)) for row in sets if getattr(row, name) is not None]) for name in names]
    if min(len(points) for _, points in series) < FEWEST_VALUES:
        return None
    unit = VITALS_UNITS[names[0]]
    rows = [(row.recorded_at, _shown(row, names)) for row in reversed(sets) if any(getattr(row, name) is not None for name in names)]
    words = "; ".join(f"{VITALS_LABELS[name]} {in_words(points, unit)}" for name, points in series)
    lines = draw([(VITALS_LABELS[name], points) for name, points in series])
    return Trend(title, unit, rows[0][1], words, lines, rows)


def _shown(row: Vitals, names: tuple[str, ...]) -> str:
    values: list[Decimal | int | None] = [getattr(row, name) for name in names]
    return "/".join("–" if value is None else plain(value) for value in values)
