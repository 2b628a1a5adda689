"""Where an appointment may lie: inside the hours, under nothing that was squeezed in, and on no time that is offered."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils import timezone

from clinic.core.errors import InvalidInput
from scheduling.errors import DoctorOnLeave, InThePast, OutsideHours, SlotOffered, SlotTaken
from scheduling.models import LONGEST, Appointment, WaitlistOffer
from scheduling.rules import slots as rules
from scheduling.selectors.hours import clinic_zone, hours_of

FURTHEST = timedelta(days=10 * 366)


@dataclass(frozen=True)
class Details:
    """What a booking may say beyond who and when.

    `overbook_reason` makes it an overbooking; `offer` is the waitlist's offer that it accepts,
    `series_id` the series that it is one of.
    """

    end: datetime | None = None
    reason: str = ""
    notes: str = ""
    overbook_reason: str = ""
    hold: str = ""
    offer: UUID | None = None
    series_id: int | None = None


@dataclass(frozen=True)
class Place:
    """[start, end) as the patient sees it, and the buffers that its hours put around it."""

    start: datetime
    end: datetime
    facility_id: int | None = None
    buffers: rules.Buffers = rules.NO_BUFFERS

    @property
    def fields(self) -> dict:
        """As an appointment keeps them."""
        return {
            "during": DateTimeTZRange(self.start, self.end),
            "facility_id": self.facility_id,
            "buffer_before_minutes": self.buffers.before // _MINUTE,
            "buffer_after_minutes": self.buffers.after // _MINUTE,
        }


_MINUTE = timedelta(minutes=1)


def place_of(doctor, start: datetime, wanted: Details, now: datetime, at_least: timedelta = timedelta(0)) -> Place:
    """The place of an appointment from `start`, if it may be there. An overbooking is squeezed in, without buffers.

    Raises InThePast, InvalidInput, OutsideHours, DoctorOnLeave, SlotTaken, SlotOffered. The exclusion
    constraints hold what other bookings have taken; the caller has locked the doctor.
    """
    check_shape(start, wanted.end, now)
    if wanted.overbook_reason:
        return Place(start, wanted.end or start + timedelta(minutes=doctor.slot_minutes))
    on = timezone.localtime(start).date()
    hours = hours_of(doctor.pk, on, on)
    found = rules.span_of(rules.slots_of(hours, on, clinic_zone()), start, end=wanted.end, at_least=at_least)
    if not found:
        raise _closed_because(hours, start, wanted.end or start + _MINUTE)
    _check_free(doctor, (found[0].occupied[0], found[-1].occupied[1]), wanted.offer, now)
    return Place(start, found[-1].end, found[0].facility_id, found[0].buffers)


def check_shape(start: datetime, end: datetime | None, now: datetime) -> None:
    if start < now:
        raise InThePast
    if start > now + FURTHEST:
        raise InvalidInput(errors={"start": ["That is too far ahead."]})
    if end is not None and not start < end <= start + LONGEST:
        raise InvalidInput(errors={"end": ["An appointment ends after its start, and within 12 hours."]})


def _check_free(doctor, occupied: rules.Span, offer: UUID | None, now: datetime) -> None:
    # The constraint lets an appointment lie under an overbooked one; a new booking does not go there.
    if Appointment.objects.live().occupying(*occupied).filter(doctor=doctor, is_overbooked=True).exists():
        raise SlotTaken
    offers = WaitlistOffer.objects.open_at(now).filter(doctor=doctor, starts_at__lt=occupied[1], ends_at__gt=occupied[0])
    if (offers.exclude(public_id=offer) if offer else offers).exists():
        raise SlotOffered


def _closed_because(hours: rules.Hours, start: datetime, end: datetime) -> Exception:
    kinds = {e.kind for e in hours.exceptions if e.overlaps(start, end)}
    if rules.Kind.LEAVE in kinds:
        return DoctorOnLeave()
    if rules.Kind.HOLIDAY in kinds:
        return OutsideHours("The clinic is closed on that day.")
    return OutsideHours()
