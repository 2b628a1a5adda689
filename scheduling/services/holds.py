"""A time that is kept free for a few minutes while someone fills in the form.

Soft: it lives in Redis, and without Redis nothing is held. The exclusion constraint is what counts.
"""

import logging
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from clinic.core.redis import RedisDown
from patients.errors import DoctorInactive
from scheduling import stores
from scheduling.errors import OutsideHours, SlotHeld, SlotTaken
from scheduling.rules.slots import as_utc, span_of
from scheduling.selectors.hours import bookable_days
from scheduling.services.placing import check_shape

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Hold:
    """`token` is shown again to book the time; "" when Redis is down and nothing is held."""

    token: str
    expires_at: datetime


def hold_slot(*, doctor, start: datetime, by, now: datetime) -> Hold:
    """Keep a free slot for this user for 5 minutes; taking it again gives a new token.

    Raises InThePast, InvalidInput, DoctorInactive, OutsideHours, SlotTaken or SlotHeld.
    """
    start = as_utc(start)
    _check_free(doctor, start, now)
    held = Hold(f"{by.public_id}:{secrets.token_urlsafe(16)}", now + timedelta(seconds=stores.HOLD_S))
    try:
        _drop_own(doctor, start, by)
        if not stores.take_hold(doctor.pk, start, held.token):
            raise SlotHeld
    except RedisDown:
        logger.info("slot not held, redis is down")
        return Hold("", held.expires_at)
    return held


def _check_free(doctor, start: datetime, now: datetime) -> None:
    check_shape(start, None, now)
    if not doctor.is_active:
        raise DoctorInactive
    [day] = bookable_days(doctor_id=doctor.pk, first=timezone.localtime(start).date(), days=1, now=now)
    found = span_of(day.slots, start)
    if not found:
        raise OutsideHours
    if not found[0].available:
        raise SlotTaken


def _drop_own(doctor, start: datetime, by) -> None:
    earlier = stores.read_hold(doctor.pk, start)
    if earlier and _is_own(earlier, by):
        stores.drop_hold(doctor.pk, start, earlier)


def _is_own(value: str, by) -> bool:
    return by is not None and value.partition(":")[0] == str(by.public_id)


def check_hold(*, doctor_id: int, start: datetime, hold: str, by) -> None:
    """Refuse a time that is held, unless by this hold or by this person. Raises SlotHeld.

    A quick hand sends the form before the answer with its hold is back.
    """
    try:
        value = stores.read_hold(doctor_id, start)
    except RedisDown:
        return
    if value and value != hold and not _is_own(value, by):
        raise SlotHeld


def release_hold(*, doctor_id: int, start: datetime, hold: str) -> None:
    if not hold:
        return
    try:
        stores.drop_hold(doctor_id, start, hold)
    except RedisDown:
        logger.info("hold not released, it expires by itself")
