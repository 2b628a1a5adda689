import sys

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Max

from clinic.audit.models import OutboxEvent
from clinic.audit.services import relay, sealing

ALL = sys.maxsize  # both end by themselves, at the first batch that is not full


class Command(BaseCommand):
    help = "Seal what happened and ship it to MongoDB, as a worker does every 10 seconds. Again is harmless. Status 1 when events wait."

    def handle(self, *args, **options):
        last = OutboxEvent.objects.aggregate(last=Max("pk"))["last"] or 0
        sealed, shipped = sealing.seal_outbox(limit=ALL), relay.relay_outbox(limit=ALL)
        self.stdout.write(f"{sealed} events sealed, {shipped} shipped.")
        # Without those that came meanwhile: they are the next run's.
        if waiting := OutboxEvent.objects.unshipped().filter(pk__lte=last).count():
            raise CommandError(f"MongoDB cannot be reached. Events that wait: {waiting}; nothing is lost.")
