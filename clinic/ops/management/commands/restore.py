from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from clinic.ops.backup.errors import BackupError, in_words
from clinic.ops.backup.restoring import restore


class Command(BaseCommand):
    help = "Put a backup into empty stores, and compare what came with what was saved."

    def add_arguments(self, parser):
        parser.add_argument("folder", type=Path)

    def handle(self, *args, folder: Path, **options):
        try:
            with in_words():
                restore(folder.resolve(), self.stdout.write)
        except BackupError as error:
            raise CommandError(str(error)) from error
