from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from clinic.ops.fhir_import.importing import import_files


class Command(BaseCommand):
    help = "Import patients and their records from FHIR R4: bundles and NDJSON. It can be run again: what is there already stays."

    def add_arguments(self, parser):
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="A file, or a folder with *.json, *.ndjson and *.jsonl.")
        parser.add_argument(
            "--source", default="", help="A name of the system the files are from, when its ids are not unique in the world."
        )

    def handle(self, *, paths, source, **options):
        report = import_files(paths, now=timezone.now(), source=source, say=self.stdout.write)
        for line in report.lines():
            self.stdout.write(line)
        if not report.has_read:
            raise CommandError("Nothing could be read.")
