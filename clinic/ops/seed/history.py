"""Giving what the services wrote the time at which it is meant to have happened.

The services stamp rows with the clock, and triggers keep what is signed, issued or handed out from
being changed, both rightly. A demo's past needs the past: here, and nowhere else in the product, these
triggers are set aside. Only columns that hold a time are written, only on rows that the same
transaction made, and the audit keeps the true time: it says when the demo was filled.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pgtrigger
from django.db.models import F

from billing.models import Invoice, Payment, Shift
from clinic.core.db import atomic_with_retry
from patients.models import ClinicalNote, Encounter, Vitals
from pharmacy.models import Batch, Dispense, Prescription, StockMovement

_SET_ASIDE = [
    "patients.Encounter:encounter_closed_is_frozen",
    "patients.Vitals:vitals_frozen_when_signed",
    "patients.ClinicalNote:note_version_immutable",
    "pharmacy.Prescription:prescription_signed_is_frozen",
    "pharmacy.Dispense:dispense_unchanged",
    "pharmacy.StockMovement:movement_append_only",
    "billing.Invoice:invoice_issued_is_frozen",
    "billing.Payment:payment_unchanged",
    "billing.Shift:shift_closed_is_frozen",
]


@dataclass(frozen=True)
class Moments:
    """Of one visit: when it began, was signed, billed, paid, and what was prescribed handed out."""

    started: datetime
    signed: datetime
    billed: datetime
    paid: datetime
    dispensed: datetime

    @classmethod
    def of(cls, start: datetime, *, since: datetime, until: datetime, takes: int = 13) -> "Moments":
        """As a visit of so many minutes goes that begins at `start`, or so much earlier that all is over by `until`.

        Nothing of it lies before `since`.
        """
        begins = max(min(start, until - timedelta(minutes=takes + 16)), since)
        return cls(*(min(begins + timedelta(minutes=minutes), until) for minutes in (0, takes, takes + 4, takes + 8, takes + 16)))


@atomic_with_retry
def backdate_visit(encounter: Encounter, at: Moments) -> None:
    """The encounter and all that hangs on it."""
    prescriptions = Prescription.objects.filter(encounter=encounter)
    validity = Prescription.objects.filter(encounter=encounter, signed_at__isnull=False)
    invoices = Invoice.objects.filter(encounter=encounter)
    with pgtrigger.ignore(*_SET_ASIDE):
        Vitals.objects.filter(encounter=encounter).update(recorded_at=min(at.started + timedelta(minutes=2), at.signed))
        ClinicalNote.objects.filter(encounter=encounter).update(written_at=max(at.signed - timedelta(minutes=3), at.started))
        shift = F("valid_until") - (encounter.started_at.date() - at.signed.date())
        validity.update(signed_at=at.signed, valid_until=shift)
        prescriptions.filter(cleared_at__isnull=False).update(cleared_at=at.paid)
        Encounter.objects.filter(pk=encounter.pk).update(started_at=at.started)
        Encounter.objects.filter(pk=encounter.pk, signed_at__isnull=False).update(signed_at=at.signed)
        invoices.filter(issued_at__isnull=False).update(issued_at=at.billed)
        Payment.objects.filter(invoice__in=invoices).update(received_at=at.paid)
        Dispense.objects.filter(prescription__in=prescriptions).update(dispensed_at=at.dispensed)
        StockMovement.objects.filter(dispense_line__dispense__prescription__in=prescriptions).update(at=at.dispensed)


@atomic_with_retry
def backdate_stock(batch: Batch, at: datetime) -> None:
    with pgtrigger.ignore(*_SET_ASIDE):
        StockMovement.objects.filter(batch=batch).update(at=at)


@atomic_with_retry
def backdate_shift(shift: Shift, *, opened: datetime | None = None, closed: datetime | None = None) -> None:
    times = {name: at for name, at in (("opened_at", opened), ("closed_at", closed)) if at}
    with pgtrigger.ignore(*_SET_ASIDE):
        Shift.objects.filter(pk=shift.pk).update(**times)
