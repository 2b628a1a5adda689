"""The dashboards there are, in the order of the tabs."""

from collections.abc import Callable, Mapping
from decimal import Decimal

from analytics.dashboards.definition import COUNT, MINUTES, MONEY, NUMBER, PERCENT, Dashboard, Row, Stat
from analytics.dashboards.figures import expected, load, money, no_shows, risk, stock, symptoms, waits
from analytics.dashboards.figures.shares import percent
from analytics.permissions import VIEW_OWN_FIGURES, VIEW_REPORTS

_Answers = Mapping[str, list[Row]]


def _total(figure: str, column: str) -> Callable[[_Answers], int | Decimal]:
    return lambda answers: sum(row.cells[column] for row in answers[figure])


def _share(figure: str, part: str, *whole: str) -> Callable[[_Answers], float | None]:
    def share(answers: _Answers) -> float | None:
        rows = answers[figure]
        return percent(sum(row.cells[part] for row in rows), sum(row.cells[column] for row in rows for column in whole))

    return share


def _longest(answers: _Answers) -> int | None:
    return max((row.cells["longest"] for row in answers["by-weekday"]), default=None)


def _error(place: int) -> Callable[[_Answers], float | None]:
    """Of the method in use (0), or of the plainest (1)."""

    def error(answers: _Answers) -> float | None:
        rows = [row.cells for row in answers["errors"]]
        chosen = [cells["error"] for cells in rows if cells["chosen"]]
        return (chosen[0], rows[0]["error"])[place] if rows else None

    return error


OVERVIEW = Dashboard(
    "overview",
    "Overview",
    "Visits, appointments and who bears them",
    (load.VISITS, load.TOP_DOCTORS, load.DEPARTMENTS, load.WORKLOAD),
    stats=(
        Stat("Visits", COUNT, _total("department-load", "visits")),
        Stat("Appointments", COUNT, _total("department-load", "appointments")),
        Stat("Missed", PERCENT, _share("department-load", "no_shows", "no_shows", "completed")),
        Stat("Charged", MONEY, _total("department-load", "charge")),
    ),
    days=365,
    codenames=(VIEW_REPORTS,),
)
OWN = Dashboard(
    "own",
    "My figures",
    "Your own visits and appointments; nobody else's",
    (load.VISITS, load.OUTCOMES, waits.BY_PERIOD, no_shows.BY_LEAD),
    stats=(
        Stat("Visits", COUNT, _total("monthly-visits", "visits")),
        Stat("Walk-ins", COUNT, _total("monthly-visits", "walk_ins")),
        Stat("Missed", PERCENT, _share("by-lead", "missed", "due")),
        Stat("Charged", MONEY, _total("monthly-visits", "charge")),
    ),
    days=90,
    filters=(),
    codenames=(VIEW_OWN_FIGURES,),
    own_only=True,
)
REVENUE = Dashboard(
    "revenue",
    "Revenue",
    "Money received and given back",
    (money.BY_PERIOD, money.BY_METHOD, money.BY_DEPARTMENT, money.BY_DOCTOR),
    stats=(
        Stat("Received", MONEY, _total("by-way", "received")),
        Stat("Given back", MONEY, _total("by-way", "back")),
        Stat("Net", MONEY, _total("by-way", "net")),
    ),
)
WAITS = Dashboard(
    "waits",
    "Waiting times",
    "From check-in to the call",
    (waits.BY_PERIOD, waits.BY_WEEKDAY, waits.BY_DEPARTMENT, waits.BY_DOCTOR),
    stats=(
        Stat("Called", COUNT, _total("by-weekday", "called")),
        Stat("Longest wait, minutes", MINUTES, _longest),
    ),
)
NO_SHOWS = Dashboard(
    "no-shows",
    "No-shows",
    "Appointments that the patient did not come to",
    (no_shows.BY_PERIOD, no_shows.BY_WEEKDAY, no_shows.BY_HOUR, no_shows.BY_LEAD, no_shows.BY_DOCTOR),
    stats=(
        Stat("Kept or missed", COUNT, _total("by-weekday", "due")),
        Stat("Missed", COUNT, _total("by-weekday", "missed")),
        Stat("Missed", PERCENT, _share("by-weekday", "missed", "due")),
    ),
    days=90,
)
RISK = Dashboard(
    "no-show-risk",
    "No-show risk",
    "Who may not come, and how far to trust it",
    (risk.SOON, risk.WORTH, risk.CALIBRATION, risk.RISKS),
    ahead=True,
)
FORECAST = Dashboard(
    "forecast",
    "Forecast",
    "Visits of the next two weeks, and how far to trust it",
    (expected.DAYS, expected.ERRORS),
    stats=(
        Stat("Off by, visits a day", NUMBER, _error(0)),
        Stat("The plainest method is off by", NUMBER, _error(1)),
    ),
    ahead=True,
)
STOCK = Dashboard(
    "stock",
    "Stock",
    "What the pharmacy holds, and what it handed out",
    (stock.VALUE, stock.GIVEN, stock.EXPIRING, stock.GIVEN_BY_PERIOD),
    stats=(
        Stat("Value in stock", MONEY, _total("value", "value"), live=True),
        Stat("Not to be given out", MONEY, _total("value", "unusable"), live=True),
        Stat("Cost of what was handed out", MONEY, _total("given", "cost")),
    ),
    filters=(),
    codenames=(VIEW_REPORTS,),
)
SYMPTOMS = Dashboard("symptoms", "Symptoms", "What patients complained of, by the notes", (symptoms.FREQUENCY,), days=90)

DASHBOARDS = {each.key: each for each in (OVERVIEW, OWN, REVENUE, WAITS, NO_SHOWS, RISK, FORECAST, STOCK, SYMPTOMS)}
