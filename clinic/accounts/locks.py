"""The only row locks of accounts. Everyone else's locks come first, except a booking, which starts with its doctors.

`FOR NO KEY UPDATE`: rows that merely point at a doctor can still be added.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.utils import timezone

from clinic.accounts.models import ApiSession, Doctor, MailedLink


def lock_doctor(doctor_id: int) -> Doctor:
    return Doctor.objects.select_for_update(of=("self",), no_key=True).get(pk=doctor_id)


def lock_doctors(doctor_ids: Iterable[int]) -> dict[int, Doctor]:
    """Lock several, in the order of their ids: {id: doctor}."""
    rows = Doctor.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=set(doctor_ids)).order_by("pk")
    return {doctor.pk: doctor for doctor in rows}


def lock_live_session(public_id: UUID) -> ApiSession | None:
    return (
        ApiSession.objects.select_for_update(of=("self",))
        .select_related("user")
        .filter(public_id=public_id, revoked_at=None, expires_at__gt=timezone.now(), user__is_active=True)
        .first()
    )


def lock_words(*words: str) -> None:
    """Whoever counts rows of the same words waits; in the order of the words, until the transaction ends."""
    with connection.cursor() as cursor:
        for word in sorted(words):
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 28))", [word])


def lock_link(public_id: UUID) -> MailedLink | None:
    return MailedLink.objects.select_for_update(of=("self",)).filter(public_id=public_id).first()


def lock_unsent_links(now: datetime, most: int, most_attempts: int) -> list[MailedLink]:
    """Mails to send, without those that another run has in hand."""
    rows = MailedLink.objects.select_for_update(skip_locked=True).filter(sent_at=None, expires_at__gt=now, attempts__lt=most_attempts)
    return list(rows.exclude(leased_until__gt=now).order_by("pk")[:most])
