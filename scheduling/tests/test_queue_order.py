"""The order of a queue: the rule, its promises, and PostgreSQL's column that says the same."""

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.models import Priority, Token
from scheduling.models.queue import PRIORITY_BAND
from scheduling.rules.queue import turn_at
from scheduling.selectors.queue import queue_rows, token_row, tokens_on
from scheduling.services import queueing
from scheduling.tests.factories import DAY, PatientFactory, QueueFactory, at

MIDNIGHT = at(0)
minutes_of_a_day = st.integers(0, 25 * 60 - 1)  # the longest day, when the clocks go back


def turn(priority: str, minute: int):
    return turn_at(effective_at=MIDNIGHT + timedelta(minutes=minute), priority=priority)


@given(minutes_of_a_day, minutes_of_a_day, st.sampled_from(["urgent", "routine"]))
def test_emergency_is_never_overtaken(emergency, other, priority):
    assert turn("emergency", emergency) < turn(priority, other)


@given(minutes_of_a_day, st.integers(61, 600))
def test_who_waited_over_an_hour_is_overtaken_by_no_urgent_patient(routine, later):
    assert turn("routine", routine) < turn("urgent", routine + later)


@given(minutes_of_a_day, st.integers(-600, 59))
def test_urgent_patient_overtakes_the_routine_ones_of_the_last_hour(routine, later):
    assert turn("urgent", routine + later) < turn("routine", routine)


@given(minutes_of_a_day, st.integers(1, 600), st.sampled_from(Priority.values))
def test_within_a_priority_who_came_first_goes_first(minute, later, priority):
    assert turn(priority, minute) < turn(priority, minute + later)


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(5))
def test_postgresql_agrees_with_the_rule_in_every_place_where_it_orders(seed):
    dice, queue = Random(seed), QueueFactory()
    tokens = []
    for number in range(1, 41):
        priority = dice.choice(Priority.values)
        arrived = MIDNIGHT + timedelta(minutes=dice.randrange(0, 240, 7), microseconds=dice.choice([0, 0, 1, 999_999]))
        tokens.append(
            Token(
                queue=queue,
                on=DAY,
                number=number,
                patient=PatientFactory(),
                effective_at=arrived,
                priority=priority,
                band=PRIORITY_BAND[priority],
            )
        )
    Token.objects.bulk_create(tokens)
    tokens = list(Token.objects.order_by("id"))
    by_the_rule = sorted(tokens, key=lambda token: (turn_at(effective_at=token.effective_at, priority=token.priority), token.pk))
    numbers = [token.number for token in by_the_rule]

    assert [row["number"] for row in queue_rows(tokens_on(DAY).filter(queue=queue))] == numbers
    assert [token_row(token.pk)["position"] for token in by_the_rule] == list(range(1, 41))
    assert [queueing.call_next(queue_id=queue.pk, by=None, now=at(5)).number for _ in numbers] == numbers
