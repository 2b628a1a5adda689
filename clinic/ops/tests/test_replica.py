"""The figures are read from a copy that streams from the main database, unless it is late, gone, or a copy no more."""

import re

import pytest
from django.db import connections
from django.db.utils import InternalError, OperationalError
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from analytics.etl.running import run_etl
from analytics.models import EtlState
from clinic.accounts.models import Department
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.core import replica
from clinic.core.replica import Instead, looking_back, reads
from clinic.ops.servers.postgres import Postgres
from clinic.ops.tests import replicas
from patients.tests.factories import EncounterFactory

HEADLINE = "/api/v1/analytics/top-doctors/"


@pytest.fixture(scope="module")
def supervisor():
    with replicas.supervised() as supervisor:
        yield supervisor


@pytest.fixture(scope="module")
def main(supervisor, django_db_blocker):
    """No test's transaction is around what is done there: the copy sees what was committed."""
    server = Postgres(supervisor.data_dir)  # durable: what is committed is written, which is when a copy can have it
    supervisor.start([server])
    with django_db_blocker.unblock(), replicas.copied_to(server):
        yield server


@pytest.fixture(scope="module")
def standby(supervisor, main):
    return replicas.Copy(supervisor, main)


@pytest.fixture
def copy(standby):
    replica.breaker.reset()
    with standby.known_to_django():
        yield standby


@pytest.fixture
def manager(main):
    client = Client()
    client.force_login(user(Role.MANAGER))
    return client


def one_more_visit():
    EncounterFactory()
    run_etl()


def visits(client) -> tuple[int, str]:
    """(visits by the headline, why the copy did not say so)"""
    answer = client.get(HEADLINE, {"page_size": 200})
    assert answer.status_code == 200, answer.content
    return sum(row["visits"] for row in answer.json()["results"]), answer.headers.get("X-Replica", "")


def as_of(client) -> str:
    return client.get(HEADLINE).json()["as_of"]


def overview(client) -> str:
    answer = client.get(reverse("analytics:dashboard", args=["overview"]))
    assert answer.status_code == 200
    return answer.content.decode()


def test_figures_and_their_as_of_are_the_copys(copy, manager):
    one_more_visit()
    copy.catch_up()
    (before, _), then = visits(manager), as_of(manager)

    with copy.standing_still():
        one_more_visit()
        in_between = (visits(manager), as_of(manager))

    assert in_between == ((before, ""), then)
    assert visits(manager) == (before + 1, "")
    assert as_of(manager) > then


def test_pages_read_the_copy_too(copy, manager):
    one_more_visit()
    copy.catch_up()
    rows = reverse("analytics:rows", args=["visits"])
    before = manager.get(rows).context["page_obj"].paginator.count

    with copy.standing_still():
        one_more_visit()
        with CaptureQueriesContext(connections["default"]) as asked:
            page = overview(manager)
        shown = manager.get(rows)

    assert "The main database answered" not in page
    assert not [each["sql"] for each in asked if re.search("etl_state|top_doctors|department_load|doctor_(day|month)", each["sql"])]
    assert shown.context["page_obj"].paginator.count == before
    assert manager.get(rows).context["page_obj"].paginator.count == before + 1


def test_copy_that_is_late_is_not_read_and_that_is_said(copy, manager, monkeypatch):
    before, _ = visits(manager)
    monkeypatch.setattr(replica, "MOST_LAG_S", 0)

    with copy.standing_still():
        one_more_visit()
        late, page = visits(manager), overview(manager)

    assert late == (before + 1, "late")
    assert Instead.LATE.label in page
    assert visits(manager) == (before + 1, "")


def test_copy_that_dies_costs_nobody_an_answer(copy, manager):
    before, _ = visits(manager)

    copy.end()

    assert visits(manager) == (before, "down")
    assert Instead.DOWN.label in overview(manager)
    copy.start()
    assert visits(manager) == (before, "down")  # not asked again yet
    replica.breaker.reset()
    assert visits(manager) == (before, "")


def test_copy_that_dies_in_mid_answer_is_replaced(copy, main):
    def ask():
        if reads() == replica.REPLICA:
            copy.end()
        return Department.objects.count()

    found = looking_back(ask)

    assert found == (Department.objects.count(), Instead.DOWN)
    copy.start()


def test_copy_that_was_made_a_main_database_is_not_read(supervisor, main, manager):
    replica.breaker.reset()
    promoted = replicas.Copy(supervisor, main)
    promoted.ask("SELECT pg_promote()")
    one_more_visit()

    with promoted.known_to_django():
        shown, page = visits(manager), overview(manager)

    assert shown == (visits(manager)[0], "no-copy")
    assert Instead.NO_COPY.label in page


def test_nothing_is_written_to_the_copy(copy):
    def write():
        with connections[reads()].cursor() as cursor:
            cursor.execute("UPDATE etl_state SET watermark = watermark")

    with pytest.raises(InternalError, match="read-only"):
        looking_back(write)


def test_what_the_copy_gave_is_saved_in_the_main_database(copy, main):
    run_etl()
    copy.catch_up()

    state, _ = looking_back(lambda: EtlState.objects.get())
    state.save()

    assert state._state.db == "default"


def test_own_mistake_is_not_taken_for_a_copy_that_is_down(copy):
    def wait():
        with connections[reads()].cursor() as cursor:
            cursor.execute("SELECT pg_sleep(1)")

    with connections[replica.REPLICA].cursor() as cursor:
        cursor.execute("SET statement_timeout = 50")

    with pytest.raises(OperationalError, match="statement timeout"):
        looking_back(wait)
    replica.breaker.check()


def test_without_a_copy_the_main_database_is_read(main):
    assert looking_back(reads) == ("default", "")
