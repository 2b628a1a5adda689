"""Which substances harm when they are taken together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Pair:
    """Two sides, each a class or a substance."""

    first: str
    second: str
    severity: str
    effect: str


@dataclass(frozen=True)
class InteractionTable:
    """`classes` of each substance that the table knows, by canonical name; `pairs` of all of it."""

    classes: Mapping[str, frozenset[str]]
    pairs: tuple[Pair, ...]

    def unknown(self, substances: Iterable[str]) -> list[str]:
        """Those on which the table says nothing; all of them when it is empty."""
        return sorted({each for each in substances if not self.pairs or each not in self.classes})

    def between(self, mine: Iterable[str], theirs: Iterable[str]) -> list[Pair]:
        """The pairs that one of `mine` makes with one of `theirs`; a substance makes none with itself."""
        theirs = list(theirs)
        found = [pair for one in mine for other in theirs if one != other for pair in self._of(one, other)]
        return list(dict.fromkeys(found))

    def _of(self, one: str, other: str) -> list[Pair]:
        here, there = self._sides(one), self._sides(other)
        return [
            pair for pair in self.pairs if (pair.first in here and pair.second in there) or (pair.first in there and pair.second in here)
        ]

    def _sides(self, substance: str) -> frozenset[str]:
        return self.classes.get(substance, frozenset()) | {substance}


NO_TABLE = InteractionTable({}, ())
