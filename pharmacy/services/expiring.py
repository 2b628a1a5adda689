"""Prescriptions that nobody fetched in time."""

from datetime import date

from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry
from pharmacy import locks
from pharmacy.models import Prescription, PrescriptionStatus
from pharmacy.models.prescription import DISPENSABLE_STATUSES


@atomic_with_retry
def expire_prescriptions(*, on: date, limit: int = 500) -> int:
    """Mark what is past its last day; the number marked. Locks them by id. Running it twice is harmless."""
    past = Prescription.objects.filter(status__in=DISPENSABLE_STATUSES, valid_until__lte=on).order_by("pk").values_list("pk", flat=True)
    expired = [each for each in locks.lock_prescriptions(list(past[:limit])) if each.status in DISPENSABLE_STATUSES]
    for prescription in expired:
        before = prescription.status
        prescription.save_changes(status=PrescriptionStatus.EXPIRED)
        record(action="pharmacy.prescription.expired", actor=None, subject=prescription, changes={"status": [before, prescription.status]})
    return len(expired)
