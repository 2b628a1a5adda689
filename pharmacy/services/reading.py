"""Who read whose prescriptions."""

from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry
from patients.services.reading import record_chart_read


@atomic_with_retry
def record_list_read(*, prescriptions, by) -> None:
    """Write down a list that is about to be sent: a chart read when it is one patient's, else one event that names the rows."""
    patients = {prescription.patient for prescription in prescriptions}
    if len(patients) == 1:
        record_chart_read(patient=patients.pop(), by=by)
    elif patients:
        ids = list(dict.fromkeys(str(prescription.public_id) for prescription in prescriptions))
        record(action="pharmacy.prescription.listed", actor=by, changes={"prescriptions": ids})
