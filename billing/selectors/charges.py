"""What a visit costs, and which visits are not billed yet."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db.models import BooleanField, Case, DateTimeField, Exists, F, OuterRef, Prefetch, Q, Subquery, TextField, Value, When
from django.db.models.functions import Cast, Concat, Trunc
from django.utils import timezone

from billing import rules
from billing.models import InvoiceLine, LineKind
from billing.models.line import TAKEN_BACK
from billing.rules import Charge
from patients.models import Encounter, Treatment
from patients.models.encounter import EncounterStatus
from pharmacy.models import Dispense, PrescriptionItem, PrescriptionStatus

BILLED_PRESCRIPTIONS = [PrescriptionStatus.SIGNED, PrescriptionStatus.PARTIALLY_DISPENSED, PrescriptionStatus.DISPENSED]
_COSTS_SOMETHING = Q(base_cost__gt=0)


def unbilled_charges(encounter: Encounter) -> list[Charge]:
    """The consultation, treatments and medicines of a visit that stand on no invoice yet, at today's prices.

    The encounter comes with doctor and user. Of a medicine that is one filling, and later what was handed out beyond.
    """
    before = _with_charged_before(Encounter.objects.filter(pk=encounter.pk)).values_list("charged_before", flat=True).first()
    charges = _consultation(encounter, before) + [_treatment_charge(row) for row in encounter.treatments.order_by("id")]
    charges = [charge for charge in charges if charge]
    billed = set(_live().filter(charge_key__in=[charge.key for charge in charges]).values_list("charge_key", flat=True))
    items = _ordered().filter(prescription__encounter=encounter)
    return [charge for charge in charges if charge.key not in billed] + _medicine_charges(items)


def handed_out_charges(dispense: Dispense) -> list[Charge]:
    """Of the medicines of one handing over, what was given out of them so far and stands on no invoice yet."""
    items = _ordered().filter(pk__in=dispense.lines.values("item"))
    return _medicine_charges(items, only_handed_out=True)


def treatment_cost(treatment: Treatment) -> Decimal:
    """All that a treatment costs: its base cost and the medicines it took."""
    return treatment.cost


def _live():
    return InvoiceLine.objects.filter(is_void=False)


def _ordered():
    return PrescriptionItem.objects.filter(prescription__status__in=BILLED_PRESCRIPTIONS).select_related("medicine").order_by("id")


def _with_charged_before(encounters):
    """Adds `charged_before`: when the consultation began that makes this one a free follow-up; None without one.

    That is a consultation of the same doctor or department, at most FOLLOW_UP_FREE_DAYS days before, that was charged for:
    a free one makes no further one free.
    """
    empty = Value(None, output_field=DateTimeField(null=True))
    if not settings.FOLLOW_UP_FREE_DAYS:
        return encounters.annotate(charged_before=empty)
    first_day = Trunc("started_at", "day", tzinfo=timezone.get_current_timezone()) - timedelta(days=settings.FOLLOW_UP_FREE_DAYS)
    visit = "invoice__encounter"
    charged = (
        _live()
        .exclude(TAKEN_BACK)
        .filter(
            Q(**{f"{visit}__doctor": OuterRef("doctor")}) | Q(**{f"{visit}__doctor__department": OuterRef("doctor__department")}),
            kind=LineKind.CONSULTATION,
            unit_price__gt=0,
            invoice__patient=OuterRef("patient"),
            **{f"{visit}__started_at__gte": OuterRef("first_free_day"), f"{visit}__started_at__lt": OuterRef("started_at")},
        )
        .order_by(f"-{visit}__started_at")
    )
    return encounters.annotate(first_free_day=first_day).annotate(charged_before=Subquery(charged.values(f"{visit}__started_at")[:1]))


def _consultation(encounter: Encounter, charged_before: datetime | None) -> list[Charge]:
    return rules.consultation_charge(
        encounter_id=encounter.public_id,
        doctor_name=encounter.doctor.name,
        fee=encounter.doctor.consultation_fee,
        charged_on=_day(charged_before),
    )


def _day(at: datetime | None) -> date | None:
    return timezone.localdate(at) if at else None


def _treatment_charge(treatment: Treatment) -> Charge | None:
    return rules.treatment_charge(treatment_id=treatment.public_id, name=treatment.name, cost=treatment_cost(treatment))


def _medicine_charges(items: Iterable[PrescriptionItem], *, only_handed_out: bool = False) -> list[Charge]:
    """What is to be billed of each item: 1 query, and that of the items. What came back and was credited counts as not billed."""
    items, billed = list(items), defaultdict(dict)
    lines = _live().filter(prescription_item__in=[item.pk for item in items])
    for item, key, quantity in lines.values_list("prescription_item", "charge_key", F("quantity") - F("credited_quantity")):
        billed[item][key] = quantity
    charges = [_medicine_charge(item, billed[item.pk], only_handed_out=only_handed_out) for item in items]
    return [charge for charge in charges if charge]


def _medicine_charge(item: PrescriptionItem, billed: dict[str, int], *, only_handed_out: bool = False) -> Charge | None:
    medicine = item.medicine
    ordered = 0 if billed or only_handed_out else item.quantity
    return rules.medicine_charge(
        item_id=item.public_id,
        item_pk=item.pk,
        medicine_name=medicine.name,
        unit=medicine.unit,
        quantity=max(ordered, item.dispensed_quantity) - sum(billed.values()),
        price=medicine.price,
        billed_as=set(billed),
    )


@dataclass(frozen=True)
class VisitToBill:
    encounter: Encounter
    charges: list[Charge]

    @property
    def amount(self) -> Decimal:
        return rules.sum_of(charge.quantity * charge.unit_price for charge in self.charges)


def visits_to_bill(*, since: datetime):
    """Completed visits, begun since then, with a charge that stands on no invoice; the longest waiting first."""
    consultation, treatment = (_live().filter(charge_key=_key(kind)) for kind in ("consultation", "treatment"))
    treatments = Treatment.objects.filter(_COSTS_SOMETHING).exclude(Exists(treatment)).order_by("id")
    unbilled_items = _ordered().exclude(Exists(_live().filter(prescription_item=OuterRef("pk"))))
    owes_consultation = Case(
        When(Q(doctor__consultation_fee__gt=0) & ~Exists(consultation), then=True), default=False, output_field=BooleanField()
    )
    return (
        Encounter.objects.filter(status=EncounterStatus.COMPLETED, started_at__gte=since, source_id__isnull=True)
        .annotate(owes_consultation=owes_consultation)
        .filter(
            Q(owes_consultation=True)
            | Exists(unbilled_items.filter(prescription__encounter=OuterRef("pk")))
            | Exists(treatments.filter(encounter=OuterRef("pk")))
        )
        .select_related("patient", "doctor__user")
        .prefetch_related(
            Prefetch("prescriptions__items", queryset=unbilled_items, to_attr="unbilled_items"),
            Prefetch("treatments", queryset=treatments, to_attr="unbilled_treatments"),
        )
        .order_by("signed_at", "id")
    )


def _key(kind: str):
    return Concat(Value(f"{kind}:"), Cast(OuterRef("public_id"), TextField()))


def to_bill_rows(encounters) -> list[VisitToBill]:
    """Each visit of a page of `visits_to_bill` with its charges."""
    encounters = list(encounters)
    shown = _with_charged_before(Encounter.objects.filter(pk__in=[encounter.pk for encounter in encounters]))
    before = dict(shown.values_list("pk", "charged_before")) if settings.FOLLOW_UP_FREE_DAYS else {}
    return [VisitToBill(encounter, _charges_to_bill(encounter, before.get(encounter.pk))) for encounter in encounters]


def _charges_to_bill(encounter: Encounter, charged_before: datetime | None) -> list[Charge]:
    charges = _consultation(encounter, charged_before) if encounter.owes_consultation else []
    charges += [_treatment_charge(treatment) for treatment in encounter.unbilled_treatments]
    charges += [_medicine_charge(item, {}) for prescription in encounter.prescriptions.all() for item in prescription.unbilled_items]
    return [charge for charge in charges if charge]
