"""Who read whose chart."""

from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry
from patients.selectors import CHART_READ
from patients.services.access import check_chart_open


def record_chart_read(*, patient, by, subject=None) -> None:
    """Write down that someone reads this patient's record, before they get it. `subject` is what they opened.

    Every reading of a chart passes here. Raises BreakGlassRequired for a restricted one that is not open to them.
    One row, added by itself: it needs no transaction, and pages are spared the two rounds of one.
    """
    check_chart_open(patient=patient, by=by)
    record(action=CHART_READ, actor=by, subject=subject or patient, patient=patient)


@atomic_with_retry
def record_list_read(*, encounters, by) -> None:
    """Write down that someone reads a list of visits of several patients: one event that names the visits."""
    record(action="patients.encounter.listed", actor=by, changes={"encounters": [str(each.public_id) for each in encounters]})
