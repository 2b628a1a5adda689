"""What a visit costs, and which visits are not billed yet."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import BooleanField, Case, Exists, OuterRef, Prefetch, Q, TextField, Value, When
from django.db.models.functions import Cast, Concat

from billing import rules
from billing.models import InvoiceLine
from billing.rules import Charge
from patients.models import Encounter
from patients.models.encounter import EncounterStatus
from pharmacy.models import PrescriptionItem, PrescriptionStatus

BILLED_PRESCRIPTIONS = [PrescriptionStatus.SIGNED, PrescriptionStatus.PARTIALLY_DISPENSED, PrescriptionStatus.DISPENSED]


def charges_of(encounter: Encounter) -> list[Charge]:
    """The consultation and what its signed prescriptions order, at today's prices. The encounter comes with doctor and user."""
    items = PrescriptionItem.objects.filter(prescription__encounter=encounter, prescription__status__in=BILLED_PRESCRIPTIONS)
    medicines = [_medicine_charge(item) for item in items.select_related("medicine").order_by("id")]
    return _consultation(encounter) + medicines


def unbilled(charges: list[Charge]) -> list[Charge]:
    billed = set(live_lines(charges).values_list("charge_key", flat=True))
    return [charge for charge in charges if charge.key not in billed]


def live_lines(charges: list[Charge]):
    """The lines on which these charges are billed."""
    return InvoiceLine.objects.filter(charge_key__in=[charge.key for charge in charges], is_void=False)


def _consultation(encounter: Encounter) -> list[Charge]:
    return rules.consultation_charge(
        encounter_id=encounter.public_id, doctor_name=encounter.doctor.name, fee=encounter.doctor.consultation_fee
    )


def _medicine_charge(item: PrescriptionItem) -> Charge:
    medicine = item.medicine
    return rules.medicine_charge(
        item_id=item.public_id,
        item_pk=item.pk,
        medicine_name=medicine.name,
        unit=medicine.unit,
        quantity=item.quantity,
        price=medicine.price,
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
    billed = InvoiceLine.objects.filter(is_void=False)
    consultation = billed.filter(charge_key=Concat(Value("consultation:"), Cast(OuterRef("public_id"), TextField())))
    items = PrescriptionItem.objects.filter(prescription__status__in=BILLED_PRESCRIPTIONS)
    unbilled_items = items.exclude(Exists(billed.filter(prescription_item=OuterRef("pk"))))
    return (
        Encounter.objects.filter(status=EncounterStatus.COMPLETED, started_at__gte=since, source_id__isnull=True)
        .annotate(
            owes_consultation=Case(
                When(Q(doctor__consultation_fee__gt=0) & ~Exists(consultation), then=True), default=False, output_field=BooleanField()
            )
        )
        .filter(Q(owes_consultation=True) | Exists(unbilled_items.filter(prescription__encounter=OuterRef("pk"))))
        .select_related("patient", "doctor__user")
        .prefetch_related(
            Prefetch("prescriptions__items", queryset=unbilled_items.select_related("medicine").order_by("id"), to_attr="unbilled_items")
        )
        .order_by("signed_at", "id")
    )


def to_bill_rows(encounters) -> list[VisitToBill]:
    """Each visit of a page of `visits_to_bill` with its charges."""
    return [
        VisitToBill(
            encounter,
            (_consultation(encounter) if encounter.owes_consultation else [])
            + [_medicine_charge(item) for prescription in encounter.prescriptions.all() for item in prescription.unbilled_items],
        )
        for encounter in encounters
    ]
