"""The safety checks over stored rows. At most five queries, however many prescriptions."""

from collections import defaultdict
from datetime import date, timedelta
from functools import cache

from django.db.models import DurationField, ExpressionWrapper, F, Value

from patients.models import Patient
from pharmacy.models import Interaction, InteractionSubstance, Medicine, Prescription, PrescriptionItem, PrescriptionStatus
from pharmacy.rules.interactions import InteractionTable, Pair
from pharmacy.rules.safety import Drug, SafetyReport, canonical, check_safety

_TAKEN = [PrescriptionStatus.SIGNED, PrescriptionStatus.PARTIALLY_DISPENSED, PrescriptionStatus.DISPENSED]


def drug_of(medicine: Medicine) -> Drug:
    return Drug(medicine.name, tuple(medicine.ingredients), medicine.is_controlled)


def current_items(patient_ids, *, on: date):
    """Items of signed prescriptions whose course, repeats included, has not ended by that day."""
    course = ExpressionWrapper(F("duration_days") * (F("repeats") + 1) * Value(timedelta(days=1)), output_field=DurationField())
    return (
        PrescriptionItem.objects.filter(prescription__patient__in=patient_ids, prescription__status__in=_TAKEN)
        .annotate(ends_at=F("prescription__signed_at") + course)
        .filter(ends_at__date__gt=on)
        .select_related("medicine", "prescription")
        .order_by("-prescription__signed_at", "id")
    )


def safety_of(prescription: Prescription, *, on: date, items=None) -> SafetyReport:
    """Of one prescription, or of those of its items that are handed out."""
    return safety_of_many([prescription], on=on, items={prescription.pk: items} if items is not None else None)[prescription.pk]


def safety_of_many(prescriptions, *, on: date, items=None) -> dict[int, SafetyReport]:
    """{prescription pk: report}. `prescriptions` have items with medicine at hand, or prefetched."""
    prescriptions = list(prescriptions)
    patient_ids = {prescription.patient_id for prescription in prescriptions}
    substances, reviewed = _allergies(patient_ids)
    taken = defaultdict(list)
    for item in current_items(patient_ids, on=on):
        taken[item.prescription.patient_id].append(item)
    checked = {each.pk: _checked_items(each, items) for each in prescriptions}
    table = _table_for([*(item for own in checked.values() for item in own), *(item for each in taken.values() for item in each)])
    known_names, reports = cache(_known_names), {}
    for prescription in prescriptions:
        own = checked[prescription.pk]
        reports[prescription.pk] = check_safety(
            [drug_of(item.medicine) for item in own],
            allergies=substances[prescription.patient_id],
            allergies_known=prescription.patient_id in reviewed,
            current=[drug_of(item.medicine) for item in taken[prescription.patient_id] if item.prescription_id != prescription.pk],
            table=table,
            known_names=known_names,
        )
    return reports


def _checked_items(prescription: Prescription, items) -> list[PrescriptionItem]:
    own = (items or {}).get(prescription.pk)
    return list(prescription.items.all()) if own is None else own


def _table_for(items) -> InteractionTable:
    """What the table of interactions says on the ingredients of these items."""
    names = {canonical(ingredient) for item in items for ingredient in item.medicine.ingredients}
    substances = InteractionSubstance.objects.filter(name__in=names).order_by().values_list("name", "classes")
    pairs = Interaction.objects.order_by("id").values_list("first", "second", "severity", "effect")
    return InteractionTable({name: frozenset(classes) for name, classes in substances}, tuple(Pair(*pair) for pair in pairs))


def _known_names() -> list[str]:
    """Every ingredient of the medicines and of the table of interactions. One query."""
    of_table = InteractionSubstance.objects.order_by().values_list("name")
    found = Medicine.objects.order_by().values_list("generic_name").union(of_table)
    return [part for (name,) in found for part in name.split("+")]


def _allergies(patient_ids) -> tuple[dict[int, list[str]], set[int]]:
    """{patient pk: substances}, and those who were asked about allergies. One query."""
    found, reviewed = defaultdict(list), set()
    rows = Patient.objects.filter(pk__in=patient_ids).order_by("allergies__id")
    for patient_id, reviewed_at, substance in rows.values_list("pk", "allergies_reviewed_at", "allergies__substance"):
        if substance is not None:
            found[patient_id].append(substance)
        if reviewed_at is not None:
            reviewed.add(patient_id)
    return found, reviewed
