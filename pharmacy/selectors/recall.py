"""Who was given something of a lot."""

from dataclasses import dataclass
from datetime import date

from django.db.models import Count, F, Max, Min, Sum

from patients.models import Patient
from pharmacy.models import Batch, DispenseLine, RecallCall, TreatmentLine
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


# (the lines that say what patients were given, what leads from one to the patient, and to the day)
_GIVEN = [
    (DispenseLine, "dispense__prescription__patient", "dispense__dispensed_on"),
    (TreatmentLine, "encounter__patient", "used_on"),
]


def _of_lot(lines, batch: Batch):
    """What went out of a lot, from whichever store, and of its part that came back from patients and was released again."""
    return lines.objects.filter(batch__in=Batch.objects.of_lot(batch)).order_by()


def was_given(batch: Batch, patient_id: int) -> bool:
    return any(_of_lot(lines, batch).filter(**{patient: patient_id}).exists() for lines, patient, _ in _GIVEN)


def _given(batch: Batch, patient_id: int | None) -> dict[int, dict]:
    """{patient pk: {units, returned, first_on, last_on}}, handed out or used in a treatment."""
    found: dict[int, dict] = {}
    for lines, patient, day in _GIVEN:
        rows = _of_lot(lines, batch) if patient_id is None else _of_lot(lines, batch).filter(**{patient: patient_id})
        sums = {"units": Sum("quantity"), "returned": Sum("returned_quantity"), "first_on": Min(day), "last_on": Max(day)}
        for row in rows.values(person=F(patient)).annotate(**sums):
            person = row.pop("person")
            before = found.get(person)
            found[person] = row if before is None else _joined(before, row)
    return found


def _joined(one: dict, other: dict) -> dict:
    return {
        "units": one["units"] + other["units"],
        "returned": one["returned"] + other["returned"],
        "first_on": min(one["first_on"], other["first_on"]),
        "last_on": max(one["last_on"], other["last_on"]),
    }


def recipients_of(batch: Batch, *, patient_id: int | None = None) -> list[Recipient]:
    """Those still to be told first, then by the day it was last given. Five queries, however many."""
    calls = RecallCall.objects.filter(batch__in=Batch.objects.of_lot(batch))
    if patient_id is not None:
        calls = calls.filter(patient=patient_id)
    counts = dict(calls.order_by().values_list("patient").annotate(count=Count("pk")))
    last = {call.patient_id: call for call in calls.select_related("called_by").order_by("patient_id", "-id").distinct("patient_id")}
    rows = _given(batch, patient_id)
    patients = Patient.objects.filter(pk__in=rows)
    found = [
        Recipient(patient, **rows[patient.pk], last_call=last.get(patient.pk), calls=counts.get(patient.pk, 0)) for patient in patients
    ]
    return sorted(found, key=lambda each: (each.is_settled, -each.last_on.toordinal(), each.patient.pk))
