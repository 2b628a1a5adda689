"""Bringing the figures up to date at a person's wish."""

from django.db import transaction

from analytics.etl.running import Done, run_etl
from clinic.audit.services.recording import record


def refresh_figures(*, by) -> Done:
    """Work the queue of changes off, make the views anew, and audit who asked. Twice is harmless. Raises Busy while a long run is at it."""
    done = run_etl()
    with transaction.atomic():
        record(action="analytics.figures.refreshed", actor=by, changes={"taken": done.taken, "changed": done.changed})
    return done
