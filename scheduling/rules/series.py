"""On which dates a series of appointments falls, and when on each."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def dates_of(first: date, *, every_weeks: int, most: int, count: int | None = None, until: date | None = None) -> list[date]:
    """The same weekday every `every_weeks` weeks: `count` dates, or those up to `until` (included); no more than `most` + 1."""
    dates = [first]
    while len(dates) != count and len(dates) <= most:
        following = dates[-1] + timedelta(weeks=every_weeks)
        if until is not None and following > until:
            break
        dates.append(following)
    return dates


def instant_of(on: date, wall: time, tz: ZoneInfo) -> datetime | None:
    """When the clinic's clocks show `wall` on that date, at their first pass; None when they skip it."""
    at = datetime.combine(on, wall, tzinfo=tz).astimezone(UTC)
    return at if at.astimezone(tz).replace(tzinfo=None) == datetime.combine(on, wall) else None
