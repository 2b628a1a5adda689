"""Who stands at the cashier's desk, and what they owe."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from billing import rules
from billing.models import Invoice
from billing.selectors.charges import VisitToBill, to_bill_rows, visits_to_bill
from patients.models import Patient
from scheduling.models import Token

_TOKEN = re.compile(r"^\s*([A-Za-z]{1,4})\s*-?\s*(\d{1,5})\s*$")


@dataclass(frozen=True)
class Desk:
    patient: Patient
    invoices: list[Invoice]  # issued, and the patient owes something; oldest first
    visits: list[VisitToBill]  # not billed yet

    @property
    def owed(self) -> Decimal:
        return rules.sum_of(invoice.patient_balance for invoice in self.invoices)


def find_patient(text: str, user, *, on: date) -> Patient | None:
    """By the MRN (typed or scanned), today's token (`C-17`), or an invoice's number."""
    text = text.strip().replace("\0", "")[:40]
    if not text:
        return None
    visible = Patient.objects.visible_to(user)
    if found := visible.filter(mrn__iexact=text).first():
        return found
    if (match := _TOKEN.match(text)) and (
        token := Token.objects.visible_to(user).filter(queue__code__iexact=match[1], number=int(match[2]), on=on).first()
    ):
        return visible.filter(pk=token.patient_id).first()
    return visible.filter(invoices__number__iexact=text).first()


def desk_of(patient: Patient, *, since: datetime) -> Desk:
    """4 queries however much is owed."""
    invoices = Invoice.objects.owed_by_patients().filter(patient=patient).select_related("patient").order_by("issued_at", "id")
    return Desk(patient, list(invoices[:20]), to_bill_rows(visits_to_bill(since=since).filter(patient=patient)[:20]))
