"""Where measured values stand in a small picture. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

WIDTH, HEIGHT, MARGIN = 240, 64, 6


@dataclass(frozen=True)
class Line:
    """A row of values over time as SVG: the points of a polyline, and the last one for its dot."""

    label: str
    points: str
    last: tuple[float, float]


def draw(series: Sequence[tuple[str, Sequence[tuple[datetime, Decimal]]]]) -> list[Line]:
    """(label, [(when, value)]) -> lines on one scale; time runs to the right as it ran, not visit by visit."""
    everything = [point for _, points in series for point in points]
    if not everything:
        return []
    times, values = [at.timestamp() for at, _ in everything], [float(value) for _, value in everything]
    across, up = _scale(min(times), max(times), WIDTH), _scale(min(values), max(values), HEIGHT)
    lines = []
    for label, points in series:
        places = [(across(at.timestamp()), round(HEIGHT - up(float(value)), 1)) for at, value in points]
        if places:
            lines.append(Line(label, " ".join(f"{x:g},{y:g}" for x, y in places), places[-1]))
    return lines


def _scale(lowest: float, highest: float, size: int):
    """Between the margins; a value that never changes lies in the middle."""
    room, span = size - 2 * MARGIN, highest - lowest
    return lambda value: round(MARGIN + (room * (value - lowest) / span if span else room / 2), 1)


def in_words(points: Sequence[tuple[datetime, Decimal]], unit: str) -> str:
    """'from 84 kg to 79.5 kg, 3 values': what a picture says, for who cannot see it."""
    first, last = points[0][1], points[-1][1]
    moved = "unchanged at" if first == last else f"from {plain(first)} {unit} to"
    return f"{moved} {plain(last)} {unit}, {len(points)} values"


def plain(value: Decimal) -> str:
    return f"{Decimal(value).normalize():f}"
