"""A window that is left alone: covered after ten minutes, signed out after fifteen, and nothing typed is lost."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from clinic.accounts.models import BrowserSession
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import PASSWORD, DoctorFactory, user
from patients.tests.factories import EncounterFactory
from scheduling.tests.factories import TokenFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def receptionist():
    return user(Role.RECEPTION)


def open_at(page, address):
    """With a clock that the test turns."""
    page.clock.install()
    page.goto(address)


def leave_alone(page, minutes: int) -> None:
    """So long for the server, and for the page's own clock."""
    BrowserSession.objects.update(active_at=timezone.now() - timedelta(minutes=minutes, seconds=1))
    page.clock.fast_forward(minutes * 60_000 + 2_000)


def lock_of(page):
    return page.get_by_role("dialog", name="Locked")


def unlock(page, password=PASSWORD):
    lock_of(page).get_by_label("Password of").fill(password)
    lock_of(page).get_by_role("button", name="Unlock").click()
    if password == PASSWORD:
        expect(lock_of(page)).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_covers_the_page_and_gives_it_back_as_it_was(page_as, receptionist, axe_clean, scheme):
    page = page_as(receptionist, color_scheme=scheme)
    open_at(page, reverse("patients:register"))
    page.get_by_label("First name").first.fill("Wilhelmina")
    title = page.title()

    leave_alone(page, 10)

    expect(lock_of(page)).to_be_visible()
    expect(page.get_by_label("First name").first).to_be_hidden()
    expect(lock_of(page).get_by_label("Password of")).to_be_focused()
    assert page.title() == "Locked"
    axe_clean(page)
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(lock_of(page)).to_be_visible()

    unlock(page, "not the password")
    expect(lock_of(page).get_by_role("alert")).to_have_text("That is not your password.")

    unlock(page)
    expect(page.get_by_label("First name").first).to_have_value("Wilhelmina")
    expect(page.get_by_label("First name").first).to_be_focused()
    page.keyboard.type(" Ann")
    expect(page.get_by_label("First name").first).to_have_value("Wilhelmina Ann")
    assert page.title() == title


def test_a_note_goes_on_after_the_lock_and_after_the_end(page_as):
    visit = EncounterFactory(doctor=DoctorFactory())
    page = page_as(visit.doctor.user)
    address = reverse("portal:consultation", args=[visit.public_id])
    open_at(page, address)
    note = page.locator("#note_text")
    note.fill("Cough for three days")
    page.clock.run_for(2_000)
    expect(page.locator("#draft")).to_have_attribute("data-state", "kept")

    leave_alone(page, 10)
    expect(note).to_be_hidden()
    unlock(page)
    expect(note).to_have_value("Cough for three days")
    note.press_sequentially(", worse at night.")
    page.clock.run_for(2_000)
    expect(page.locator("#draft")).to_have_attribute("data-state", "kept")

    leave_alone(page, 15)
    page.wait_for_url(lambda url: "/accounts/login/?next=" in url)
    expect(page.locator("body")).not_to_contain_text("Cough")
    page.get_by_label("User name or e-mail").fill(visit.doctor.user.username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    page.wait_for_url(lambda url: url.endswith(address))
    expect(page.locator("#note_text")).to_have_value("Cough for three days, worse at night.")


@pytest.mark.parametrize("kind", ["queue", "board"])
def test_a_page_that_refreshes_itself_keeps_nothing_open(page_as, receptionist, kind):
    token = TokenFactory(on=timezone.localdate())
    page = page_as(receptionist)
    open_at(page, {"queue": f"/scheduling/queue/?queue={token.queue.public_id}", "board": "/scheduling/board/"}[kind])
    before = BrowserSession.objects.get().active_at

    for _ in range(2):
        with page.expect_response(lambda answer: "/scheduling/" in answer.url and "hx-request" in answer.request.headers) as asked:
            page.clock.run_for(6_000)
        assert asked.value.status == 200

    assert BrowserSession.objects.get().active_at == before


def test_a_locked_page_asks_for_nothing(page_as, receptionist):
    token = TokenFactory(on=timezone.localdate())
    page = page_as(receptionist)
    open_at(page, f"/scheduling/queue/?queue={token.queue.public_id}")
    leave_alone(page, 10)
    expect(lock_of(page)).to_be_visible()
    asked = []
    page.on("request", lambda request: asked.append(request.url))

    page.clock.run_for(30_000)
    page.evaluate("fetch('/accounts/session/')")  # what was asked before has come by now

    assert [url for url in asked if "/scheduling/" in url] == []


def test_typing_in_one_window_keeps_all_open(page_as, receptionist):
    page = page_as(receptionist)
    open_at(page, reverse("patients:register"))
    other = page.context.new_page()
    open_at(other, reverse("portal:reception"))
    BrowserSession.objects.update(active_at=timezone.now() - timedelta(minutes=9))

    page.clock.fast_forward(9 * 60_000)
    with page.expect_response("**/accounts/session/") as said:
        page.get_by_label("First name").first.press_sequentially("W")
    with other.expect_response("**/accounts/session/") as asked:
        other.clock.fast_forward(10 * 60_000 + 2_000)

    assert (said.value.request.method, said.value.status) == ("POST", 200)
    assert asked.value.json()["locks_in_s"] > 500
    expect(lock_of(other)).to_be_hidden()


def test_a_window_that_wakes_up_asks_at_once(page_as, receptionist):
    page = page_as(receptionist)
    open_at(page, reverse("patients:register"))
    BrowserSession.objects.update(active_at=timezone.now() - timedelta(minutes=11))
    page.clock.set_system_time(timezone.now() + timedelta(minutes=11))  # the computer slept: no timer ran

    page.evaluate("window.dispatchEvent(new Event('focus'))")

    expect(lock_of(page)).to_be_visible()


def test_unlocking_one_window_opens_the_others(page_as, receptionist):
    page = page_as(receptionist)
    open_at(page, reverse("patients:register"))
    other = page.context.new_page()
    open_at(other, reverse("portal:reception"))
    leave_alone(page, 10)
    other.clock.fast_forward(10 * 60_000 + 2_000)
    expect(lock_of(page)).to_be_visible()
    expect(lock_of(other)).to_be_visible()

    unlock(page)

    expect(lock_of(other)).to_be_hidden()


def test_a_locked_browser_that_opens_a_page_comes_to_it_by_the_password(page_as, receptionist, axe_clean):
    page = page_as(receptionist)
    BrowserSession.objects.update(active_at=timezone.now() - timedelta(minutes=11))

    page.goto("/patients/?q=Bell")
    expect(page.get_by_role("heading", name="Locked")).to_be_visible()
    axe_clean(page)
    page.get_by_label("Password of").fill(PASSWORD)
    page.get_by_role("button", name="Unlock").click()

    page.wait_for_url("**/patients/?q=Bell")
    expect(page.get_by_role("heading", level=1)).to_have_text("Patients")


def test_the_back_office_is_covered_too(page_as, receptionist):
    page = page_as(receptionist)
    open_at(page, "/admin/")

    leave_alone(page, 10)

    expect(lock_of(page)).to_be_visible()
    expect(page.get_by_role("heading", name="Back office")).to_be_hidden()
    unlock(page)
