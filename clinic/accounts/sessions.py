"""Browsers' sessions in PostgreSQL, each with the time when a person last did something in it.

The web framework loads the row for every request anyway, so that asking whether a session is locked costs nothing.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError
from django.utils import timezone

KEPT_EVERY = timedelta(seconds=10)  # activity is written down so often at most


class SessionStore(db.SessionStore):
    """What a session holds may be saved at any time; only `seen` says that somebody is there."""

    active_at: datetime | None = None

    @classmethod
    def get_model_class(cls):
        from clinic.accounts.models import BrowserSession

        return BrowserSession

    @property
    def locks_in(self) -> timedelta:
        """Zero or less: it is locked."""
        return self._since_active(settings.IDLE_LOCK_AFTER)

    @property
    def ends_in(self) -> timedelta:
        """Zero or less: it has ended."""
        return self._since_active(settings.IDLE_SIGN_OUT_AFTER)

    @property
    def has_ended(self) -> bool:
        return self.ends_in <= timedelta(0)

    @property
    def is_locked(self) -> bool:
        return self.locks_in <= timedelta(0)

    def seen(self) -> None:
        """Somebody did something just now. A session that is locked stays locked, also one that was locked meanwhile."""
        now = timezone.now()
        if not self.is_locked and now - self.active_at > KEPT_EVERY:
            self._move_active_at(now, after=now - settings.IDLE_LOCK_AFTER)

    def unlock(self) -> None:
        """After the password was given. What has ended is not brought back."""
        now = timezone.now()
        self._move_active_at(now, after=now - settings.IDLE_SIGN_OUT_AFTER)

    def save(self, must_create=False):
        """Of a row that is there, all but the time of the activity."""
        if must_create or self.session_key is None:
            self.active_at = timezone.now()
            super().save(must_create)
        elif not self._update():
            raise UpdateError

    def _get_session_from_db(self):
        row = super()._get_session_from_db()
        self.active_at = row.active_at if row else None
        return row

    def _update(self) -> int:
        row = self.model.objects.filter(pk=self.session_key)
        return row.update(session_data=self.encode(self._get_session()), expire_date=self.get_expiry_date())

    def _move_active_at(self, now: datetime, *, after: datetime) -> None:
        if self.model.objects.filter(pk=self.session_key, active_at__gt=after).update(active_at=now):
            self.active_at = now

    def _since_active(self, limit: timedelta) -> timedelta:
        return limit if self.active_at is None else self.active_at + limit - timezone.now()
