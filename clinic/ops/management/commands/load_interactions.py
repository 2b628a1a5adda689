import csv
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from clinic.core.errors import InvalidInput
from pharmacy.services.interactions import load_interactions

_DATA = Path(settings.BASE_DIR) / "pharmacy" / "data"
_SUBSTANCE_COLUMNS = ["substance", "classes"]
_PAIR_COLUMNS = ["first", "second", "severity", "effect", "source"]


class Command(BaseCommand):
    help = "Replace the table of drug interactions by two CSV files (semicolons): substances with their classes, and pairs."

    def add_arguments(self, parser):
        parser.add_argument("--substances", type=Path, default=_DATA / "substances.csv")
        parser.add_argument("--pairs", type=Path, default=_DATA / "interactions.csv")

        parser.add_argument("--dry-run", action="store_true", help="Check the files and say what would change; write nothing.")

    def handle(self, *, substances, pairs, dry_run, **options):
        members = [
            (row["substance"], [each.strip() for each in row["classes"].split(",") if each.strip()])
            for row in _read(substances, _SUBSTANCE_COLUMNS)
        ]
        try:
            changed = load_interactions(substances=members, pairs=_read(pairs, _PAIR_COLUMNS), dry_run=dry_run)
        except InvalidInput as error:
            raise CommandError(error.detail) from error
        if dry_run:
            self.stdout.write(f"{len(members)} substances would be known." if changed else "Nothing would change.")
        else:
            self.stdout.write(f"{len(members)} substances are known." if changed else "Nothing changed.")


def _read(path: Path, columns: list[str]) -> list[dict]:
    try:
        with path.open(newline="", encoding="utf-8") as lines:
            reader = csv.DictReader(lines, delimiter=";")
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CommandError(f"{path} cannot be read: {error}.") from error
    if reader.fieldnames != columns or any(None in row or None in row.values() for row in rows):
        raise CommandError(f"{path}: each line has {', '.join(columns)}, with semicolons between them.")
    return rows
