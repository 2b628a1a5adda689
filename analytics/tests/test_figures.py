"""Each figure of each dashboard equals what SQL over the operational tables says."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone

from analytics.dashboards.asked import Asked
from analytics.dashboards.registry import DASHBOARDS
from analytics.models import DoctorDay
from analytics.tests.independent import FIGURES, by_sql
from analytics.tests.world import a_clinic
from scheduling.models import AppointmentStatus

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


def difference(asked):
    """{figure: (only on the page, only by SQL)} of those that differ."""
    found = {}
    for (page, key), (columns, sql) in FIGURES.items():
        figure = next(each for each in DASHBOARDS[page].figures if each.key == key)
        shown = [tuple(row.cells[column] for column in columns) for row in figure.rows(asked)]
        shown = sorted(map(plain, (row for row in shown if page_has(row))), key=str)
        true = sorted(map(plain, labelled(page, key, by_sql(sql, asked))), key=str)
        if shown != true:
            found[page, key] = ([row for row in shown if row not in true], [row for row in true if row not in shown])
    return found


def page_has(row):
    """A day without anything stands on the page as zeros, and not in the SQL."""
    return any(row[1:])


def plain(row):
    return tuple(float(value) if isinstance(value, int | Decimal) else value for value in row)


def labelled(page, key, rows):
    if (page, key) == ("own", "outcomes"):
        return [(AppointmentStatus(status).label, number) for status, number in rows]
    return rows


def test_every_figure_is_compared():
    shown = {(page.key, figure.key) for page in DASHBOARDS.values() if page.key not in ELSEWHERE for figure in page.figures}
    twice = {("own", "monthly-visits"), ("own", "by-time"), ("own", "by-lead"), ("overview", "top-doctors")}

    assert shown - twice == set(FIGURES)


@pytest.mark.parametrize("how", ["all", "doctor", "department", "facility", "nobody"])
@pytest.mark.parametrize("back", [200, 40, 0])
def test_every_figure_is_what_the_operational_tables_say(clinic, how, back):
    assert difference(narrowed(days(back), clinic, how)) == {}


def test_the_comparison_sees_a_difference(clinic):
    wrong = DoctorDay.objects.filter(visits__gt=0).first()
    DoctorDay.objects.filter(pk=wrong.pk).update(visits=wrong.visits + 1)

    assert {("overview", "monthly-visits"), ("overview", "department-load"), ("overview", "doctor-workload")} == set(difference(days(200)))


def test_the_world_has_something_of_everything(clinic):
    """Else equal figures would mean nothing."""
    for (page, key), (_, sql) in FIGURES.items():
        assert by_sql(sql, days(200)), (page, key)


def test_top_doctors_are_those_with_most_visits(clinic):
    [top] = [figure for figure in DASHBOARDS["overview"].figures if figure.key == "top-doctors"]
    _, sql = FIGURES["overview", "doctor-workload"]

    shown = [(row.cells["doctor"], row.cells["visits"]) for row in top.rows(days(200))]

    assert shown == sorted(((row[0], row[-1]) for row in by_sql(sql, days(200))), key=lambda row: (-row[1], row[0]))
