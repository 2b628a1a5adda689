"""Who comes to whom and when: pure arithmetic, so that any part of it can be worked out again."""

import random
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from clinic.ops.seed.bulk.people import SLOT_MINUTES, SLOTS_A_DAY
from clinic.ops.seed.bulk.scale import Scale, working_days

COMPLETED, CANCELLED, NO_SHOW, BOOKED = "completed", "cancelled", "no_show", "booked"
_SLOT = timedelta(minutes=SLOT_MINUTES)
_STRIDE = 7919  # prime: who comes together changes from slot to slot


@dataclass(frozen=True, slots=True)
class Visit:
    """An appointment, by the numbers (from 0) of what it joins; `start` is in UTC."""

    number: int
    doctor: int
    patient: int
    start: datetime
    status: str

    @property
    def end(self) -> datetime:
        return self.start + _SLOT


class Diary:
    """Exactly as many appointments as the scale says, spread evenly over days and doctors, one to a slot.

    In one slot every doctor sees another patient, so that nobody is in two rooms at once.
    """

    def __init__(self, scale: Scale, *, today: date, zone: ZoneInfo):
        self.scale, self.today, self.zone = scale, today, zone
        self.days = working_days(today)
        if scale.appointments > len(self.days) * scale.doctors * SLOTS_A_DAY or scale.doctors > scale.patients:
            raise ValueError("more appointments than slots, or more doctors than patients")
        self._order = array("l", range(scale.patients))
        random.Random("order").shuffle(self._order)

    def __iter__(self) -> Iterator[Visit]:
        """Day by day, as a clinic's table grows."""
        number, cells = 0, len(self.days) * self.scale.doctors
        for index, day in enumerate(self.days):
            opens = datetime.combine(day, time(9), tzinfo=self.zone).astimezone(UTC)
            for doctor in range(self.scale.doctors):
                cell = index * self.scale.doctors + doctor
                for turn in range(self._upto(cell + 1, cells) - self._upto(cell, cells)):
                    slot = (7 * cell + 5 * turn) % SLOTS_A_DAY  # 5 and 24 share no divisor: no slot comes twice
                    yield Visit(
                        number, doctor, self._patient(index * SLOTS_A_DAY + slot, doctor), opens + slot * _SLOT, self._status(number, day)
                    )
                    number += 1

    def completed(self) -> Iterator[Visit]:
        return (visit for visit in self if visit.status == COMPLETED)

    def _upto(self, cell: int, cells: int) -> int:
        return cell * self.scale.appointments // cells

    def _patient(self, slot: int, doctor: int) -> int:
        return self._order[(slot * _STRIDE + doctor) % self.scale.patients]

    def _status(self, number: int, day: date) -> str:
        if day > self.today:
            return BOOKED
        lot = number * 37 % 100
        return COMPLETED if lot < 82 else CANCELLED if lot < 91 else NO_SHOW
