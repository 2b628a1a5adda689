"""`make prove`: python -m clinic.ops.prove [--only I1,I3] [--scale 0.1] [--report FILE].

Exits with 1 when a chapter finds a violation, or when a control finds none.
"""

import argparse
import secrets
import tempfile
import time
from pathlib import Path

from clinic.ops.demo import PROJECT
from clinic.ops.prove.chapter import run_chapter
from clinic.ops.prove.chapters import CHAPTERS
from clinic.ops.prove.fleet import Fleet
from clinic.ops.prove.report import document, table
from clinic.ops.prove.stack import Stack
from clinic.ops.servers.errors import StopRequested
from clinic.ops.servers.running import run, say

INTERRUPTED = 130
REPORT = PROJECT / "docs" / "proof.md"


def main(argv=None) -> int:
    options = _options(argv)
    wanted = {name.strip().upper() for name in options.only.split(",") if name.strip()}
    chapters = [chapter for chapter in CHAPTERS if not wanted or chapter.number in wanted]
    if unknown := wanted - {chapter.number for chapter in CHAPTERS}:
        say(f"There is no chapter {', '.join(sorted(unknown))}; there are {', '.join(chapter.number for chapter in CHAPTERS)}.")
        return 2
    report = options.report or (REPORT if len(chapters) == len(CHAPTERS) and options.scale >= 1 else None)
    folder = options.data_dir or Path(tempfile.gettempdir(), f"clinic-prove-{secrets.token_hex(6)}")

    def work(fleet: Fleet) -> int:
        try:
            return _prove(fleet, chapters, options, report)
        except StopRequested:
            return INTERRUPTED

    return run(folder, work, report=_say_nothing, throwaway=not options.keep, supervisor=Fleet)


def _options(argv):
    parser = argparse.ArgumentParser(prog="python -m clinic.ops.prove", description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="chapters, e.g. I1,I3; default: all")
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of attempts; default 1")
    parser.add_argument("--report", type=Path, help="write the document here; default docs/proof.md, for a whole run at scale 1 or more")
    parser.add_argument("--data-dir", help="default: a new throwaway folder")
    parser.add_argument("--no-fsync", action="store_true", help="faster; for chapters that crash nothing")
    parser.add_argument("--keep", action="store_true", help="keep the folder with its logs")
    return parser.parse_args(argv)


def _prove(fleet: Fleet, chapters, options, report: Path | None) -> int:
    began = time.monotonic()
    stack = Stack(fleet, durable=not options.no_fsync)
    stack.prepare()
    say(f"A clinic of its own is ready after {time.monotonic() - began:.0f} s, in {fleet.data_dir.path}\n")
    verdicts = fleet.run_beside(lambda: [run_chapter(stack, chapter, options.scale, say) for chapter in chapters])
    say("\n" + table(verdicts) + "\n")
    if report:
        report.write_text(document(stack, verdicts, scale=options.scale, seconds=time.monotonic() - began))
        say(f"Written to {report}")
    failed = [verdict.finding.chapter.number for verdict in verdicts if not verdict.holds]
    for verdict in verdicts:
        for control in verdict.silent_controls:
            say(f"{verdict.finding.chapter.number}: the control did not fail: {control.without}")
    say(f"Failed: {', '.join(failed)}" if failed else f"All hold, after {(time.monotonic() - began) / 60:.1f} minutes.")
    return 1 if failed else 0


def _say_nothing(sentence):
    """Servers die here on purpose, hundreds of times."""


if __name__ == "__main__":
    raise SystemExit(main())
