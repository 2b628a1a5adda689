"""The dashboards as a manager and a doctor see them: charts by light, by dark and on a phone, without a script, and on paper."""

import io
import re

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect
from pypdf import PdfReader

from analytics.dashboards.listings import LISTINGS
from analytics.dashboards.registry import DASHBOARDS
from analytics.tests.world import a_clinic, empty_views
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE = {"width": 390, "height": 844}
WIDE = {"width": 1440, "height": 900}


@pytest.fixture(autouse=True)
def _no_figures_left(transactional_db):
    yield
    empty_views()


def year():
    return {"date_from": (timezone.localdate() - timezone.timedelta(days=364)).isoformat()}


def addresses(keys):
    for key in keys:
        yield reverse("analytics:dashboard", args=[key])
    for kind in LISTINGS:
        yield reverse("analytics:rows", args=[kind], query=year())


@pytest.mark.parametrize(
    "look", [{"viewport": WIDE}, {"viewport": WIDE, "color_scheme": "dark"}, {"viewport": PHONE}], ids=["light", "dark", "phone"]
)
def test_every_page_of_figures_is_accessible_and_fits(page_as, axe_clean, look):
    me, *_ = a_clinic()
    for person, keys in ((user(Role.MANAGER), [key for key in DASHBOARDS if key != "own"]), (me.user, ["own", "waits"])):
        page = page_as(person, **look)
        pages = [*addresses(keys), *([reverse("analytics:month_reports"), reverse("audit:self_check")] if person != me.user else [])]
        for address in pages:
            page.goto(address)
            expect(page.locator("h1")).to_have_count(1)
            axe_clean(page)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
            assert page.evaluate(CUT_OFF) == [], address


# Cells of a table that lie beyond its edge, where nothing scrolls them into sight.
CUT_OFF = """[...document.querySelectorAll("table")].flatMap((table) => {
    const wrap = table.closest(".table-wrap");
    const scrolls = ["auto", "scroll"].includes(getComputedStyle(wrap).overflowX);
    const edge = wrap.getBoundingClientRect().right + 1;
    const cells = scrolls ? [] : [...table.querySelectorAll("th, td")];
    return cells.filter((cell) => cell.getBoundingClientRect().right > edge).map((cell) => cell.textContent);
})"""


def test_each_chart_is_drawn_from_its_table(page_as):
    a_clinic()
    page = page_as(user(Role.MANAGER), viewport=WIDE)
    for key, dashboard in DASHBOARDS.items():
        if key == "own":
            continue
        page.goto(reverse("analytics:dashboard", args=[key]))
        charted = [figure for figure in dashboard.figures if figure.chart and page.locator(f"#{figure.key}-table").count()]
        for figure in charted:
            canvas = page.locator(f'canvas[data-chart-of="{figure.key}-table"]')
            expect(canvas).to_be_visible()
            labels, series = canvas.evaluate(
                "canvas => { const {data} = Chart.getChart(canvas); return [data.labels.length, data.datasets.map(each => each.data)] }"
            )
            rows = page.locator(f"#{figure.key}-table tbody tr")
            assert labels == min(rows.count(), figure.charted or rows.count())
            shown = page.locator(f"#{figure.key}-table tbody tr:first-child [data-value]").evaluate_all(
                "cells => cells.map(cell => Number(cell.dataset.value))"
            )
            assert {values[0] for values in series} - {None} <= set(shown)


def test_the_way_from_a_figure_to_a_row_and_to_the_chart(page_as):
    a_clinic()
    page = page_as(user(Role.MANAGER), viewport=WIDE)
    page.goto(reverse("analytics:dashboard", args=["waits"], query=year()))

    page.locator("#by-department-table").get_by_role("link", name="North").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Visits")
    expect(page.get_by_label("Department", exact=True)).to_have_value(re.compile("[0-9a-f-]{36}"))
    expect(page.get_by_label("Wait")).to_have_value("known")
    with page.expect_download() as taken:
        page.get_by_role("link", name="CSV").click()
    lines = taken.value.path().read_text("utf-8-sig").splitlines()
    assert len(lines) - 1 == page.locator("table tbody tr").count() > 3

    page.go_back()
    with page.expect_download() as taken:
        page.get_by_role("link", name="XLSX of By department").click()
    assert taken.value.suggested_filename.startswith("waits-by-department-")


def test_filters_narrow_the_page_and_stand_in_its_address(page_as):
    doctor, *_ = a_clinic()
    page = page_as(user(Role.MANAGER), viewport=WIDE)
    page.goto(reverse("analytics:dashboard", args=["no-shows"]))

    page.get_by_label("Doctor", exact=True).select_option(str(doctor.public_id))
    page.get_by_label("From", exact=True).fill("2026-01-01")
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url(re.compile(f"doctor={doctor.public_id}"))
    assert "date_from=2026-01-01" in page.url
    expect(page.locator("#by-doctor-table tbody tr")).to_have_count(1)

    page.get_by_label("To", exact=True).fill("2025-01-01")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("alert").first).to_contain_text("The last day lies before the first.")


def test_without_a_script_the_figures_stand_in_tables(page_as, browser, live_server):
    a_clinic()
    signed_in = page_as(user(Role.MANAGER))
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False, storage_state=signed_in.context.storage_state())
    page = context.new_page()
    page.goto(reverse("analytics:dashboard", args=["revenue"]))

    expect(page.locator("canvas").first).to_be_hidden()
    expect(page.locator("#by-way-table")).to_be_visible()
    page.locator("#by-time summary").click()
    expect(page.locator("#by-time-table tbody tr").first).to_be_visible()
    context.close()


def test_on_paper_all_figures_stand_and_no_button(page_as):
    a_clinic()
    page = page_as(user(Role.MANAGER), viewport=WIDE)
    page.goto(reverse("analytics:dashboard", args=["revenue"]))
    page.emulate_media(media="print")

    expect(page.locator(".print-header")).to_be_visible()
    for hidden in ("canvas", ".filters", ".tabs", "a.button"):
        expect(page.locator(hidden).first).to_be_hidden()
    for figure in DASHBOARDS["revenue"].figures:
        expect(page.locator(f"#{figure.key}-table tbody tr").last).to_be_visible()
    text = PdfReader(io.BytesIO(page.pdf(format="A4"))).pages[0].extract_text()
    assert "Money received" in text  # the first figure begins on the first page, however long it is


def test_on_a_phone_the_tab_of_the_page_is_in_sight(page_as):
    page = page_as(user(Role.MANAGER), viewport=PHONE)
    page.goto(reverse("analytics:dashboard", args=["symptoms"]))

    expect(page.get_by_role("link", name="Symptoms", exact=True)).to_be_in_viewport()
    assert page.evaluate("scrollY") == 0


def test_the_self_check_shows_what_it_found(page_as, axe_clean):
    page = page_as(user(Role.MANAGER), viewport=WIDE)
    page.goto(reverse("audit:self_check"))
    page.get_by_role("button", name="Check now").click()

    expect(page.get_by_role("table", name="Results of the checks")).to_be_visible()
    axe_clean(page)
