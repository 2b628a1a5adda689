"""The demo clinic's logins: one per role and a second doctor and patient."""

import json
import secrets
from pathlib import Path

from clinic.ops.servers.data_dir import write_private

USER_NAMES = ("admin", "manager", "doctor", "doctor2", "nurse", "pharmacist", "reception", "patient", "patient2")
# Without the characters that are mistaken for one another when typed from paper.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


def ensure_logins(path: Path) -> dict:
    """The logins of this data folder: {"doctor": {"username", "password"}, ...}; made at the first start."""
    if not path.exists():
        password = _new_password()
        logins = {name: {"username": name, "password": password} for name in USER_NAMES}
        write_private(path, json.dumps(logins, indent=1) + "\n")
    return json.loads(path.read_text())


def _new_password() -> str:
    """Three groups of five: 74 bits, and it can be read aloud."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(5)) for _ in range(3))
