"""What the pharmacist at the counter sees."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, OuterRef, Prefetch, Q, When

from clinic.core.together import together
from patients.models import Allergy
from pharmacy.models import Batch, Dispense, DispenseLine, DispenseReturn, Equivalent, Medicine, Prescription, PrescriptionItem
from pharmacy.rules.picks import Want, next_filling, plan_picks
from pharmacy.rules.safety import SafetyReport
from pharmacy.rules.substitution import is_substitute
from pharmacy.selectors.safety import items_and_current, safety_of


def worklist(visible, *, on: date, repeats: bool = False, search: str = ""):
    """Prescriptions that may be handed out, oldest first, with items and allergies: 4 queries however many rows."""
    waiting = visible.awaiting_dispense(on)
    open_now = waiting.filling_open()
    found = waiting.exclude(pk__in=open_now.values("pk")) if repeats else open_now
    for word in search.split()[:5]:
        found = found.filter(Q(patient__mrn__iexact=word) | Q(patient__search_name__icontains=word.lower()))
    allergies = Prefetch("patient__allergies", queryset=Allergy.objects.order_by("substance"))
    return found.with_details().prefetch_related(allergies).order_by("signed_at", "id")


@dataclass
class CounterLine:
    """One item on the counter: what goes out now, and from where."""

    item: PrescriptionItem
    wanted: int
    available: int
    batches: list[Batch]
    picks: list[tuple[Batch, int]] = field(default_factory=list)
    chosen: str = ""  # public id of the batch that the pharmacist named
    substitutes: list[tuple[Medicine, int]] = field(default_factory=list)
    instead: str = ""  # public id of the substitute that was chosen, when the form comes back
    other: str = ""  # public id of a medicine that the doctor agreed to, when the form comes back
    other_text: str = ""
    substitution_reason: str = ""
    prescriber_agreement: str = ""
    asked: str = ""  # the quantity as it was typed, when the form comes back

    @property
    def is_short(self) -> bool:
        return self.available < self.wanted

    @property
    def left(self) -> int:
        return self.item.total_quantity - self.item.dispensed_quantity

    @property
    def shown_quantity(self):
        return self.asked or self.wanted


def counter_lines(items: list[PrescriptionItem], *, on: date) -> list[CounterLine]:
    """A preview, without locks: the plan is made again when it is handed out. One query."""
    usable = _usable_batches([item.medicine for item in items], on=on)
    by_id = {batch.pk: batch for batch in usable}
    units = {item: next_filling(quantity=item.quantity, repeats=item.repeats, dispensed=item.dispensed_quantity) for item in items}
    wants = [Want(item.pk, item.medicine_id, count) for item, count in units.items() if count]
    oldest_first = {item.medicine_id for item in items if item.medicine.is_oldest_first}
    plan = plan_picks(wants, usable, on, oldest_first=oldest_first, partial=True)
    lines = []
    for item, wanted in units.items():
        own = [batch for batch in usable if batch.medicine_id == item.medicine_id]
        picks = [(by_id[pick.batch_id], pick.quantity) for pick in plan.picks if pick.item_id == item.pk]
        line = CounterLine(item, wanted, sum(batch.on_hand for batch in own), own, picks)
        if line.left and line.is_short:
            line.substitutes = _substitutes(item.medicine, usable)
        lines.append(line)
    return lines


def _usable_batches(medicines: list[Medicine], *, on: date) -> list[Batch]:
    """Of these medicines, of those that share an ingredient with one of them, and of those approved to stand for one."""
    akin = Q(is_approved_for__len__gt=0)
    for ingredient in {ingredient for medicine in medicines for ingredient in medicine.ingredients}:
        akin |= Q(medicine__generic_name__icontains=ingredient)
    usable = Batch.objects.usable(on).annotate(is_approved_for=_approved_for(medicines))
    return list(usable.filter(akin & Q(medicine__is_active=True) | Q(medicine__in=medicines)).select_related("medicine"))


def _approved_for(medicines: list[Medicine]) -> ArraySubquery:
    """The keys of those medicines that a batch's own is approved to stand for."""
    own = OuterRef("medicine")
    pairs = Equivalent.objects.in_force().filter(Q(first=own, second__in=medicines) | Q(second=own, first__in=medicines)).order_by()
    return ArraySubquery(pairs.values_list(Case(When(first=own, then="second"), default="first")))


def _substitutes(medicine: Medicine, usable: list[Batch]) -> list[tuple[Medicine, int]]:
    """What there is to give for it, and how many units: the same, and what is approved as equivalent."""
    units = defaultdict(int)
    for batch in usable:
        if batch.medicine.is_active and (is_substitute(medicine, batch.medicine) or medicine.pk in batch.is_approved_for):
            units[batch.medicine] += batch.on_hand
    return sorted(units.items(), key=lambda pair: (not is_substitute(medicine, pair[0]), pair[0].name, pair[0].pk))


@dataclass
class Counter:
    prescription: Prescription
    lines: list[CounterLine]
    report: SafetyReport
    dispenses: list[Dispense]
    must_pay: bool

    @property
    def is_short(self) -> bool:
        return any(line.is_short for line in self.lines)

    @property
    def needs_witness(self) -> bool:
        return any(line.item.medicine.is_controlled and line.left for line in self.lines)

    @property
    def is_ready(self) -> bool:
        """Whether Enter may hand it out at once: the first time, and paid. After that, or after a return, someone has to look."""
        return not self.must_pay and not self.dispenses

    @property
    def has_some(self) -> bool:
        return any(line.available and line.wanted for line in self.lines)


def counter_of(prescription: Prescription, *, on: date) -> Counter:
    """All that the dispensing page shows, in at most 6 queries. `prescription` comes from with_people()."""
    [(items, taken)] = together(items_and_current(Q(prescription=prescription), patient_id=prescription.patient_id, on=on))
    lines = counter_lines(items, on=on)
    going_out = [line.item for line in lines if line.wanted]
    beside = [line.item for line in lines if not line.wanted]
    return Counter(
        prescription=prescription,
        lines=lines,
        report=safety_of(prescription, on=on, items=going_out, beside=beside, taken=taken),
        dispenses=_dispenses_of(prescription),
        must_pay=settings.PAY_BEFORE_DISPENSE and not prescription.is_cleared,
    )


def _dispenses_of(prescription: Prescription) -> list[Dispense]:
    """The last one first, each with what was `given` and what was `taken_back`. One query; another when something came back."""
    lines = DispenseLine.objects.filter(dispense__prescription=prescription).order_by("-dispense", "id")
    lines = list(lines.select_related("dispense__dispensed_by", "item__medicine", "batch__medicine"))
    came_back = defaultdict(list)
    if any(line.returned_quantity for line in lines):
        for each in DispenseReturn.objects.filter(dispense__prescription=prescription).select_related("returned_by").order_by("id"):
            came_back[each.dispense_id].append(each)
    made = []
    for dispense_id, given in groupby(lines, key=lambda line: line.dispense_id):
        given = list(given)
        dispense = given[0].dispense
        dispense.given, dispense.taken_back = given, came_back[dispense_id]
        made.append(dispense)
    return made
