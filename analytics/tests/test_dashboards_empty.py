"""The dashboards of a clinic where nothing has happened yet."""

import pytest
from django.urls import reverse

from analytics.dashboards.registry import DASHBOARDS
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DoctorFactory, user

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("key", sorted(DASHBOARDS))
def test_an_empty_clinic_has_every_page(client_as, settings, key):
    settings.MONGODB_DATABASE += "_empty"  # other tests leave notes behind
    doctor = DoctorFactory()

    page = client_as(doctor.user if key == "own" else user(Role.MANAGER)).get(reverse("analytics:dashboard", args=[key]))

    assert page.status_code == 200
    assert all(not shown.rows for shown in page.context["figures"])
    assert "The figures were never computed yet" in page.content.decode()
