"""A prescription by keyboard alone, from the first letter of the medicine to the signature; and what axe says of the page."""

import sys

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from clinic.accounts.tests.factories import DoctorFactory
from patients.models import Allergy
from patients.tests.factories import EncounterFactory
from pharmacy.models import Favourite, Prescription
from pharmacy.services.favourites import keep_favourite
from pharmacy.tests.factories import MedicineFactory, drafted, line_of, signed

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MOST_KEYS_OF_A_LINE = 16  # four letters of the name, the choice, dose, frequency, days, and Enter


@pytest.fixture
def visit():
    return EncounterFactory(doctor=DoctorFactory(), patient__allergies_reviewed_at=timezone.now())


@pytest.fixture
def amoxicillin():
    return MedicineFactory(name="Amoxicillin 500 mg", generic_name="amoxicillin", form="capsule", unit="capsule")


class Keyboard:
    """Counts what is pressed; whatever has the focus gets it."""

    def __init__(self, page):
        self.page, self.pressed = page, 0

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)
            self.pressed += 1

    def type(self, words):
        self.press(*words)

    def tab_to(self, target, most=40):
        for _ in range(most):
            if target.evaluate("element => element === document.activeElement"):
                return
            self.press("Tab")
        raise AssertionError(f"not reached within {most} tabs")


def opened(page, visit):
    page.goto(reverse("pharmacy:prescribing", args=[visit.public_id]))
    return Keyboard(page)


def add_amoxicillin(keys):
    """One capsule three times a day for seven days, from the medicine field on."""
    page = keys.page
    keys.tab_to(page.locator("#rx-medicine"))
    keys.type("amox")
    expect(page.locator("#rx-medicine_list").get_by_role("option")).to_have_count(1)
    keys.press("ArrowDown", "Enter", "Tab")
    keys.type("1")
    keys.press("Tab")
    keys.type("TDS")  # a select jumps to what is typed
    keys.press("Tab")
    keys.type("7")
    expect(page.locator("#rx-quantity-input")).to_have_value("21")


def draft_of(visit) -> Prescription:
    return Prescription.objects.get(encounter=visit, status="draft")


def test_a_line_is_prescribed_and_signed_by_keyboard_alone(page_as, visit, amoxicillin, capsys):
    keys = opened(page_as(visit.doctor.user), visit)
    page = keys.page
    keys.tab_to(page.locator("#rx-medicine"))
    before = keys.pressed

    add_amoxicillin(keys)
    keys.press("Enter")
    expect(page.get_by_role("table", name="Prescription, not signed yet")).to_contain_text("21 capsules")
    of_the_line = keys.pressed - before
    expect(page.locator("#rx-medicine")).to_be_focused()
    item = draft_of(visit).items.get()
    keys.press("Shift+Tab")
    expect(page.get_by_role("button", name="Sign the prescription")).to_be_focused()
    keys.press("Enter")
    expect(page.get_by_text("Signed prescription")).to_be_visible()

    with capsys.disabled():
        sys.stdout.write(f"\nkeys of a line: {of_the_line}; with the signature: {keys.pressed - before}\n")
    assert (item.medicine, item.frequency, item.duration_days, item.quantity) == (amoxicillin, "TDS", 7, 21)
    assert of_the_line <= MOST_KEYS_OF_A_LINE
    assert Prescription.objects.get(encounter=visit).status == "signed"


def test_an_allergy_is_told_and_going_on_needs_a_reason(page_as, visit, amoxicillin):
    Allergy.objects.create(patient=visit.patient, substance="penicillin")
    keys = opened(page_as(visit.doctor.user), visit)
    page = keys.page

    add_amoxicillin(keys)
    keys.press("Enter")
    expect(page.get_by_role("alert").first).to_contain_text("llergy")
    sign = page.get_by_role("button", name="Sign the prescription")
    sign.focus()
    keys.press("Enter")
    expect(page.locator(".error-summary")).to_contain_text("reason")
    assert draft_of(visit)
    keys.tab_to(page.get_by_label("Reason to prescribe in spite of the warnings"))
    keys.type("Tolerated twice since")
    keys.press("Enter")
    expect(page.get_by_text("Signed prescription")).to_be_visible()

    assert Prescription.objects.get(encounter=visit).override_reason == "Tolerated twice since"


def test_the_last_prescription_is_repeated_by_one_key(page_as, visit, amoxicillin):
    signed(line_of(amoxicillin, 6), line_of(MedicineFactory(), 6), encounter=EncounterFactory(patient=visit.patient))
    keys = opened(page_as(visit.doctor.user), visit)

    keys.press("r")
    expect(keys.page.get_by_role("table", name="Prescription, not signed yet").locator("tbody tr")).to_have_count(2)

    assert draft_of(visit).items.filter(medicine=amoxicillin).exists()


def test_a_favourite_is_kept_and_taken_by_one_key(page_as, visit, amoxicillin):
    page = page_as(visit.doctor.user)
    keys = opened(page, visit)
    add_amoxicillin(keys)
    keys.press("Enter")
    keep = page.get_by_role("button", name="Keep Amoxicillin 500 mg as a favourite")
    expect(keep).to_be_visible()
    keep.focus()
    keys.press("Enter")
    expect(page.get_by_text("Favourites (1)")).to_be_visible()
    another = EncounterFactory(doctor=visit.doctor, patient__allergies_reviewed_at=timezone.now())

    keys = opened(page, another)
    keys.press("1")
    expect(page.get_by_role("table", name="Prescription, not signed yet")).to_contain_text("21 capsules")

    assert Favourite.objects.get().doctor == visit.doctor
    assert draft_of(another).items.get().quantity == 21


def test_axe_finds_nothing_while_a_prescription_is_written(page_as, axe_clean, visit, amoxicillin, look):
    Allergy.objects.create(patient=visit.patient, substance="penicillin")
    Allergy.objects.create(patient=visit.patient, substance="something nobody knows")
    keep_favourite(item=line_of(amoxicillin), by=visit.doctor.user)
    signed(line_of(MedicineFactory(is_controlled=True), 6), encounter=EncounterFactory(patient=visit.patient))
    page = page_as(visit.doctor.user, **look)
    keys = opened(page, visit)
    expect(page.get_by_text("Favourites (1)")).to_be_visible()
    axe_clean(page)

    add_amoxicillin(keys)
    page.get_by_text("Route, repeats, other frequency").click()
    axe_clean(page)
    page.get_by_role("button", name="Add medicine").click()
    expect(page.get_by_role("alert").first).to_contain_text("llergy")
    page.get_by_role("button", name="Sign the prescription").click()
    expect(page.locator(".error-summary")).to_be_visible()
    axe_clean(page)
    page.get_by_label("Reason to prescribe in spite of the warnings").fill("Tolerated twice since")
    page.get_by_role("button", name="Sign the prescription").click()
    expect(page.get_by_text("Signed prescription").first).to_be_visible()
    page.get_by_text("Cancel this prescription").first.click()
    axe_clean(page)


def test_axe_finds_nothing_on_a_line_that_is_refused(page_as, axe_clean, visit, look):
    drafted(line_of(MedicineFactory(generic_name="")), encounter=visit)
    page = page_as(visit.doctor.user, **look)
    opened(page, visit)

    page.get_by_role("button", name="Add medicine").click()
    expect(page.locator("[aria-invalid=true]").first).to_be_visible()

    axe_clean(page)
