"""Files that people take away: invoices on paper, claims for an insurer.

Paper is A4 PDF by typst, about 20 ms a page. The words come as data, never as markup."""

from functools import lru_cache
from pathlib import Path

import orjson
import typst
from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone

from billing import selectors
from billing.models import ClaimBatch, CreditNote, Invoice, Payment, PaymentMethod
from clinic.core import sheets
from clinic.core.paper import fonts
from clinic.core.templatetags.ui import amount

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SIZES = {"a4": "A4", "a5": "A5", "80mm": "80 mm roll"}
_TEMPLATES = settings.BASE_DIR / "templates" / "billing"


@lru_cache(maxsize=4)
def _source(path: Path) -> bytes:
    return path.read_bytes()


def size_of(asked: str | None) -> str:
    """A paper that there is; A4 for any other word."""
    return asked if asked in SIZES else "a4"


def invoice_pdf(invoice: Invoice, size: str = "a4") -> bytes:
    """The invoice as it stands now, with its payments. It comes with lines, patient and encounter."""
    return _compiled("invoice.typ", _words_of(invoice), size)


def receipt_pdf(payment: Payment, size: str = "a4") -> bytes:
    """What was received, for which invoice. It comes with invoice, patient, encounter and who received it."""
    invoice = payment.invoice
    words = {
        "clinic": _clinic(invoice),
        "currency": settings.CURRENCY,
        "number": invoice.number or "",
        "patient": {"name": invoice.patient.full_name, "mrn": invoice.patient.mrn},
        "received_at": f"{_day(payment.received_at)}, {timezone.localtime(payment.received_at):%H:%M}",
        "received_by": str(payment.received_by or ""),
        "method": payment.get_method_display(),
        "reference": payment.reference,
        "amount": amount(payment.amount),
        "tendered": amount(payment.tendered) if payment.change else "",
        "change": amount(payment.change),
        "refunded": amount(payment.refunded) if payment.refunded else "",
        "balance": amount(max(invoice.patient_balance, 0)),
    }
    return _compiled("receipt.typ", words, size)


def credit_note_pdf(note: CreditNote, size: str = "a4") -> bytes:
    """What was taken back of an invoice, and why. It comes with invoice, patient, encounter and lines (`selectors.credit_notes`)."""
    invoice = note.invoice
    words = {
        "clinic": _clinic(invoice),
        "currency": settings.CURRENCY,
        "number": note.number,
        "invoice": invoice.number,
        "date": _day(note.issued_at),
        "patient": {"name": invoice.patient.full_name, "mrn": invoice.patient.mrn},
        "reason": note.reason,
        "lines": [{"description": line.line.description, "amount": amount(line.amount)} for line in note.lines.all()],
        "tax": amount(note.tax) if note.tax else "",
        "amount": amount(note.amount),
        "insurer": {"name": invoice.payer, "share": amount(note.insurer_share)} if note.insurer_share else None,
        "patient_share": amount(note.amount - note.insurer_share),
    }
    return _compiled("credit_note.typ", words, size)


def pdf_response(content: bytes, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{name}.pdf"'
    return response


def _compiled(template: str, words: dict, size: str) -> bytes:
    """With the clinic's logo when there is one: it lies beside the template as far as typst knows."""
    data = orjson.dumps(words | {"size": size}).decode()
    source = _source(_TEMPLATES / "paper.typ") + _source(_TEMPLATES / template)
    return typst.compile(source, format="pdf", font_paths=fonts(), sys_inputs={"data": data}, **_logo())


def _logo() -> dict:
    """The folder that holds the logo; without one nothing is drawn."""
    return {"root": settings.CLINIC_LOGO.parent} if settings.CLINIC_LOGO else {}


def _clinic(invoice: Invoice) -> dict:
    return {
        "name": settings.CLINIC_NAME,
        "lines": _address_of(invoice),
        "tax_id": settings.CLINIC_TAX_ID,
        "logo": f"/{settings.CLINIC_LOGO.name}" if settings.CLINIC_LOGO else "",
    }


def _day(at) -> str:
    at = timezone.localtime(at)
    return f"{at.day} {at:%B %Y}"


def _words_of(invoice: Invoice) -> dict:
    patient = invoice.patient
    return {
        "clinic": _clinic(invoice),
        "currency": settings.CURRENCY,
        "number": invoice.number or "",
        "status": invoice.status,
        "status_words": invoice.get_status_display(),
        "date": _day(invoice.issued_at) if invoice.issued_at else "",
        "visit_date": _day(invoice.encounter.started_at) if invoice.encounter else "",
        "patient": {
            "name": patient.full_name,
            "mrn": patient.mrn,
            "address": [line for line in patient.address.splitlines() if line.strip()],
        },
        "lines": [
            {
                "description": line.description,
                "quantity": f"{line.quantity:,}",
                "unit_price": amount(line.unit_price),
                "discount": amount(-line.discount) if line.discount else "",
                "tax": f"{line.tax_percent.normalize():f} %" if line.tax_percent else "",
                "total": amount(line.total),
            }
            for line in invoice.lines.all()
        ],
        "tax": amount(sum(line.tax for line in invoice.lines.all())),
        "total": amount(invoice.total),
        "payments": [
            {
                "date": _day(payment.received_at),
                "method": payment.get_method_display(),
                "reference": payment.reference,
                "amount": amount(payment.amount),
                "refunded": amount(-payment.refunded) if payment.refunded else "",
            }
            for payment in selectors.payments_of(invoice)
            if not invoice.insurer_share
            or payment.method != PaymentMethod.INSURANCE  # below the patient's share stands the patient's money
        ],
        "insurer": {
            "name": invoice.payer,
            "policy": invoice.policy_number,
            "share": amount(invoice.insurer_share),
            "patient_share": amount(invoice.patient_share),
            "declined": amount(invoice.declined) if invoice.declined else "",
        }
        if invoice.insurer_share
        else None,
        "credited": amount(invoice.insurer_credited - invoice.credited) if invoice.credited > invoice.insurer_credited else "",
        "balance": amount(invoice.patient_balance),
        "void_reason": invoice.void_reason,
    }


def _address_of(invoice: Invoice) -> list[str]:
    """Of the place where the patient was seen; nothing for an invoice by hand."""
    if not invoice.encounter:
        return []
    facility = invoice.encounter.doctor.department.facility
    return [line for line in [facility.name, *facility.address.splitlines(), str(facility.phone)] if line.strip()]


def claims_file(batch: ClaimBatch) -> HttpResponse:
    """What goes to the insurer."""
    made_at = timezone.localtime(batch.created_at)
    return csv_response(f"claims-{made_at:%Y-%m-%d-%H%M}", selectors.BATCH_HEADING, selectors.batch_rows(batch))


def csv_response(name: str, heading, rows) -> HttpResponse:
    response = HttpResponse(sheets.csv_of(heading, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def table(form: str, name: str, heading, rows) -> HttpResponse:
    """A table to take away, as `csv` or `xlsx`."""
    if form == "csv":
        return csv_response(name, heading, rows)
    response = HttpResponse(sheets.xlsx_of(heading, rows), content_type=XLSX)
    response["Content-Disposition"] = f'attachment; filename="{name}.xlsx"'
    return response
