"""A file of patients comes in by keyboard and mouse, and the pages are accessible by light, dark and on a phone."""

import pytest
from playwright.sync_api import expect

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from patients.models import Patient
from patients.tests.factories import PatientFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("mid_morning")]

FILE = """first_name,last_name,date_of_birth,sex,phone
Zoë,Müller,1984-11-03,female,+12025550143
Ada,Okafor,1990-01-01,female,
Bo,Bell,31/12/1990,male,
"""


@pytest.mark.parametrize(
    "options", [{}, {"color_scheme": "dark"}, {"viewport": {"width": 390, "height": 844}}], ids=["light", "dark", "phone"]
)
def test_reception_imports_a_file(page_as, axe_clean, options):
    PatientFactory(first_name="Ada", last_name="Okafor", date_of_birth="1990-01-01")
    page = page_as(user(Role.RECEPTION), **options)

    page.goto("/patients/import/")
    axe_clean(page)
    page.get_by_label("CSV (UTF-8) or XLSX").set_input_files({"name": "p.csv", "mimeType": "text/csv", "buffer": FILE.encode()})
    page.get_by_role("button", name="Show what would happen").click()
    expect(page.get_by_role("row")).to_have_count(4)
    axe_clean(page)
    assert Patient.objects.count() == 1
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("link", name="Zoë Müller")).to_be_visible()
    axe_clean(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the report").click()

    assert download.value.suggested_filename == "import-report.csv"
    assert Patient.objects.count() == 2
