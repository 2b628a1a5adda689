"""Who read whose chart."""

from clinic.audit.services.recording import record, record_each
from clinic.core.db import atomic_with_retry
from patients.models import Patient
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
    """Write down that someone reads a list of visits: for each patient in it a reading of their chart, which names the visits."""
    visits: dict[Patient, set[str]] = {}
    for each in encounters:
        visits.setdefault(each.patient, set()).add(str(each.public_id))
    record_each(action=CHART_READ, actor=by, about=[(patient, patient, {"encounters": sorted(ids)}) for patient, ids in visits.items()])
