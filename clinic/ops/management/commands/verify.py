from django.core.management.base import BaseCommand, CommandError

from analytics.checks.registry import CHECKS
from analytics.services.self_check import run_checks

NAMES = [check.name for check in CHECKS]


class Command(BaseCommand):
    help = "Check that what the clinic wrote down agrees with itself, in all stores. Names each row; status 1 when one is found or unknown."

    def add_arguments(self, parser):
        parser.add_argument("--only", action="append", choices=NAMES, help="This check; may be given several times. Default: all.")

    def handle(self, *args, only: list[str] | None, **options):
        failed = []
        for result in run_checks(check for check in CHECKS if not only or check.name in only):
            words = f"{result.found} found" if result.found else result.status
            self.stdout.write(f"{result.check.name:<12} {words:<10} {result.check.promise}.")
            for finding in result.findings:
                self.stdout.write(f"    {finding.row}: {finding.sentence}")
            if result.found > len(result.findings):
                self.stdout.write(f"    ... and {result.found - len(result.findings)} more.")
            if result.unknown:
                self.stdout.write(f"    {result.unknown}")
            if not result.holds:
                failed.append(result.check.name)
        if failed:
            raise CommandError(f"Not in order: {', '.join(failed)}.")
        self.stdout.write("All in order.")
