"""Billing's word that a prescription may be handed out."""

from collections.abc import Iterable

from django.utils import timezone

from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry
from pharmacy import locks
from pharmacy.models import PrescriptionStatus


@atomic_with_retry
def clear_prescriptions(*, prescription_ids: Iterable[int], by) -> None:
    """Release prescriptions for dispensing: they are paid. Locks them by id; clearing twice changes nothing."""
    for prescription in locks.lock_prescriptions(prescription_ids):
        if prescription.cleared_at is None and prescription.status != PrescriptionStatus.CANCELLED:
            prescription.save_changes(cleared_at=timezone.now())
            record(action="pharmacy.prescription.cleared", actor=by, subject=prescription)


@atomic_with_retry
def revoke_clearance(*, prescription_ids: Iterable[int], by) -> None:
    """Take the release back: the money went back, or the invoice is void. What was handed out stays so."""
    for prescription in locks.lock_prescriptions(prescription_ids):
        if prescription.cleared_at is not None:
            prescription.save_changes(cleared_at=None)
            record(action="pharmacy.prescription.clearance_revoked", actor=by, subject=prescription)
