"""How long people waited from check-in to their call, of visits whose patient was called."""

from django.db.models import Count, Max, QuerySet
from django.db.models.functions import ExtractIsoWeekDay

from analytics.dashboards.asked import Asked, who
from analytics.dashboards.definition import ACROSS, BARS, COUNT, LINE, MINUTES, PERIOD, WORDS, Column, Figure, Row
from analytics.dashboards.figures.shares import Percentile
from analytics.models import FactVisit
from patients.models.encounter import EncounterStatus

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def called(asked: Asked) -> QuerySet:
    """Visits whose wait is known."""
    visits = FactVisit.objects.filter(wait_minutes__isnull=False).exclude(status=EncounterStatus.ENTERED_IN_ERROR)
    return asked.narrowed(visits)


def _measured(asked: Asked, *by: str, **named):
    groups = called(asked).annotate(**named).order_by().values(*by, *named)
    return groups.annotate(
        called=Count("pk"),
        median=Percentile("wait_minutes", share=0.5),
        most=Percentile("wait_minutes", share=0.9),
        longest=Max("wait_minutes"),
    )


def _row(first: dict, cell: dict, behind: dict) -> Row:
    return Row({**cell, **first}, behind | {"wait": "known"})


def _by_period(asked: Asked) -> list[Row]:
    """A day without anybody has no median: the line has a gap there."""
    found = {cell["period"]: cell for cell in _measured(asked, period=asked.period)}
    nothing = {"called": 0, "median": None, "most": None, "longest": None}
    return [_row({"period": key}, found.get(key, nothing), days) for key, days in asked.periods()] if found else []


def _by_weekday(asked: Asked) -> list[Row]:
    cells = _measured(asked, weekday=ExtractIsoWeekDay("date")).order_by("weekday")
    return [_row({"weekday": WEEKDAYS[cell["weekday"] - 1]}, cell, {"weekday": cell["weekday"]}) for cell in cells]


def _by_department(asked: Asked) -> list[Row]:
    cells = _measured(asked, "department__public_id", "department__name").order_by("department__name", "department__public_id")
    return [_row({"department": cell["department__name"]}, cell, who(department=cell["department__public_id"])) for cell in cells]


def _by_doctor(asked: Asked) -> list[Row]:
    cells = _measured(asked, "doctor__public_id", "doctor__name").order_by("-median", "doctor__name", "doctor__public_id")
    return [_row({"doctor": cell["doctor__name"]}, cell, who(cell["doctor__public_id"])) for cell in cells]


def _columns(first: Column) -> tuple[Column, ...]:
    return (
        first,
        Column("called", "Called", COUNT),
        Column("median", "Median", MINUTES, drawn=True),
        Column("most", "9 of 10 within", MINUTES, drawn=True),
        Column("longest", "Longest", MINUTES),
    )


_EMPTY = "Nobody was called in these days."
BY_PERIOD = Figure(
    "by-time",
    "Waiting time",
    _columns(Column("period", "When", PERIOD)),
    _by_period,
    chart=LINE,
    note="Minutes from check-in to the call. Who left before the call is not in it.",
    behind="visits",
    empty=_EMPTY,
)
BY_WEEKDAY = Figure(
    "by-weekday",
    "By weekday",
    _columns(Column("weekday", "Weekday", WORDS)),
    _by_weekday,
    chart=BARS,
    note="Minutes.",
    behind="visits",
    empty=_EMPTY,
)
BY_DEPARTMENT = Figure(
    "by-department",
    "By department",
    _columns(Column("department", "Department", WORDS)),
    _by_department,
    chart=ACROSS,
    note="Minutes.",
    behind="visits",
    empty=_EMPTY,
)
BY_DOCTOR = Figure(
    "by-doctor",
    "By doctor",
    _columns(Column("doctor", "Doctor", WORDS)),
    _by_doctor,
    chart=ACROSS,
    charted=20,
    note="Minutes. The 20 with the longest median are drawn.",
    behind="visits",
    empty=_EMPTY,
)
