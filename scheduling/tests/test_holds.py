"""A hold ends by itself, whatever becomes of the form or of the process."""

import time

import pytest

from clinic.core import redis
from scheduling import stores
from scheduling.errors import SlotHeld
from scheduling.models import Appointment
from scheduling.services import holds
from scheduling.tests.factories import at, working_doctor
from scheduling.tests.steps import EARLY, book

pytestmark = pytest.mark.django_db


@pytest.fixture
def held(desk):
    """A doctor whose nine o'clock the desk holds, and the hold's key in Redis."""
    doctor = working_doctor()
    holds.hold_slot(doctor=doctor, start=at(9), by=desk, now=EARLY)
    return doctor, stores._hold_key(doctor.pk, at(9))


def test_redis_ends_it_within_five_minutes(held):
    _, key = held

    assert 0 < redis.client().ttl(key) <= stores.HOLD_S == 300


def test_others_book_the_time_once_it_is_over_and_not_before(held):
    doctor, key = held
    with pytest.raises(SlotHeld):
        book(doctor)
    assert not Appointment.objects.exists()

    redis.client().pexpire(key, 1)
    while redis.client().exists(key):
        time.sleep(0.01)

    assert book(doctor).status == "booked"
