from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from clinic.ops.backup.errors import BackupError, in_words
from clinic.ops.backup.taking import take


class Command(BaseCommand):
    help = "Copy all of the clinic's data, of one moment, into a new folder."

    def add_arguments(self, parser):
        parser.add_argument("folder", type=Path)

    def handle(self, *args, folder: Path, **options):
        try:
            with in_words():
                take(folder.resolve(), self.stdout.write)
        except BackupError as error:
            raise CommandError(str(error)) from error
