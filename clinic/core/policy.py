"""Who gets through a door: what pages, endpoints and the back office declare, and ask when someone comes.

The same declarations make docs/permissions.md and the test that walks every route as every role.
"""

from dataclasses import dataclass
from enum import StrEnum


class Audience(StrEnum):
    PUBLIC = "public"
    SIGNED_IN = "signed in"
    STAFF = "staff"  # never a patient alone: other people's rows are shown
    NOBODY = "nobody"  # not even the administrator


@dataclass(frozen=True)
class Policy:
    """An audience, of which one needs one of the codenames; without codenames its whole."""

    audience: Audience
    codenames: tuple[str, ...] = ()

    def lets_in(self, user) -> bool:
        if self.audience is Audience.PUBLIC:
            return True
        if self.audience is Audience.NOBODY or not user.is_authenticated:
            return False
        if self.audience is Audience.STAFF and not user.is_staff_member:
            return False
        return not self.codenames or any(user.has_perm(code) for code in self.codenames)

    def __str__(self):
        codes = " or ".join(self.codenames)
        if self.audience is Audience.SIGNED_IN:
            return codes or str(self.audience)
        return f"{self.audience}: {codes}" if codes else str(self.audience)


PUBLIC, SIGNED_IN, NOBODY = Policy(Audience.PUBLIC), Policy(Audience.SIGNED_IN), Policy(Audience.NOBODY)


def needs(*codenames: str) -> Policy:
    return Policy(Audience.SIGNED_IN, codenames)


def staff_with(*codenames: str) -> Policy:
    return Policy(Audience.STAFF, codenames)
