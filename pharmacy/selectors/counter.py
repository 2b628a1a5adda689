"""What the pharmacist at the counter sees."""

from dataclasses import dataclass, field
from datetime import date

from django.conf import settings
from django.db.models import Prefetch, Q

from patients.models import Allergy
from pharmacy.models import Batch, Dispense, DispenseReturn, Medicine, Prescription, PrescriptionItem
from pharmacy.rules.picks import Want, next_filling, plan_picks
from pharmacy.rules.quantities import counted
from pharmacy.rules.safety import SafetyReport
from pharmacy.rules.substitution import is_substitute
from pharmacy.selectors.safety import safety_of


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
    substitutes: list[Medicine] = field(default_factory=list)
    instead: str = ""  # public id of the substitute that was chosen, when the form comes back
    substitution_reason: str = ""
    asked: str = ""  # the quantity as it was typed, when the form comes back

    @property
    def is_short(self) -> bool:
        return self.available < self.wanted

    @property
    def left(self) -> int:
        return self.item.total_quantity - self.item.dispensed_quantity

    @property
    def wanted_counted(self) -> str:
        return counted(self.wanted, self.item.medicine.unit)

    @property
    def shown_quantity(self):
        return self.asked or self.wanted


def counter_lines(prescription: Prescription, *, on: date) -> list[CounterLine]:
    """A preview, without locks: the plan is made again when it is handed out. One query."""
    items = list(prescription.items.all())
    usable = list(Batch.objects.usable(on).filter(medicine__in=[item.medicine_id for item in items]))
    by_id = {batch.pk: batch for batch in usable}
    units = {item: next_filling(quantity=item.quantity, repeats=item.repeats, dispensed=item.dispensed_quantity) for item in items}
    plan = plan_picks([Want(item.pk, item.medicine_id, count) for item, count in units.items() if count], usable, on, partial=True)
    lines = []
    for item, wanted in units.items():
        own = [batch for batch in usable if batch.medicine_id == item.medicine_id]
        picks = [(by_id[pick.batch_id], pick.quantity) for pick in plan.picks if pick.item_id == item.pk]
        lines.append(CounterLine(item, wanted, sum(batch.on_hand for batch in own), own, picks))
    return lines


def _add_substitutes(lines: list[CounterLine], *, on: date) -> None:
    """What of the same could be given for a line that is short. One query when any is, else none."""
    short = [line for line in lines if line.left and line.is_short]
    if not short:
        return
    same = Q()
    for line in short:
        for ingredient in line.item.medicine.ingredients:
            same |= Q(generic_name__icontains=ingredient)
    there = list(Medicine.objects.active().filter(same).with_on_hand(on).filter(on_hand__gt=0).order_by("name", "id"))
    for line in short:
        line.substitutes = [medicine for medicine in there if is_substitute(line.item.medicine, medicine)]


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
    """All that the dispensing page shows. `prescription` comes from with_details()."""
    lines = counter_lines(prescription, on=on)
    _add_substitutes(lines, on=on)
    going_out = [line.item for line in lines if line.wanted]
    made = Dispense.objects.filter(prescription=prescription).with_details()
    made = made.prefetch_related(Prefetch("returns", queryset=DispenseReturn.objects.select_related("returned_by").order_by("id")))
    return Counter(
        prescription=prescription,
        lines=lines,
        report=safety_of(prescription, on=on, items=going_out),
        dispenses=list(made.order_by("-id")),
        must_pay=settings.PAY_BEFORE_DISPENSE and not prescription.is_cleared,
    )
