"""What a chapter is, how it and its controls are run, and how they are judged."""

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

from clinic.ops.prove.client import Failure, Tally
from clinic.ops.prove.stack import Site, Stack

# PostgreSQL answers again, but a pooled connection of the web processes may still be the old one.
RECOVERY_SECONDS = 15


@dataclass(frozen=True)
class Control:
    """The same attack with one guard taken out. It has to find each kind of violation that `shows` names, or the
    attack proves nothing; what else goes wrong on such a server does not count."""

    name: str
    without: str
    scale: float
    shows: tuple[str, ...]
    sql: tuple[str, ...] = ()


class Chapter(ABC):
    """One invariant: an attack over HTTP, and what SQL must not find afterwards."""

    number: ClassVar[str]
    invariant: ClassVar[str]
    needs_tasks: ClassVar[bool] = False
    controls: ClassVar[tuple[Control, ...]] = ()

    def __init__(self, site: Site, scale: float):
        self.site = site
        self.scale = scale
        self.notes: list[str] = []

    def times(self, number: int, *, least: int = 1) -> int:
        """So many at scale 1."""
        return max(least, round(number * self.scale))

    @property
    @abstractmethod
    def tried(self) -> str:
        """In words, with the numbers of this scale."""

    @abstractmethod
    def attack(self) -> None: ...

    @abstractmethod
    def check(self) -> dict[str, int]:
        """How many of each kind of violation SQL finds; the kinds are words for the report."""


@dataclass
class Finding:
    """What came of one run of a chapter."""

    chapter: Chapter
    tally: Tally
    violations: dict[str, int]
    seconds: float

    @property
    def total(self) -> int:
        return sum(self.violations.values())

    @property
    def words(self) -> str:
        found = [f"{count} {kind}" for kind, count in self.violations.items() if count]
        return "; ".join(found) or "none"


@dataclass
class Verdict:
    """A chapter with its controls."""

    finding: Finding
    controls: list[tuple[Control, Finding]] = field(default_factory=list)

    @property
    def silent_controls(self) -> list[Control]:
        return [control for control, finding in self.controls if not all(finding.violations.get(kind) for kind in control.shows)]

    @property
    def holds(self) -> bool:
        return self.finding.total == 0 and not self.silent_controls


def run_chapter(stack: Stack, kind: type[Chapter], scale: float, report) -> Verdict:
    report(f"{kind.number}  {kind.invariant}")
    verdict = Verdict(_run(stack, kind, scale))
    finding = verdict.finding
    report(f"    {finding.tally.attempts} requests in {finding.seconds:.0f} s, violations: {finding.words}")
    for note in finding.chapter.notes:
        report(f"    {note}")
    for control in kind.controls:
        shown = _run(stack, kind, control.scale, control)
        verdict.controls.append((control, shown))
        report(f"    control, {control.without}: {shown.words} ({shown.seconds:.0f} s)")
    return verdict


def _run(stack: Stack, kind: type[Chapter], scale: float, control: Control | None = None) -> Finding:
    name = f"prove_{kind.number.lower()}{'_control' if control else ''}"
    arguments = {"unguarded": control.name, "sql": control.sql} if control else {}
    with stack.site(name, tasks=kind.needs_tasks, **arguments) as site:
        former_deadlocks = _deadlocks_logged(stack)
        chapter = kind(site, scale)
        began = time.monotonic()
        chapter.attack()
        violations = chapter.check()
        violations |= {"deadlocks": max(_deadlocks_counted(site), _deadlocks_logged(stack) - former_deadlocks)}
        if not control:
            violations |= _common_line(site)
        return Finding(chapter, site.tally, violations, time.monotonic() - began)


def _common_line(site: Site) -> dict[str, int]:
    """What no chapter may show, whatever it is about."""
    kinds = {"requests without an outcome": len(site.tally.unresolved)}
    for failure in site.tally.failures:
        if not is_excused(failure, site.down):
            answer = failure.answer
            kind = f"answers {answer.status} {answer.code} to {_route(failure.request)}"
            kinds[kind] = kinds.get(kind, 0) + 1
    return kinds


def is_excused(failure: Failure, down: list[tuple[float, float]]) -> bool:
    """503 with Retry-After, while PostgreSQL was down or came back a moment before."""
    if failure.answer.status != 503 or not failure.answer.retry_after:
        return False
    return any(failure.ended >= began and failure.began <= ended + RECOVERY_SECONDS for began, ended in down)


def _route(request: str) -> str:
    return "/".join("..." if len(part) == 36 else part for part in request.split("/"))


def _deadlocks_counted(site: Site) -> int:
    return site.one("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")


def _deadlocks_logged(stack: Stack) -> int:
    """The statistics do not survive a crash of PostgreSQL; its log does."""
    path = stack.data_dir.log_path("postgres")
    return path.read_text(errors="replace").count("deadlock detected") if path.exists() else 0
