"""The pages of the queue cost as many queries with 1,000 rows as with 10."""

from datetime import datetime, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DoctorFactory, user
from patients.models import Patient
from scheduling.models import Appointment, Token
from scheduling.services.queues import queue_of
from scheduling.tests.steps import url, words

pytestmark = pytest.mark.django_db
MOST = 10


@pytest.fixture
def nurse(db):
    return user(Role.NURSE)


def people(start: int, end: int) -> list[Patient]:
    rows = [
        Patient(mrn=f"C{n:05d}", first_name="Ann", last_name=f"P{n}", date_of_birth="1980-01-01", sex="female", registered_on="2026-01-01")
        for n in range(start, end)
    ]
    return Patient.objects.bulk_create(rows)


def wait(queue, start: int, end: int) -> None:
    now = timezone.now()
    Token.objects.bulk_create(
        Token(
            queue=queue,
            on=timezone.localdate(now),
            number=number,
            patient=patient,
            effective_at=now,
            issued_at=now,
            status="waiting" if number > 3 else "called",
            called_at=now - timedelta(minutes=number),
        )
        for number, patient in enumerate(people(start, end), start)
    )


def expect(doctor, start: int, end: int) -> None:
    """Appointments of a minute each, from midnight on."""
    midnight = timezone.make_aware(datetime.combine(timezone.localdate(), time()))
    Appointment.objects.bulk_create(
        Appointment(doctor=doctor, patient=patient, during=(midnight + timedelta(minutes=n), midnight + timedelta(minutes=n + 1)))
        for n, patient in enumerate(people(start, end), start)
    )


def cost(client, address: str, row: str, **headers) -> int:
    client.get(address, headers=headers)  # what is read once, e.g. the session
    with CaptureQueriesContext(connection) as queries:
        response = client.get(address, headers=headers)
    assert (response.status_code, row in words(response)) == (200, True)
    return len(queries)


@pytest.mark.parametrize(("query", "headers"), [({}, {}), ({"part": "waiting"}, {"HX-Request": "true"})])
def test_console(client_as, nurse, query, headers):
    queue, web = queue_of(doctor=DoctorFactory()), client_as(nurse)
    address = url("queue", queue=queue.public_id, **query)
    wait(queue, 1, 11)
    few = cost(web, address, "P10", **headers)

    wait(queue, 11, 1001)

    assert cost(web, address, "P1000", **headers) == few <= MOST


def test_board(client):
    queue = queue_of(doctor=DoctorFactory())
    wait(queue, 1, 11)
    few = cost(client, url("board"), f"{queue.code}-10")

    wait(queue, 11, 1001)

    assert cost(client, url("board"), f"{queue.code}-10") == few <= 3


def test_reception(client_as, desk):
    doctor, web = DoctorFactory(), client_as(desk)
    address = reverse("portal:reception")
    expect(doctor, 1, 11)
    wait(queue_of(doctor=doctor), 2001, 2011)
    few = cost(web, address, "P10")

    expect(doctor, 11, 1001)
    wait(queue_of(doctor=doctor), 2011, 3001)

    assert cost(web, address, "P1000") == few <= MOST


def test_place_by_the_code_on_a_slip(client):
    queue = queue_of(doctor=DoctorFactory())
    wait(queue, 1, 11)
    address = url("place", Token.objects.get(number=10).slip_key)
    few = cost(client, address, f"{queue.code}-10")

    wait(queue, 11, 1001)

    assert cost(client, address, f"{queue.code}-10") == few <= 6


def test_page_of_a_token(client_as, nurse):
    queue, web = queue_of(doctor=DoctorFactory()), client_as(nurse)
    wait(queue, 1, 11)
    address = url("token", Token.objects.get(number=10).public_id)
    few = cost(web, address, "P10")

    wait(queue, 11, 1001)

    assert cost(web, address, "P10") == few <= MOST + 2  # the choice of another queue
