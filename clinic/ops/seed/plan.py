"""Who comes when, and why: decided by chance that falls the same way in every run."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from clinic.ops.seed.data.ailments import AILMENTS, Ailment
from clinic.ops.seed.data.clinic_facts import DOCTORS, PAEDIATRICS, Colleague
from clinic.ops.seed.demo import Demo
from clinic.ops.seed.hours import slots_on
from clinic.ops.seed.ids import seed_id
from clinic.ops.seed.registry import ADULTS, CHILDREN, IN_THE_ROOM, PORTAL

# How far a visit's paper goes: nothing billed, a bill, part of it or all of it paid, medicines handed out.
UNBILLED, BILLED, PART_PAID, PAID, DISPENSED = "unbilled", "billed", "part paid", "paid", "dispensed"
SEEN, MISSED, CANCELLED, BOOKED = "seen", "missed", "cancelled", "booked"
DAYS_BACK, DAYS_AHEAD = 7, 8
# Appointments a day of the two doctors who can sign in, and of each other one. Few: each visit is worth 250 statements.
_SHOWN = {"doctor", "doctor2"}
_PAST_A_DAY, _PAST_OF_OTHERS = 3, 1
_COMING_A_DAY, _COMING_OF_OTHERS = 5, 2
_KNOWN = {*PORTAL.values(), IN_THE_ROOM}


@dataclass(frozen=True)
class Planned:
    """One appointment; `paper` and `ailment` matter for one that is seen."""

    colleague: Colleague
    patient: int
    start: datetime
    becomes: str
    ailment: Ailment
    paper: str = DISPENSED

    @property
    def request_id(self) -> UUID:
        return self.id("appointment")

    def id(self, what: str) -> UUID:
        return seed_id(what, self.colleague.login, self.start.isoformat())


def past_days(demo: Demo) -> list[date]:
    return [demo.today - timedelta(days=days) for days in range(DAYS_BACK, 0, -1)]


def past_of(demo: Demo, day: date) -> list[Planned]:
    """What happened on a day of last week; the two with a portal account come on the last day that their doctor worked."""
    planned = list(_known_visits(demo, day))
    taken = {each.start for each in planned}
    for colleague, patient, start in _chosen(demo, day, _PAST_A_DAY, _PAST_OF_OTHERS):
        if start not in taken:
            dice = demo.dice("outcome", colleague.login, start)
            becomes = dice.choices([SEEN, MISSED, CANCELLED], [82, 9, 9])[0]
            paper = dice.choices([DISPENSED, PAID, PART_PAID, BILLED, UNBILLED], [76, 7, 6, 6, 5])[0]
            planned.append(Planned(colleague, patient, start, becomes, _ailment(demo, colleague, start), paper))
    return sorted(planned, key=lambda each: (each.start, each.colleague.login))


def coming(demo: Demo) -> list[Planned]:
    """The appointments from tomorrow on; those with a portal account have two each."""
    planned = []
    for days in range(1, DAYS_AHEAD + 1):
        day = demo.today + timedelta(days=days)
        planned += [
            Planned(*each, BOOKED, _ailment(demo, each[0], each[2])) for each in _chosen(demo, day, _COMING_A_DAY, _COMING_OF_OTHERS)
        ]
    taken = {(each.colleague.login, each.start) for each in planned}
    for login, number in PORTAL.items():
        doctor = _doctor_of(login)
        free = [start for start in _slots_ahead(demo, doctor) if (doctor.login, start) not in taken]
        for start in (free[3], free[-3]):
            taken.add((doctor.login, start))
            planned.append(Planned(doctor, number, start, BOOKED, _ailment(demo, doctor, start)))
    return sorted(planned, key=lambda each: (each.start, each.colleague.login))


def patients_for(demo: Demo, colleague: Colleague, day: date) -> list[int]:
    """In the order in which they come; children to the paediatricians. Nobody comes twice on one day."""
    children = colleague.department == PAEDIATRICS
    pool = [number for number in (CHILDREN if children else ADULTS) if number not in _KNOWN]
    demo.dice("patients", day, children).shuffle(pool)
    peers = [each.login for each in DOCTORS if (each.department == PAEDIATRICS) == children]
    return pool[peers.index(colleague.login) :: len(peers)]


def ailment_of(demo: Demo, colleague: Colleague, start: datetime) -> Ailment:
    return _ailment(demo, colleague, start)


def _chosen(demo: Demo, day: date, of_shown: int, of_others: int) -> Iterator[tuple[Colleague, int, datetime]]:
    for colleague in DOCTORS:
        slots = slots_on(demo, colleague, day)
        most = of_shown if colleague.login in _SHOWN else of_others
        dice = demo.dice("slots", colleague.login, day)
        starts = sorted(dice.sample(slots, min(most, len(slots))))
        yield from ((colleague, patient, start) for patient, start in zip(patients_for(demo, colleague, day), starts, strict=False))


def _ailment(demo: Demo, colleague: Colleague, start: datetime) -> Ailment:
    return demo.dice("ailment", colleague.login, start).choice(AILMENTS[colleague.department])


def _doctor_of(login: str) -> Colleague:
    """Whom a patient with a portal account sees."""
    name = {"patient": "doctor", "patient2": "dr.okafor"}[login]
    return next(each for each in DOCTORS if each.login == name)


def _known_visits(demo: Demo, day: date) -> Iterator[Planned]:
    """One is paid for and waits at the pharmacy, the other still owes."""
    papers = {"patient": PAID, "patient2": BILLED}
    for login, number in PORTAL.items():
        doctor = _doctor_of(login)
        worked = [each for each in past_days(demo) if slots_on(demo, doctor, each)]
        if day == worked[-1]:
            ailment = AILMENTS[doctor.department][1]
            yield Planned(doctor, number, slots_on(demo, doctor, day)[2], SEEN, ailment, papers[login])


def _slots_ahead(demo: Demo, colleague: Colleague) -> list[datetime]:
    days = (demo.today + timedelta(days=days) for days in range(1, DAYS_AHEAD + 1))
    return [start for day in days for start in slots_on(demo, colleague, day)]
