"""What the steps of filling share: when 'today' is, who signs in how, and who did what."""

import random
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from django.utils import timezone

from clinic.accounts.models import Doctor, User
from clinic.ops.seed.data.clinic_facts import DOCTORS, STAFF


@dataclass(frozen=True)
class Tally:
    """What one step did: how many it made, how many were there before."""

    made: int
    there: int = 0


@dataclass
class Demo:
    """`now` is the moment at which the clinic was first filled: dates count from it, also when a later run completes it."""

    now: datetime
    logins: dict[str, dict]

    @property
    def today(self) -> date:
        return timezone.localdate(self.now)

    def dice(self, *about) -> random.Random:
        """Chance for one thing, the same in every run and whatever was made before it."""
        return random.Random(":".join(str(part) for part in about))  # noqa: S311

    def username(self, name: str) -> str:
        return self.logins[name]["username"] if name in self.logins else name

    def user(self, name: str) -> User:
        return self._people[self.username(name)]

    def doctor(self, name: str) -> Doctor:
        return self._doctors[self.username(name)]

    @cached_property
    def _people(self) -> dict[str, User]:
        names = [self.username(name) for name, *_ in [*STAFF, *DOCTORS]]
        return {user.username: user for user in User.objects.filter(username__in=names)}

    @cached_property
    def _doctors(self) -> dict[str, Doctor]:
        doctors = Doctor.objects.select_related("user", "department__facility")
        return {doctor.user.username: doctor for doctor in doctors}
