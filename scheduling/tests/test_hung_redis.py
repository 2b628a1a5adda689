"""A Redis that takes connections and never answers: booking waits for it once, and not again."""

import socket
import threading

import pytest

from clinic.core import redis
from scheduling.models import Appointment
from scheduling.services import holds
from scheduling.tests.factories import PatientFactory, at, working_doctor
from scheduling.tests.steps import EARLY, book, post_booking

pytestmark = pytest.mark.django_db

# One call; then the breaker is open.
MOST_CONNECTIONS = 1


@pytest.fixture
def black_hole(settings):
    """Counts who came. Nobody gets a word out of it."""
    server = socket.create_server(("127.0.0.1", 0))
    came = []

    def accept():
        while True:
            try:
                came.append(server.accept()[0])
            except OSError:
                return

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    settings.REDIS_URL = f"redis://127.0.0.1:{server.getsockname()[1]}/0"
    yield came
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join(5)
    for connection in came:
        connection.close()
    redis.breaker.reset()


def test_booking_waits_for_it_a_bounded_number_of_times(black_hole, monkeypatch):
    monkeypatch.setattr(redis.breaker, "_open_for_s", 60.0)
    doctor = working_doctor()

    rows = [book(doctor, start=at(9, minute)) for minute in (0, 15, 30, 45)]

    assert [row.status for row in rows] == ["booked"] * 4
    assert 1 <= len(black_hole) <= MOST_CONNECTIONS


def test_api_answers_with_the_booking_and_the_free_times(black_hole, monkeypatch, api_as, desk):
    monkeypatch.setattr(redis.breaker, "_open_for_s", 60.0)
    api, doctor = api_as(desk), working_doctor()

    assert post_booking(api, doctor, PatientFactory()).status_code == 201
    answer = api.get(f"/api/v1/doctors/{doctor.public_id}/available-slots/?date={at(9).date()}")

    assert answer.status_code == 200
    assert [slot["available"] for slot in answer.json()["slots"]].count(False) == 1
    assert Appointment.objects.count() == 1
    assert len(black_hole) <= MOST_CONNECTIONS


def test_nothing_is_held_and_the_form_goes_on(black_hole, desk):
    assert holds.hold_slot(doctor=working_doctor(), start=at(9), by=desk, now=EARLY).token == ""
