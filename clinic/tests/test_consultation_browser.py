"""A consultation on a bad day: the network is cut, the session ends, two windows are open. Nothing typed is lost."""

import time

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from clinic.accounts.models import BrowserSession
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import PASSWORD, DoctorFactory, user
from clinic.core.db import atomic_with_retry
from patients.models import ConsultationDraft, Encounter
from patients.services import drafts
from patients.services.codes import load_codes
from patients.services.notes import read_notes
from patients.tests.factories import AttachmentFactory, ClinicalNoteFactory, DiagnosisFactory, EncounterFactory, VitalsFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def visit():
    return EncounterFactory(doctor=DoctorFactory())


def open_visit(page, visit):
    page.goto(reverse("portal:consultation", args=[visit.public_id]))
    expect(page.locator("#draft")).to_have_attribute("data-state", "clean")


def note_of(page):
    return page.locator("#note_text")


def state_of(page):
    return page.locator("#draft")


def be_in(page, state):
    expect(state_of(page)).to_have_attribute("data-state", state)


def save_all_and_sign(page):
    page.locator('form[data-draft="vitals"]').get_by_role("button", name="Save vitals").click()
    expect(page.get_by_role("table", name="Vitals of this visit")).to_be_visible()
    page.locator('form[data-draft="summary"]').get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.").first).to_be_visible()
    page.get_by_role("button", name="Save note").click()
    expect(page.locator("#notes-part article")).to_be_visible()
    page.locator('form[data-draft="diagnosis"]').get_by_role("button", name="Add diagnosis").click()
    expect(page.locator("#diagnoses-part li")).to_be_visible()
    be_in(page, "clean")
    page.get_by_role("button", name="Sign visit").click()
    page.get_by_role("button", name="Sign", exact=True).click()
    expect(page.get_by_text("Content SHA-256")).to_be_visible()


def assert_all_is_signed(visit):
    signed = Encounter.objects.get(pk=visit.pk)
    assert signed.status == "completed"
    [note] = read_notes(signed)
    assert note.text == "Cough for three days, worse at night."
    assert note.observations == {"symptoms": ["cough", "fever"]}
    assert signed.diagnosis_text == "Rest and fluids."
    assert [row.text for row in signed.diagnoses.all()] == ["Acute bronchitis"]
    assert [row.pulse_bpm for row in signed.vitals.all()] == [88]
    assert not ConsultationDraft.objects.exclude(values={}).exists()


def type_the_first_half(page):
    note_of(page).fill("Cough for three days")
    page.locator("#summary_diagnosis_text").fill("Rest")
    be_in(page, "kept")


def type_the_second_half(page):
    note_of(page).press_sequentially(", worse at night.")
    page.locator("#note_symptoms").fill("cough, fever")
    page.locator("#summary_diagnosis_text").press_sequentially(" and fluids.")
    page.locator("#diagnosis_text").fill("Acute bronchitis")
    page.locator("#vitals_pulse_bpm").fill("88")


def test_nothing_typed_is_lost_when_the_network_is_cut_in_the_middle(page_as, visit):
    page = page_as(visit.doctor.user)
    open_visit(page, visit)
    type_the_first_half(page)

    page.context.set_offline(True)
    type_the_second_half(page)
    be_in(page, "offline")
    page.get_by_role("button", name="Save note").click()  # in vain
    expect(note_of(page)).to_have_value("Cough for three days, worse at night.")
    page.context.set_offline(False)

    be_in(page, "kept")
    save_all_and_sign(page)
    assert_all_is_signed(visit)


def test_nothing_typed_is_lost_when_the_window_is_closed_without_network(page_as, visit):
    page = page_as(visit.doctor.user)
    open_visit(page, visit)
    type_the_first_half(page)
    page.context.set_offline(True)
    type_the_second_half(page)
    be_in(page, "offline")
    kept = page.evaluate("JSON.stringify(localStorage)")
    context = page.context
    page.close()
    context.set_offline(False)

    again = context.new_page()
    again.goto(reverse("portal:consultation", args=[visit.public_id]))
    be_in(again, "kept")

    assert str(visit.public_id) in kept
    assert "Cough" not in kept, "what stays in the browser is encrypted"
    assert again.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('draft:'))") == []
    save_all_and_sign(again)
    assert_all_is_signed(visit)


def test_nothing_typed_is_lost_when_the_session_ends_in_the_middle(page_as, visit):
    page = page_as(visit.doctor.user)
    open_visit(page, visit)
    type_the_first_half(page)

    BrowserSession.objects.all().delete()
    type_the_second_half(page)
    be_in(page, "out")
    page.get_by_role("button", name="Save note").click()  # does not leave the page
    expect(note_of(page)).to_have_value("Cough for three days, worse at night.")
    sign_in_beside(page, visit.doctor.user)

    be_in(page, "kept")
    save_all_and_sign(page)
    assert_all_is_signed(visit)


def sign_in_beside(page, who):
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Sign in").click()
    beside = opened.value
    beside.get_by_label("User name or e-mail").fill(who.username)
    beside.get_by_label("Password").fill(PASSWORD)
    beside.get_by_role("button", name="Sign in").click()
    beside.wait_for_url(lambda url: "/login/" not in url)
    beside.close()


def test_another_person_at_the_same_browser_gets_nothing_of_it(page_as, visit):
    page = page_as(visit.doctor.user)
    open_visit(page, visit)
    type_the_first_half(page)
    BrowserSession.objects.all().delete()
    type_the_second_half(page)
    be_in(page, "out")

    colleague = user(Role.DOCTOR)
    sign_in_beside(page, colleague)
    be_in(page, "other")
    page.get_by_role("button", name="Save note").click()
    expect(page.get_by_text("Not saved: you may not do this.")).to_be_visible()
    theirs = page.context.new_page()
    open_visit(theirs, visit)

    expect(note_of(theirs)).to_have_value("")
    assert not visit.notes.exists()
    assert [draft.author for draft in ConsultationDraft.objects.all()] == [visit.doctor.user]


def test_two_windows_ask_before_one_overwrites_the_other(page_as, visit):
    page = page_as(visit.doctor.user)
    open_visit(page, visit)
    second = page.context.new_page()
    open_visit(second, visit)

    note_of(page).fill("Written in the first window")
    be_in(page, "kept")
    second.locator("#summary_reason").fill("Cough")  # another form: no question
    be_in(second, "kept")
    expect(note_of(second)).to_have_value("Written in the first window")
    note_of(page).fill("Written in the first window, and on")
    page.wait_for_timeout(2500)
    be_in(page, "kept")
    note_of(second).fill("Something else")
    be_in(second, "clash")
    second.get_by_role("button", name="Take the other window's").click()

    be_in(second, "kept")
    expect(note_of(second)).to_have_value("Written in the first window, and on")
    draft = ConsultationDraft.objects.get()
    assert draft.values["note"]["text"] == "Written in the first window, and on"
    assert draft.values["summary"]["reason"] == "Cough"


def test_what_is_only_typed_holds_back_the_signature(page_as, visit):
    page = page_as(visit.doctor.user)
    open_visit(page, visit)
    note_of(page).fill("Not saved yet")

    page.get_by_role("button", name="Sign visit").click()
    page.get_by_role("button", name="Sign", exact=True).click()

    expect(page.get_by_text("Not signed: something you typed is not saved yet.")).to_be_visible()
    expect(note_of(page)).to_be_focused()
    assert Encounter.objects.get(pk=visit.pk).is_open


@pytest.mark.parametrize("options", [{}, {"color_scheme": "dark"}], ids=["light", "dark"])
def test_an_unusual_value_is_asked_about_once_and_then_kept(page_as, axe_clean, visit, options):
    page = page_as(visit.doctor.user, **options)
    open_visit(page, visit)

    page.locator("#vitals_temperature_c").fill("39.5")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Temperature 39.5 °C (usually 35.5 to 38)")
    axe_clean(page)
    assert not visit.vitals.exists()
    page.get_by_role("button", name="Save as measured").click()

    expect(page.get_by_role("table", name="Vitals of this visit")).to_contain_text("39.5 unusual")
    be_in(page, "clean")


@pytest.mark.parametrize(
    "options",
    [{}, {"color_scheme": "dark"}, {"viewport": {"width": 820, "height": 1180}}, {"viewport": {"width": 390, "height": 844}}],
    ids=["light", "dark", "tablet", "phone"],
)
def test_axe_finds_nothing_on_an_open_visit_and_one_that_is_signed(page_as, axe_clean, visit, options):
    VitalsFactory(encounter=visit)
    DiagnosisFactory(encounter=visit, code="I10")
    ClinicalNoteFactory(encounter=visit)
    AttachmentFactory(encounter=visit)
    page = page_as(visit.doctor.user, **options)
    open_visit(page, visit)
    page.locator("summary", has_text="Another set").click()
    axe_clean(page)

    page.get_by_role("button", name="Sign visit").click()
    axe_clean(page)
    page.get_by_role("button", name="Sign", exact=True).click()
    expect(page.get_by_text("Content SHA-256")).to_be_visible()
    axe_clean(page)


def test_diagnosis_is_found_and_added_by_keyboard_alone(page_as, visit):
    load_codes(titles=[("I21", "Acute myocardial infarction"), ("I10", "Hypertension")], synonyms=[("heart attack", "I21")])
    page = page_as(visit.doctor.user)
    open_visit(page, visit)

    page.locator("#diagnosis_text").press_sequentially("heart att")
    expect(page.locator("#diagnosis_text_list").get_by_role("option")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#diagnosis_code")).to_have_value("I21")
    page.keyboard.press("Enter")

    expect(page.locator("#diagnoses-part li")).to_contain_text("Acute myocardial infarction")
    assert visit.diagnoses.values_list("code", flat=True).get() == "I21"


def test_symptoms_are_found_and_added_by_keyboard_alone(page_as, axe_clean, visit):
    page = page_as(visit.doctor.user)
    open_visit(page, visit)
    asked = []
    page.on("request", lambda request: asked.append(request.url))

    note_of(page).fill("Ill since Monday.")
    box, options = page.locator("#note_symptoms"), page.locator("#note_symptoms_list").get_by_role("option")
    box.press_sequentially("fev")
    expect(options).to_have_text(["fever"])
    axe_clean(page)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(box).to_have_value("fever, ")
    box.press_sequentially("own word, breath")
    expect(options).to_have_text(["shortness of breath"])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(options).to_have_count(0)
    be_in(page, "kept")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")

    expect(page.locator("#notes-part article")).to_contain_text("Symptoms: fever, own word, shortness of breath")
    assert [url for url in asked if "fev" in url or "breath" in url] == []


def test_a_window_that_is_closed_while_typing_disturbs_no_later_test(page_as, visit, monkeypatch):
    """What it still sends is answered before the tables are emptied: a slow answer would hold their locks."""
    keep = drafts.save_draft

    @atomic_with_retry
    def slowly(**kwargs):
        kept = keep(**kwargs)
        time.sleep(5)  # longer than lock_timeout
        return kept

    monkeypatch.setattr(drafts, "save_draft", slowly)
    page = page_as(visit.doctor.user)
    open_visit(page, visit)

    with page.expect_request("**/draft/"):
        note_of(page).fill("Not saved yet")
