"""Tables as files for other programs, and from them. What a spreadsheet would run as a formula is written as text."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from clinic.core.errors import InvalidInput

# In full width too: spreadsheets of some languages take those for the same.
_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def as_text(value: Any) -> str:
    """The value as a cell: text that would start a formula gets an apostrophe before it; numbers stay numbers."""
    text = "" if value is None else str(value)
    is_words = isinstance(value, str)
    return f"'{text}" if is_words and text.startswith(_STARTS_A_FORMULA) else text


def csv_of(heading: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Comma separated, UTF-8 with a mark that makes spreadsheets read it as such."""
    sink = io.StringIO()
    writer = csv.writer(sink)
    writer.writerow(heading)
    writer.writerows([as_text(value) for value in row] for row in rows)
    return "\ufeff" + sink.getvalue()


def xlsx_of(heading: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """One sheet. Amounts are numbers; words are never formulas."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Sheet")
    sheet.append(list(heading))
    for row in rows:
        sheet.append([_cell(sheet, value) for value in row])
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


def _cell(sheet, value: Any) -> WriteOnlyCell:
    cell = WriteOnlyCell(sheet, value=ILLEGAL_CHARACTERS_RE.sub("", as_text(value)) if isinstance(value, str) else value)
    if isinstance(value, str):
        cell.data_type = "s"
    elif isinstance(value, Decimal):
        cell.number_format = "0.00"
    return cell


def read_csv(text: str, *, required: Sequence[str], most: int) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, {column: trimmed text}) of each row that is not empty. Raises InvalidInput for what is no such file."""
    text = text.lstrip("\ufeff")
    if "\0" in text:
        raise InvalidInput("This is not a text file.", errors={"csv": ["This is not a text file."]})
    lines = text.splitlines()
    if len(lines) > most + 1:
        raise InvalidInput(errors={"csv": [f"At most {most} rows at a time."]})
    delimiter = ";" if lines and lines[0].count(";") > lines[0].count(",") else ","
    reader = csv.reader(lines, delimiter=delimiter)
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        rows = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise InvalidInput(errors={"csv": ["This is not a CSV file."]}) from error
    if missing := [name for name in required if name not in names]:
        raise InvalidInput(errors={"csv": [f"The first line must name the columns; missing: {', '.join(missing)}."]})
    return ((line, dict(zip(names, (cell.strip() for cell in cells), strict=False))) for line, cells in rows)
