"""The queue and the board when the day changes: at a year's end, into a leap day, and in the nights when clocks change."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.utils import timezone

from clinic.accounts.tests.factories import DoctorFactory
from scheduling import stores
from scheduling.models import QueueDay, Token
from scheduling.services import projection, queueing
from scheduling.tests.factories import PatientFactory
from scheduling.tests.steps import arrive, url, words

pytestmark = pytest.mark.django_db
BERLIN = ZoneInfo("Europe/Berlin")

# The last minute of a day in Berlin.
LAST_MINUTES = [
    datetime(2027, 12, 31, 23, 59, tzinfo=BERLIN),
    datetime(2028, 2, 28, 23, 59, tzinfo=BERLIN),
    datetime(2028, 2, 29, 23, 59, tzinfo=BERLIN),
    datetime(2027, 3, 27, 23, 59, tzinfo=BERLIN),  # the next day has 23 hours
    datetime(2027, 3, 28, 23, 59, tzinfo=BERLIN),
    datetime(2027, 10, 31, 23, 59, tzinfo=BERLIN),  # this one had 25
]


@pytest.fixture(autouse=True)
def _berlin(settings):
    settings.TIME_ZONE = "Europe/Berlin"


@pytest.fixture(params=LAST_MINUTES, ids=lambda at: f"{at:%Y-%m-%d}")
def clock(request):
    with time_machine.travel(request.param, tick=False) as traveller:
        yield traveller


def pass_midnight(clock) -> None:
    clock.shift(timedelta(minutes=2))


def test_numbers_begin_again_and_yesterdays_patient_may_come_back(clock):
    doctor, patient = DoctorFactory(), PatientFactory()
    late = [arrive(doctor, patient=patient, now=timezone.now()), arrive(doctor, now=timezone.now())]
    yesterday = timezone.localdate()

    pass_midnight(clock)
    token = arrive(doctor, patient=patient, now=timezone.now())

    assert [each.number for each in late] == [1, 2]
    assert (token.number, token.on) == (1, yesterday + timedelta(days=1))
    assert Token.objects.get(pk=late[0].pk).status != "waiting", "nobody waits twice in a queue"
    assert sorted(QueueDay.objects.values_list("on", "last_number")) == [(yesterday, 2), (token.on, 1)]


def test_board_console_and_list_show_todays_alone(clock, client, client_as, api_as):
    doctor = DoctorFactory()
    old, called = arrive(doctor, now=timezone.now()), arrive(doctor, now=timezone.now())
    queueing.call_next(queue_id=old.queue_id, by=None, now=timezone.now(), room="1")
    shown = called.label, old.label
    assert any(label in words(client.get(url("board"))) for label in shown)

    pass_midnight(clock)

    board, console = words(client.get(url("board"))), words(client_as(doctor.user).get(url("queue")))
    assert not [label for label in shown if label in board or f">{label}<" in console]
    assert api_as(doctor.user).get("/api/v1/queue/today/", {"doctor": str(doctor.public_id)}).json()["results"] == []


def test_healing_keeps_to_the_day(clock):
    doctor = DoctorFactory()
    old = arrive(doctor, now=timezone.now())
    projection.rebuild(timezone.localdate())

    pass_midnight(clock)
    projection.rebuild(timezone.localdate())
    assert stores.waiting_numbers(old.queue.code, timezone.localdate()) == []
    token = arrive(doctor, now=timezone.now())
    projection.heal(timezone.localdate())

    assert stores.waiting_numbers(old.queue.code, token.on) == [token.number]


def test_who_came_first_is_called_first_through_the_hour_that_comes_twice(settings):
    """02:50 before the clocks go back is earlier than 02:10 after it."""
    doctor = DoctorFactory()
    before = datetime(2027, 10, 31, 2, 50, tzinfo=BERLIN, fold=0)
    after = datetime(2027, 10, 31, 2, 10, tzinfo=BERLIN, fold=1)
    later, sooner = arrive(doctor, now=after), arrive(doctor, now=before)

    called = queueing.call_next(queue_id=sooner.queue_id, by=None, now=after + timedelta(minutes=1))

    assert called == sooner != later
