"""Who can sign in to the demo clinic, and with what."""

import json
import os
import secrets
from pathlib import Path

from clinic.ops.seed.errors import SeedRefused

LOGIN_NAMES = ("admin", "manager", "doctor", "doctor2", "nurse", "pharmacist", "reception", "patient", "patient2")
# Without the characters that are mistaken for one another when typed from paper.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


def read_logins(path: Path | None) -> dict[str, dict]:
    """{"doctor": {"username", "password"}, ...} of the file in CLINIC_LOGINS_FILE, or else of `path`. Raises SeedRefused."""
    named = os.environ.get("CLINIC_LOGINS_FILE") or path
    if not named:
        return {}
    try:
        logins = json.loads(Path(named).read_text())
        return {name: {"username": logins[name]["username"], "password": logins[name]["password"]} for name in LOGIN_NAMES}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SeedRefused(f"{named} is not a file of logins: {error!r}.") from error


def make_logins() -> dict[str, dict]:
    """One new password for all of them: three groups of five, 74 bits, and it can be read aloud."""
    password = "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(3))
    return {name: {"username": name, "password": password} for name in LOGIN_NAMES}
