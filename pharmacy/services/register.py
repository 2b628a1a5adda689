"""Who read the register of a controlled medicine."""

from collections.abc import Iterable

from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry
from pharmacy.models import Medicine, StockMovement


@atomic_with_retry
def read_register(*, medicine: Medicine, entries: Iterable[StockMovement], by) -> None:
    """Write down that these lines, with the names of patients, are about to be shown."""
    patients = {str(entry.patient.public_id) for entry in entries if entry.patient}
    record(action="pharmacy.register.read", actor=by, subject=medicine, changes={"patients": sorted(patients)})
