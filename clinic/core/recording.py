"""The audit, for code that stands below it.

Accounts own the users that the audit points at, so they cannot import it; settings name the recorder.
Everything above accounts imports `clinic.audit.services.recording.record` itself.
"""

from django.conf import settings
from django.utils.module_loading import import_string


def record(**event) -> None:
    """Hand the event to the audit, in the caller's transaction. Arguments as of the audit's `record`."""
    import_string(settings.AUDIT_RECORDER)(**event)
