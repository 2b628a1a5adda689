"""The worklist of those who did not arrive: by day, resolved by hand only."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DoctorFactory, user
from scheduling.models import Token
from scheduling.selectors.missed import missed_days, missed_on
from scheduling.tests.factories import DAY, AppointmentFactory, at
from scheduling.tests.steps import url, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def web(client_as, desk):
    return client_as(desk)


def before_now(**fields):
    start = timezone.now() - timedelta(minutes=5)
    return AppointmentFactory(during=(start, start + timedelta(minutes=1)), **fields)


class TestTheList:
    def test_counts_by_the_clinics_days_with_the_latest_first(self):
        yesterday = DAY - timedelta(days=1)
        for start in (at(9), at(10), at(23, 59, yesterday)):
            AppointmentFactory(during=(start, start + timedelta(minutes=1)))

        days = missed_days(at(12))

        assert [(day.on, day.count) for day in days] == [(DAY, 2), (yesterday, 1)]

    @pytest.mark.parametrize("status", ["checked_in", "in_consultation", "completed", "no_show"])
    def test_who_came_or_was_resolved_is_not_on_it(self, status):
        AppointmentFactory(status=status)

        assert not missed_on(DAY, at(12)).exists()

    def test_who_is_still_to_come_is_not_on_it(self):
        AppointmentFactory()

        assert not missed_days(at(9))
        assert missed_days(at(9, 1))

    def test_nobody_is_a_no_show_without_a_person_saying_so(self, web):
        row = before_now()

        web.get(url("missed"))

        row.refresh_from_db()
        assert row.status == "booked"


class TestResolving:
    def test_each_way_takes_it_off_and_comes_back(self, web):
        rows, here = [before_now() for _ in range(3)], url("missed")
        page = words(web.get(here))
        assert all(row.patient.full_name in page for row in rows)

        answers = [
            web.post(url("check_in", rows[0].public_id), {"request_id": uuid4(), "next": here}),
            web.post(url("no_show", rows[1].public_id), {"next": here}),
            web.post(url("cancel", rows[2].public_id), {"reason": "had called", "next": here}),
        ]

        for row in rows:
            row.refresh_from_db()
        assert {answer.url for answer in answers} == {here}
        assert [row.status for row in rows] == ["checked_in", "no_show", "cancelled"]
        assert Token.objects.get().appointment == rows[0]
        assert "Nothing to resolve" in words(web.get(here))

    def test_check_in_is_offered_for_today_only(self, web):
        start = timezone.now() - timedelta(days=3)
        AppointmentFactory(during=(start, start + timedelta(minutes=1)))

        page = words(web.get(url("missed")))

        assert ("No-show" in page, "check in" in page) == (True, False)


def test_is_for_those_who_may_resolve_it(client_as):
    for role, status in [(Role.RECEPTION, 200), (Role.DOCTOR, 200), (Role.MANAGER, 403), (Role.PATIENT, 403)]:
        assert client_as(user(role)).get(url("missed")).status_code == status


@pytest.mark.parametrize("count", [3, 40])
def test_costs_the_same_however_many(count, web, django_assert_max_num_queries):
    doctor, now = DoctorFactory(), timezone.now()
    for n in range(count):
        start = now - timedelta(seconds=2 * n + 2)
        AppointmentFactory(doctor=doctor, during=(start, start + timedelta(seconds=1)))

    with django_assert_max_num_queries(7):
        web.get(url("missed"))
