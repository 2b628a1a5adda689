"""The counter without a mouse: ten prescriptions, counted in keys."""

import sys
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import PASSWORD, user
from patients.services.access import set_restricted
from patients.tests.factories import EncounterFactory, PatientFactory
from pharmacy.models import Batch, Dispense
from pharmacy.tests.factories import MedicineFactory, line_of, signed, stocked

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PRESCRIPTIONS = 10
MOST_KEYS = 6  # three tabs from the search field to the oldest row, then Enter: open, hand out, next


@pytest.fixture
def waiting():
    """Ten paid prescriptions of two medicines each, oldest first."""
    on = timezone.localdate()
    medicines = [MedicineFactory(), MedicineFactory()]
    for medicine in medicines:
        stocked(200, medicine=medicine, on=on, expires_on=on + timedelta(days=400))
    for _ in range(PRESCRIPTIONS):
        patient = PatientFactory(allergies_reviewed_at=timezone.now())
        signed(*(line_of(medicine, 6) for medicine in medicines), encounter=EncounterFactory(patient=patient))


class Keys:
    """A keyboard that counts."""

    def __init__(self, page):
        self.page, self.pressed = page, 0

    def press(self, key):
        self.page.keyboard.press(key)
        self.pressed += 1

    def tab_to(self, locator, most=12):
        """Tab until it has the focus."""
        for _ in range(most):
            if locator.evaluate("element => element === document.activeElement"):
                return
            self.press("Tab")
        raise AssertionError(f"not reached within {most} tabs")


def test_ten_prescriptions_are_handed_out_by_keyboard_only(page_as, waiting, capsys):
    page = page_as(user(Role.PHARMACIST))
    page.goto("/pharmacy/counter/")
    keys, each = Keys(page), []
    for done in range(PRESCRIPTIONS):
        before = keys.pressed
        row = page.locator("tbody a.row-link").first
        expect(row).to_be_visible()
        keys.tab_to(row)
        keys.press("Enter")
        expect(page.get_by_role("button", name="Hand out", exact=True)).to_be_focused()
        keys.press("Enter")
        following = page.get_by_role("link", name="Next prescription")
        expect(following).to_be_focused()
        assert Dispense.objects.count() == done + 1
        keys.press("Enter")
        page.wait_for_url("**/pharmacy/counter/")
        each.append(keys.pressed - before)

    with capsys.disabled():
        sys.stdout.write(f"\nkeys per prescription: {each}\n")
    assert max(each) <= MOST_KEYS
    assert sum(Batch.objects.values_list("on_hand", flat=True)) == 2 * 200 - PRESCRIPTIONS * 2 * 6


def test_a_controlled_medicine_needs_the_second_persons_password(page_as):
    on, nurse = timezone.localdate(), user(Role.NURSE)
    medicine = MedicineFactory(name="Morphine 10 mg", is_controlled=True, price=Decimal(1))
    stocked(20, medicine=medicine, on=on, expires_on=on + timedelta(days=400))
    prescription = signed(line_of(medicine, 6))
    page = page_as(user(Role.PHARMACIST))
    page.goto(f"/pharmacy/counter/{prescription.public_id}/")

    page.get_by_role("button", name="Hand out", exact=True).click()
    expect(page.get_by_role("alert").first).to_contain_text("second person")
    page.get_by_label("Their user name").fill(nurse.username)
    page.get_by_label("Their password").fill(PASSWORD)
    page.get_by_role("button", name="Hand out", exact=True).click()

    expect(page.get_by_role("link", name="Next prescription")).to_be_visible()
    assert Batch.objects.get().movements.get(kind="OUT").witness == nurse


@pytest.mark.parametrize(
    "options", [{}, {"color_scheme": "dark"}, {"viewport": {"width": 390, "height": 800}}], ids=["light", "dark", "phone"]
)
def test_axe_finds_nothing_on_a_list_where_a_restricted_patient_waits(page_as, axe_clean, options):
    prescription = signed(line_of(MedicineFactory()))
    signed(line_of(MedicineFactory()))
    set_restricted(patient_id=prescription.patient_id, is_restricted=True, by=None)

    page = page_as(user(Role.PHARMACIST), **options)
    page.goto("/pharmacy/counter/")

    expect(page.get_by_text("Restricted chart")).to_be_visible()
    axe_clean(page)
