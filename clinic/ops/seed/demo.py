"""What the steps of filling share: when 'today' is, who signs in how, and who did what."""

import random
from dataclasses import dataclass, field
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from django.utils import timezone

from clinic.accounts.models import Doctor, User
from clinic.ops.seed.ids import seed_id
from patients.models import Patient


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
    _users: dict[str, User] = field(default_factory=dict, init=False)
    _doctors: dict[str, Doctor] = field(default_factory=dict, init=False)
    _patients: dict[int, Patient] = field(default_factory=dict, init=False)

    @property
    def today(self) -> date:
        return timezone.localdate(self.now)

    def dice(self, *about) -> random.Random:
        """Chance for one thing, the same in every run and whatever was made before it."""
        return random.Random(":".join(str(part) for part in about))

    def username(self, name: str) -> str:
        return self.logins[name]["username"] if name in self.logins else name

    def user(self, name: str) -> User:
        if name not in self._users:
            self._users[name] = User.objects.get(username=self.username(name))
        return self._users[name]

    def doctor(self, name: str) -> Doctor:
        if name not in self._doctors:
            self._doctors[name] = Doctor.objects.select_related("user", "department").get(user__username=self.username(name))
        return self._doctors[name]

    def patient(self, number: int) -> Patient:
        """By the number that the patient has in the demo, from 1 on."""
        if number not in self._patients:
            self._patients[number] = Patient.objects.get(request_id=seed_id("patient", number))
        return self._patients[number]

    @property
    def zone(self) -> ZoneInfo:
        return timezone.get_default_timezone()

    def midnight_before(self, moment: datetime) -> datetime:
        return datetime.combine(moment.astimezone(self.zone), time(), tzinfo=self.zone)
