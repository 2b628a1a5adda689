from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from clinic.ops.describe.doors import Undeclared
from clinic.ops.describe.permissions import render_json, render_markdown


class Command(BaseCommand):
    help = "Write docs/permissions.md and docs/permissions.json: every route and method, what it needs and which roles have it."
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("--check", action="store_true", help="Write nothing; exit with 1 when a file is not current.")
        parser.add_argument("--folder", type=Path, default=settings.BASE_DIR / "docs")

    def handle(self, *, check, folder, **options):
        try:
            documents = {folder / "permissions.md": render_markdown(), folder / "permissions.json": render_json()}
        except Undeclared as error:
            raise CommandError(f"These do not say who may use them:\n{error}") from error
        for path, document in documents.items():
            if not check:
                path.write_text(document)
                self.stdout.write(f"{path} written.")
            elif not path.exists() or path.read_text() != document:
                raise CommandError(f"{path} is not current: run `manage.py describe_permissions`.")
