"""A file of patients as rows: CSV or XLSX, with a line of column names first. Pure: bytes in, rows out."""

import csv
import io
import zipfile
import zlib
from datetime import date, datetime
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

LARGEST_FILE = 1_000_000  # bytes
LARGEST_UNPACKED = 20_000_000  # bytes: a small XLSX may hold a giant one
MOST_ROWS = 500
MOST_COLUMNS = 60
LONGEST_CELL = 1_000
_STRANGE_XLSX = (zipfile.BadZipFile, zlib.error, InvalidFileException, ParseError, KeyError, ValueError, TypeError, IndexError, OSError)


class UnreadableTable(Exception):
    """With a sentence for the person who chose the file."""


def read_table(content: bytes) -> list[dict[str, str]]:
    """One mapping of column name (lower case, underscores) to text for each row that is not empty. Raises UnreadableTable."""
    if len(content) > LARGEST_FILE:
        raise UnreadableTable(f"The file is larger than {LARGEST_FILE // 1000} kB. Split it.")
    lines = _xlsx_lines(content) if content.startswith(b"PK\x03\x04") else _csv_lines(content)
    if not lines:
        raise UnreadableTable("The file is empty.")
    names = ["_".join(name.lower().replace("-", " ").replace("_", " ").split()) for name in lines[0]]
    if len(set(filter(None, names))) < len(list(filter(None, names))):
        raise UnreadableTable("Two columns have the same name.")
    rows = [dict(zip(names, line, strict=False)) for line in lines[1:]]
    for row in rows:
        row.pop("", None)
    if len(rows) > MOST_ROWS:
        raise UnreadableTable(f"The file has more than {MOST_ROWS} rows. Split it.")
    return rows


def _csv_lines(content: bytes) -> list[list[str]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UnreadableTable(f"Line {line} is not UTF-8. Save the file as 'CSV UTF-8', or as XLSX.") from error
    if "\0" in text:
        raise UnreadableTable("This is neither CSV nor XLSX.")
    heading = text.partition("\n")[0]
    delimiter = max(",;\t", key=heading.count)
    try:
        return _bounded(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise UnreadableTable("The quotation marks of this CSV file do not match.") from error


def _xlsx_lines(content: bytes) -> list[list[str]]:
    """The first sheet. Formulas count as what was last shown; nothing is computed."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            if sum(part.file_size for part in parts.infolist()) > LARGEST_UNPACKED:
                raise UnreadableTable("This workbook unpacks to more than is read here.")
        workbook = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheet = workbook.worksheets[0]
        return _bounded([_text(value) for value in row] for row in sheet.iter_rows(values_only=True, max_col=MOST_COLUMNS))
    except _STRANGE_XLSX as error:
        raise UnreadableTable("This workbook cannot be read.") from error


def _bounded(lines) -> list[list[str]]:
    """Lines with something in them, and no more than are accepted."""
    kept = []
    for line in lines:
        cells = [cell.strip() for cell in line[:MOST_COLUMNS]]
        if any(len(cell) > LONGEST_CELL for cell in cells):
            raise UnreadableTable(f"A cell has more than {LONGEST_CELL} characters.")
        if any(cells):
            kept.append(cells)
        if len(kept) > MOST_ROWS + 1:
            break
    return kept


def _text(value) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).replace("\0", "")
