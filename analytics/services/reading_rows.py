"""Who takes rows away as a file is in the log."""

from django.db import transaction

from clinic.audit.services.recording import record


@transaction.atomic
def record_rows_taken(*, by, kind: str, filters: dict[str, str]) -> None:
    """Audit that someone downloaded rows behind a figure: which, of which days and of whom; ids and dates only."""
    record(action="analytics.rows.exported", actor=by, changes={"rows": kind, **filters})
