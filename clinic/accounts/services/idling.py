"""Browsers that nobody uses any more."""

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.db import transaction
from django.utils import timezone

from clinic.accounts.models import BrowserSession, User
from clinic.accounts.sessions import SessionStore
from clinic.core.recording import record

MOST_AT_ONCE = 500


def end_idle_sessions() -> int:
    """Sign out those whose time is over, also where no request comes any more; the number ended, at most 500."""
    idle = BrowserSession.objects.filter(active_at__lte=timezone.now() - settings.IDLE_SIGN_OUT_AFTER).order_by("active_at")
    found = [(row.session_key, SessionStore().decode(row.session_data).get(SESSION_KEY)) for row in idle[:MOST_AT_ONCE]]
    users = User.objects.in_bulk([int(key) for _, key in found if key])
    for session_key, key in found:
        end_idle_session(session_key=session_key, user=users.get(int(key)) if key else None)
    return len(found)


@transaction.atomic
def end_idle_session(*, session_key: str, user: User | None) -> None:
    """Of several that notice it at once, one writes it down."""
    ended, _ = BrowserSession.objects.filter(pk=session_key).delete()
    if ended and user is not None and user.is_authenticated:
        record(action="accounts.user.signed_out", subject=user, actor=user, changes={"because": "idle"})
