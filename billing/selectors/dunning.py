"""Who owes for long."""

from datetime import date, timedelta

from django.db.models import Case, Count, DecimalField, F, Min, Sum, Value, When

from billing.models import Invoice
from billing.models.invoice import OWED_BY_PATIENT
from billing.selectors.invoices import midnight
from patients.models import Patient

# (first day of age, first day that is too old, words)
AGE_BANDS = [(0, 31, "Up to 30 days"), (31, 61, "31 to 60"), (61, 91, "61 to 90"), (91, None, "Over 90")]
_MONEY = DecimalField(max_digits=14, decimal_places=2)


def _in_band(on: date, youngest: int, too_old: int | None):
    bounds = {"issued_at__lt": midnight(on - timedelta(days=youngest - 1))}
    if too_old is not None:
        bounds["issued_at__gte"] = midnight(on - timedelta(days=too_old - 1))
    return Sum(Case(When(then=F("owes"), **bounds), default=Value(0), output_field=_MONEY))


def overdue(*, on: date, older_than: int = 0):
    """One row for each patient who owes something that was issued so many days ago, most first.

    {patient, patient__public_id, ..., invoices, owed, oldest, band_0 to band_3}; 1 query.
    """
    bands = {f"band_{place}": _in_band(on, youngest, too_old) for place, (youngest, too_old, _) in enumerate(AGE_BANDS)}
    owing = Invoice.objects.owed_by_patients().filter(issued_at__lt=midnight(on - timedelta(days=older_than - 1)))
    rows = owing.order_by().annotate(owes=OWED_BY_PATIENT)
    who = ("patient", "patient__public_id", "patient__mrn", "patient__first_name", "patient__last_name", "patient__phone")
    return rows.values(*who).annotate(invoices=Count("pk"), owed=Sum("owes"), oldest=Min("issued_at"), **bands).order_by("-owed", "patient")


def overdue_of(patient: Patient):
    """The invoices for a letter, oldest first."""
    return Invoice.objects.owed_by_patients().filter(patient=patient).order_by("issued_at", "id")
