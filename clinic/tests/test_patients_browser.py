"""Registration, the chart of an earlier day and the summary of a visit: accessible by light, by dark, on a tablet and on a phone."""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DoctorFactory, user
from patients.services.encounters import complete_visit
from patients.tests.factories import AllergyFactory, DiagnosisFactory, EncounterFactory, ProblemFactory, VitalsFactory
from pharmacy.tests.factories import MedicineFactory, line_of, signed

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("mid_morning")]
SCREENS = pytest.mark.parametrize(
    "options",
    [{}, {"color_scheme": "dark"}, {"viewport": {"width": 820, "height": 1180}}, {"viewport": {"width": 390, "height": 844}}],
    ids=["light", "dark", "tablet", "phone"],
)


def fits(page):
    return page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@SCREENS
def test_registration_is_accessible_empty_and_refused(page_as, axe_clean, options):
    page = page_as(user(Role.RECEPTION), **options)

    page.goto("/patients/register/")
    axe_clean(page)
    page.get_by_label("First name").fill("Ann")
    page.locator("main form").last.evaluate("form => form.noValidate = true")
    page.get_by_role("button", name="Register").click()

    expect(page.get_by_role("alert")).to_be_visible()
    axe_clean(page)
    assert fits(page)


@SCREENS
def test_a_chart_of_that_day_and_the_summary_of_a_visit_are_accessible(page_as, axe_clean, options):
    visit = EncounterFactory(doctor=DoctorFactory(), reason="Cough", diagnosis_text="Rest and fluids.")
    VitalsFactory(encounter=visit, temperature_c="38.4")
    DiagnosisFactory(encounter=visit, code="J20")
    AllergyFactory(patient=visit.patient)
    ProblemFactory(patient=visit.patient)
    signed(line_of(MedicineFactory(name="Amoxicillin")), encounter=visit)
    page = page_as(visit.doctor.user, **options)

    page.goto(f"/consultations/{visit.public_id}/summary/")
    expect(page.get_by_text("This visit is not signed", exact=False)).to_be_visible()
    axe_clean(page)
    complete_visit(encounter_id=visit.pk, by=visit.doctor.user)
    page.reload()
    expect(page.get_by_text("Content SHA-256")).to_be_visible()
    axe_clean(page)
    assert fits(page)

    page.goto(f"/patients/{visit.patient.public_id}/")
    page.get_by_label("As it stood on").fill(timezone.localdate().isoformat())
    page.get_by_role("button", name="Show that day").click()
    expect(page.get_by_text("This is not the chart of today.", exact=False)).to_be_visible()
    axe_clean(page)
    assert fits(page)
