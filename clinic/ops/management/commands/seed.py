from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from analytics.etl.running import run_etl
from clinic.accounts.models import User
from clinic.ops.progress import ProgressBar
from clinic.ops.seed.bulk.loading import load_bulk
from clinic.ops.seed.bulk.scale import SCALES
from clinic.ops.seed.demo import Demo
from clinic.ops.seed.errors import SeedRefused
from clinic.ops.seed.filling import fill_clinic
from clinic.ops.seed.ground import founding, refresh_passwords
from clinic.ops.seed.logins import make_logins, read_logins


class Command(BaseCommand):
    help = "Fill an empty database with a demo clinic, or complete one that was filled before."

    def add_arguments(self, parser):
        parser.add_argument("--scale", choices=["small", *SCALES], default="small")
        parser.add_argument("--logins", type=Path, help="JSON: {doctor: {username, password}, ...}; CLINIC_LOGINS_FILE comes first.")

    def handle(self, *, scale, logins, **options):
        try:
            given = read_logins(logins)
            people = given or self._new_logins()
            changed = fill_clinic(logins=people, now=timezone.now(), say=self.stdout.write)
            changed += refresh_passwords(given)
        except SeedRefused as error:
            raise CommandError(str(error)) from error
        progress = ProgressBar(self.stdout)
        if scale in SCALES:
            demo = Demo(now=founding().created_at, logins=people)
            changed += load_bulk(SCALES[scale], demo, now=timezone.now(), say=progress)
        run_etl(say=progress)
        progress.finish()
        self.stdout.write("The demo clinic is ready." if changed else "Nothing changed: the demo clinic was complete.")

    def _new_logins(self) -> dict:
        """Said before anything is made: whoever stops the filling half-way has seen the password."""
        people = make_logins()
        missing = sorted(set(people) - set(User.objects.filter(username__in=people).values_list("username", flat=True)))
        if missing:
            self.stdout.write(f"Password of {', '.join(missing)}: {people[missing[0]]['password']}")
        return people
