"""Paper: a signed prescription, and the labels and leaflets of what was handed out."""

import json
from pathlib import Path

import segno
import typst
from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from clinic.core.paper import fonts
from patients.models import Patient
from patients.models.patient import DatePrecision
from pharmacy.models import Dispense, DispenseLine, Prescription
from pharmacy.rules.quantities import counted, directions
from pharmacy.selectors.leaflets import PatientLeaflet

_LAYOUTS = Path(settings.BASE_DIR) / "templates" / "pharmacy"


def prescription_pdf(prescription: Prescription, *, request, output_format: str = "pdf") -> bytes:
    """`prescription` from with_details(). Its QR code leads to the public page that says whether it holds."""
    address = request.build_absolute_uri(reverse("pharmacy:verify", args=[prescription.paper_code]))
    return _set("prescription.typ", _words_of(prescription, address), output_format)


def labels_pdf(dispense: Dispense, *, output_format: str = "pdf"):
    """One label of 62 mm per line. `dispense` from with_details(). As "png" it is a list when there are several."""
    return _set("labels.typ", _labels_of(dispense), output_format)


def leaflet_pdf(dispense: Dispense, leaflets: list[PatientLeaflet], *, output_format: str = "pdf"):
    """A5, a page or more for each medicine. `dispense` from with_details(). As "png" it is a list when there are several."""
    return _set("leaflet.typ", _leaflets_of(dispense, leaflets), output_format)


def _set(layout: str, words: dict, output_format: str):
    source = (_LAYOUTS / layout).read_bytes()
    return typst.compile(source, format=output_format, font_paths=fonts(), sys_inputs={"data": json.dumps(words)})


def _labels_of(dispense: Dispense) -> dict:
    patient = dispense.prescription.patient
    return {
        "clinic": settings.CLINIC_NAME,
        "patient": patient.full_name,
        "mrn": patient.mrn,
        "on": dispense.dispensed_on.strftime("%d %b %Y"),
        "labels": [_label(line) for line in dispense.lines.all()],
    }


def _label(line: DispenseLine) -> dict:
    medicine = line.medicine
    return {
        "medicine": f"{medicine.name} {medicine.form}",
        "instead_of": f"{line.item.medicine.name}: {line.get_substitution_basis_display().lower()}" if line.substitution_reason else "",
        "quantity": counted(line.quantity, medicine.unit),
        "owed": counted(line.item.owed_quantity, line.item.medicine.unit) if line.item.owed_quantity else "",
        "directions": directions(line.item),
        "instructions": line.item.instructions,
        "lot": line.batch.lot,
        "expires": line.batch.expires_on.strftime("%d %b %Y"),
    }


def _leaflets_of(dispense: Dispense, leaflets: list[PatientLeaflet]) -> dict:
    patient = dispense.prescription.patient
    return {
        "clinic": settings.CLINIC_NAME,
        "patient": patient.full_name,
        "mrn": patient.mrn,
        "on": dispense.dispensed_on.strftime("%d %b %Y"),
        "leaflets": [_told(each) for each in leaflets],
    }


def _told(each: PatientLeaflet) -> dict:
    medicine, leaflet = each.medicine, each.leaflet
    source = f"{leaflet.source}. Reviewed {leaflet.reviewed_on:%d %b %Y}, text {leaflet.number}." if leaflet else ""
    return {
        "medicine": medicine.name,
        "contains": f"{medicine.generic_name}, {medicine.form}",
        "quantity": counted(each.quantity, medicine.unit),
        "directions": [" ".join(filter(None, (directions(item), item.instructions))) for item in each.items],
        "sections": [{"heading": heading, "words": words} for heading, words in leaflet.sections] if leaflet else [],
        "source": source,
    }


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
            "born": _born(patient),
            "sex": patient.get_sex_display(),
        },
        "prescriber": {"name": prescription.prescriber.name, "licence": prescription.prescriber.licence_number},
        "items": [_line(item) for item in prescription.items.all()],
    }


def _born(patient: Patient) -> str:
    """A day that nobody knows is not printed as known."""
    exact = patient.date_of_birth_precision == DatePrecision.DAY
    return f"{patient.date_of_birth:%d %b %Y}{'' if exact else f' ({patient.get_date_of_birth_precision_display().lower()})'}"


def _line(item) -> dict:
    return {
        "medicine": item.medicine.name,
        "form": item.medicine.form,
        "sig": directions(item),
        "instructions": item.instructions,
        "quantity": counted(item.quantity, item.medicine.unit),
        "repeats": f"{item.repeats} repeat{'s' if item.repeats > 1 else ''}" if item.repeats else "",
    }
