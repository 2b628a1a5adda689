"""The waitlist as its page and its sweep read it."""

from collections import defaultdict
from datetime import datetime

from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from django.utils import timezone

from clinic.accounts.models import Doctor
from patients.models import PatientStatus
from scheduling.models import OfferStatus, WaitlistEntry, WaitlistOffer
from scheduling.rules.waitlist import Wish


def open_offers(user) -> QuerySet:
    """Offers that are not answered, the soonest to expire first."""
    rows = WaitlistOffer.objects.visible_to(user).filter(status=OfferStatus.OPEN)
    return rows.select_related("entry__patient", "doctor__user", "doctor__department").order_by("expires_at", "id")


def waiting_entries(user) -> QuerySet:
    """Entries in the order of the list, each with `offers_made` (closed offers, the last first): 2 queries."""
    made = WaitlistOffer.objects.exclude(status=OfferStatus.OPEN).order_by("-starts_at")
    rows = WaitlistEntry.objects.waiting().visible_to(user).in_order()
    return rows.select_related("patient", "doctor__user", "department").prefetch_related(
        Prefetch("offers", queryset=made, to_attr="offers_made")
    )


def wishes_of(now: datetime, *, limit: int) -> list[Wish]:
    """Entries that wait without an open offer, in order; those of one department with all its active doctors: 2 queries."""
    is_offered = WaitlistOffer.objects.filter(entry=OuterRef("pk"), status=OfferStatus.OPEN)
    rows = WaitlistEntry.objects.waiting().filter(
        ~Exists(is_offered), last_on__gte=timezone.localdate(now), patient__status=PatientStatus.ACTIVE
    )
    entries = list(rows.in_order().values_list("pk", "first_on", "last_on", "doctor_id", "department_id")[:limit])
    if not entries:
        return []
    by_department, active = defaultdict(set), set()
    for doctor_id, department_id in Doctor.objects.filter(is_active=True).values_list("pk", "department_id"):
        by_department[department_id].add(doctor_id)
        active.add(doctor_id)
    return [
        Wish(pk, first_on, last_on, frozenset({doctor_id} & active if doctor_id else by_department[department_id]))
        for pk, first_on, last_on, doctor_id, department_id in entries
    ]


def refused_times(entry_ids: list[int]) -> list[tuple[int, int, datetime]]:
    """(entry, doctor, start) of what was offered to them before."""
    return list(WaitlistOffer.objects.filter(entry__in=entry_ids).values_list("entry_id", "doctor_id", "starts_at"))
