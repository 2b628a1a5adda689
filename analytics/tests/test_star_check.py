"""The self-check of the star schema: silent when it is right or merely behind, and naming what somebody changed."""

import psycopg
import pytest
from django.db import connection, transaction

from analytics.checks import star
from analytics.checks.results import TOO_LONG, CannotLook
from analytics.etl import running
from analytics.etl.rollups import ROLLUPS
from analytics.locks import _KEY
from analytics.models import Change, DimDoctor, EtlState, FactAppointment, FactVisit
from analytics.models.rollups import MEASURES
from analytics.tests.test_etl import book, seen
from clinic.accounts.tests.factories import DepartmentFactory
from scheduling.models import Appointment

pytestmark = pytest.mark.django_db


@pytest.fixture
def visit(db):
    """A seen appointment, one to come and a walk-in, in up-to-date figures."""
    appointment = book()
    encounter = seen(appointment, called_after=11, minutes=9)
    book(doctor=appointment.doctor)
    seen(doctor=appointment.doctor)
    running.run_etl()
    return encounter


def wrong_facts():
    return sorted(finding.row for finding in star.facts(60))


def wrong_sums():
    return sorted(finding.row for finding in star.SUMS(60))


def execute(sql, *values):
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def silently(table, sql, *values):
    """As somebody who switches off every trigger."""
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    execute(sql, *values)
    execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def test_figures_that_are_right_are_in_order(visit):
    assert (wrong_facts(), wrong_sums()) == ([], [])


def test_what_waits_for_the_next_run_is_in_order(visit):
    Appointment.objects.filter(encounter=None).update(status="no_show")
    seen()

    assert (wrong_facts(), wrong_sums()) == ([], [])


def test_a_change_that_went_past_the_queue_is_found(visit):
    appointment = Appointment.objects.get(encounter=None)
    silently("scheduling_appointment", "UPDATE scheduling_appointment SET status = 'no_show' WHERE id = %s", appointment.pk)

    assert wrong_facts() == [str(appointment.public_id)]


def test_a_row_that_was_removed_past_the_queue_is_found(visit):
    appointment = Appointment.objects.get(encounter=None)
    silently("scheduling_appointment", "DELETE FROM scheduling_appointment WHERE id = %s", appointment.pk)

    assert wrong_facts() == [str(appointment.public_id)]


def test_facts_and_dimensions_that_somebody_changed_are_found_and_a_full_run_mends_them(visit):
    FactVisit.objects.filter(source_id=visit.pk).update(consult_minutes=99)
    FactAppointment.objects.filter(source_id=visit.appointment.pk).delete()
    DimDoctor.objects.filter(pk=visit.doctor_id).update(name="Dr Nobody")

    assert wrong_facts() == sorted(str(row.public_id) for row in (visit, visit.appointment, visit.doctor))
    assert wrong_sums() != []

    running.rebuild()
    assert (wrong_facts(), wrong_sums()) == ([], [])


@pytest.mark.parametrize("rollup", ROLLUPS, ids=lambda rollup: rollup.derived.table)
def test_each_measure_of_each_sum_is_looked_at(rollup, visit):
    table = rollup.derived.table
    unseen = []
    for measure in MEASURES:
        with transaction.atomic():
            execute(f"UPDATE {table} SET {measure} = {measure} + 1")
            if not any(row.startswith(table) for row in wrong_sums()):
                unseen.append(measure)
            transaction.set_rollback(True)

    assert unseen == []


def test_a_sum_in_another_department_and_one_of_nothing_are_found(visit):
    execute("UPDATE department_month SET month = month - interval '7 months'")
    department = DepartmentFactory()
    running.run_etl()
    execute("UPDATE doctor_month SET department_id = %s", department.pk)

    assert {row.split()[0] for row in wrong_sums()} >= {"department_month", "doctor_month"}


def test_a_view_that_does_not_show_its_sums_is_found(visit, monkeypatch):
    monkeypatch.setattr(running, "refresh_views", lambda: None)
    seen(doctor=visit.doctor)
    running.run_etl()

    assert {row.split()[0] for row in wrong_sums()} == {"top_doctors", "doctor_workload", "department_load", "monthly_visits"}


def test_a_view_that_is_behind_between_two_batches_is_in_order(visit):
    seen(doctor=visit.doctor)
    running._work_off(Change.objects.count())  # a full batch: there may be more

    assert EtlState.objects.get().views_behind
    assert wrong_sums() == []


def test_figures_that_were_never_made_are_not_called_in_order():
    with pytest.raises(CannotLook, match="never made"):
        wrong_facts()


def test_what_does_not_fit_into_the_time_is_unknown(visit):
    with pytest.raises(CannotLook, match=TOO_LONG[:20]):
        list(star.facts(0))


@pytest.mark.django_db(transaction=True)
def test_while_a_run_is_at_work_what_differs_is_unknown(visit):
    FactVisit.objects.update(wait_minutes=77)
    parameters = connection.get_connection_params()
    where = {name: parameters[name] for name in ("host", "port", "user", "password", "dbname") if name in parameters}

    with psycopg.connect(**where) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [_KEY])
        with pytest.raises(CannotLook, match="just being brought up to date"):
            wrong_facts()

    assert wrong_facts() == sorted(str(public_id) for public_id in FactVisit.objects.values_list("public_id", flat=True))
