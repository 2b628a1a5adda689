"""What a merge did is undone to the row, in both stores: compared by dumps of all that they hold."""

import pytest
from django.apps import apps

from billing.tests.factories import cashier
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.core import mongo
from clinic.tests.test_isolation import whole_record
from patients.models import Patient, Problem
from patients.services import merging
from patients.services.attachments import ship_files
from patients.services.notes import ship_notes
from patients.services.refiling import refile_documents
from patients.tests.test_merging import UNCOMPARED, differences, dump, merge, tables_of_the_database, unmerge
from scheduling.models import Appointment, Token

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("mid_morning")]


@pytest.fixture
def desk():
    return user(Role.RECEPTION)


@pytest.fixture
def survivor() -> Patient:
    """Whose day is over, so that the other's can stand beside it."""
    patient = whole_record(cashier())
    Token.objects.filter(patient=patient).update(status="done")
    Appointment.objects.filter(patient=patient).update(status="completed")
    return patient


@pytest.fixture
def loser() -> Patient:
    return whole_record(cashier())


def documents() -> dict[str, list]:
    """Every document of every collection but the audit's, which a merge adds to."""
    refile_documents()
    names = sorted(name for name in mongo.database().list_collection_names() if "audit" not in name)
    return {name: sorted(map(repr, mongo.database()[name].find({}))) for name in names}


def test_every_table_is_compared():
    """But those that a merge adds to on purpose, which exist."""
    assert set(dump()) == tables_of_the_database() - UNCOMPARED
    assert set(dump()) >= {model._meta.db_table for model in apps.get_models(include_auto_created=True) if model._meta.managed} - UNCOMPARED
    assert tables_of_the_database() >= UNCOMPARED


def test_unmerging_gives_back_every_row_and_document(survivor, loser, desk):
    ship_notes()
    ship_files()
    rows, papers = dump(), documents()

    merge(survivor, loser, desk)
    assert len(differences(rows, dump())) > 15
    assert documents() != papers
    unmerge(survivor, desk)

    assert differences(rows, dump()) == []
    assert documents() == papers
    assert sum(map(len, papers.values())) >= 4


def test_a_row_that_the_journal_forgot_is_noticed(survivor, loser, desk, monkeypatch):
    """The control."""
    journal = merging._journal
    monkeypatch.setattr(merging, "_journal", lambda merge, model, *rest: None if model is Problem else journal(merge, model, *rest))
    before = dump()

    merge(survivor, loser, desk)
    unmerge(survivor, desk)

    assert {table for table, *_ in differences(before, dump())} == {"patients_problem"}
