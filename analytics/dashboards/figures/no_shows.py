"""Who did not come, of the appointments that were kept or missed."""

from collections import defaultdict
from collections.abc import Hashable, Iterable
from datetime import date

from django.db.models import Case, Count, IntegerField, Q, Value, When

from analytics.dashboards.asked import Asked, who
from analytics.dashboards.definition import ACROSS, BARS, COUNT, LINE, PERCENT, PERIOD, WORDS, Column, Figure, Row
from analytics.dashboards.figures import cells
from analytics.dashboards.figures.shares import percent
from analytics.dashboards.figures.waits import WEEKDAYS
from analytics.models import FactAppointment
from analytics.rules.no_shows import LEAD_BANDS, Seen
from scheduling.models import AppointmentStatus

DECIDED = (AppointmentStatus.COMPLETED, AppointmentStatus.NO_SHOW)


def lead_band() -> Case:
    """The lower end of the band of days between booking and start."""
    bands = [When(lead_days__gte=start, then=Value(start)) for start, _ in reversed(LEAD_BANDS)]
    return Case(*bands, output_field=IntegerField())


def _row(first: dict, seen: Seen, behind: dict) -> Row:
    shown = {"due": seen.appointments, "missed": seen.missed, "share": percent(seen.missed, seen.appointments)}
    return Row(first | shown, behind | {"status": AppointmentStatus.NO_SHOW.value})


def _seen(cell: cells.Sums) -> Seen:
    return Seen(cell["completed"] + cell["no_shows"], cell["no_shows"])


def _totals(pairs: Iterable[tuple[Hashable, Seen]]) -> dict:
    """By key, in the order of the keys; without those of which nothing is decided."""
    totals: dict = defaultdict(Seen)
    for key, seen in pairs:
        totals[key] += seen
    return {key: totals[key] for key in sorted(totals) if totals[key].appointments}


def _by_date(asked: Asked) -> dict[date, Seen]:
    return {day: _seen(cell) for day, cell in cells.by_date(asked).items()}


def _by_period(asked: Asked) -> list[Row]:
    found = _totals((day if asked.by_day else day.replace(day=1), seen) for day, seen in asked.once(_by_date).items())
    return [_row({"period": key}, found.get(key, Seen()), days) for key, days in asked.periods()] if found else []


def _by_weekday(asked: Asked) -> list[Row]:
    found = _totals((day.isoweekday(), seen) for day, seen in asked.once(_by_date).items())
    return [_row({"weekday": WEEKDAYS[weekday - 1]}, seen, {"weekday": weekday}) for weekday, seen in found.items()]


def _by_hour_and_lead(asked: Asked) -> dict[tuple[int, int], Seen]:
    """From the appointments themselves: their sums know neither."""
    decided = asked.narrowed(FactAppointment.objects.filter(status__in=DECIDED)).annotate(lead=lead_band()).order_by()
    counted = decided.values_list("hour", "lead").annotate(due=Count("pk"), missed=Count("pk", filter=Q(is_no_show=True)))
    return {(hour, lead): Seen(due, missed) for hour, lead, due, missed in counted}


def _by_hour(asked: Asked) -> list[Row]:
    found = _totals((hour, seen) for (hour, _), seen in asked.once(_by_hour_and_lead).items())
    return [_row({"hour": f"{hour:02}:00"}, seen, {"hour": hour}) for hour, seen in found.items()]


def _by_lead(asked: Asked) -> list[Row]:
    words = dict(LEAD_BANDS)
    found = _totals((lead, seen) for (_, lead), seen in asked.once(_by_hour_and_lead).items())
    return [_row({"lead": words[lead].capitalize()}, seen, {"lead": lead}) for lead, seen in found.items()]


def _by_doctor(asked: Asked) -> list[Row]:
    due = [cell for cell in cells.by_doctor(asked) if cell["completed"] or cell["no_shows"]]
    due.sort(key=lambda cell: -cell["no_shows"])
    return [_row({"doctor": cell["doctor"]}, _seen(cell), who(cell["public_id"])) for cell in due]


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
