"""What a patient sees first: the own place in the queue, what is booked, and the ways to book and to wait for a time."""

import pytest
from django.urls import reverse

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DoctorFactory, user
from patients.tests.factories import EncounterFactory
from scheduling.tests.factories import AppointmentFactory, PatientFactory
from scheduling.tests.steps import url, walk_in_now, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def patient():
    return PatientFactory(user=user(Role.PATIENT))


def test_own_place_in_the_queue_and_nobody_elses(client_as, patient):
    doctor = DoctorFactory()
    walk_in_now(doctor, patient=PatientFactory(first_name="Xquizzle"))
    token = walk_in_now(doctor, patient=patient)

    page = words(client_as(patient.user).get(reverse("portal:home")))

    assert token.label in page
    assert "<dd>2</dd>" in page
    assert "Xquizzle" not in page


def test_appointments_open_and_there_are_ways_to_book_and_to_wait(client_as, patient):
    appointment = AppointmentFactory(patient=patient)
    web = client_as(patient.user)

    page = words(web.get(reverse("portal:home")))

    for address in (url("appointment", appointment.public_id), url("book", patient.public_id), url("waitlist")):
        assert f'href="{address}"' in page
        assert web.get(address).status_code == 200


def test_signed_visits_lead_to_their_summaries(client_as, patient):
    signed, still_open = EncounterFactory(patient=patient, signed=True), EncounterFactory(patient=patient)

    page = words(client_as(patient.user).get(reverse("portal:home")))

    assert reverse("portal:visit_summary", args=[signed.public_id]) in page
    assert str(still_open.public_id) not in page


def test_costs_at_most_ten_queries(client_as, patient, django_assert_max_num_queries):
    for _ in range(5):
        AppointmentFactory(patient=patient, doctor=DoctorFactory(), status="completed")
        EncounterFactory(patient=patient, signed=True)
    walk_in_now(DoctorFactory(), patient=patient)
    web = client_as(patient.user)
    web.get(reverse("portal:home"))

    with django_assert_max_num_queries(10):
        web.get(reverse("portal:home"))
