"""Today, in the middle of it: some were seen, one is in the room, some wait, some are still to come."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import cycle

from clinic.core.db import atomic_with_retry
from clinic.ops.seed import plan
from clinic.ops.seed.data.clinic_facts import DENTAL, DOCTORS, GENERAL, PAEDIATRICS, Colleague
from clinic.ops.seed.demo import Demo, Tally
from clinic.ops.seed.history import Moments, backdate_visit
from clinic.ops.seed.hours import slots_on
from clinic.ops.seed.ids import seed_id
from clinic.ops.seed.plan import BILLED, BOOKED, CANCELLED, DISPENSED, MISSED, PAID, PART_PAID, SEEN, UNBILLED, Planned
from clinic.ops.seed.registry import IN_THE_ROOM
from clinic.ops.seed.visits import arrive, book, call_in, examine, make_appointment, prescribe
from clinic.ops.seed.week import missing_of, open_drawer
from scheduling.models import Priority, Token, TokenStatus
from scheduling.services.queueing import change_status, walk_in

IN_ROOM, CALLED, WAITING = "in the room", "called", "waiting"
# The paper of today's visits, in turn: every desk has something to do.
_PAPERS = [PAID, BILLED, DISPENSED, PART_PAID, UNBILLED, DISPENSED]
_WALK_INS = [  # department, reason, how urgent, minutes since they came
    (GENERAL, "Repeat prescription", Priority.ROUTINE, 34),
    (GENERAL, "Chest pain since this morning", Priority.EMERGENCY, 4),
    (PAEDIATRICS, "Fever, 14 months old", Priority.URGENT, 11),
    (DENTAL, "Lost filling", Priority.ROUTINE, 19),
]


@dataclass(frozen=True)
class Share:
    """How many of a doctor's patients today are where."""

    seen: int
    waiting: int
    booked: int
    missed: int = 0
    cancelled: int = 0
    now: str = ""  # where the patient of this moment is, if there is one


_SHARES = {
    "doctor": Share(seen=4, waiting=3, booked=6, missed=1, cancelled=1, now=IN_ROOM),
    "doctor2": Share(seen=3, waiting=2, booked=5, cancelled=1, now=CALLED),
}
_OTHERS = Share(seen=1, waiting=1, booked=4)


def seed_today(demo: Demo) -> Tally:
    open_drawer(demo, demo.today, _earlier_today(demo, 180))
    planned = [each for colleague in DOCTORS for each in plan_today(demo, colleague)]
    missing = missing_of(planned)
    steps: dict[str, Callable[[Demo, Planned], object]] = {IN_ROOM: _in_room, CALLED: _called, WAITING: _waiting}
    for each in missing:
        steps.get(each.becomes, make_appointment)(demo, each)
    walk_ins = sum(_walk_in(demo, place, *row) for place, row in enumerate(_WALK_INS))
    return Tally(len(missing) + walk_ins, len(planned) - len(missing) + len(_WALK_INS) - walk_ins)


def plan_today(demo: Demo, colleague: Colleague) -> list[Planned]:
    """Slots before this moment for who was seen, those around it for who waits, later ones for who comes.

    When the day has only begun, the first of its patients came early.
    """
    share = _SHARES.get(colleague.login, _OTHERS)
    slots = slots_on(demo, colleague, demo.today)
    gone = sum(start + timedelta(minutes=15) <= demo.now for start in slots)
    if colleague.login in _SHARES:
        gone = max(gone, 3)
    before, after = slots[:gone], slots[gone:]
    becomes: dict[datetime, str] = {}
    if share.now and before:
        becomes[before.pop()] = share.now
    for start in [*after[: share.waiting], *reversed(before)][: share.waiting]:
        becomes[start] = WAITING
    before = [start for start in before if start not in becomes]
    ends = [SEEN] * share.seen + [CANCELLED] * share.cancelled + [MISSED] * share.missed
    becomes |= dict(zip(reversed(before), ends, strict=False))
    later = [start for start in after if start not in becomes]
    becomes |= dict.fromkeys(later[:: max(len(later) // share.booked, 1)][: share.booked], BOOKED)
    return _with_patients(demo, colleague, becomes)


def _with_patients(demo: Demo, colleague: Colleague, becomes: dict[datetime, str]) -> list[Planned]:
    patients = iter(plan.patients_for(demo, colleague, demo.today))
    papers = cycle(_PAPERS[3 * DOCTORS.index(colleague) % len(_PAPERS) :] + _PAPERS)
    planned = []
    for start, what in sorted(becomes.items()):
        patient = IN_THE_ROOM if what == IN_ROOM else next(patients)
        paper = next(papers) if what == SEEN else UNBILLED
        planned.append(Planned(colleague, patient, start, what, plan.ailment_of(demo, colleague, start), paper))
    return planned


@atomic_with_retry
def _waiting(demo: Demo, planned: Planned) -> None:
    minutes = demo.dice("arrived", planned.start).randrange(3, 26)
    arrive(demo, planned, book(demo, planned), now=_earlier_today(demo, minutes))


@atomic_with_retry
def _called(demo: Demo, planned: Planned) -> None:
    token = arrive(demo, planned, book(demo, planned), now=_earlier_today(demo, 15))
    by = demo.user(planned.colleague.login)
    change_status(token_id=token.pk, to=TokenStatus.CALLED, by=by, now=_earlier_today(demo, 1), room=planned.colleague.room)


def _earlier_today(demo: Demo, minutes: int) -> datetime:
    """So many minutes ago, but not yesterday."""
    return max(demo.now - timedelta(minutes=minutes), demo.midnight_before(demo.now))


@atomic_with_retry
def _in_room(demo: Demo, planned: Planned) -> None:
    """Examined, a prescription drafted, nothing signed: the doctor goes on from here."""
    token = arrive(demo, planned, book(demo, planned), now=_earlier_today(demo, 20))
    since = _earlier_today(demo, 8)
    encounter = call_in(demo, planned.colleague, token, now=since)
    examine(demo, planned, encounter)
    prescribe(demo, planned, encounter)
    backdate_visit(encounter, Moments(since, *[demo.now] * 4))


def _walk_in(demo: Demo, place: int, department: str, reason: str, priority: str, minutes: int) -> bool:
    request_id = seed_id("walk-in", demo.today, place)
    if Token.objects.filter(request_id=request_id).exists():
        return False
    colleague = next(each for each in reversed(DOCTORS) if each.department == department)
    patient = plan.patients_for(demo, colleague, demo.today)[-1 - place]
    walk_in(
        patient_id=demo.patient(patient).pk,
        department_id=demo.doctor(colleague.login).department_id,
        priority=priority,
        reason=reason,
        by=demo.user("reception"),
        now=_earlier_today(demo, minutes),
        request_id=request_id,
    )
    return True
