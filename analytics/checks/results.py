from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

SHOWN = 100
TOO_LONG = "This takes longer than the time there was: manage.py verify looks at all of it."


class CannotLook(Exception):
    """What is to be compared cannot be read now; the sentence says what."""


@dataclass(frozen=True)
class Finding:
    """A row that is not what it should be: its public id, or its name where it has none."""

    row: str
    sentence: str


@dataclass(frozen=True)
class Check:
    """`look(seconds)` yields what it finds, or raises CannotLook, also when the seconds do not suffice."""

    name: str
    promise: str
    look: Callable[[float], Iterable[Finding]]


@dataclass
class Result:
    """`findings` are the first 100 of `found`; `unknown` says what could not be looked at."""

    check: Check
    found: int = 0
    findings: list[Finding] = field(default_factory=list)
    unknown: str = ""

    @property
    def holds(self) -> bool:
        return not self.found and not self.unknown

    @property
    def status(self) -> str:
        return "found" if self.found else "unknown" if self.unknown else "ok"

    @property
    def words(self) -> str:
        return "1 row differs" if self.found == 1 else f"{self.found} rows differ"
