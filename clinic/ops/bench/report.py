"""The table of a run, and its JSON."""

import json
import os
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from clinic.ops.bench.chapter import Chapter, Figure
from clinic.ops.prove.report import commit_words, machine_words
from clinic.ops.prove.stack import Stack

COLUMNS = ("chapter", "what", "measured", "goal", "met", "beside it")


def table(chapters: list[Chapter]) -> str:
    rows = [COLUMNS, tuple("---" for _ in COLUMNS)]
    rows += [_row(chapter, figure) for chapter in chapters for figure in chapter.figures]
    return "\n".join("| " + " | ".join(cell.replace("|", "/") for cell in row) + " |" for row in rows)


def _row(chapter: Chapter, figure: Figure) -> tuple[str, ...]:
    goal = "" if figure.goal is None else f"{'at least' if figure.at_least else 'at most'} {figure.goal:g} {figure.unit}"
    beside = ", ".join(f"{name} {value}" for name, value in figure.detail.items())
    return (
        chapter.name,
        figure.what,
        f"{figure.value:g} {figure.unit}",
        goal,
        ("yes" if figure.is_met else "**no**") if goal else "",
        beside,
    )


def write_json(folder: Path, stack: Stack, chapters: list[Chapter], *, scale: float) -> Path:
    """One file per run, named by its time."""
    now = datetime.now(UTC)
    folder.mkdir(exist_ok=True)
    path = folder / f"{now:%Y%m%dT%H%M%SZ}.json"
    document = {
        "at": now.isoformat(timespec="seconds"),
        "code": commit_words(),
        "scale": scale,
        "cores": os.cpu_count(),
        "machine": dict(machine_words(stack)),
        "chapters": [
            {
                "name": chapter.name,
                "title": chapter.title,
                "figures": [asdict(figure) | {"met": figure.is_met} for figure in chapter.figures],
                "plans": chapter.plans,
                "notes": chapter.notes,
            }
            for chapter in chapters
        ],
    }
    path.write_text(json.dumps(document, indent=1) + "\n")
    return path


def plans(chapters: list[Chapter]) -> str:
    """For docs/performance.md, which is kept by hand."""
    parts = [f"{chapter.name}: {title}\n\n{plan}" for chapter in chapters for title, plan in chapter.plans.items()]
    return "\n\n".join(parts)
