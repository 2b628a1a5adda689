"""Who did not come, of the appointments that were kept or missed."""

from django.db.models import Case, Count, IntegerField, Q, QuerySet, Value, When

from analytics.dashboards.asked import Asked, who
from analytics.dashboards.definition import ACROSS, BARS, COUNT, LINE, PERCENT, PERIOD, WORDS, Column, Figure, Row
from analytics.dashboards.figures.shares import percent
from analytics.dashboards.figures.waits import WEEKDAYS
from analytics.models import FactAppointment
from analytics.rules.no_shows import LEAD_BANDS
from scheduling.models import AppointmentStatus

DECIDED = (AppointmentStatus.COMPLETED, AppointmentStatus.NO_SHOW)


def decided(asked: Asked) -> QuerySet:
    """Appointments of which it is known whether the patient came."""
    return asked.narrowed(FactAppointment.objects.filter(status__in=DECIDED))


def lead_band() -> Case:
    """The lower end of the band of days between booking and start."""
    bands = [When(lead_days__gte=start, then=Value(start)) for start, _ in reversed(LEAD_BANDS)]
    return Case(*bands, output_field=IntegerField())


def _counted(asked: Asked, *by: str, **named):
    groups = decided(asked).annotate(**named).order_by().values(*by, *named)
    return groups.annotate(due=Count("pk"), missed=Count("pk", filter=Q(is_no_show=True)))


def _row(first: dict, cell: dict, behind: dict) -> Row:
    shown = {"due": cell["due"], "missed": cell["missed"], "share": percent(cell["missed"], cell["due"])}
    return Row(first | shown, behind | {"status": AppointmentStatus.NO_SHOW.value})


def _by_period(asked: Asked) -> list[Row]:
    found = {cell["period"]: cell for cell in _counted(asked, period=asked.period)}
    nothing = {"due": 0, "missed": 0}
    return [_row({"period": key}, found.get(key, nothing), days) for key, days in asked.periods()] if found else []


def _by_weekday(asked: Asked) -> list[Row]:
    cells = _counted(asked, "weekday").order_by("weekday")
    return [_row({"weekday": WEEKDAYS[cell["weekday"] - 1]}, cell, {"weekday": cell["weekday"]}) for cell in cells]


def _by_hour(asked: Asked) -> list[Row]:
    return [_row({"hour": f"{cell['hour']:02}:00"}, cell, {"hour": cell["hour"]}) for cell in _counted(asked, "hour").order_by("hour")]


def _by_lead(asked: Asked) -> list[Row]:
    words = dict(LEAD_BANDS)
    cells = _counted(asked, lead=lead_band()).order_by("lead")
    return [_row({"lead": words[cell["lead"]].capitalize()}, cell, {"lead": cell["lead"]}) for cell in cells]


def _by_doctor(asked: Asked) -> list[Row]:
    cells = _counted(asked, "doctor__public_id", "doctor__name").order_by("-missed", "doctor__name", "doctor__public_id")
    return [_row({"doctor": cell["doctor__name"]}, cell, who(cell["doctor__public_id"])) for cell in cells]


def _columns(first: Column) -> tuple[Column, ...]:
    return (
        first,
        Column("due", "Kept or missed", COUNT),
        Column("missed", "Missed", COUNT),
        Column("share", "Missed, %", PERCENT, drawn=True),
    )


_EMPTY = "No appointment was kept or missed in these days."


def _figure(key: str, title: str, first: Column, rows, chart: str, **more) -> Figure:
    return Figure(key, title, _columns(first), rows, chart=chart, behind="appointments", empty=_EMPTY, **more)


BY_PERIOD = _figure(
    "by-time",
    "Missed appointments",
    Column("period", "When", PERIOD),
    _by_period,
    LINE,
    note="Of those kept or missed: cancelled and moved ones are not counted, nor those that nobody has decided yet.",
)
BY_WEEKDAY = _figure("by-weekday", "Missed, by weekday", Column("weekday", "Weekday", WORDS), _by_weekday, BARS)
BY_HOUR = _figure("by-hour", "Missed, by hour of the start", Column("hour", "Hour", WORDS), _by_hour, BARS)
BY_LEAD = _figure("by-lead", "Missed, by days from booking to start", Column("lead", "Booked ahead", WORDS), _by_lead, BARS)
BY_DOCTOR = _figure(
    "by-doctor",
    "Missed, by doctor",
    Column("doctor", "Doctor", WORDS),
    _by_doctor,
    ACROSS,
    charted=20,
    note="The 20 with the most are drawn.",
)
