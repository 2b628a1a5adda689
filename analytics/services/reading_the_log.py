"""Who reads the log is in the log."""

from django.db import transaction

from analytics.auditing.anomalies import REVIEWED
from clinic.audit.services.recording import record


@transaction.atomic
def record_log_read(*, by, filters: dict, exported: bool = False) -> None:
    """Audit that someone looked at the log, and what it was narrowed to: ids and dates, no names."""
    asked = {name: str(getattr(value, "public_id", value)) for name, value in filters.items() if value and name != "before"}
    record(action="audit.log.exported" if exported else "audit.log.read", actor=by, patient=filters.get("patient"), changes=asked)


@transaction.atomic
def review_anomaly(*, key: str, by) -> None:
    """Note that someone looked at an unusual reading; the note is an audit event. Twice is harmless."""
    record(action=REVIEWED, actor=by, changes={"anomaly": key})
