"""Where a try to sign in comes from: a device that signed in here before, or else a network address."""

import secrets

from django.conf import settings
from django.core import signing

COOKIE = "device"
_SALT = "clinic.accounts.device"
_YEAR_S = 365 * 24 * 3600


def origin_of(request) -> str:
    """`device:ID` for a device we know by its signed cookie, else `address:IP`."""
    device = _device_of(request)
    return f"device:{device}" if device else f"address:{address_of(request)}"


def address_of(request) -> str:
    """The peer's address; what a trusted proxy forwarded, where it is one."""
    peer = request.META.get("REMOTE_ADDR", "")
    forwarded = request.headers.get("X-Forwarded-For", "")
    if peer in settings.TRUSTED_PROXIES and forwarded:
        return forwarded.rsplit(",", 1)[-1].strip()[:60]  # the last entry is the proxy's own
    return peer


def remember_device(request, response) -> None:
    """After signing in: this browser is known from now on."""
    value = signing.dumps(_device_of(request) or secrets.token_urlsafe(16), salt=_SALT)
    response.set_cookie(COOKIE, value, max_age=_YEAR_S, httponly=True, secure=settings.SECURE_COOKIES, samesite="Lax")


def _device_of(request) -> str | None:
    try:
        return signing.loads(request.COOKIES.get(COOKIE, ""), salt=_SALT, max_age=_YEAR_S)
    except signing.BadSignature:
        return None
