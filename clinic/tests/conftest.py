"""Fixtures of the tests that drive a real browser. All of those stand in this folder."""

import threading

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core.signals import request_finished, request_started
from playwright.sync_api import expect

expect.set_options(timeout=20_000)  # a busy machine is slow, not wrong


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    """Debian's chromium, without its calls home."""
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    return browser_type_launch_args | {"executable_path": "/usr/bin/chromium", "args": quiet}


class UnderWay:
    """The requests that the live server has begun to answer and not finished."""

    def __init__(self):
        self.count, self.changed = 0, threading.Condition()

    def begin(self, **kwargs):
        with self.changed:
            self.count += 1

    def end(self, **kwargs):
        with self.changed:
            self.count -= 1
            self.changed.notify_all()

    def wait_for_none(self):
        with self.changed:
            assert self.changed.wait_for(lambda: self.count <= 0, timeout=60), "the live server still answers a request"


@pytest.fixture
def under_way():
    requests = UnderWay()
    request_started.connect(requests.begin)
    request_finished.connect(requests.end)
    yield requests
    request_started.disconnect(requests.begin)
    request_finished.disconnect(requests.end)


@pytest.fixture
def page_as(browser, live_server, under_way):
    """`page_as(user)`: a browser window of their own, signed in through the sign-in page.

    A script error or a breach of the content policy in any window fails the test at its end. A page that is
    left sends what was typed: the windows are cut off first, and what they sent before is answered, or its
    transaction would hold locks that the flush of the tables needs.
    """
    from clinic.accounts.tests.factories import PASSWORD

    contexts, complaints = [], []

    def make(user, **options):
        context = browser.new_context(base_url=live_server.url, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if "Content Security Policy" in message.text else None)
        page.goto("/accounts/login/")
        page.get_by_label("User name or e-mail").fill(user.username)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda url: "/login/" not in url)
        return page

    yield make
    for context in contexts:
        context.set_offline(True)
        context.close()
    under_way.wait_for_none()
    assert complaints == []


_DESK, _PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture(
    params=[
        pytest.param({"viewport": size, "color_scheme": scheme}, id=f"{scheme} {size['width']}")
        for size in (_DESK, _PHONE)
        for scheme in ("light", "dark")
    ]
)
def look(request):
    """Light and dark, at a desk and on a phone: options for `page_as`."""
    return request.param


@pytest.fixture
def axe_clean():
    """`axe_clean(page)`: axe finds no breach of WCAG 2.2 A or AA, nor of its own best practices, on the page as it stands.

    The content policy forbids injected scripts, so axe comes in by the debugger's door, which evaluate uses.
    """

    def check(page):
        found = Axe().run(page).response["violations"]
        assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found] == []

    return check
