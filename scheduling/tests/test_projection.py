"""Redis shows the queue; PostgreSQL is the truth."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from clinic.accounts.tests.factories import DoctorFactory
from clinic.core import redis
from scheduling import healer, stores
from scheduling.models import Token
from scheduling.services import projection, queueing
from scheduling.services.booking import cancel_appointment
from scheduling.tests.factories import DAY, AppointmentFactory, PatientFactory, at
from scheduling.tests.steps import NOW, arrive, change, check_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _empty_before():
    forget()


def forget():
    for name in redis.client().scan_iter(redis.key("queue:*")):
        redis.client().delete(name)


@pytest.fixture
def commits(django_capture_on_commit_callbacks):
    """Run what waits for the commit, in order."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


def test_every_change_reaches_redis(commits):
    doctor = DoctorFactory()
    with commits():
        first = arrive(doctor, now=at(8))
        second = arrive(doctor, now=at(8, 1))
        urgent = arrive(doctor, now=at(8, 2), priority="urgent")
    code = first.queue.code

    assert stores.queue_state(code, DAY) == ([urgent.number, first.number, second.number], 3, {})

    with commits():
        queueing.call_next(queue_id=first.queue_id, by=None, now=NOW, room="2")
        change(first, "left")
    assert stores.queue_state(code, DAY) == ([second.number], 3, {urgent.number: "2"})


def test_two_who_arrive_within_a_millisecond_stand_in_redis_as_in_postgresql(commits):
    doctor = DoctorFactory()
    with commits():
        later = arrive(doctor, now=at(8) + timedelta(microseconds=900))
        sooner = arrive(doctor, now=at(8) + timedelta(microseconds=100))

    in_order = list(Token.objects.filter(on=DAY).order_by("turn_at", "id").values_list("number", flat=True))
    assert in_order == [sooner.number, later.number]
    assert stores.waiting_numbers(later.queue.code, DAY) == in_order


def test_names_stay_out_of_redis(commits):
    patient = PatientFactory(first_name="Xquizzle", last_name="Zanzibar")
    with commits():
        token = arrive(DoctorFactory(), patient=patient)

    kept = redis.client().hgetall(redis.key(f"queue:token:{DAY}:{token.queue.code}:1"))
    assert kept["patient"] == str(patient.public_id)
    assert not [value for value in kept.values() if "Xquizzle" in value or "Zanzibar" in value]


def test_older_state_that_arrives_late_is_ignored():
    token = arrive(DoctorFactory())
    older = projection._live(token.queue.code, token.patient.public_id, token)
    newer = projection._live(token.queue.code, token.patient.public_id, change(token, "left"))

    stores.write_token(newer)
    stores.write_token(older)

    assert stores.waiting_numbers(token.queue.code, DAY) == []


def _write(name: str, **fields):
    """A key of the day's, of a type that is not its own."""
    redis.client().delete(redis.key(name))
    redis.client().hset(redis.key(name), mapping=fields) if fields else redis.client().set(redis.key(name), "x")


DAMAGES = {
    "flush": lambda code: forget(),
    "lost call": lambda code: redis.client().delete(redis.key(f"queue:current:{DAY}:{code}")),
    "lost token": lambda code: redis.client().delete(redis.key(f"queue:token:{DAY}:{code}:2")),
    "wrong counter": lambda code: redis.client().set(redis.key(f"queue:counter:{DAY}:{code}"), 99),
    "unknown token": lambda code: redis.client().zadd(redis.key(f"queue:{DAY}:{code}"), {"00099": 1}),
    "waiting of a wrong type": lambda code: _write(f"queue:{DAY}:{code}"),
    "counter of a wrong type": lambda code: _write(f"queue:counter:{DAY}:{code}", a="b"),
    "counter that is no number": lambda code: _write(f"queue:counter:{DAY}:{code}"),
    "current of a wrong type": lambda code: _write(f"queue:current:{DAY}:{code}"),
    "token of a wrong type": lambda code: _write(f"queue:token:{DAY}:{code}:2"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_healing_gives_back_the_same_picture_in_the_same_order(commits, damage):
    doctor = DoctorFactory()
    with commits():
        tokens = [arrive(doctor, now=at(8, minute)) for minute in (5, 3, 4)]
        check_in(AppointmentFactory(doctor=doctor))
        queueing.call_next(queue_id=tokens[0].queue_id, by=None, now=NOW, room="1")
    code = tokens[0].queue.code
    before = stores.queue_state(code, DAY)
    assert projection.heal(DAY) == 0

    DAMAGES[damage](code)

    assert projection.heal(DAY) == 1
    assert stores.queue_state(code, DAY) == before
    assert projection.heal(DAY) == 0


def test_rebuilding_writes_every_queue():
    tokens = [arrive(DoctorFactory(), now=NOW) for _ in range(2)]

    call_command("rebuild_queue", on=DAY)

    assert all(stores.waiting_numbers(token.queue.code, DAY) == [1] for token in tokens)


def test_without_redis_the_queue_goes_on(commits, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    with commits():
        appointment = AppointmentFactory()
        check_in(appointment)
        cancel_appointment(appointment_id=appointment.pk, reason="ill", by=None, now=NOW)
    assert healer.look() == 0

    assert Token.objects.get().status == "left"
    with pytest.raises(CommandError):
        call_command("rebuild_queue")
