"""The safety checks over stored rows. Three queries, however many prescriptions."""

from collections import defaultdict
from datetime import date, timedelta

from django.db.models import DurationField, ExpressionWrapper, F, Value

from patients.models import Allergy, Patient
from pharmacy.models import Medicine, Prescription, PrescriptionItem, PrescriptionStatus
from pharmacy.rules.safety import Drug, SafetyReport, check_safety

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
    substances = _substances(patient_ids)
    reviewed = set(Patient.objects.filter(pk__in=patient_ids, allergies_reviewed_at__isnull=False).values_list("pk", flat=True))
    taken = defaultdict(list)
    for item in current_items(patient_ids, on=on):
        taken[item.prescription.patient_id].append(item)
    reports = {}
    for prescription in prescriptions:
        own = (items or {}).get(prescription.pk)
        own = list(prescription.items.all()) if own is None else own
        reports[prescription.pk] = check_safety(
            [drug_of(item.medicine) for item in own],
            allergies=substances[prescription.patient_id],
            allergies_known=prescription.patient_id in reviewed,
            current=[drug_of(item.medicine) for item in taken[prescription.patient_id] if item.prescription_id != prescription.pk],
        )
    return reports


def _substances(patient_ids) -> dict[int, list[str]]:
    found = defaultdict(list)
    for patient_id, substance in Allergy.objects.filter(patient__in=patient_ids).order_by("id").values_list("patient", "substance"):
        found[patient_id].append(substance)
    return found
