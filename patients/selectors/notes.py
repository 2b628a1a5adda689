"""Notes by their words, from PostgreSQL alone."""

from datetime import datetime

from django.db.models import QuerySet

from patients.models import ClinicalNote, Encounter
from patients.rules.search import LONGEST_QUERY


def search_notes(query: str, user, *, now: datetime) -> QuerySet:
    """Current versions that hold the words, of visits that this person may see in charts that are open to them; the newest first."""
    visits = Encounter.objects.visible_to(user).of_open_charts(user, now=now).exclude(status="entered_in_error")
    words = query.replace("\0", "")[:LONGEST_QUERY]
    found = ClinicalNote.objects.of_words(words).current().filter(encounter__in=visits)
    return found.select_related("author", "encounter__patient", "encounter__doctor__user").order_by("-written_at", "-id")
