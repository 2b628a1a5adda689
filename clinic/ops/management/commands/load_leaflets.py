from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from clinic.core.errors import InvalidInput
from clinic.ops.csv_tables import read_table
from pharmacy.models.leaflet import SECTIONS
from pharmacy.services.leaflets import load_leaflets

LEAFLET_COLUMNS = ["name", "form", *SECTIONS, "source", "reviewed_on"]


class Command(BaseCommand):
    help = "Keep what patients are told about medicines, from a CSV file (semicolons). Earlier texts stay on record."

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path, help=f"Columns: {', '.join(LEAFLET_COLUMNS)}.")
        parser.add_argument("--dry-run", action="store_true", help="Check the file and say what would change; write nothing.")

    def handle(self, *, file, dry_run, **options):
        try:
            made = load_leaflets(leaflets=read_table(file, LEAFLET_COLUMNS), on=timezone.localdate(), dry_run=dry_run)
        except InvalidInput as error:
            raise CommandError(error.detail) from error
        self.stdout.write(f"{made} leaflet{'' if made == 1 else 's'} {'would be' if dry_run else 'are' if made != 1 else 'is'} new.")
