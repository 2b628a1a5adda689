"""Notes by their words, from PostgreSQL alone; and words for the next one."""

from datetime import datetime

from django.db.models import QuerySet

from clinic.core.mongo import MongoDown
from patients import stores
from patients.models import ClinicalNote, Encounter
from patients.rules.search import LONGEST_QUERY
from patients.rules.symptoms import suggested

NEWEST = 1_000  # notes that say which symptoms are usual


def search_notes(query: str, user, *, now: datetime) -> QuerySet:
    """Current versions that hold the words, of visits that this person may see in charts that are open to them; the newest first."""
    visits = Encounter.objects.visible_to(user).of_open_charts(user, now=now).exclude(status="entered_in_error")
    words = query.replace("\0", "")[:LONGEST_QUERY]
    found = ClinicalNote.objects.of_words(words).current().filter(encounter__in=visits)
    return found.select_related("author", "encounter__patient", "encounter__doctor__user").order_by("-written_at", "-id")


def symptom_words() -> list[str]:
    """What to offer for a symptom; without MongoDB the common ones."""
    try:
        return suggested(stores.newest_symptoms(NEWEST))
    except MongoDown:
        return suggested([])
