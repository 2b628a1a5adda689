"""When a reminder goes out, and its calendar file."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from scheduling.rules.slots import Span, day_bounds

FROM_HOUR = 9  # the clinic's wall clock: nobody's telephone rings at night
LEAST_AHEAD = timedelta(hours=1)
_LINE_OCTETS = 75


def window_of(now: datetime, tz: ZoneInfo) -> Span:
    """Starts of the appointments whose day-before reminder is due: tomorrow's from 9 o'clock on, and what is left of today's.

    Today's are there for a clinic whose mail stood still yesterday.
    """
    local = now.astimezone(tz)
    today: date = local.date()
    last = today + timedelta(days=1) if local.time() >= time(FROM_HOUR) else today
    return now + LEAST_AHEAD, day_bounds(last, tz)[1]


@dataclass(frozen=True)
class Event:
    """What a calendar shows. `uid` stays the same when the file is sent again."""

    uid: str
    start: datetime
    end: datetime
    summary: str
    location: str
    stamped_at: datetime


def icalendar(event: Event) -> str:
    """The event as iCalendar (RFC 5545), in UTC, so that every calendar shows it in its own zone."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Clinic//Appointments//EN",
        "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        f"UID:{_text(event.uid)}",
        f"DTSTAMP:{_utc(event.stamped_at)}",
        f"DTSTART:{_utc(event.start)}",
        f"DTEND:{_utc(event.end)}",
        f"SUMMARY:{_text(event.summary)}",
        f"LOCATION:{_text(event.location)}",
        "STATUS:CONFIRMED",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "".join(f"{_folded(line)}\r\n" for line in lines)


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _text(value: str) -> str:
    """Escaped as section 3.3.11 says; carriage returns do not get through."""
    value = value.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return value.replace("\r\n", "\\n").replace("\r", "\\n").replace("\n", "\\n")


def _folded(line: str) -> str:
    """At most 75 octets a line, never cut inside a character; the rest follows after CRLF and a space."""
    parts, size = [""], 0
    for char in line:
        width = len(char.encode())
        if size + width > _LINE_OCTETS:
            parts.append("")
            size = 1  # the space that continues the line
        parts[-1] += char
        size += width
    return "\r\n ".join(parts)
