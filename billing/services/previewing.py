"""What an invoice would say, before there is one. Nothing is written."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from billing import selectors
from billing.models import InvoiceLine
from billing.rules import Charge
from billing.services.lines import insurance_of, insurer_share_of, line_of_charge, total_of, with_shares
from patients.models import Encounter, Patient
from pharmacy.models import Dispense


@dataclass(frozen=True)
class Preview:
    patient: Patient
    lines: list[InvoiceLine]
    payer: str
    cover_percent: int
    total: Decimal
    insurer_share: Decimal

    @property
    def patient_share(self) -> Decimal:
        return self.total - self.insurer_share


def preview_visit(encounter: Encounter, *, on: date) -> Preview:
    """Of a visit, as draft_invoice would make it on that day."""
    return _preview(encounter.patient, selectors.unbilled_charges(encounter), on)


def preview_dispensed(dispense: Dispense, *, on: date) -> Preview:
    """Of what was handed out, as draft_dispensed would make it."""
    return _preview(dispense.prescription.patient, selectors.handed_out_charges(dispense), on)


def _preview(patient: Patient, charges: list[Charge], on: date) -> Preview:
    cover = insurance_of(patient, on)
    lines = [line_of_charge(charge) for charge in charges]
    with_shares(lines, cover["cover_percent"])
    return Preview(patient, lines, cover["payer"], cover["cover_percent"], total_of(lines), insurer_share_of(lines))
