"""What an import did, counted."""

from collections import Counter
from dataclasses import dataclass, field

from clinic.core.errors import DomainError
from clinic.ops.fhir_import.mapping import Unusable

TAKEN, THERE, LEFT = "taken", "already there", "left"
_MOST_PLACES = 50


@dataclass
class Report:
    """Each resource counts once, as taken, already there or left; fields that were left out count apart."""

    counts: Counter = field(default_factory=Counter)  # (type, TAKEN | THERE | LEFT)
    reasons: Counter = field(default_factory=Counter)  # (type, reason)
    first_places: dict = field(default_factory=dict)
    fields: Counter = field(default_factory=Counter)  # (type and field, reason)
    broken: list = field(default_factory=list)  # (place, reason)

    @property
    def has_read(self) -> bool:
        """Whether there was any resource at all."""
        return bool(self.counts)

    def taken(self, kind: str):
        self.counts[kind, TAKEN] += 1

    def there(self, kind: str):
        self.counts[kind, THERE] += 1

    def left(self, kind: str, reason: str, place: str):
        self.counts[kind, LEFT] += 1
        self.reasons[kind, reason] += 1
        self.first_places.setdefault((kind, reason), place)

    def left_field(self, name: str, reason: str):
        """Of a resource that was taken otherwise."""
        self.fields[name, reason] += 1

    def broke(self, place: str, reason: str):
        self.broken.append((place, reason))

    def merge(self, other: "Report"):
        """Take over what a part of the import counted, once that part is committed."""
        for mine, theirs in ((self.counts, other.counts), (self.reasons, other.reasons), (self.fields, other.fields)):
            mine.update(theirs)
        for reason, place in other.first_places.items():
            self.first_places.setdefault(reason, place)
        self.broken += other.broken

    def lines(self) -> list[str]:
        return [*self._table(), *self._reasons(), *self._fields(), *self._broken()]

    def _table(self) -> list[str]:
        kinds = sorted({kind for kind, _ in self.counts})
        width = max([len(kind) for kind in kinds] + [8])
        header = f"{'Resource':<{width}}  {TAKEN:>7}  {THERE:>13}  {LEFT:>7}"
        rows = [
            f"{kind:<{width}}  {self.counts[kind, TAKEN]:>7}  {self.counts[kind, THERE]:>13}  {self.counts[kind, LEFT]:>7}"
            for kind in kinds
        ]
        return [header, *rows]

    def _reasons(self) -> list[str]:
        rows = [
            f"  {kind} ({count}): {reason}; first in {self.first_places[kind, reason]}"
            for (kind, reason), count in sorted(self.reasons.items())
        ]
        return ["", "Left, and why:", *rows] if rows else []

    def _fields(self) -> list[str]:
        rows = [f"  {name} ({count}): {reason}" for (name, reason), count in sorted(self.fields.items())]
        return ["", "Fields left of what was taken:", *rows] if rows else []

    def _broken(self) -> list[str]:
        if not self.broken:
            return []
        rows = [f"  {place}: {reason}" for place, reason in self.broken[:_MOST_PLACES]]
        more = len(self.broken) - _MOST_PLACES
        return ["", "Could not be read:", *rows, *([f"  and {more} more"] if more > 0 else [])]


def reason_of(error: Exception) -> str:
    """In words without a person's data: a database error names its constraint."""
    if isinstance(error, Unusable):
        return str(error)
    if isinstance(error, DomainError):
        return "; ".join(f"{name}: {' '.join(map(str, said))}" for name, said in (error.errors or {}).items()) or error.detail
    return f"refused by the database ({type(error).__name__})"
