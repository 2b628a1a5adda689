"""Fixtures of the tests that drive a real browser. All of those stand in this folder."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

expect.set_options(timeout=20_000)  # a busy machine is slow, not wrong


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    """Debian's chromium, without its calls home."""
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    return browser_type_launch_args | {"executable_path": "/usr/bin/chromium", "args": quiet}


@pytest.fixture
def page_as(browser, live_server):
    """`page_as(user)`: a browser window of their own, signed in through the sign-in page.

    A script error or a breach of the content policy in any window fails the test at its end.
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
        context.close()
    assert complaints == []


@pytest.fixture
def axe_clean():
    """`axe_clean(page)`: axe finds no breach of WCAG 2.2 A or AA, nor of its own best practices, on the page as it stands.

    The content policy forbids injected scripts, so axe comes in by the debugger's door, which evaluate uses.
    """

    def check(page):
        found = Axe().run(page).response["violations"]
        assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found] == []

    return check
