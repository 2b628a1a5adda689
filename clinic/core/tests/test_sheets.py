"""What goes out as a table is text or numbers, never a formula."""

import csv
import io
from datetime import date
from decimal import Decimal

import pytest
from openpyxl import load_workbook

from clinic.core.errors import InvalidInput
from clinic.core.sheets import as_text, csv_of, read_csv, xlsx_of

STARTS = ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"]


@pytest.mark.parametrize("start", STARTS)
class TestFormulas:
    def test_in_csv_they_are_words(self, start):
        [_, [cell, number]] = csv.reader(io.StringIO(csv_of(["a", "b"], [[f"{start}1+1", Decimal("-2.50")]]), newline=""))

        assert (cell, number) == (f"'{start}1+1", "-2.50")

    def test_in_a_workbook_they_are_words(self, start):
        sheet = load_workbook(io.BytesIO(xlsx_of(["a", "b"], [[f"{start}1+1", Decimal("-2.50")]]))).active

        assert [cell.data_type for cell in sheet[2]] == ["s", "n"]
        assert sheet["A2"].value.startswith("'")
        assert sheet["B2"].value == -2.5


def test_numbers_stay_numbers():
    assert [as_text(value) for value in (Decimal("-1.50"), 3, None, date(2026, 3, 2))] == ["-1.50", "3", "", "2026-03-02"]


def test_commas_quotes_and_lines_stay_in_their_cell():
    rows = [['Bell, "Ann"', "two\nlines"]]

    assert list(csv.reader(io.StringIO(csv_of(["a", "b"], rows).lstrip("\ufeff"), newline=""))) == [["a", "b"], *rows]


def test_what_was_written_can_be_read():
    assert list(read_csv(csv_of(["a", "B"], [["x", 2]]), required=["a", "b"], most=5)) == [(2, {"a": "x", "b": "2"})]


@pytest.mark.parametrize("text", ["", "a\0", "a,c\n1,2", "a,b\n" + "1,2\n" * 6, 'a,b\n"' + "y" * 200_000])
def test_a_file_that_is_none_is_refused(text):
    with pytest.raises(InvalidInput):
        read_csv(text, required=["a", "b"], most=5)
