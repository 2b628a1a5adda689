"""Proving who one is, with guesses counted in PostgreSQL."""

import hashlib
from datetime import timedelta

from django.contrib.auth.hashers import check_password, make_password
from django.db import connection, transaction
from django.utils import timezone

from clinic.accounts.errors import InvalidCredentials, TooManyAttempts, WrongPassword
from clinic.accounts.models import LoginAttempt, User
from clinic.core.recording import record

WINDOW = timedelta(minutes=15)
FAILURES_PER_ORIGIN = 5
FAILURES_PER_NAME = 30  # from all unknown origins together: a botnet shares this allowance
KNOWN_FOR = timedelta(days=60)


def sign_in(*, identifier: str, password: str, origin: str) -> User:
    """The user of this name (or e-mail) and password.

    `origin` is a known device's id or the network address. An origin that signed in as this user
    before is not held up by what strangers guess. Raises TooManyAttempts or InvalidCredentials.
    """
    attempt = _reserve_attempt(identifier, origin)
    user = User.objects.by_identifier(identifier)
    if not _password_matches(user, password):
        _record_failure(user, "accounts.user.sign_in_refused")
        raise InvalidCredentials
    _record_success(user, attempt, "accounts.user.signed_in")
    return user


def confirm(*, user: User, password: str, origin: str) -> None:
    """That it is still this user who sits there. Guesses count with those at signing in. Raises TooManyAttempts or WrongPassword."""
    _confirm(user, password, origin, "accounts.user.unlocked", "accounts.user.unlock_refused")


def confirm_old_password(*, user: User, password: str, origin: str) -> None:
    """The same, before it is changed: a session left open is no place to guess at."""
    _confirm(user, password, origin, "accounts.user.password_confirmed", "accounts.user.password_refused")


def _confirm(user: User, password: str, origin: str, confirmed: str, refused: str) -> None:
    attempt = _reserve_attempt(user.username, origin)
    if not _password_matches(user, password):
        _record_failure(user, refused)
        raise WrongPassword
    _record_success(user, attempt, confirmed)


def _reserve_attempt(identifier: str, origin: str) -> LoginAttempt:
    name_hash = hashlib.sha256(identifier.strip().lower().encode()).hexdigest()
    with transaction.atomic():
        _lock_name(name_hash)
        if not _is_allowed(name_hash, origin):
            refused = True
        else:
            refused = False
            attempt = LoginAttempt.objects.create(identifier_hash=name_hash, origin=origin)
    if refused:
        _record_failure(User.objects.by_identifier(identifier), "accounts.user.locked_out")
        raise TooManyAttempts
    return attempt


def _lock_name(name_hash: str) -> None:
    """Guesses at one name are counted one after the other."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 27))", [name_hash])


def _is_allowed(name_hash: str, origin: str) -> bool:
    now = timezone.now()
    tries = LoginAttempt.objects.filter(identifier_hash=name_hash)
    last_success = tries.filter(origin=origin, succeeded=True, at__gt=now - KNOWN_FOR).order_by("-at").values_list("at", flat=True).first()
    since = max(now - WINDOW, last_success) if last_success else now - WINDOW
    if tries.filter(origin=origin, succeeded=False, at__gt=since).count() >= FAILURES_PER_ORIGIN:
        return False
    return bool(last_success) or tries.filter(succeeded=False, at__gt=now - WINDOW).count() < FAILURES_PER_NAME


def _password_matches(user: User | None, password: str) -> bool:
    if user is None or not user.is_active or not user.has_usable_password():
        make_password(password)  # an unknown name must not answer faster than a known one
        return False
    return check_password(password, user.password)


@transaction.atomic
def _record_success(user: User, attempt: LoginAttempt, action: str) -> None:
    LoginAttempt.objects.filter(pk=attempt.pk).update(succeeded=True)
    record(action=action, subject=user, actor=user)


@transaction.atomic
def _record_failure(user: User | None, action: str) -> None:
    record(action=action, subject=user, actor=None)


def forget_old_attempts() -> int:
    """Delete attempts that no longer count; the number deleted."""
    return LoginAttempt.objects.filter(at__lt=timezone.now() - KNOWN_FOR).delete()[0]
