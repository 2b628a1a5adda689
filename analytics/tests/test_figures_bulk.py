"""Each figure of each dashboard equals SQL over the operational tables, on two years of a clinic beside the demo.

Of 3,000 appointments, which load in seconds. `FIGURES_SCALE=predecessor python -m pytest analytics/tests/test_figures_bulk.py`
takes the 50,000 of `seed --scale predecessor`.
"""

import os
from dataclasses import replace
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from analytics.dashboards.asked import Asked
from analytics.dashboards.figures.risk import MOST_SHOWN
from analytics.dashboards.registry import DASHBOARDS
from analytics.etl import running
from analytics.tests import independent_foresight as foresight
from analytics.tests.comparing import difference, differing_stats, same
from analytics.tests.independent import FIGURES, by_sql
from analytics.tests.world import empty_views
from clinic.accounts.models import Department, Doctor, Facility
from clinic.core import mongo
from clinic.ops.management.commands import seed
from clinic.ops.seed.bulk.scale import Scale
from patients.services.notes import ship_notes

MOST_DAYS = 760


@pytest.fixture
def scale(monkeypatch):
    if name := os.environ.get("FIGURES_SCALE"):
        return seed.SCALES[name]
    few = Scale("few", patients=300, doctors=6, appointments=3_000, with_papers=True)
    monkeypatch.setitem(seed.SCALES, few.name, few)
    return few


@pytest.fixture
def clinic(transactional_db, settings, scale):
    """Loaded whole, with its notes in a database of MongoDB that no other test has written to."""
    settings.MONGODB_DATABASE += "_figures"
    mongo.database().client.drop_database(settings.MONGODB_DATABASE)
    call_command("seed", scale=scale.name, stdout=StringIO())
    ship_notes()
    running.rebuild()
    yield Asked(today=timezone.localdate(), date_from=timezone.localdate() - timedelta(days=MOST_DAYS), date_to=timezone.localdate())
    mongo.database().client.drop_database(settings.MONGODB_DATABASE)
    empty_views()


def rows(page, key, asked, *columns):
    figure = next(each for each in DASHBOARDS[page].figures if each.key == key)
    return [tuple(row.cells[column] for column in columns) for row in figure.rows(asked)]


def narrowings():
    busiest = Doctor.objects.get(user__username="doctor")
    bulk = Doctor.objects.exclude(user__username__in=["doctor", "doctor2"]).order_by("-pk").first()
    return {
        "all": {},
        "a doctor of the demo": {"doctor": busiest},
        "a doctor of the bulk": {"doctor": bulk},
        "a department": {"department": Department.objects.order_by("pk").first()},
        "a facility": {"facility": Facility.objects.order_by("pk").last()},
    }


def test_every_figure_is_what_the_operational_tables_say(clinic, scale):
    assert by_sql("SELECT count(*) FROM appointment", clinic) > [(scale.appointments * 0.8,)]
    for (page, key), (_, sql) in FIGURES.items():
        assert by_sql(sql, clinic), (page, key)  # else equal figures would mean nothing

    for name, keys in narrowings().items():
        for back in (MOST_DAYS,) if keys else (MOST_DAYS, 30):
            asked = replace(clinic, date_from=clinic.today - timedelta(days=back), _answers={}, **keys)
            assert difference(asked) == {}, (name, back)
            assert differing_stats(asked) == {}, (name, back)
            assert rows("symptoms", "frequency", asked, "symptom", "notes") == foresight.symptoms(asked), (name, back)
    assert foresight.symptoms(clinic)
    for keys in ({}, narrowings()["a department"]):
        what_is_to_come(replace(clinic, _answers={}, **keys))


def what_is_to_come(asked):
    """The forecast, the risk, and what both say of their own worth."""
    errors, days = foresight.expected_visits(asked)
    shown = rows("forecast", "errors", asked, "error")
    assert [error for (error,) in shown] == pytest.approx(errors, abs=0.00501)
    assert same(rows("forecast", "days", asked, "day", "least", "visits", "most"), days, 1)

    shown = sorted(rows("no-show-risk", "risks", asked, "cell", "number", "missed", "risk"))
    assert same(shown, sorted(foresight.risks(asked)), 3)
    assert [score for (score,) in rows("no-show-risk", "worth", asked, "score")] == pytest.approx(foresight.scores(asked), abs=0.0000501)
    assert same(rows("no-show-risk", "calibration", asked, "band", "number", "expected", "came"), foresight.bands(asked), 2)
    due = foresight.due_soon(asked)
    assert due
    assert same(rows("no-show-risk", "soon", asked, "patient", "start", "lead", "past", "risk"), due[:MOST_SHOWN], 4)
