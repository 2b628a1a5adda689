"""Decisions of patients, as pages show them."""

from dataclasses import dataclass
from datetime import date

from django.db.models import QuerySet

from clinic.core.together import Reader
from patients.models import Attachment, Consent, ConsentCategory, Patient


@dataclass(frozen=True)
class Standing:
    """A category and what was decided last about it; without a decision nobody asked."""

    label: str
    consent: Consent | None
    holds: bool


def standing_of(patient: Patient, on: date) -> Reader:
    """One Standing for each category."""
    newest = Consent.objects.filter(patient=patient).newest_of_each()
    yield [newest]
    found = {consent.category: consent for consent in newest}
    return [Standing(category.label, found.get(category), category in found and found[category].holds(on)) for category in ConsentCategory]


def papers_of(patient: Patient) -> QuerySet:
    """The files that a decision may stand on, the newest first."""
    return Attachment.objects.filter(patient=patient).defer("content").order_by("-uploaded_at", "-id")
