import time
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from clinic.accounts.models import User
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
        if scale in SCALES:
            demo = Demo(now=founding().created_at, logins=people)
            progress = ProgressBar(self.stdout)
            changed += load_bulk(SCALES[scale], demo, now=timezone.now(), say=progress)
            progress.finish()
        self.stdout.write("The demo clinic is ready." if changed else "Nothing changed: the demo clinic was complete.")

    def _new_logins(self) -> dict:
        """Said before anything is made: whoever stops the filling half-way has seen the password."""
        people = make_logins()
        missing = sorted(set(people) - set(User.objects.filter(username__in=people).values_list("username", flat=True)))
        if missing:
            self.stdout.write(f"Password of {', '.join(missing)}: {people[missing[0]]['password']}")
        return people


class ProgressBar:
    """One line for each table: on a terminal it grows in place, in a file it is written when the table is done."""

    WIDTH = 30

    def __init__(self, out):
        self._out, self._in_place, self._began = out, out.isatty(), time.monotonic()
        self._title = self._line = ""

    def __call__(self, title: str, done: int, total: int | None) -> None:
        if title != self._title:
            self.finish()
            self._title = title
        filled = "#" * (self.WIDTH * done // total) if total else ""
        count = f"{done:,}" if done else ""
        self._line = f"  {title:<24}{count:>11} {filled:<{self.WIDTH}} {time.monotonic() - self._began:6.0f} s"
        if self._in_place:
            self._out.write(f"\r{self._line}", ending="")
            self._out.flush()

    def finish(self) -> None:
        if self._line:
            self._out.write("" if self._in_place else self._line)
        self._line = ""
