"""What is decided before anything is written; no database."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import override_settings
from django.utils import timezone

from clinic.ops.seed import plan, registry, shelf
from clinic.ops.seed.data.ailments import AILMENTS
from clinic.ops.seed.data.clinic_facts import DOCTORS, PRICES
from clinic.ops.seed.data.names import PEOPLES
from clinic.ops.seed.demo import Demo
from clinic.ops.seed.history import Moments
from clinic.ops.seed.hours import extra_hours, slots_on
from clinic.ops.seed.plan import BOOKED, SEEN
from clinic.ops.seed.today import CALLED, IN_ROOM, WAITING, plan_today

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
MOMENTS = [
    MONDAY + timedelta(days=day, hours=hour, minutes=minute)
    for day in range(7)
    for hour, minute in [(0, 2), (5, 30), (9, 41), (12, 30), (18, 5), (23, 50)]
]


def demo_at(now):
    return Demo(now=now, logins={})


def of(login):
    return next(each for each in DOCTORS if each.login == login)


@pytest.mark.parametrize("now", MOMENTS)
def test_whatever_the_hour_someone_was_seen_someone_is_in_the_room_and_someone_waits(now):
    becomes = Counter(each.becomes for each in plan_today(demo_at(now), of("doctor")))

    assert becomes[SEEN] >= 2
    assert becomes[IN_ROOM] == 1
    assert becomes[WAITING] == 3
    assert Counter(each.becomes for each in plan_today(demo_at(now), of("doctor2")))[CALLED] == 1


@pytest.mark.parametrize("now", [moment for moment in MOMENTS if moment.hour < 20])
def test_somebody_is_still_to_come_today(now):
    assert Counter(each.becomes for each in plan_today(demo_at(now), of("doctor")))[BOOKED] >= 4


@pytest.mark.parametrize("now", MOMENTS)
def test_nobody_has_two_appointments_on_one_day_and_no_slot_is_given_twice(now):
    demo = demo_at(now)
    today = [each for colleague in DOCTORS for each in plan_today(demo, colleague)]
    everything = today + plan.coming(demo) + [each for day in plan.past_days(demo) for each in plan.past_of(demo, day)]

    people = Counter((each.patient, each.start.date()) for each in everything)
    slots = Counter((each.colleague.login, each.start) for each in everything)

    assert [key for key, count in people.items() if count > 1 and key[0] not in registry.PORTAL.values()] == []
    assert max(slots.values()) == 1
    assert len({each.request_id for each in everything}) == len(everything)


@pytest.mark.parametrize("now", MOMENTS)
def test_those_with_a_portal_account_were_seen_and_have_appointments_to_come(now):
    demo = demo_at(now)
    past = Counter(each.patient for day in plan.past_days(demo) for each in plan.past_of(demo, day))
    coming = Counter(each.patient for each in plan.coming(demo))

    for number in registry.PORTAL.values():
        assert (past[number], coming[number]) == (1, 2)


def test_the_plan_does_not_change_from_one_run_to_the_next():
    first, second = (plan.coming(demo_at(MONDAY)) for _ in range(2))

    assert [(each.patient, each.start, each.ailment.code) for each in first] == [
        (each.patient, each.start, each.ailment.code) for each in second
    ]


def test_extra_hours_leave_the_weekly_ones_alone():
    demo = demo_at(MONDAY + timedelta(hours=12, minutes=30))

    assert [(start.hour, end.hour) for start, end in extra_hours(demo, of("doctor"))] == [(12, 13)]
    assert len(slots_on(demo, of("doctor"), demo.today)) == 4 * 9


def test_days_are_those_of_the_clinics_time_zone():
    with override_settings(TIME_ZONE="Pacific/Auckland"):
        demo = demo_at(datetime(2026, 3, 1, 20, 0, tzinfo=UTC))  # Monday, 9 o'clock

        starts = slots_on(demo, of("doctor"), demo.today)

        assert starts[0] == datetime(2026, 3, 2, 5, tzinfo=ZoneInfo("Pacific/Auckland"))
        assert timezone.localdate(starts[0]) == demo.today


def test_a_visit_that_has_only_begun_is_told_as_over_by_now_and_never_before_midnight():
    midnight = MONDAY
    now = midnight + timedelta(minutes=10)

    at = Moments.of(now, since=midnight, until=now)

    assert (at.started, at.signed, at.dispensed) == (midnight, now, now)


def test_the_registry_has_people_of_many_places_and_of_every_age():
    people = [registry.describe_patient(demo_at(MONDAY), number) for number in range(1, registry.PATIENTS + 1)]
    ages = [(MONDAY.date() - each["date_of_birth"]).days / 365 for each in people]

    assert len({each["last_name"] for each in people}) > 60
    assert sum(not each["last_name"].isascii() for each in people) > 20
    assert sum(age < 16 for age in ages) == len(registry.CHILDREN)
    assert max(ages) > 75
    assert len({each["phone"] for each in people}) == len(people)


def test_every_people_has_names_for_women_men_and_families():
    assert all(len(names) >= 4 for people in PEOPLES for names in people)


def test_the_shelf_has_120_medicines_that_differ():
    rows = shelf.read_medicines()

    assert len({(shelf.medicine_name(row).lower(), row["form"]) for row in rows}) == 120
    assert all(row["atc"] and float(row["price"]) > 0 and int(row["reorder_level"]) > 0 for row in rows)


def test_what_is_prescribed_and_charged_exists():
    names = {(shelf.medicine_name(row), row["form"]) for row in shelf.read_medicines()}
    codes = {code for code, *_ in PRICES}
    ailments = [ailment for department in AILMENTS.values() for ailment in department]

    assert {(name, form) for ailment in ailments for name, form, *_ in ailment.items} <= names
    assert {code for ailment in ailments for code in ailment.extras} <= codes
