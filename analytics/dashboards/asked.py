"""What a dashboard is asked for, after it was found to make sense and narrowed to what the asker may see."""

from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db.models import DateField, QuerySet
from django.db.models.functions import Cast, TruncMonth

from clinic.accounts.models import Department, Doctor, Facility

MOST_DAYS_BY_DAY = 62


@dataclass(frozen=True)
class Asked:
    """Days of the clinic, both included; whose figures, where it was narrowed. Both are cut to what is true of each fact."""

    today: date
    date_from: date
    date_to: date
    doctor: Doctor | None = None
    department: Department | None = None
    facility: Facility | None = None
    _answers: dict[Callable, Any] = field(default_factory=dict, compare=False, repr=False)

    def once(self, ask: "Callable[[Asked], Any]") -> Any:
        """What it answers to this; figures of one page that need the same ask for it once."""
        if ask not in self._answers:
            self._answers[ask] = ask(self)
        return self._answers[ask]

    @property
    def keys(self) -> dict[str, int]:
        """The columns of a fact that are asked for."""
        asked = {"doctor_id": self.doctor, "department_id": self.department, "facility_id": self.facility}
        return {name: row.pk for name, row in asked.items() if row is not None}

    def narrowed(self, rows: QuerySet) -> QuerySet:
        return rows.filter(date__range=(self.date_from, self.date_to), **self.keys)

    @property
    def whole_months(self) -> tuple[date, date] | None:
        """The first day of the first and of the one after the last, of those that lie within; None without any."""
        first = self.date_from if self.date_from.day == 1 else next_month(self.date_from)
        end = next_month(self.date_to) if self.date_to == last_of(self.date_to) else self.date_to.replace(day=1)
        return (first, end) if first < end else None

    def during(self, date_from: date, date_to: date) -> "Asked":
        return replace(self, date_from=date_from, date_to=date_to, _answers={})

    @property
    def by_day(self) -> bool:
        """Whether a row is a day; of longer times it is a month."""
        return (self.date_to - self.date_from).days < MOST_DAYS_BY_DAY

    @property
    def period(self):
        """The day or the first of the month that a fact belongs to, for `annotate`."""
        return Cast("date", DateField()) if self.by_day else TruncMonth("date")

    def periods(self) -> Iterator[tuple[date, dict[str, date]]]:
        """(key, days that it covers) of each day or month asked for, up to today."""
        last = min(self.date_to, self.today)
        day = self.date_from if self.by_day else self.date_from.replace(day=1)
        while day <= last:
            end = day if self.by_day else last_of(day)
            yield day, {"date_from": max(day, self.date_from), "date_to": min(end, self.date_to)}
            day = end + timedelta(days=1)


def last_of(day: date) -> date:
    """The last day of its month."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def next_month(day: date) -> date:
    """The first day of the month after its own."""
    return last_of(day) + timedelta(days=1)


def who(doctor: UUID | None = None, department: UUID | None = None) -> dict[str, UUID]:
    """The query that narrows to one of them; nothing for none."""
    return {name: key for name, key in (("doctor", doctor), ("department", department)) if key}
