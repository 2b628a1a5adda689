"""A browser that nobody uses is locked after 10 minutes and signed out after 15; nothing but a person keeps it open."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from clinic.accounts import middleware
from clinic.accounts.models import BrowserSession
from clinic.accounts.roles import Role
from clinic.accounts.services import staff
from clinic.accounts.services.idling import end_idle_sessions
from clinic.accounts.services.sign_in import FAILURES_PER_ORIGIN
from clinic.accounts.sessions import SessionStore
from clinic.accounts.tests.factories import PASSWORD, user
from clinic.audit.models import OutboxEvent

pytestmark = pytest.mark.django_db

PAGE, API, SESSION, UNLOCK = "/patients/?q=Bell", "/api/v1/auth/me/", "/accounts/session/", "/accounts/unlock/"
NAVIGATION = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
BY_CLICK = NAVIGATION | {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-User": "?1"}
NOT_BY_PEOPLE = {
    "a part that refreshes itself": {"Accept": "*/*", "HX-Request": "true"},
    "a part that refreshes itself and says it is a page": NAVIGATION | {"HX-Request": "true"},
    "a script": {"Accept": "*/*", "Sec-Fetch-Mode": "cors"},
    "an event stream": {"Accept": "text/event-stream, */*;q=0.1", "Sec-Fetch-Mode": "cors"},
    "a picture": {"Accept": "image/avif,image/*,*/*;q=0.8", "Sec-Fetch-Mode": "no-cors"},
    "a page that reloads itself": NAVIGATION | {"Sec-Fetch-Mode": "navigate"},
}


@pytest.fixture
def receptionist():
    return user(Role.RECEPTION)


@pytest.fixture
def window(receptionist, client_as):
    return client_as(receptionist)


def leave_alone(minutes: float) -> None:
    BrowserSession.objects.update(active_at=timezone.now() - timedelta(minutes=minutes))


def active_at():
    return BrowserSession.objects.get().active_at


def actions() -> list[str]:
    return list(OutboxEvent.objects.filter(action__startswith="accounts.user.").order_by("id").values_list("action", flat=True))


def refusals() -> list[tuple]:
    events = OutboxEvent.objects.filter(action="request.refused").order_by("id")
    return [(event.actor, event.document["changes"]["status"], event.document["changes"]["code"]) for event in events]


class TestLock:
    def test_what_was_locked_while_a_request_was_on_its_way_stays_locked(self, window):
        leave_alone(9)
        session = SessionStore(BrowserSession.objects.get().pk)
        session.load()
        assert not session.is_locked
        leave_alone(11)
        before = active_at()

        session.seen()

        assert active_at() == before

    def test_is_open_until_ten_minutes_have_passed(self, window):
        leave_alone(9.9)

        assert window.get(PAGE, headers=NAVIGATION).status_code == 200

    def test_shows_a_lock_in_place_of_the_page_and_comes_back_to_it(self, window, receptionist):
        leave_alone(10)

        answer = window.get(PAGE, headers=NAVIGATION)

        assert answer.status_code == 423
        assert "<h1>Locked</h1>" in answer.text
        assert f'name="next" value="{PAGE}"' in answer.text
        assert 'id="lock"' not in answer.text
        assert answer.headers["Cache-Control"].startswith("max-age=0, no-cache, no-store")
        assert refusals() == [(receptionist, 423, "session_locked")]

    def test_a_form_that_comes_too_late_writes_nothing_and_is_told_so(self, window):
        leave_alone(11)

        answer = window.post("/patients/register/", {"first_name": "Ann"}, headers=NAVIGATION)

        assert answer.status_code == 423
        assert "not saved" in answer.text

    @pytest.mark.parametrize("address", ["/home/", "/admin/", "/accounts/password/", "/reception/?part=queues"])
    def test_every_page_is_locked(self, window, address):
        leave_alone(10)

        assert window.get(address, headers=NAVIGATION).status_code == 423

    def test_a_part_of_a_page_gets_a_problem_and_no_page(self, window):
        leave_alone(10)

        answer = window.get("/reception/?part=queues", headers={"HX-Request": "true"})

        assert (answer.status_code, answer.json()["code"]) == (423, "session_locked")

    @pytest.mark.parametrize("method", ["get", "post"])
    def test_the_api_is_locked_for_the_browser(self, window, method):
        leave_alone(10)

        answer = getattr(window, method)(API)

        assert (answer.status_code, answer.json()["code"]) == (423, "session_locked")
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert [refusal[1:] for refusal in refusals()] == [(423, "session_locked")]

    def test_a_header_of_another_scheme_is_no_way_round(self, window):
        leave_alone(10)

        assert window.get(API, headers={"Authorization": "Basic eDp5"}).status_code == 423

    def test_a_bearer_token_has_a_life_of_its_own(self, window, receptionist, api_as):
        leave_alone(10)

        assert api_as(receptionist).get(API).status_code == 200

    @pytest.mark.parametrize("address", ["/scheduling/board/", "/healthz", "/api/schema/"])
    def test_public_pages_stay_open(self, window, address):
        leave_alone(10)

        assert window.get(address, headers=NAVIGATION).status_code == 200


class TestActivity:
    @pytest.mark.parametrize("headers", NOT_BY_PEOPLE.values(), ids=NOT_BY_PEOPLE)
    @pytest.mark.parametrize("address", ["/reception/", "/scheduling/board/", API, SESSION])
    def test_what_nobody_did_does_not_keep_it_open(self, window, address, headers):
        leave_alone(9)
        before = active_at()

        assert window.get(address, headers=headers).status_code == 200

        assert active_at() == before

    def test_the_api_is_asked_by_scripts_whatever_they_accept(self, window):
        leave_alone(9)
        before = active_at()

        window.get(API, headers=BY_CLICK)

        assert active_at() == before

    @pytest.mark.parametrize("headers", [NAVIGATION, BY_CLICK])
    def test_opening_a_page_and_sending_a_form_keep_it_open(self, window, headers):
        for ask in (lambda: window.get(PAGE, headers=headers), lambda: window.post("/patients/register/", {}, headers=headers)):
            leave_alone(9)
            ask()
            assert timezone.now() - active_at() < timedelta(minutes=1)

    def test_a_script_reports_what_a_person_does_in_a_page(self, window):
        leave_alone(9)

        state = window.post(SESSION).json()

        assert timezone.now() - active_at() < timedelta(minutes=1)
        assert 590 < state["locks_in_s"] <= 600
        assert 890 < state["ends_in_s"] <= 900

    def test_a_report_that_comes_too_late_unlocks_nothing(self, window):
        leave_alone(10)
        before = active_at()

        state = window.post(SESSION).json()

        assert active_at() == before
        assert state["locks_in_s"] <= 0
        assert window.get(PAGE, headers=NAVIGATION).status_code == 423

    def test_what_is_saved_in_a_session_is_no_activity(self, window):
        leave_alone(9)
        before = active_at()
        session = window.session

        session["word"] = "kept"
        session.save()

        assert active_at() == before
        assert window.session["word"] == "kept"

    def test_is_not_written_down_anew_by_each_click(self, window, django_assert_max_num_queries):
        window.get("/accounts/password/", headers=NAVIGATION)
        before = active_at()

        with django_assert_max_num_queries(2):
            window.get("/accounts/password/", headers=NAVIGATION)

        assert active_at() == before

    def test_would_last_for_ever_if_whatever_comes_counted(self, window, monkeypatch):
        """The control: with every request taken for a person's, a page that asks every 5 s is never locked."""
        monkeypatch.setattr(middleware, "is_by_person", lambda request: True)
        leave_alone(9)

        window.get("/reception/?part=queues", headers={"HX-Request": "true"})

        assert timezone.now() - active_at() < timedelta(minutes=1)


class TestUnlock:
    def test_opens_with_the_password_and_goes_on_where_it_was(self, window):
        leave_alone(12)

        answer = window.post(UNLOCK, {"password": PASSWORD, "next": PAGE}, headers=NAVIGATION)

        assert (answer.status_code, answer.headers["Location"]) == (302, PAGE)
        assert window.get(PAGE, headers=NAVIGATION).status_code == 200
        assert actions() == ["accounts.user.unlocked"]

    def test_goes_to_no_other_site(self, window):
        leave_alone(12)

        assert window.post(UNLOCK, {"password": PASSWORD, "next": "https://example.org/"}).headers["Location"] == "/"

    def test_tells_a_script_how_long_it_is_open(self, window):
        leave_alone(12)

        answer = window.post(UNLOCK, {"password": PASSWORD}, headers={"Accept": "application/json"})

        assert 590 < answer.json()["locks_in_s"] <= 600

    @pytest.mark.parametrize("password", ["", "wrong", "x" * 3000, "nul\0"])
    def test_stays_locked_with_another_password(self, window, receptionist, password):
        leave_alone(12)

        page = window.post(UNLOCK, {"password": password, "next": PAGE}, headers=NAVIGATION)
        program = window.post(UNLOCK, {"password": password}, headers={"Accept": "application/json"})

        assert (page.status_code, program.status_code, program.json()["code"]) == (403, 403, "wrong_password")
        assert "That is not your password." in page.text
        assert f'name="next" value="{PAGE}"' in page.text
        assert window.get(PAGE, headers=NAVIGATION).status_code == 423
        assert actions() == ["accounts.user.unlock_refused"] * 2
        assert refusals()[:2] == [(receptionist, 403, "wrong_password")] * 2

    def test_another_persons_password_does_not_do(self, window):
        other = user(Role.ADMIN)
        other.set_password("another-long-password")
        other.save()
        leave_alone(12)

        assert window.post(UNLOCK, {"password": "another-long-password", "username": other.username}).status_code == 403

    def test_guesses_come_to_an_end(self, window):
        leave_alone(12)
        for _ in range(FAILURES_PER_ORIGIN):
            window.post(UNLOCK, {"password": "wrong"})

        answer = window.post(UNLOCK, {"password": PASSWORD})

        assert answer.status_code == 429
        assert window.get(PAGE, headers=NAVIGATION).status_code == 423

    def test_who_sits_there_may_sign_out_or_sign_in_as_someone_else(self, window):
        other = user(Role.NURSE)
        leave_alone(12)

        answer = window.post("/accounts/login/", {"username": other.username, "password": PASSWORD}, headers=NAVIGATION)
        assert answer.status_code == 302
        assert window.get(API).json()["username"] == other.username

        leave_alone(12)
        assert window.post("/accounts/logout/", headers=NAVIGATION).status_code == 302
        assert window.get(API).status_code == 401

    def test_signing_in_again_in_a_locked_browser_opens_it(self, window, receptionist):
        leave_alone(12)

        window.post("/accounts/login/", {"username": receptionist.username, "password": PASSWORD}, headers=NAVIGATION)

        assert window.get(PAGE, headers=NAVIGATION).status_code == 200


class TestEnd:
    def test_signs_out_after_fifteen_minutes(self, window):
        leave_alone(15)

        page = window.get(PAGE, headers=NAVIGATION)

        assert (page.status_code, page.headers["Location"]) == (302, "/accounts/login/?next=/patients/%3Fq%3DBell")
        assert not BrowserSession.objects.exists()
        event = OutboxEvent.objects.get(action="accounts.user.signed_out")
        assert event.document["changes"] == {"because": "idle"}

    def test_the_api_then_knows_nobody(self, window):
        leave_alone(15)

        assert window.get(API).status_code == 401

    def test_the_password_brings_nothing_back(self, window):
        leave_alone(15)

        answer = window.post(UNLOCK, {"password": PASSWORD})

        assert answer.headers["Location"].startswith("/accounts/login/")
        assert not BrowserSession.objects.exists()
        assert actions() == ["accounts.user.signed_out"]

    def test_a_session_that_ended_meanwhile_is_not_brought_back(self, window):
        session = SessionStore(window.session.session_key)
        session.load()
        leave_alone(15)

        session.unlock()

        assert timezone.now() - active_at() > timedelta(minutes=14)

    def test_ends_also_where_no_request_comes_any_more(self, window, receptionist, client_as):
        leave_alone(15)
        Client().get("/accounts/login/")
        stays = client_as(receptionist)

        assert end_idle_sessions() == 1

        assert stays.get(PAGE, headers=NAVIGATION).status_code == 200
        assert window.get(PAGE, headers=NAVIGATION).status_code == 302
        assert actions() == ["accounts.user.signed_out"]

    def test_of_a_stranger_it_says_nothing(self):
        session = SessionStore()
        session["word"] = "kept"
        session.save()
        leave_alone(15)

        assert end_idle_sessions() == 1
        assert actions() == []

    @pytest.mark.django_db(transaction=True)
    def test_is_written_down_once_when_many_notice_it_at_once(self, window, at_once):
        leave_alone(15)

        at_once(*[lambda: window.get(PAGE, headers=NAVIGATION)] * 4, end_idle_sessions)

        assert actions() == ["accounts.user.signed_out"]


class TestAtOnce:
    """Signing out, a changed password and a disabled account end what is open, in this moment."""

    def end_by(self, way, person):
        if way == "disabled":
            staff.set_active(user=person, is_active=False, by=user(Role.ADMIN))
        else:
            staff.change_password(user=person, password="another-long-password-of-theirs")

    @pytest.mark.parametrize("way", ["disabled", "new password"])
    def test_of_every_browser_and_program(self, window, receptionist, api_as, client_as, way):
        second, program = client_as(receptionist), api_as(receptionist)
        assert [client.get(API).status_code for client in (window, second, program)] == [200] * 3

        self.end_by(way, receptionist)

        assert [client.get(API).status_code for client in (window, second, program)] == [401] * 3
        assert window.get(PAGE, headers=NAVIGATION).status_code == 302
        assert window.post(UNLOCK, {"password": PASSWORD}).headers["Location"].startswith("/accounts/login/")

    def test_signing_out_ends_this_browser_only(self, window, receptionist, client_as):
        second = client_as(receptionist)
        copy = Client()
        copy.cookies["sessionid"] = window.cookies["sessionid"].value

        window.post("/accounts/logout/")

        assert [client.get(API).status_code for client in (window, copy, second)] == [401, 401, 200]
