"""Patients from a file: what is read, what becomes of each row, and that nothing is written before somebody says so."""

import io
import json
import re
import zipfile
from datetime import date
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from openpyxl import Workbook

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.audit.models import OutboxEvent
from patients.models import Patient
from patients.rules.tables import UnreadableTable, read_table
from patients.tests.factories import PatientFactory

HEADING = "first_name,last_name,date_of_birth,sex,phone,national_id"
GOOD = "Zoë,Müller,1984-11-03,female,+12025550143,AB1"


def csv_of(*rows: str) -> bytes:
    return "\n".join([HEADING, *rows]).encode()


def xlsx_of(*rows) -> bytes:
    book, sink = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(sink)
    return sink.getvalue()


class TestReading:
    @pytest.mark.parametrize("delimiter", [",", ";", "\t"])
    @pytest.mark.parametrize("start", ["", "\ufeff"])
    def test_csv_of_any_spreadsheet(self, delimiter, start):
        text = f"{start}First Name{delimiter}Last-Name\r\nZoë{delimiter}Müller\r\n\r\n"

        assert read_table(text.encode()) == [{"first_name": "Zoë", "last_name": "Müller"}]

    def test_xlsx_with_true_dates_and_numbers(self):
        content = xlsx_of(["first_name", "date_of_birth", "national_id", None], ["Zoë", date(1984, 11, 3), 1234.0, "left out"])

        assert read_table(content) == [{"first_name": "Zoë", "date_of_birth": "1984-11-03", "national_id": "1234"}]

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"", "empty"),
            (b"first_name\nZo\xeb", "Line 2 is not UTF-8"),
            (b"first_name\nZo\0e", "neither CSV nor XLSX"),
            (b'first_name\n"Zoe', "quotation marks"),
            (b"a,a\n1,2", "same name"),
            (b"a\n" + b"x\n" * 501, "more than 500 rows"),
            (b"a\n" + b"x" * 1001, "more than 1000 characters"),
            (b"a" * 1_000_001, "larger than"),
            (b"PK\x03\x04 no zip at all", "cannot be read"),
        ],
    )
    def test_what_cannot_be_read_is_refused_in_words(self, content, words):
        with pytest.raises(UnreadableTable, match=words):
            read_table(content)

    def test_workbook_that_unpacks_to_a_giant_is_refused(self):
        sink = io.BytesIO()
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as parts:
            parts.writestr("xl/workbook.xml", b"0" * 21_000_000)

        with pytest.raises(UnreadableTable, match="unpacks"):
            read_table(sink.getvalue())


@pytest.mark.django_db
class TestPage:
    url = "/patients/import/"

    @pytest.fixture
    def desk(self, client_as):
        return client_as(user(Role.RECEPTION))

    def try_file(self, desk, content: bytes):
        return desk.post(reverse("patients:import"), {"file": SimpleUploadedFile("patients.csv", content)})

    def sent_back(self, page) -> dict:
        return {"table": page.context["table"], "request_id": page.context["request_id"]}

    def fates(self, page) -> list:
        return [(row.number, row.fate) for row in page.context["rows"]]

    def test_dry_run_tells_the_fate_of_each_row_and_writes_nothing(self, desk):
        PatientFactory(first_name="Ada", last_name="Okafor", date_of_birth=date(1990, 1, 1))
        rows = (
            GOOD,
            "Ada,Okafor,1990-01-01,female,,",
            "Zoë,Müller,1984-11-03,female,,",
            "Bo,Bell,31/12/1990,male,,",
            "Bo,Bell,2990-01-01,male,12,",
        )

        page = self.try_file(desk, csv_of(*rows, "=cmd(),Bell,1990-01-01,alien,,"))

        assert self.fates(page) == [(2, "new"), (3, "duplicate"), (4, "duplicate"), (5, "refused"), (6, "refused"), (7, "refused")]
        words = page.content.decode()
        for said in ("same birth date, similar name", "as row 2", "Write dates as", "in the future", "not a phone number", "formula"):
            assert said in words
        assert Patient.objects.count() == 1

    def test_import_registers_the_new_ones_once_however_often_it_is_sent(self, desk):
        PatientFactory(first_name="Ada", last_name="Okafor", date_of_birth=date(1990, 1, 1))
        plan = self.try_file(desk, csv_of(GOOD, "Ada,Okafor,1990-01-01,female,,"))

        pages = [desk.post(reverse("patients:import"), self.sent_back(plan) | {"import": "1"}) for _ in range(2)]

        assert [self.fates(page) for page in pages] == [[(2, "registered"), (3, "duplicate")]] * 2
        zoe = Patient.objects.get(last_name="Müller")
        assert (Patient.objects.count(), zoe.national_id, str(zoe.phone)) == (2, "AB1", "+12025550143")
        assert OutboxEvent.objects.filter(action="patients.patient.registered").count() == 1

    def test_duplicates_come_in_when_somebody_said_so(self, desk):
        PatientFactory(first_name="Ada", last_name="Okafor", date_of_birth=date(1990, 1, 1))
        plan = self.try_file(desk, csv_of("Ada,Okafor,1990-01-01,female,,"))

        desk.post(reverse("patients:import"), self.sent_back(plan) | {"import": "1", "with_duplicates": "1"})

        assert Patient.objects.filter(last_name="Okafor").count() == 2

    def test_report_names_the_mrn_of_each_row(self, desk):
        plan = self.try_file(desk, csv_of(GOOD))

        report = desk.post(reverse("patients:import"), self.sent_back(plan) | {"import": "1", "report": "1"})

        assert report["Content-Type"].startswith("text/csv")
        assert re.search(rf"2,Zoë Müller,registered,.*,{Patient.objects.get().mrn}", report.content.decode())

    @pytest.mark.parametrize(
        "table", ["", "{", "[1]", "{}", '[{"first_name": 1}]', '[{"first_name": "a\\u0000"}]', "[" * 2000, json.dumps([{}] * 501)]
    )
    def test_damaged_rows_are_refused(self, desk, table):
        answer = desk.post(reverse("patients:import"), {"table": table, "request_id": str(uuid4()), "import": "1"})

        assert answer.status_code == 422
        assert not Patient.objects.exists()

    def test_missing_column_is_named(self, desk):
        page = self.try_file(desk, b"first_name,last_name\nZoe,Bell")

        assert page.status_code == 422
        assert "missing: date_of_birth, sex" in page.content.decode()

    @pytest.mark.parametrize("role", [Role.DOCTOR, Role.PHARMACIST, Role.MANAGER, Role.PATIENT])
    def test_who_may_not_register_may_not_import(self, client_as, role):
        assert client_as(user(role)).get(reverse("patients:import")).status_code == 403


@pytest.mark.django_db
class TestLabel:
    def test_label_is_a_pdf_with_the_mrn(self, client_as):
        patient = PatientFactory(first_name='#panic("x") $a$', last_name="*Bell* " + "w" * 70)

        answer = client_as(user(Role.RECEPTION)).get(reverse("patients:label", args=[patient.public_id]))

        assert answer.content.startswith(b"%PDF")
        assert patient.mrn in answer["Content-Disposition"]

    def test_label_of_a_restricted_chart_asks_for_a_reason(self, client_as):
        patient = PatientFactory(is_restricted=True)

        answer = client_as(user(Role.RECEPTION)).get(reverse("patients:label", args=[patient.public_id]))

        assert answer.status_code == 403
        assert b"Why do you need to open it" in answer.content

    @pytest.mark.parametrize("role", [Role.PATIENT, Role.MANAGER])
    def test_label_is_for_the_staff_who_register(self, client_as, role):
        assert client_as(user(role)).get(reverse("patients:label", args=[PatientFactory().public_id])).status_code == 403
