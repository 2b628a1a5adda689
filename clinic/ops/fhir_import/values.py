"""Getting at what a resource says, whatever shape it really has: a wrong shape reads as 'not said'."""

import re
from datetime import date, datetime, time

from django.utils import timezone

_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")


def words(value) -> str:
    """A text on one line that both databases can store."""
    if not isinstance(value, str):
        return ""
    storable = value.replace("\0", " ").encode("utf-8", "ignore").decode()
    return " ".join(storable.split())


def text(resource, name: str) -> str:
    return words(resource.get(name)) if isinstance(resource, dict) else ""


def part(resource, name: str) -> dict:
    value = resource.get(name) if isinstance(resource, dict) else None
    return value if isinstance(value, dict) else {}


def parts(resource, name: str) -> list[dict]:
    """The objects of a list; a single object reads as a list of one."""
    value = resource.get(name) if isinstance(resource, dict) else None
    if isinstance(value, dict):
        return [value]
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def texts(resource, name: str) -> list[str]:
    value = resource.get(name) if isinstance(resource, dict) else None
    return [said for each in value if (said := words(each))] if isinstance(value, list) else []


def concept_words(concept: dict) -> str:
    """What a CodeableConcept says to people: its text, or the first display."""
    return text(concept, "text") or next((said for coding in parts(concept, "coding") if (said := text(coding, "display"))), "")


def codes(concept: dict) -> list[tuple[str, str]]:
    """[(system, code)]"""
    return [(text(coding, "system"), text(coding, "code")) for coding in parts(concept, "coding") if text(coding, "code")]


def status_code(resource: dict, name: str) -> str:
    """The code of a status that R4 gives as a concept, and older data as a plain word."""
    return text(resource, name) or next((code for _, code in codes(part(resource, name))), "")


def partial_date(value) -> tuple[date, str] | None:
    """(date, precision): '1971' -> (1 January 1971, 'year')."""
    match = _DATE.match(value) if isinstance(value, str) else None
    if not match:
        return None
    year, month, day = match.groups()
    try:
        return date(int(year), int(month or 1), int(day or 1)), "day" if day else "month" if month else "year"
    except ValueError:
        return None


def instant(value) -> datetime | None:
    """An aware moment; a bare date is its midnight in the clinic's time zone."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        known = partial_date(value)
        moment = datetime.combine(known[0], time.min) if known else None
    return timezone.make_aware(moment) if moment and timezone.is_naive(moment) else moment
