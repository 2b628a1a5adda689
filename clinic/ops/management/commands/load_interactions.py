from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from clinic.core.errors import InvalidInput
from clinic.ops.csv_tables import read_table
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
            for row in read_table(substances, _SUBSTANCE_COLUMNS)
        ]
        try:
            changed = load_interactions(substances=members, pairs=read_table(pairs, _PAIR_COLUMNS), dry_run=dry_run)
        except InvalidInput as error:
            raise CommandError(error.detail) from error
        if dry_run:
            self.stdout.write(f"{len(members)} substances would be known." if changed else "Nothing would change.")
        else:
            self.stdout.write(f"{len(members)} substances are known." if changed else "Nothing changed.")
