"""Who read whose prescriptions."""

from clinic.audit.services.recording import record_each
from clinic.core.db import atomic_with_retry
from patients.models import Patient
from patients.selectors import CHART_READ


@atomic_with_retry
def record_list_read(*, prescriptions, by) -> None:
    """Write down that someone reads a list: for each patient in it a reading of their chart, which names the prescriptions."""
    read: dict[Patient, set[str]] = {}
    for each in prescriptions:
        read.setdefault(each.patient, set()).add(str(each.public_id))
    record_each(action=CHART_READ, actor=by, about=[(patient, patient, {"prescriptions": sorted(ids)}) for patient, ids in read.items()])
