"""What a scanner reads from a pack: GS1 element strings (GS1 General Specifications, 7.8)."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date

_SEPARATOR = "\x1d"
_FIXED = {"01": 14, "11": 6, "13": 6, "15": 6, "17": 6}  # digits after the identifier
_BRACKETS = re.compile(r"\((\d{2})\)")


@dataclass(frozen=True)
class Pack:
    """What the code says; None or '' for what it leaves out."""

    lot: str = ""
    expires_on: date | None = None


def read_pack(scanned: str) -> Pack:
    """Lot (10) and expiry (17) of a scanned pack, as elements with or without brackets. What is not such a code gives nothing."""
    elements = _elements(scanned.strip().removeprefix("]d2").removeprefix("]C1"))
    return Pack(lot=elements.get("10", ""), expires_on=_expiry(elements.get("17", "")))


def _elements(code: str) -> dict[str, str]:
    if _BRACKETS.match(code):
        parts = _BRACKETS.split(code)[1:]
        return dict(zip(parts[::2], (value.strip(_SEPARATOR) for value in parts[1::2]), strict=True))
    found: dict[str, str] = {}
    code = code.lstrip(_SEPARATOR)
    while len(code) > 2:
        name, rest = code[:2], code[2:]
        if length := _FIXED.get(name):
            found[name], code = rest[:length], rest[length:].lstrip(_SEPARATOR)
        elif name in ("10", "21"):
            found[name], _, code = rest.partition(_SEPARATOR)
        else:
            return {}
    return found


def _expiry(digits: str) -> date | None:
    """YYMMDD; day 00 is the last of the month. The pack may be used through that day."""
    if not (digits.isascii() and digits.isdigit() and len(digits) == 6):
        return None
    year, month, day = 2000 + int(digits[:2]), int(digits[2:4]), int(digits[4:])
    if not 1 <= month <= 12:
        return None
    last = monthrange(year, month)[1]
    return date(year, month, day or last) if day <= last else None
