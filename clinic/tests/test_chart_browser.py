"""The chart as a doctor opens it: accessible by light, dark and on a phone."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from clinic.accounts.tests.factories import DoctorFactory
from patients.tests.factories import AllergyFactory, DiagnosisFactory, EncounterFactory, ProblemFactory, VitalsFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("mid_morning")]


@pytest.mark.parametrize(
    "options",
    [{}, {"color_scheme": "dark"}, {"viewport": {"width": 820, "height": 1180}}, {"viewport": {"width": 390, "height": 844}}],
    ids=["light", "dark", "tablet", "phone"],
)
def test_the_chart_shows_how_measurements_went(page_as, axe_clean, options):
    encounter = EncounterFactory()
    for day, (weight, systolic) in enumerate([("84.00", 150), ("82.00", 140), ("83.00", 145), ("79.50", 130)]):
        at = timezone.now() - timedelta(days=40 - 9 * day)
        VitalsFactory(encounter=encounter, weight_kg=weight, systolic_mmhg=systolic, diastolic_mmhg=85 - day, recorded_at=at)
    DiagnosisFactory(encounter=encounter)
    AllergyFactory(patient=encounter.patient, substance="Ibuprofen")
    ProblemFactory(patient=encounter.patient)
    page = page_as(DoctorFactory().user, **options)

    page.goto(f"/patients/{encounter.patient.public_id}/")

    expect(page.get_by_role("img", name="Weight from 84 kg to 79.5 kg, 4 values")).to_be_visible()
    page.locator("details").first.click()
    axe_clean(page)
