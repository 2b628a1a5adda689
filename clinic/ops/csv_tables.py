"""Tables that a clinic loads from files: CSV in UTF-8, with semicolons."""

import csv
from pathlib import Path

from django.core.management.base import CommandError


def read_table(path: Path, columns: list[str]) -> list[dict]:
    """Its rows. Raises CommandError for a file that cannot be read, or that has other columns."""
    try:
        with path.open(newline="", encoding="utf-8") as lines:
            reader = csv.DictReader(lines, delimiter=";")
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CommandError(f"{path} cannot be read: {error}.") from error
    if reader.fieldnames != columns or any(None in row or None in row.values() for row in rows):
        raise CommandError(f"{path}: each line has {', '.join(columns)}, with semicolons between them.")
    return rows
