"""For how long a prescription may be handed out: the clinic's policy, and what is said when it is over."""

import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from pharmacy.errors import NotDispensable
from pharmacy.models import Batch, Dispense, Prescription
from pharmacy.services.dispensing import check_dispensable
from pharmacy.services.expiring import expire_prescriptions
from pharmacy.tests.factories import MedicineFactory, dispensed, line_of, pharmacist, signed, stocked


@pytest.fixture
def policy(settings):
    settings.PRESCRIPTION_VALID_DAYS, settings.CONTROLLED_PRESCRIPTION_VALID_DAYS = 5, 2
    return settings


def prescription_of(*, is_controlled=False) -> Prescription:
    return signed(line_of(stocked(9, medicine=MedicineFactory(is_controlled=is_controlled)).medicine))


@pytest.mark.django_db
@pytest.mark.parametrize(("is_controlled", "days"), [(False, 5), (True, 2)])
def test_what_is_signed_holds_for_the_days_of_the_policy(policy, is_controlled, days):
    prescription = prescription_of(is_controlled=is_controlled)
    over = timezone.localdate(prescription.signed_at) + timedelta(days=days)

    check_dispensable(prescription, on=over - timedelta(days=1))
    with pytest.raises(NotDispensable) as refusal:
        dispensed(prescription, on=over)

    assert prescription.valid_until == over
    assert f"has expired: it could be handed out before {over:%d %b %Y}. Ask the doctor" in refusal.value.detail
    assert not Dispense.objects.exists()
    assert Batch.objects.get().on_hand == 9


@pytest.mark.django_db
def test_another_policy_leaves_what_is_signed(policy):
    prescription = prescription_of()
    over = prescription.valid_until

    policy.PRESCRIPTION_VALID_DAYS = 100

    prescription.refresh_from_db()
    assert prescription.valid_until == over
    assert expire_prescriptions(on=over) == 1
    assert prescription_of().valid_until == over + timedelta(days=95)


@pytest.mark.django_db
def test_page_and_api_say_that_it_is_over(policy, client_as, api_as):
    prescription = prescription_of()
    expire_prescriptions(on=prescription.valid_until)
    by = pharmacist()

    page = client_as(by).get(reverse("pharmacy:dispense", args=[prescription.public_id])).content.decode()
    answer = api_as(by).post(
        "/api/v1/dispensings/",
        {"prescription": str(prescription.public_id)},
        headers={"Idempotency-Key": "6f0c7e86-9d8f-4f2c-a8f9-4a1f6f3c1f11"},
    )

    assert "has expired: it could be handed out before" in page
    assert answer.status_code == 409
    assert answer.json()["detail"] in page
    assert not Dispense.objects.exists()


@pytest.mark.parametrize(("days", "controlled"), [("0", "0"), ("367", "28"), ("14", "28"), ("180", "0"), ("-1", "-1")])
def test_a_policy_that_cannot_be_meant_stops_the_start(days, controlled):
    environment = os.environ | {"PRESCRIPTION_VALID_DAYS": days, "CONTROLLED_PRESCRIPTION_VALID_DAYS": controlled}

    start = subprocess.run([sys.executable, "-c", "import clinic.settings"], env=environment, capture_output=True, text=True, check=False)

    assert "PRESCRIPTION_VALID_DAYS is from 1 to 366" in start.stderr
