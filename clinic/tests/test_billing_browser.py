"""A cashier's day on the pages: open, bill, take money in two ways, credit and refund, count, close."""

from decimal import Decimal

import pytest
from playwright.sync_api import expect

from billing.models import CreditNote, Invoice, Payment, Refund, Shift
from billing.tests.factories import MedicineFactory, PatientFactory, cashier, insured, issued, visit
from billing.tests.test_returned import came_back, handed_out
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("mid_morning")]


def test_a_cashiers_day(page_as):
    seen = visit((MedicineFactory(price="0.50"), 10), patient=insured(80, first_name="Zoë", last_name="Nakamura"))
    cash = visit(patient=PatientFactory(first_name="Ann", last_name="Bell"))
    page = page_as(user(Role.RECEPTION))

    open_shift(page)
    bill_at_the_desk(page, seen)
    pay_in_three_keystrokes(page, seen)
    bill_at_the_desk(page, cash)
    pay_in_two_ways(page)
    credit_and_refund(page)
    claim(page, Invoice.objects.get(encounter=seen))
    close_shift(page)

    assert Invoice.objects.get(encounter=seen).patient_balance == 0
    assert Invoice.objects.get(encounter=cash).credited == Decimal("10.00")
    assert Refund.objects.get().amount == Decimal("10.00")
    assert CreditNote.objects.get().reason == "Too dear"
    shift = Shift.objects.get()
    assert not shift.is_open
    assert {count.method: count.counted for count in shift.counts.all()}["cash"] == Decimal("114.00")


def open_shift(page):
    page.goto("/billing/shift/")
    page.get_by_label("Cash in the drawer", exact=False).fill("100.00")
    page.get_by_role("button", name="Open shift").click()
    expect(page.get_by_role("button", name="Close shift")).to_be_visible()


def scan(page, patient):
    """A scanner types, and presses Enter; the field has the focus already."""
    page.goto("/billing/cashier/")
    expect(page.get_by_role("searchbox", name="MRN, token or invoice")).to_be_focused()
    page.keyboard.type(patient.mrn)
    page.keyboard.press("Enter")
    expect(page.locator("#owed")).to_contain_text(patient.full_name)


def bill_at_the_desk(page, encounter):
    scan(page, encounter.patient)
    page.get_by_role("button", name="Bill", exact=True).click()
    expect(page.get_by_role("button", name="Take payment")).to_be_visible()


def pay_in_three_keystrokes(page, encounter):
    """Scan (its Enter is the first), look, Enter."""
    scan(page, encounter.patient)
    expect(page.locator("#pay")).to_contain_text("9.00")
    expect(page.get_by_role("button", name="Take payment")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("9.00 received by cash", exact=False)).to_be_visible()


def pay_in_two_ways(page):
    page.locator("#id_amount").fill("15.00")
    page.get_by_label("Cash handed over", exact=False).fill("20.00")
    page.get_by_text("Pay in two ways").click()
    page.get_by_label("And by").select_option("card")
    page.get_by_label("Amount by the second way").fill("25.00")
    page.get_by_role("button", name="Take payment").click()
    expect(page.get_by_text("15.00 received by cash", exact=False)).to_be_visible()
    expect(page.get_by_role("status").get_by_text("Change USD 5.00")).to_be_visible()
    assert Payment.objects.count() == 3


def credit_and_refund(page):
    page.get_by_role("button", name="Credit", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Amount").fill("10.00")
    dialog.get_by_label("Reason").fill("Too dear")
    dialog.get_by_role("button", name="Write credit note").click()
    expect(page.get_by_text("Paid too much")).to_be_visible()
    page.get_by_role("button", name="Refund").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Amount").fill("10.00")
    dialog.get_by_label("Reason").fill("Credit note")
    dialog.get_by_role("button", name="Refund").click()
    expect(page.get_by_text("Paid too much")).to_have_count(0)


def claim(page, invoice):
    page.goto(f"/billing/invoices/{invoice.public_id}/")
    page.get_by_role("button", name="Claim").click()
    expect(page.get_by_text("The insurer answered")).to_be_visible()


def close_shift(page):
    page.goto("/billing/shift/")
    page.get_by_label("Counted, Cash").fill("114.00")
    page.get_by_label("Counted, Card").fill("25.00")
    page.get_by_role("button", name="Close shift").click()
    expect(page.get_by_text("The shift is closed.")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_patient_pays_on_a_phone(page_as, axe_clean, settings, scheme):
    settings.PAYMENT_PROVIDER = "billing.providers.TestProvider"
    settings.PAYMENT_WEBHOOK_SECRET = "a-secret-of-the-tests-a-secret-of-the-tests"
    account = user(Role.PATIENT)
    invoice = issued(total="40.00", patient=PatientFactory(user=account))
    page = page_as(account, viewport={"width": 390, "height": 844}, color_scheme=scheme)

    page.get_by_role("link", name=f"Pay {invoice.number}").click()
    expect(page.get_by_role("button", name="Pay")).to_be_visible()
    axe_clean(page)
    page.get_by_role("button", name="Pay").click()
    expect(page.get_by_role("heading", name="Test payment")).to_be_visible()
    axe_clean(page)
    page.get_by_role("button", name="Pay").click()

    expect(page.get_by_text("Nothing is left to pay")).to_be_visible()
    axe_clean(page)
    assert Payment.objects.get().method == "online"


@pytest.mark.parametrize("options", [{}, {"color_scheme": "dark"}], ids=["light", "dark"])
def test_the_pages_of_billing_are_accessible(page_as, axe_clean, options):
    by = user(Role.RECEPTION, Role.MANAGER)
    page = page_as(by, **options)
    invoice = issued(by, patient=insured(50))
    returned, dispense = handed_out(cashier())
    came_back(dispense, 4)

    for path in [
        "",
        "to-bill/",
        "to-credit/",
        f"invoices/{returned.public_id}/",
        "cashier/",
        "shift/",
        "claims/",
        "packages/",
        "overdue/",
        "day/",
        "new/",
        f"invoices/{invoice.public_id}/",
    ]:
        page.goto(f"/billing/{path}")
        expect(page.locator("h1")).to_have_count(1)
        axe_clean(page)
