"""What a chapter of the benchmark is: it measures, and its figures meet their goals or not."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

from clinic.ops.bench.timing import percentile
from clinic.ops.prove.stack import Site, Stack


@dataclass(frozen=True)
class Figure:
    """One line of the table. `goal` is what `value` must not exceed (or, `at_least`, not fall short of)."""

    what: str
    value: float
    unit: str
    goal: float | None = None
    at_least: bool = False
    detail: dict = field(default_factory=dict)

    @property
    def is_met(self) -> bool:
        if self.goal is None:
            return True
        return self.value >= self.goal if self.at_least else self.value <= self.goal


class Chapter(ABC):
    """One subject, on a clinic of its own: a web server and a copy of the database that `make prove` begins with."""

    name: ClassVar[str]
    title: ClassVar[str]
    needs_tasks: ClassVar[bool] = False

    def __init__(self, site: Site, scale: float):
        self.site = site
        self.scale = scale
        self.figures: list[Figure] = []
        self.plans: dict[str, str] = {}
        self.notes: list[str] = []

    def times(self, number: int, *, least: int = 1) -> int:
        """So many at scale 1."""
        return max(least, round(number * self.scale))

    @abstractmethod
    def measure(self) -> None:
        """Fill figures, and plans where a query is worth a look."""

    def add(self, what: str, value: float, unit: str, **goal) -> None:
        self.figures.append(Figure(what, value, unit, **goal))

    def add_latency(self, what: str, took: list[float], *, p95: float | None = None) -> None:
        """A line of its own for the p95 of `took` (ms); the other percentiles beside it."""
        shares = {f"p{share}": round(percentile(took, share), 1) for share in (50, 95, 99)}
        self.add(f"{what}, p95", shares["p95"], "ms", goal=p95, detail=shares | {"max": round(max(took), 1), "requests": len(took)})


def run_chapter(stack: Stack, kind: type[Chapter], scale: float, report) -> Chapter:
    report(f"{kind.name}  {kind.title}")
    with stack.site(f"bench_{kind.name}", tasks=kind.needs_tasks) as site:
        chapter = kind(site, scale)
        chapter.measure()
        if site.tally.failures or site.tally.unresolved:
            chapter.add("answers of 500 or above, or none", len(site.tally.failures) + len(site.tally.unresolved), "requests", goal=0)
    for figure in chapter.figures:
        report(f"    {figure.what}: {figure.value:g} {figure.unit}{'' if figure.is_met else '  <- misses its goal'}")
    return chapter
