"""Who waits for a time, and whom a time that became free is offered to.

A sweep offers what is free, whatever freed it (a cancelled or moved appointment, added hours), so
nothing has to remember to tell it. The offer's row is the truth; the hold in Redis only lets others
see at once that the time is not to be had.
"""

import logging
from datetime import date, datetime, timedelta
from functools import partial
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry, constraint_of
from clinic.core.errors import InvalidInput, NotFound
from clinic.core.redis import RedisDown
from clinic.core.repeats import earlier
from patients.errors import DoctorInactive, PatientInactive
from scheduling import locks, stores
from scheduling.errors import AlreadyOnWaitlist, OfferClosed, WrongStatus
from scheduling.models import Appointment, OfferStatus, WaitlistEntry, WaitlistOffer, WaitlistStatus
from scheduling.rules import waitlist as rules
from scheduling.rules.queue import band_of
from scheduling.selectors.hours import bookable_by_doctor, bookable_days
from scheduling.selectors.waitlist import refused_times, wishes_of
from scheduling.services import booking, holds

logger = logging.getLogger(__name__)

FURTHEST = timedelta(days=366)
AHEAD_DAYS = 60
MOST_ENTRIES = 200

_REFUSALS = {"waitlist_entry_waits_once_per_doctor", "waitlist_entry_waits_once_per_department"}
_OUTRUN = {"waitlist_offer_slot_to_one_at_a_time", "waitlist_offer_one_open_per_entry", "waitlist_offer_slot_once_per_entry"}


@atomic_with_retry
def add_entry(*, patient_id: int, data: dict, by, on: date, request_id: UUID | None = None) -> WaitlistEntry:
    """Put a patient on the waitlist; `data` holds doctor or department, first_on, last_on, priority, reason.

    Locks the patient. Repeating request_id returns the first entry. Raises PatientInactive,
    DoctorInactive, AlreadyOnWaitlist, InvalidInput.
    """
    patient = locks.lock_patient(patient_id)
    if first := earlier(WaitlistEntry, request_id, patient_id=patient_id):
        return first
    if not patient.is_active:
        raise PatientInactive
    _check_entry(data, on)
    entry = WaitlistEntry(patient=patient, band=band_of(data["priority"]), added_by=by, request_id=request_id, **data)
    try:
        entry.save(force_insert=True)
    except IntegrityError as error:
        if constraint_of(error) in _REFUSALS:
            raise AlreadyOnWaitlist from error
        raise
    _record(
        "added", entry, by=by, changes={"first_on": str(entry.first_on), "last_on": str(entry.last_on), "priority": str(entry.priority)}
    )
    return entry


def _check_entry(data: dict, on: date) -> None:
    if bool(data.get("doctor")) == bool(data.get("department")):
        raise InvalidInput(errors={"place": ["Name a doctor or a department."]})
    if data["last_on"] < data["first_on"]:
        raise InvalidInput(errors={"last_on": ["It lies before the first day."]})
    if data["last_on"] < on:
        raise InvalidInput(errors={"last_on": ["These days have passed."]})
    if data["last_on"] > on + FURTHEST:
        raise InvalidInput(errors={"last_on": ["That is too far ahead."]})
    if data.get("doctor") and not data["doctor"].is_active:
        raise DoctorInactive


@atomic_with_retry
def withdraw_entry(*, entry_id: int, by, now: datetime) -> WaitlistEntry:
    """Take a patient off the list; an open offer is taken back. Locks the entry. Raises WrongStatus."""
    entry = locks.lock_waitlist_entry(entry_id)
    if entry.status == WaitlistStatus.WITHDRAWN:
        return entry
    _require_waiting(entry)
    for offer in entry.offers.filter(status=OfferStatus.OPEN):
        _close(offer, OfferStatus.WITHDRAWN, by=by, now=now)
    entry.save_changes(status=WaitlistStatus.WITHDRAWN)
    _record("withdrawn", entry, by=by)
    return entry


@atomic_with_retry
def accept_offer(*, offer_id: int, by, now: datetime, request_id: UUID | None = None) -> Appointment:
    """Book the offered time for the one whom it was offered to.

    Locks the doctor, the entry, the patient. Accepting twice gives the same appointment. Raises
    OfferClosed, and what booking raises; then the offer stands as it was.
    """
    asked = _offer_of(offer_id)
    locks.lock_doctors(asked.doctor_id)
    entry = locks.lock_waitlist_entry(asked.entry_id)
    offer = _offer_of(offer_id)
    if offer.status == OfferStatus.ACCEPTED:
        return entry.appointment
    if offer.status != OfferStatus.OPEN or offer.expires_at <= now:
        raise OfferClosed
    appointment = booking.book_appointment(
        patient_id=entry.patient_id,
        doctor_id=offer.doctor_id,
        start=offer.starts_at,
        reason=entry.reason,
        offer=offer.public_id,
        by=by,
        now=now,
        request_id=request_id,
    )
    _close(offer, OfferStatus.ACCEPTED, by=by, now=now)
    entry.save_changes(status=WaitlistStatus.BOOKED, appointment=appointment)
    return appointment


@atomic_with_retry
def decline_offer(*, offer_id: int, by, now: datetime) -> WaitlistOffer:
    """The patient does not want this time; it goes to the next, and this patient goes on waiting. Raises OfferClosed."""
    locks.lock_waitlist_entry(_offer_of(offer_id).entry_id)
    offer = _offer_of(offer_id)
    if offer.status == OfferStatus.OPEN:
        _close(offer, OfferStatus.DECLINED, by=by, now=now)
    elif offer.status != OfferStatus.DECLINED:
        raise OfferClosed
    return offer


# --- The sweep -----------------------------------------------------------------------------


def sweep(now: datetime) -> int:
    """Expire what nobody answered, let go of entries whose days have passed, offer what is free; the number of offers."""
    for entry_id in WaitlistOffer.objects.filter(status=OfferStatus.OPEN, expires_at__lte=now).values_list("entry_id", flat=True)[
        :MOST_ENTRIES
    ]:
        _expire(entry_id, now)
    passed = WaitlistEntry.objects.waiting().filter(last_on__lt=timezone.localdate(now))
    for entry_id in passed.values_list("pk", flat=True)[:MOST_ENTRIES]:
        _lapse(entry_id, now)
    return offer_free_times(now)


@atomic_with_retry
def _expire(entry_id: int, now: datetime) -> None:
    entry = locks.lock_waitlist_entry(entry_id)
    for offer in entry.offers.filter(status=OfferStatus.OPEN, expires_at__lte=now):
        _close(offer, OfferStatus.EXPIRED, by=None, now=now)


@atomic_with_retry
def _lapse(entry_id: int, now: datetime) -> None:
    entry = locks.lock_waitlist_entry(entry_id)
    if entry.status == WaitlistStatus.WAITING and not entry.offers.filter(status=OfferStatus.OPEN).exists():
        entry.save_changes(status=WaitlistStatus.LAPSED)
        _record("lapsed", entry, by=None)


def offer_free_times(now: datetime) -> int:
    """Offer each free time that somebody waits for, in the order of the list; the number of offers.

    Each offer is its own transaction. Running it twice at once is harmless: constraints let one win.
    """
    wishes = wishes_of(now, limit=MOST_ENTRIES)
    if not wishes:
        return 0
    first = timezone.localdate(now)
    days = min((max(wish.last_on for wish in wishes) - first).days + 1, AHEAD_DAYS)
    free = bookable_by_doctor({pk for wish in wishes for pk in wish.doctor_ids}, first=first, days=days, now=now)
    found = rules.match(wishes, free, refused=refused_times([wish.entry_id for wish in wishes]), now=now)
    return sum(_try_offer(each, now) for each in found)


def _try_offer(found: rules.Match, now: datetime) -> bool:
    try:
        return _insert_offer(found, now)
    except IntegrityError as error:
        if constraint_of(error) in _OUTRUN:
            return False
        raise


@atomic_with_retry
def _insert_offer(found: rules.Match, now: datetime) -> bool:
    """Under the doctor's lock the time is looked at again: nobody books it meanwhile."""
    locks.lock_doctors(found.doctor_id)
    entry = locks.lock_waitlist_entry(found.entry_id)
    on = timezone.localdate(found.slot.start)
    [day] = bookable_days(doctor_id=found.doctor_id, first=on, days=1, now=now)
    if entry.status != WaitlistStatus.WAITING or found.slot.start not in {slot.start for slot in day.available}:
        return False
    offer = WaitlistOffer.objects.create(
        entry=entry,
        doctor_id=found.doctor_id,
        starts_at=found.slot.start,
        ends_at=found.slot.end,
        expires_at=rules.expiry_of(found.slot.start, now),
    )
    _record("offered", entry, by=None, changes={"offer": str(offer.public_id), "start": offer.starts_at.isoformat()})
    transaction.on_commit(partial(_hold, offer, now))
    return True


# --- Reading and writing -----------------------------------------------------------------------


def _offer_of(offer_id: int) -> WaitlistOffer:
    offer = WaitlistOffer.objects.select_related("entry__patient").filter(pk=offer_id).first()
    if offer is None:
        raise NotFound
    return offer


def _close(offer: WaitlistOffer, status: OfferStatus, *, by, now: datetime) -> None:
    """The caller holds the lock of the offer's entry."""
    offer.status, offer.closed_at, offer.closed_by = status, now, by
    offer.save(update_fields=["status", "closed_at", "closed_by"])
    _record(f"offer_{status}", offer.entry, by=by, changes={"offer": str(offer.public_id)})
    transaction.on_commit(partial(holds.release_hold, doctor_id=offer.doctor_id, start=offer.starts_at, hold=_hold_value(offer)))


def _hold(offer: WaitlistOffer, now: datetime) -> None:
    try:
        stores.take_hold(offer.doctor_id, offer.starts_at, _hold_value(offer), int((offer.expires_at - now).total_seconds()))
    except RedisDown:
        logger.info("offered time not held, redis is down; its row keeps it")


def _hold_value(offer: WaitlistOffer) -> str:
    return f"waitlist:{offer.public_id}"


def _require_waiting(entry: WaitlistEntry) -> None:
    if entry.status != WaitlistStatus.WAITING:
        raise WrongStatus(f"The entry is {entry.get_status_display().lower()}.", current_status=entry.status)


def _record(what: str, entry: WaitlistEntry, *, by, changes: dict | None = None) -> None:
    record(action=f"scheduling.waitlist.{what}", actor=by, subject=entry, patient=entry.patient, changes=changes or {})
