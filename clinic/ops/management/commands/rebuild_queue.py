from datetime import date

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from clinic.core.redis import RedisDown
from scheduling.services.projection import rebuild


class Command(BaseCommand):
    help = "Write the live queue in Redis anew, from PostgreSQL's rows."

    def add_arguments(self, parser):
        parser.add_argument("--on", type=date.fromisoformat, help="The day, as 2026-11-30; today without it.")

    def handle(self, *args, on: date | None, **options):
        try:
            count = rebuild(on or timezone.localdate())
        except RedisDown as error:
            raise CommandError("Redis cannot be reached.") from error
        self.stdout.write(f"{count} queues written.")
