from django.core.management.base import BaseCommand

from analytics.etl.running import rebuild, run_etl
from clinic.ops.progress import ProgressBar


class Command(BaseCommand):
    help = "Bring the star schema and its sums up to date from the queue of changes. Again changes nothing."

    def add_arguments(self, parser):
        parser.add_argument("--full", action="store_true", help="Derive every row anew from the operational tables first.")

    def handle(self, *, full: bool, **options):
        progress = ProgressBar(self.stdout)
        changed = rebuild(say=progress).changed if full else 0
        done = run_etl(say=progress)
        progress.finish()
        self.stdout.write(f"{done.taken} changes taken, {changed + done.changed} rows written.")
