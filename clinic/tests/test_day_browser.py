"""The same day on the pages: four people at four screens, and the board on the wall."""

from datetime import datetime, time, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from billing.models import Invoice
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DoctorFactory, user
from patients.models import Encounter, Patient
from patients.services.notes import read_notes
from pharmacy.models import Batch, Medicine
from pharmacy.services.stock import receive_batch
from scheduling.models import Appointment
from scheduling.services.hours import add_exception

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("mid_morning", "as_application")]


@pytest.fixture
def doctor():
    doctor = DoctorFactory(consultation_fee="40.00", room="3")
    today = timezone.localdate()
    start, end = (timezone.make_aware(datetime.combine(today, time(hour))) for hour in (9, 17))
    add_exception(data={"doctor": doctor, "kind": "open", "slot_minutes": 15}, start=start, end=end, by=user(Role.MANAGER))
    return doctor


@pytest.fixture
def shelf():
    """20 tablets that expire first, 40 that were there before."""
    keeper = user(Role.PHARMACIST)
    medicine = Medicine.objects.create(name="Amlodipine 5 mg", generic_name="amlodipine", form="tablet", strength="5 mg", price="0.25")
    for lot, days, quantity in (("LATE", 700, 40), ("SOON", 90, 20)):
        today = timezone.localdate()
        receive_batch(
            medicine_id=medicine.pk,
            lot=lot,
            expires_on=today + timedelta(days=days),
            quantity=quantity,
            unit_cost=Decimal("0.10"),
            by=keeper,
            on=today,
        )


def test_four_people_take_a_patient_from_the_door_to_the_medicine(page_as, doctor, shelf, browser, live_server):
    desk, consulting, counter = page_as(user(Role.RECEPTION)), page_as(doctor.user), page_as(user(Role.PHARMACIST))
    board = browser.new_page(base_url=live_server.url)
    board.goto("/scheduling/board/")

    register(desk)
    book(desk, doctor)
    check_in(desk)
    call(consulting, board)
    measure(page_as(user(Role.NURSE)))
    consult(consulting)
    assert_nothing_goes_out_unpaid(counter)
    bill_and_pay(desk)
    hand_out(counter)

    encounter = Encounter.objects.get()
    assert encounter.status == "completed"
    assert [note.text for note in read_notes(encounter)] == ["Pressure up at two readings."]
    assert Appointment.objects.get().status == "completed"
    assert Invoice.objects.get().status == "paid"
    assert dict(Batch.objects.values_list("lot", "on_hand")) == {"SOON": 0, "LATE": 30}
    board.close()
    summary = page_as(user(Role.MANAGER))
    expect(summary.get_by_role("heading", level=1)).to_contain_text("Day")
    expect(summary.get_by_text("47.50").first).to_be_visible()


def register(page):
    page.get_by_role("link", name="Register patient").first.click()
    page.get_by_label("First name").fill("Zoë")
    page.get_by_label("Last name").fill("Nakamura")
    page.get_by_label("Date of birth", exact=False).first.fill("1984-02-29")
    page.get_by_label("Sex").select_option("female")
    page.get_by_role("group", name="Allergy 1").get_by_label("Substance").fill("Penicillin")
    page.locator("main").get_by_role("button", name="Register patient", exact=True).click()
    expect(page.get_by_text("Penicillin").first).to_be_visible()
    assert Patient.objects.get().full_name == "Zoë Nakamura"


def book(page, doctor):
    page.get_by_role("link", name="Book").first.click()
    expect(page.get_by_label("Doctor", exact=True)).to_have_value(str(doctor.public_id))  # the only one
    page.get_by_role("radio").first.click()
    page.get_by_label("Reason for the visit").first.fill("Headache")
    page.get_by_role("button", name="Book", exact=True).click()
    expect(page.get_by_text("Booked").first).to_be_visible()


def check_in(page):
    page.goto("/reception/")
    page.get_by_label("Who is here?").fill("nakam")
    page.locator("#found").get_by_role("button", name="Check in").click()
    expect(page.get_by_text("-1", exact=False).first).to_be_visible()


def call(page, board):
    page.goto("/scheduling/queue/")
    page.get_by_role("button", name="Call next").click()
    expect(page.get_by_role("button", name="Start visit")).to_be_visible()
    expect(board.get_by_text("-1", exact=False).first).to_be_visible(timeout=5_000)
    assert "Nakamura" not in board.content()
    page.get_by_role("button", name="Start visit").click()
    expect(page.get_by_role("heading", name="Consultation")).to_be_visible()


def measure(page):
    page.goto("/scheduling/queue/")
    page.get_by_role("link", name="Vitals").click()
    page.get_by_label("Systolic", exact=False).fill("152")
    page.get_by_label("Diastolic", exact=False).fill("95")
    page.get_by_role("button", name="Save vitals").click()
    expect(page.get_by_role("table", name="Vitals of this visit")).to_contain_text("152")
    expect(page.get_by_role("button", name="Sign visit")).to_have_count(0)


def consult(page):
    page.reload()
    page.locator("#notes-part").get_by_role("textbox", name="Note").fill("Pressure up at two readings.")
    page.get_by_role("button", name="Save note").click()
    expect(page.locator("#notes-part article")).to_contain_text("Pressure up")
    page.locator("#diagnoses-part").get_by_role("combobox", name="Diagnosis").fill("Essential hypertension")
    page.get_by_role("button", name="Add diagnosis").click()
    expect(page.locator("#diagnoses-part li")).to_contain_text("Essential hypertension")
    page.get_by_role("combobox", name="Medicine").fill("amlo")
    page.get_by_role("option", name="Amlodipine 5 mg").click()
    page.get_by_role("textbox", name="Dose").fill("1 tablet")
    page.get_by_role("combobox", name="How often").select_option("OD")
    page.get_by_role("textbox", name="Days").fill("30")
    page.get_by_role("button", name="Add medicine").click()
    expect(page.get_by_role("table", name="Prescription, not signed yet")).to_contain_text("30")
    page.get_by_role("button", name="Sign visit").click()
    page.get_by_role("dialog").get_by_role("button", name="Sign", exact=True).click()
    expect(page.get_by_text("Content SHA-256")).to_be_visible()


def assert_nothing_goes_out_unpaid(page):
    page.goto("/pharmacy/counter/")
    page.get_by_role("link", name="Zoë Nakamura").click()
    page.get_by_role("button", name="Hand out", exact=True).click()
    expect(page.get_by_role("alert").first).to_be_visible()
    assert Batch.objects.get(lot="SOON").on_hand == 20


def bill_and_pay(page):
    page.goto("/billing/shift/")
    page.get_by_label("Cash in the drawer", exact=False).fill("100.00")
    page.get_by_role("button", name="Open shift").click()
    expect(page.get_by_role("button", name="Close shift")).to_be_visible()
    page.goto("/billing/to-bill/")
    page.get_by_role("button", name="Bill Zoë Nakamura").click()
    page.get_by_label("Cash", exact=True).check()
    page.get_by_label("Cash handed over", exact=False).fill("50.00")
    page.get_by_role("button", name="Take payment").click()
    expect(page.get_by_text("2.50").first).to_be_visible()


def hand_out(page):
    page.reload()
    page.get_by_role("button", name="Hand out", exact=True).click()
    expect(page.locator("#counter")).to_contain_text("SOON")
    expect(page.get_by_text("Dispensed").first).to_be_visible()
