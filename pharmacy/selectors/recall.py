"""Who was given something of a batch."""

from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Max, Min, Q, Sum

from patients.models import Patient
from pharmacy.models import Batch, DispenseLine, RecallCall
from pharmacy.models.recall import SETTLED_OUTCOMES


@dataclass(frozen=True)
class Recipient:
    patient: Patient
    units: int
    returned: int
    first_on: date
    last_on: date
    last_call: RecallCall | None
    calls: int

    @property
    def left(self) -> int:
        return self.units - self.returned

    @property
    def is_settled(self) -> bool:
        """Whether nobody needs to call again: all came back, or the last call says so."""
        return self.left == 0 or (self.last_call is not None and self.last_call.outcome in SETTLED_OUTCOMES)


def lines_of_lot(batch: Batch):
    """What went out of a batch, and of its part that came back from patients and was released again."""
    origin = batch.returned_from_id or batch.pk
    return DispenseLine.objects.filter(Q(batch=origin) | Q(batch__returned_from=origin)).order_by()


def recipients_of(batch: Batch, *, patient_id: int | None = None) -> list[Recipient]:
    """Those still to be told first, then by the day it was last given. Four queries, however many."""
    lines = lines_of_lot(batch)
    calls = RecallCall.objects.filter(batch=batch.returned_from_id or batch.pk)
    if patient_id is not None:
        lines, calls = lines.filter(dispense__prescription__patient=patient_id), calls.filter(patient=patient_id)
    given = lines.values("dispense__prescription__patient").annotate(
        units=Sum("quantity"),
        returned=Sum("returned_quantity"),
        first_on=Min("dispense__dispensed_on"),
        last_on=Max("dispense__dispensed_on"),
    )
    counts = dict(calls.order_by().values_list("patient").annotate(count=Count("pk")))
    last = {call.patient_id: call for call in calls.select_related("called_by").order_by("patient_id", "-id").distinct("patient_id")}
    rows = {row.pop("dispense__prescription__patient"): row for row in given}
    patients = Patient.objects.filter(pk__in=rows)
    found = [
        Recipient(patient, **rows[patient.pk], last_call=last.get(patient.pk), calls=counts.get(patient.pk, 0)) for patient in patients
    ]
    return sorted(found, key=lambda each: (each.is_settled, -each.last_on.toordinal(), each.patient.pk))
