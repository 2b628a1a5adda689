from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from clinic.ops.describe.document import NotMigrated, render_document


class Command(BaseCommand):
    help = "Write docs/data-model.md: every table, column, constraint, trigger, index, collection and key, with what it means."

    def add_arguments(self, parser):
        parser.add_argument("--check", action="store_true", help="Write nothing; exit with 1 when the file is not current.")
        parser.add_argument("--output", type=Path, default=settings.BASE_DIR / "docs" / "data-model.md")

    def handle(self, *, check, output, **options):
        try:
            document = render_document()
        except NotMigrated as error:
            raise CommandError(f"The database has no {error}: run `manage.py migrate` first.") from error
        if not check:
            output.write_text(document)
            self.stdout.write(f"{output} written.")
        elif not output.exists() or output.read_text() != document:
            raise CommandError(f"{output} is not current: run `manage.py describe_data`.")
