"""Paper: the label of a record, as PDF."""

import json
from pathlib import Path

import segno
import typst
from django.conf import settings

from clinic.core.paper import fonts
from patients.models import Patient

_LAYOUT = Path(settings.BASE_DIR) / "templates" / "patients" / "label.typ"


def label_pdf(patient: Patient, *, output_format: str = "pdf") -> bytes:
    """62 x 29 mm. The QR code holds the MRN, which the search box takes as it is scanned."""
    words = {
        "clinic": settings.CLINIC_NAME,
        "name": f"{patient.last_name}, {patient.first_name}",
        "mrn": patient.mrn,
        "born": patient.date_of_birth.strftime("%d %b %Y"),
        "sex": patient.get_sex_display(),
        "qr": segno.make(patient.mrn, error="m", micro=False).svg_inline(border=0, dark="#000"),
    }
    return typst.compile(_LAYOUT.read_bytes(), format=output_format, font_paths=fonts(), sys_inputs={"data": json.dumps(words)})
