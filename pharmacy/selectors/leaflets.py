"""What a patient takes home to read."""

from dataclasses import dataclass, field

from pharmacy.models import Dispense, Medicine, MedicineLeaflet, PrescriptionItem


@dataclass
class PatientLeaflet:
    """One medicine that was handed out: how this patient takes it, and what is to know about it."""

    medicine: Medicine
    leaflet: MedicineLeaflet | None
    items: list[PrescriptionItem] = field(default_factory=list)  # those it was given for; mostly one
    quantity: int = 0


def leaflets_of(dispense: Dispense) -> list[PatientLeaflet]:
    """One for each medicine of a dispense from with_details(), in the order of its lines. One query."""
    lines = list(dispense.lines.all())
    current = MedicineLeaflet.objects.current().filter(medicine__in={line.batch.medicine_id for line in lines})
    texts = {leaflet.medicine_id: leaflet for leaflet in current}
    found: dict[int, PatientLeaflet] = {}
    for line in lines:
        one = found.setdefault(line.medicine.pk, PatientLeaflet(line.medicine, texts.get(line.medicine.pk)))
        one.quantity += line.quantity
        if line.item not in one.items:
            one.items.append(line.item)
    return list(found.values())
