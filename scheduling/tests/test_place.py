"""What a patient sees of the queue: by the code on the slip, and at home in the portal."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DepartmentFactory, DoctorFactory, user
from scheduling.models import Token
from scheduling.services import queueing
from scheduling.services.transfers import transfer_token
from scheduling.tests.factories import PatientFactory, TokenFactory
from scheduling.tests.steps import change, url, walk_in_now, words

pytestmark = pytest.mark.django_db


def place(client, token, **headers):
    return client.get(url("place", Token.objects.get(pk=token.pk).slip_key), headers=headers)


def test_holder_of_the_slip_sees_place_and_room_and_nobody_is_named(client):
    doctor = DoctorFactory(room="7")
    first, second = walk_in_now(doctor), walk_in_now(doctor)

    page = words(place(client, second))
    assert second.label in page
    assert "Place in the queue" in page
    queueing.call_next(queue_id=first.queue_id, by=None, now=timezone.now())
    assert "You are next" in words(place(client, second))
    called = words(place(client, first))

    assert "Room 7" in called
    assert "It is your turn" in called
    for shown in (page, called):
        for secret in (second.patient.last_name, second.patient.mrn, doctor.user.last_name, str(second.public_id)):
            assert secret not in shown


def test_key_is_random_and_each_token_has_its_own():
    keys = [TokenFactory() for _ in range(3)]
    kept = set(Token.objects.values_list("slip_key", flat=True))

    assert len(kept) == 3
    assert not kept & {token.public_id for token in keys}
    assert {key.version for key in kept} == {4}


def test_answers_only_to_the_key_and_only_on_its_day(client):
    token = walk_in_now(DoctorFactory())
    yesterday = walk_in_now(DoctorFactory(), now=timezone.now() - timedelta(days=1))

    assert client.get(url("place", token.public_id)).status_code == 404
    assert client.get(url("place", uuid4())).status_code == 404
    assert place(client, yesterday).status_code == 404


def test_is_kept_by_no_cache_and_passed_on_to_no_page(client):
    headers = place(client, walk_in_now(DoctorFactory())).headers

    assert "no-store" in headers["Cache-Control"]
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Robots-Tag"] == "noindex"


def test_refreshes_only_its_part_until_it_is_over(client):
    token = walk_in_now(DoctorFactory())

    assert "hx-get" in words(place(client, token, **{"HX-Request": "true"}))
    change(token, "left", now=timezone.now())
    page = words(place(client, token, **{"HX-Request": "true"}))
    assert "hx-get" not in page
    assert "<html" not in page


def test_follows_the_patient_to_another_queue(client):
    token = walk_in_now(DoctorFactory())
    new = transfer_token(token_id=token.pk, department_id=DepartmentFactory().pk, by=None, now=timezone.now())
    new.refresh_from_db()

    assert place(client, token).url == url("place", new.slip_key)


def test_slip_carries_the_code(client_as, desk):
    page = words(client_as(desk).get(url("slip", walk_in_now(DoctorFactory()).public_id)))

    assert 'src="data:image/svg+xml' in page


def test_patient_sees_the_own_place_at_home(client_as):
    account = user(Role.PATIENT)
    patient = PatientFactory(user=account)
    doctor = DoctorFactory()
    other = walk_in_now(doctor)
    token = walk_in_now(doctor, patient=patient)
    walk_in_now(DoctorFactory(), patient=patient, now=timezone.now() - timedelta(days=1))

    page = words(client_as(account).get(reverse("portal:home")))

    assert token.label in page
    assert f">{other.label}<" not in page
    assert page.count("Place in the queue") == 1
