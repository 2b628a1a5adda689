"""The only row locks of scheduling, and their order.

    request -> date of a series -> doctors (bookings, by id) -> waitlist entry -> appointment -> queue day -> token -> encounter, patient

A request is a press of a button by its request_id: a second press waits here until the first one is
done, before it takes anything of its own.

A booking takes the doctor first, so that racing bookings queue up instead of deadlocking in the
exclusion constraint, then the patient. A doctor or patient of an appointment never changes, so they
may be read before they are locked. Each lock is FOR NO KEY UPDATE: foreign keys to the row go on.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from uuid import UUID

from django.db import connection

from clinic.accounts.models import Doctor
from clinic.core.errors import NotFound
from patients.locks import lock_patient
from scheduling.models import Appointment, Queue, QueueDay, Reminder, ReminderStatus, SeriesDate, Token, TokenStatus, WaitlistEntry

__all__ = [
    "alone",
    "lock_appointment",
    "lock_doctors",
    "lock_next_token",
    "lock_patient",
    "lock_queue",
    "lock_queue_day",
    "lock_request",
    "lock_series_date",
    "lock_stale_reminders",
    "lock_token",
    "lock_waitlist_entry",
]


def lock_request(request_id: UUID | None) -> None:
    """Until the transaction ends nobody else does what this request does."""
    if request_id is not None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 29))", [str(request_id)])


@contextmanager
def alone(what: str) -> Iterator[bool]:
    """Whether nobody else does `what` while the block runs. Never waits, and needs no transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 31))", [what])
        [is_alone] = cursor.fetchone()
    try:
        yield is_alone
    finally:
        if is_alone:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 31))", [what])


def lock_doctors(*doctor_ids: int) -> dict[int, Doctor]:
    """The doctors by id. Raises NotFound when one does not exist."""
    rows = Doctor.objects.select_for_update(no_key=True, of=("self",)).filter(pk__in=set(doctor_ids)).order_by("pk")
    doctors = {doctor.pk: doctor for doctor in rows}
    if len(doctors) < len(set(doctor_ids)):
        raise NotFound
    return doctors


def lock_appointment(appointment_id: int) -> Appointment:
    """With patient and doctor read along. Raises NotFound."""
    rows = Appointment.objects.select_for_update(no_key=True, of=("self",)).select_related("patient", "doctor__user")
    appointment = rows.filter(pk=appointment_id).first()
    if appointment is None:
        raise NotFound
    return appointment


def lock_waitlist_entry(entry_id: int) -> WaitlistEntry:
    """With the patient read along; its offers change under this lock only. Raises NotFound."""
    rows = WaitlistEntry.objects.select_for_update(no_key=True, of=("self",)).select_related("patient", "appointment")
    entry = rows.filter(pk=entry_id).first()
    if entry is None:
        raise NotFound
    return entry


def lock_series_date(date_id: int) -> SeriesDate:
    """With series and patient read along."""
    rows = SeriesDate.objects.select_for_update(no_key=True, of=("self",)).select_related("series__patient", "series__doctor")
    return rows.get(pk=date_id)


def lock_stale_reminders(now: datetime, limit: int) -> list[Reminder]:
    """Claims whose run has died, oldest first; those that another run takes at this moment are passed over."""
    rows = Reminder.objects.select_for_update(no_key=True, skip_locked=True)
    return list(rows.filter(status=ReminderStatus.CLAIMED, leased_until__lte=now).order_by("leased_until", "pk")[:limit])


def lock_queue(queue_id: int) -> Queue:
    queue = Queue.objects.select_for_update(no_key=True, of=("self",)).filter(pk=queue_id).first()
    if queue is None:
        raise NotFound
    return queue


def lock_queue_day(queue_id: int, on: date) -> QueueDay:
    """The counter row of a queue's day, made when the day begins."""
    rows = QueueDay.objects.select_for_update(no_key=True).filter(queue_id=queue_id, on=on)
    day = rows.first()
    if day is None:
        QueueDay.objects.bulk_create([QueueDay(queue_id=queue_id, on=on)], ignore_conflicts=True)
        day = rows.get()
    return day


def lock_token(token_id: int) -> Token:
    """With queue and patient read along. Raises NotFound."""
    rows = Token.objects.select_for_update(no_key=True, of=("self",))
    token = rows.select_related("queue__doctor__user", "queue__department", "patient").filter(pk=token_id).first()
    if token is None:
        raise NotFound
    return token


def lock_next_token(queue_id: int, on: date) -> Token | None:
    """The first waiting token that nobody else is taking at this moment; None when there is none."""
    rows = Token.objects.select_for_update(no_key=True, of=("self",), skip_locked=True)
    waiting = rows.filter(queue_id=queue_id, on=on, status=TokenStatus.WAITING).order_by("turn_at", "id")
    return waiting.select_related("queue__doctor__user", "queue__department", "patient").first()
