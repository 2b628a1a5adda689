"""What patients are told about their wait, from the own past, and how true it was."""

from datetime import timedelta

import pytest
from django.utils import timezone

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DoctorFactory, user
from scheduling.models import Token
from scheduling.rules.queue import estimate_wait
from scheduling.selectors.queue import token_row
from scheduling.selectors.waits import pace_of, told_and_true
from scheduling.services import queueing
from scheduling.tests.factories import DAY, QueueFactory, TokenFactory, at
from scheduling.tests.steps import NOW, arrive, url, walk_in_now, words

WEEK = timedelta(weeks=1)


def visits(queue, minutes, on=DAY - WEEK, hour=9, **more):
    """Finished visits of these lengths, one after the other from the hour on."""
    first = Token.objects.filter(queue=queue, on=on).count() + 1
    for number, length in enumerate(minutes, first):
        called = at(hour, number % 60, day=on)
        ended = called + timedelta(minutes=length)
        TokenFactory(**{"queue": queue, "on": on, "number": number, "status": "done", "called_at": called, "closed_at": ended} | more)


class TestRule:
    calls = [(at(9), "1"), (at(9, 10), "2"), (at(9, 20), "1")]

    def test_visits_ahead_are_shared_among_the_rooms_in_use(self):
        assert estimate_wait(position=4, calls=self.calls, pace=(10, 20)) == {"low": 15, "high": 40}
        assert estimate_wait(position=4, calls=[], pace=(10, 20)) == {"low": 30, "high": 80}

    def test_room_that_was_last_called_to_long_ago_is_not_in_use(self):
        assert estimate_wait(position=2, calls=[(at(7), "9"), *self.calls], pace=(10, 20)) == {"low": 5, "high": 20}

    def test_next_one_waits_for_at_most_a_slow_visit(self):
        assert estimate_wait(position=1, calls=[], pace=(10, 20)) == {"low": 0, "high": 20}

    def test_without_a_past_todays_calls_tell_and_without_them_nobody(self):
        assert estimate_wait(position=2, calls=[*self.calls, (at(9, 30), "1")]) == {"low": 10, "high": 20}
        assert estimate_wait(position=2, calls=self.calls) is None


@pytest.mark.django_db
class TestPace:
    def test_is_of_the_same_weekday_and_hour(self):
        queue = QueueFactory()
        visits(queue, [10] * 8)
        visits(queue, [60] * 20, hour=15)
        visits(queue, [90] * 20, on=DAY - timedelta(days=1))

        assert pace_of(queue.pk, DAY, 9) == (10, 10)

    def test_widens_to_the_weekday_and_then_to_all_days(self):
        queue = QueueFactory()
        visits(queue, [10] * 3)
        visits(queue, [20] * 6, hour=15)

        assert pace_of(queue.pk, DAY, 9) == (10, 20)
        assert pace_of(queue.pk, DAY + timedelta(days=1), 9) == (10, 20)

    def test_is_the_20th_and_80th_percentile(self):
        queue = QueueFactory()
        visits(queue, range(10, 21))

        assert pace_of(queue.pk, DAY, 9) == (12, 18)

    @pytest.mark.parametrize(
        "more", [{"on": DAY - 9 * WEEK}, {"on": DAY}, {"status": "left"}, {"called_at": None}, {"closed_at": at(20, day=DAY - WEEK)}]
    )
    def test_leaves_out_what_says_nothing(self, more):
        queue = QueueFactory()
        visits(queue, [10] * 7)
        visits(queue, [10], **({"on": DAY - WEEK} | more))

        assert pace_of(queue.pk, DAY, 9) is None

    def test_other_queues_do_not_count(self):
        visits(QueueFactory(), [10] * 9)

        assert pace_of(QueueFactory().pk, DAY, 9) is None


@pytest.mark.django_db
class TestPrediction:
    def test_is_kept_with_the_token_as_it_was_told(self):
        doctor = DoctorFactory()
        first = arrive(doctor, now=at(9))
        assert (first.predicted_low_min, first.predicted_high_min) == (None, None)
        visits(first.queue, [10] * 8)
        pace_of.cache_clear()

        second = arrive(doctor, now=at(9, 1))
        urgent = arrive(doctor, now=at(9, 2), priority="urgent")

        assert (second.predicted_low_min, second.predicted_high_min) == (10, 20)
        assert (urgent.predicted_low_min, urgent.predicted_high_min) == (0, 10)

    def test_page_and_api_say_the_same_as_was_told(self):
        doctor = DoctorFactory()
        queue = arrive(doctor, now=timezone.now()).queue
        for week in range(1, 5):
            visits(queue, [10] * 2, on=timezone.localdate() - week * WEEK)
        pace_of.cache_clear()

        token = walk_in_now(doctor)

        assert token_row(token.pk)["estimated_wait"] == {"low": token.predicted_low_min, "high": token.predicted_high_min}


@pytest.mark.django_db
class TestManagersPage:
    def told(self, queue, waited_min, low=10, high=20):
        issued = timezone.now() - timedelta(hours=2)
        TokenFactory(
            queue=queue,
            on=timezone.localdate(),
            number=Token.objects.count() + 1,
            status="done",
            issued_at=issued,
            called_at=issued + timedelta(minutes=waited_min),
            closed_at=issued + timedelta(minutes=waited_min + 5),
            predicted_low_min=low,
            predicted_high_min=high,
        )

    def test_measures_what_was_told(self):
        queue = QueueFactory()
        for waited in (5, 15, 20, 40):
            self.told(queue, waited)
        self.told(queue, 90, low=None, high=None)

        [row] = told_and_true(timezone.localdate())

        assert (row.queue, row.count, row.inside, row.late, row.share_inside) == (queue, 4, 2, 1, 50)
        assert (row.predicted_min, row.waited_min, row.off_min) == (15.0, 20.0, 6.2)

    def test_is_the_managers(self, client_as, desk):
        queue = QueueFactory()
        self.told(queue, 15)

        page = words(client_as(user(Role.MANAGER)).get(url("waits")))

        assert queue.name in page
        assert "100 %" in page
        assert client_as(desk).get(url("waits")).status_code == 403

    def test_says_so_when_nothing_was_told(self, client_as):
        assert "Nothing was estimated yet" in words(client_as(user(Role.MANAGER)).get(url("waits")))

    def test_costs_the_same_for_any_number_of_queues(self, django_assert_num_queries):
        for _ in range(6):
            self.told(QueueFactory(), 15)

        with django_assert_num_queries(2):
            rows = told_and_true(timezone.localdate())
            assert len([row.queue.name for row in rows]) == 6


@pytest.mark.django_db
def test_call_takes_no_more_queries_when_more_people_wait(django_assert_max_num_queries):
    doctor = DoctorFactory()
    queue_id = arrive(doctor).queue_id
    for _ in range(20):
        arrive(doctor)

    with django_assert_max_num_queries(9):
        queueing.call_next(queue_id=queue_id, by=None, now=NOW)
