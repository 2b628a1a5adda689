"""The seal of an audit event: what it covers, and how it is made."""

import hashlib
import hmac
import json
from datetime import UTC

# The columns that a seal covers. Whether the event was shipped is no part of what happened.
COVERED = (
    "event_id",
    "topic",
    "occurred_at",
    "actor_id",
    "action",
    "resource_type",
    "resource_id",
    "patient_id",
    "request_id",
    "document",
)
GENESIS = "0" * 64  # what stands before the first seal


def canonical(event) -> bytes:
    """The covered columns as JSON with sorted keys: the same bytes for the same row, whoever reads it."""
    return json.dumps([_plain(getattr(event, name)) for name in COVERED], sort_keys=True, separators=(",", ":")).encode()


def _plain(value):
    if value is None or isinstance(value, str | int | dict):
        return value
    return value.astimezone(UTC).isoformat() if hasattr(value, "astimezone") else str(value)


def seal_of(*, key: str, previous: str, sequence: int, event) -> str:
    """HMAC-SHA-256, in hex, over the seal before it, its place and the event."""
    return hmac.new(key.encode(), b"\n".join([previous.encode(), str(sequence).encode(), canonical(event)]), hashlib.sha256).hexdigest()


def key_id_of(key: str) -> str:
    """Tells keys apart and gives none away: 8 hex digits."""
    return hmac.new(key.encode(), b"the name of this key", hashlib.sha256).hexdigest()[:8]
