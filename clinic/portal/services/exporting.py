"""Giving a patient's record out."""

from datetime import datetime

from clinic.audit.services.recording import record
from clinic.portal.record import Record, record_of
from patients.models import Patient
from patients.services.reading import record_chart_read


def take_record(*, patient: Patient, file_type: str, by, now: datetime) -> Record:
    """The whole record, to be written as `file_type`; on record as a reading of the chart, and as given out.

    Raises BreakGlassRequired, and RecordNotWhole while a note cannot be read: then nothing is given out.
    """
    whole = record_of(patient, now=now)
    record_chart_read(patient=patient, by=by)
    record(action="portal.record.exported", actor=by, subject=patient, patient=patient, changes={"type": file_type})
    return whole
