"""Each figure of each dashboard equals what SQL over the operational tables says."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from analytics.dashboards.asked import Asked
from analytics.dashboards.registry import DASHBOARDS
from analytics.models import DoctorDay, DoctorMonth
from analytics.tests.comparing import difference, differing_stats
from analytics.tests.independent import FIGURES, STATS, by_sql
from analytics.tests.world import a_clinic

pytestmark = pytest.mark.django_db

# Worked out otherwise, each with tests of its own.
ELSEWHERE = {"no-show-risk", "forecast", "symptoms"}


@pytest.fixture(scope="module")
def clinic(django_db_setup, django_db_blocker):
    """Made once for the module, inside a transaction that is rolled back."""
    with django_db_blocker.unblock():
        block = transaction.atomic()
        block.__enter__()
        doctors = a_clinic()
        yield doctors
        transaction.set_rollback(True)
        block.__exit__(None, None, None)


def days(back):
    today = timezone.localdate()
    return Asked(today=today, date_from=today - timedelta(days=back), date_to=today)


def narrowed(asked, doctors, how):
    first = doctors[0]
    chosen = {
        "all": {},
        "doctor": {"doctor": first},
        "department": {"department": first.department},
        "facility": {"facility": doctors[2].department.facility},
        "nobody": {"doctor": first, "department": doctors[2].department},
    }
    return replace(asked, **chosen[how])


def test_every_figure_is_compared():
    shown = {(page.key, figure.key) for page in DASHBOARDS.values() if page.key not in ELSEWHERE for figure in page.figures}
    twice = {("own", "monthly-visits"), ("own", "by-time"), ("own", "by-lead")}

    assert shown - twice == set(FIGURES)
    assert {(page.key, number) for page in DASHBOARDS.values() if page.key not in ELSEWHERE for number, _ in enumerate(page.stats)} == set(
        STATS
    )


def test_every_column_is_compared():
    for (page, key), (columns, _) in FIGURES.items():
        figure = next(each for each in DASHBOARDS[page].figures if each.key == key)
        named = {"unit", "way", "department", "doctor"}  # told by another column, or by its code
        assert {column.key for column in figure.columns} - {column.strip("~") for column in columns} <= named, (page, key)


@pytest.mark.parametrize("how", ["all", "doctor", "department", "facility", "nobody"])
@pytest.mark.parametrize("back", [200, 40, 0])
def test_every_figure_is_what_the_operational_tables_say(clinic, how, back):
    asked = narrowed(days(back), clinic, how)

    assert difference(asked) == {}
    assert differing_stats(asked) == {}


@pytest.mark.parametrize("to_last", [True, False])
@pytest.mark.parametrize("from_first", [True, False])
@pytest.mark.parametrize("months", [1, 3])
def test_whole_months_and_the_days_around_them_are_counted_once(clinic, months, from_first, to_last):
    today = timezone.localdate()
    end = today.replace(day=1) - timedelta(days=1)
    first = end.replace(day=1)
    for _ in range(months - 1):
        first = (first - timedelta(days=1)).replace(day=1)
    asked = Asked(today=today, date_from=first + timedelta(days=not from_first), date_to=end - timedelta(days=not to_last))

    assert difference(asked) == {}
    assert differing_stats(asked) == {}


@pytest.mark.parametrize(
    ("first", "last", "months"),
    [
        ((2026, 1, 1), (2026, 1, 31), ((2026, 1, 1), (2026, 2, 1))),
        ((2026, 1, 2), (2026, 3, 30), ((2026, 2, 1), (2026, 3, 1))),
        ((2026, 1, 31), (2026, 3, 1), ((2026, 2, 1), (2026, 3, 1))),
        ((2026, 12, 1), (2027, 2, 28), ((2026, 12, 1), (2027, 3, 1))),
        ((2026, 1, 2), (2026, 1, 31), None),
        ((2026, 1, 1), (2026, 1, 30), None),
        ((2026, 1, 2), (2026, 2, 27), None),
        ((2028, 2, 1), (2028, 2, 28), None),
    ],
)
def test_the_whole_months_among_days(first, last, months):
    found = Asked(today=date(*last), date_from=date(*first), date_to=date(*last)).whole_months

    assert found == (months and (date(*months[0]), date(*months[1])))


def test_the_comparison_sees_a_difference(clinic):
    wrong = DoctorDay.objects.filter(visits__gt=0).first()
    DoctorDay.objects.filter(pk=wrong.pk).update(visits=wrong.visits + 1)
    month = DoctorMonth.objects.filter(doctor=wrong.doctor_id, facility=wrong.facility_id, month=wrong.date.replace(day=1))
    assert month.update(visits=F("visits") + 1) == 1

    assert {("overview", key) for key in ("monthly-visits", "department-load", "doctor-workload", "top-doctors")} == set(
        difference(days(200))
    )
    assert set(differing_stats(days(200))) == {("overview", 0), ("own", 0)}


def test_the_world_has_something_of_everything(clinic):
    """Else equal figures would mean nothing."""
    for (page, key), (_, sql) in FIGURES.items():
        assert by_sql(sql, days(200)), (page, key)


def test_top_doctors_stand_in_order(clinic):
    [top] = [figure for figure in DASHBOARDS["overview"].figures if figure.key == "top-doctors"]
    columns, sql = FIGURES["overview", "top-doctors"]

    shown = [tuple(row.cells[column] for column in columns) for row in top.rows(days(200))]

    assert shown == by_sql(sql, days(200))
