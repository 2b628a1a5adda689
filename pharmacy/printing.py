"""Paper: a signed prescription as PDF."""

import json
from functools import lru_cache
from pathlib import Path

import segno
import typst
from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from pharmacy.models import Prescription
from pharmacy.rules.quantities import counted, directions

_LAYOUT = Path(settings.BASE_DIR) / "templates" / "pharmacy" / "prescription.typ"


@lru_cache(maxsize=1)
def _fonts() -> typst.Fonts:
    """The compiler's own fonts only: the same paper on every machine."""
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True)


def prescription_pdf(prescription: Prescription, *, request, output_format: str = "pdf") -> bytes:
    """`prescription` from with_details(). Its QR code leads to the public page that says whether it holds."""
    address = request.build_absolute_uri(reverse("pharmacy:verify", args=[prescription.paper_code]))
    return typst.compile(
        _LAYOUT.read_bytes(), format=output_format, font_paths=_fonts(), sys_inputs={"data": json.dumps(_words_of(prescription, address))}
    )


def _words_of(prescription: Prescription, address: str) -> dict:
    patient = prescription.patient
    return {
        "clinic": settings.CLINIC_NAME,
        "reference": str(prescription.paper_code),
        "qr": segno.make(address, error="m", micro=False).svg_inline(border=0, dark="#000"),
        "status": prescription.get_status_display() if prescription.status in {"cancelled", "expired"} else "",
        "signed": timezone.localtime(prescription.signed_at).strftime("%d %b %Y, %H:%M"),
        "valid_until": prescription.valid_until.strftime("%d %b %Y"),
        "patient": {
            "name": patient.full_name,
            "mrn": patient.mrn,
            "born": patient.date_of_birth.strftime("%d %b %Y"),
            "sex": patient.get_sex_display(),
        },
        "prescriber": {"name": prescription.prescriber.name, "licence": prescription.prescriber.licence_number},
        "items": [_line(item) for item in prescription.items.all()],
    }


def _line(item) -> dict:
    return {
        "medicine": item.medicine.name,
        "form": item.medicine.form,
        "sig": directions(item),
        "instructions": item.instructions,
        "quantity": counted(item.quantity, item.medicine.unit),
        "repeats": f"{item.repeats} repeat{'s' if item.repeats > 1 else ''}" if item.repeats else "",
    }
