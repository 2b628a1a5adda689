"""Which entry of the side bar a page belongs to."""

from uuid import uuid4

import pytest
from django.urls import reverse

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.portal.navigation import navigation_for

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("view", "label"),
    [
        ("pharmacy:stock", "Stock"),
        ("pharmacy:orders", "Stock"),
        ("pharmacy:new_order", "Stock"),
        ("pharmacy:suppliers", "Stock"),
        ("pharmacy:worklist", "Pharmacy"),
    ],
)
def test_the_entry_that_leads_to_the_page_is_marked_and_no_other(view, label):
    marked = [entry["label"] for entry in navigation_for(user(Role.PHARMACIST), reverse(view)) if entry["current"]]

    assert marked == [label]


@pytest.mark.parametrize(
    ("view", "label"),
    [
        ("pharmacy:recipients", "Stock"),
        ("pharmacy:recall_call", "Stock"),
        ("pharmacy:adjust", "Stock"),
        ("pharmacy:labels", "Pharmacy"),
        ("pharmacy:leaflet", "Pharmacy"),
        ("pharmacy:return", "Pharmacy"),
    ],
)
def test_a_page_of_one_batch_or_one_dispensing_belongs_there_too(view, label):
    marked = [entry["label"] for entry in navigation_for(user(Role.PHARMACIST), reverse(view, args=[uuid4()])) if entry["current"]]

    assert marked == [label]


def test_a_page_that_belongs_to_none_marks_none():
    assert not any(entry["current"] for entry in navigation_for(user(Role.PHARMACIST), "/nowhere/"))
