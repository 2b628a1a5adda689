"""Access and refresh tokens.

The access token is a JWT that names a session and nothing about the person. The refresh token is
`SESSION.SECRET`; only the secret's hash is kept.
"""

import hashlib
import hmac
import secrets
import uuid
from dataclasses import dataclass
from datetime import timedelta

import jwt
from django.conf import settings
from django.db import transaction
from django.db.models import Prefetch
from django.utils import timezone

from clinic.accounts.errors import InvalidToken
from clinic.accounts.locks import lock_live_session
from clinic.accounts.models import ApiSession, User
from clinic.core.recording import record

_ALGORITHM = "HS256"


@dataclass(frozen=True)
class TokenPair:
    access: str
    refresh: str


@transaction.atomic
def open_session(*, user: User) -> TokenPair:
    """Start a session of the API for a user who just proved who they are."""
    secret = secrets.token_urlsafe(32)
    session = ApiSession.objects.create(user=user, refresh_hash=_hash(secret), expires_at=timezone.now() + settings.REFRESH_TOKEN_LIFETIME)
    return _pair(session, secret)


def rotate(*, refresh: str) -> TokenPair:
    """A new pair for a refresh token, which is spent by it.

    Locks the session. A token that was spent before is a copy in wrong hands, or the owner's after a
    thief used it: the session ends. Raises InvalidToken.
    """
    with transaction.atomic():
        session, is_current = _lock_session_of(refresh)
        if session and is_current:
            secret = secrets.token_urlsafe(32)
            session.refresh_hash = _hash(secret)
            session.expires_at = timezone.now() + settings.REFRESH_TOKEN_LIFETIME
            session.save(update_fields=["refresh_hash", "expires_at"])
            return _pair(session, secret)
        if session:
            _revoke(session)
            record(action="accounts.session.reuse_refused", subject=session.user, actor=session.user)
    raise InvalidToken


@transaction.atomic
def end_session(*, session: ApiSession) -> None:
    """Sign out: neither token of the session works from now on. Harmless when repeated."""
    _revoke(session)
    record(action="accounts.user.signed_out", subject=session.user, actor=session.user)


def record_sign_out(*, user: User) -> None:
    """Audit that a browser's session ends; the session itself is the web framework's."""
    record(action="accounts.user.signed_out", subject=user, actor=user)


def session_of_refresh(refresh: str) -> ApiSession:
    """The live session whose current refresh token this is. Raises InvalidToken."""
    with transaction.atomic():
        session, is_current = _lock_session_of(refresh)
    if session and is_current:
        return session
    raise InvalidToken


def end_all_sessions(*, user: User) -> None:
    """After a changed password, or when a user is disabled. In the caller's transaction."""
    ApiSession.objects.filter(user=user, revoked_at=None).update(revoked_at=timezone.now())


def session_of_access(access: str) -> ApiSession:
    """The live session of an access token, its user with roles. Raises InvalidToken."""
    try:
        claims = jwt.decode(access, settings.SECRET_KEY, algorithms=[_ALGORITHM], options={"require": ["exp", "sid"]})
        public_id = uuid.UUID(claims["sid"])
    except (jwt.InvalidTokenError, ValueError, TypeError) as error:
        raise InvalidToken from error
    users = Prefetch("user", queryset=User.objects.active().with_roles())
    session = ApiSession.objects.filter(public_id=public_id, revoked_at=None, user__is_active=True).prefetch_related(users).first()
    if session is None:
        raise InvalidToken
    return session


def _lock_session_of(refresh: str) -> tuple[ApiSession | None, bool]:
    public_id, _, secret = refresh.partition(".")
    try:
        key = uuid.UUID(public_id)
    except ValueError:
        return None, False
    session = lock_live_session(key)
    return session, bool(session) and hmac.compare_digest(session.refresh_hash, _hash(secret))


def _pair(session: ApiSession, secret: str) -> TokenPair:
    claims = {
        "sid": str(session.public_id),
        "exp": timezone.now() + settings.ACCESS_TOKEN_LIFETIME,
        "iat": timezone.now() - timedelta(seconds=1),
    }
    return TokenPair(access=jwt.encode(claims, settings.SECRET_KEY, algorithm=_ALGORITHM), refresh=f"{session.public_id}.{secret}")


def _revoke(session: ApiSession) -> None:
    ApiSession.objects.filter(pk=session.pk, revoked_at=None).update(revoked_at=timezone.now())


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
