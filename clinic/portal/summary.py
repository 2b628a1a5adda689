"""What a patient takes home of a visit, on a page and on paper: both are made of the same words."""

import json
from pathlib import Path
from typing import Any

import typst
from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from clinic.core.paper import fonts
from patients.models import Encounter, EncounterStatus, Vitals
from patients.selectors import with_content
from patients.selectors.charts import cells_of
from pharmacy.models import Prescription, PrescriptionStatus
from pharmacy.permissions import VIEW_PRESCRIPTION
from pharmacy.rules.quantities import counted, directions

_LAYOUT = Path(settings.BASE_DIR) / "templates" / "portal" / "visit_summary.typ"
MINUTE, DAY = "%d %b %Y, %H:%M", "%d %b %Y"


def summarised(user) -> QuerySet:
    """Visits of which there is a summary for this person: none of one entered in error."""
    return with_content(Encounter.objects.visible_to(user).exclude(status=EncounterStatus.ENTERED_IN_ERROR))


def words_of(visit: Encounter, user) -> dict[str, Any]:
    """`visit` from summarised(). A visit that is not signed is a draft; prescriptions stand in it once they are signed."""
    patient = visit.patient
    return {
        "clinic": settings.CLINIC_NAME,
        "is_draft": visit.signed_at is None,
        "patient": {
            "name": patient.full_name,
            "mrn": patient.mrn,
            "born": patient.date_of_birth.strftime(DAY),
            "sex": patient.get_sex_display(),
        },
        "visit": {"on": _local(visit.started_at), "doctor": visit.doctor.name},
        "reason": visit.reason,
        "diagnoses": [{"text": each.text, "code": each.code} for each in visit.diagnoses.all()],
        "vitals": [_measured(each) for each in reversed(visit.vitals.all())],
        "treatments": [each.name for each in visit.treatments.all()],
        "prescribed": _prescribed(visit, user),
        "plan": visit.diagnosis_text,
        "addenda": [_corrected(each) for each in visit.addenda.select_related("author").order_by("created_at", "id")],
        "signature": _signature(visit),
        "printed": _local(timezone.now()),
    }


def summary_pdf(words: dict[str, Any], *, output_format: str = "pdf") -> bytes:
    """A4. As "png" it is a list when there are several pages."""
    return typst.compile(_LAYOUT.read_bytes(), format=output_format, font_paths=fonts(), sys_inputs={"data": json.dumps(words)})


def _local(moment) -> str:
    return timezone.localtime(moment).strftime(MINUTE)


def _measured(vitals: Vitals) -> dict[str, Any]:
    values = [f"{cell.label} {cell.value} {cell.unit}" for cell in cells_of(vitals) if cell.value]
    return {"at": timezone.localtime(vitals.recorded_at).strftime("%H:%M"), "values": values}


def _prescribed(visit: Encounter, user) -> list[dict[str, str]] | None:
    """None for those who may not see prescriptions."""
    if not user.has_perm(VIEW_PRESCRIPTION):
        return None
    signed = Prescription.objects.visible_to(user).filter(encounter=visit, signed_at__isnull=False)
    rows = signed.exclude(status=PrescriptionStatus.CANCELLED).with_details().order_by("signed_at", "id")
    return [_line(item) for row in rows for item in row.items.all()]


def _line(item) -> dict[str, str]:
    return {
        "medicine": f"{item.medicine.name} {item.medicine.form}",
        "quantity": counted(item.quantity, item.medicine.unit),
        "directions": directions(item),
        "instructions": item.instructions,
    }


def _corrected(addendum) -> dict[str, str]:
    return {"at": _local(addendum.created_at), "author": str(addendum.author), "reason": addendum.reason, "text": addendum.text}


def _signature(visit: Encounter) -> dict[str, str] | None:
    if visit.signed_at is None:
        return None
    return {"by": str(visit.signed_by), "at": _local(visit.signed_at), "sha256": visit.content_sha256}
