"""What a person reads of a patient's chart here is written down."""

from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry


@atomic_with_retry
def record_chart_read(*, patient, by, subject=None) -> None:
    """Audit that someone read a patient's prescriptions; before the page or the answer is sent."""
    record(action="patients.chart.read", actor=by, subject=subject or patient, patient=patient, changes={"part": "prescriptions"})
