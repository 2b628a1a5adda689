"""Every page that a role's menu leads to is accessible: all of them by light, by dark and on a phone."""

import pytest
from playwright.sync_api import expect

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DoctorFactory, user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("mid_morning")]

PHONE = {"width": 390, "height": 844}


@pytest.mark.parametrize("options", [{}, {"color_scheme": "dark"}, {"viewport": PHONE}], ids=["light", "dark", "phone"])
def test_all_pages_of_the_menu_are_accessible(page_as, axe_clean, options):
    page = page_as(user(Role.ADMIN, Role.RECEPTION, Role.PHARMACIST, Role.MANAGER), **options)

    visited = visit_the_menu(page, axe_clean)

    assert len(visited) >= 12


def test_a_doctors_menu_is_accessible(page_as, axe_clean):
    visited = visit_the_menu(page_as(DoctorFactory().user), axe_clean)

    assert len(visited) >= 4


def test_a_page_with_a_fault_is_told(page_as, axe_clean):
    page = page_as(user(Role.RECEPTION))
    page.evaluate("document.querySelector('h1').insertAdjacentHTML('afterend', '<img src=/static/img/none.png>')")

    with pytest.raises(AssertionError, match="image-alt"):
        axe_clean(page)


def visit_the_menu(page, axe_clean):
    links = page.locator("nav a[href^='/']").evaluate_all("links => [...new Set(links.map(link => link.pathname))]")
    for link in links:
        page.goto(link)
        expect(page.locator("h1")).to_have_count(1)
        axe_clean(page)
    return links
