"""`make bench`: python -m clinic.ops.bench [--only search] [--scale 0.1].

Exits with 1 when a figure misses its goal.
"""

import argparse
import secrets
import tempfile
import time
from pathlib import Path

from clinic.ops.bench.chapter import run_chapter
from clinic.ops.bench.chapters import CHAPTERS
from clinic.ops.bench.report import plans, table, write_json
from clinic.ops.demo import PROJECT
from clinic.ops.prove.fleet import Fleet
from clinic.ops.prove.stack import Stack
from clinic.ops.servers.errors import StopRequested
from clinic.ops.servers.running import run, say

INTERRUPTED = 130
RESULTS = PROJECT / "bench"


def main(argv=None) -> int:
    options = _options(argv)
    wanted = {name.strip().lower() for name in options.only.split(",") if name.strip()}
    chapters = [chapter for chapter in CHAPTERS if not wanted or chapter.name in wanted]
    if unknown := wanted - {chapter.name for chapter in CHAPTERS}:
        say(f"There is no chapter {', '.join(sorted(unknown))}; there are {', '.join(chapter.name for chapter in CHAPTERS)}.")
        return 2
    folder = options.data_dir or Path(tempfile.gettempdir(), f"clinic-bench-{secrets.token_hex(6)}")

    def work(fleet: Fleet) -> int:
        try:
            return _bench(fleet, chapters, options)
        except StopRequested:
            return INTERRUPTED

    return run(folder, work, throwaway=not options.keep, supervisor=Fleet)


def _options(argv):
    parser = argparse.ArgumentParser(prog="python -m clinic.ops.bench", description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="chapters, e.g. search; default: all")
    parser.add_argument("--scale", type=float, default=1.0, help="of the data; default 1")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the JSON files; default bench/")
    parser.add_argument("--data-dir", help="default: a new throwaway folder")
    parser.add_argument("--no-fsync", action="store_true", help="faster, and not what production does")
    parser.add_argument("--plans", action="store_true", help="print the plans of the queries too")
    parser.add_argument("--keep", action="store_true", help="keep the folder with its logs")
    return parser.parse_args(argv)


def _bench(fleet: Fleet, kinds, options) -> int:
    began = time.monotonic()
    stack = Stack(fleet, durable=not options.no_fsync)
    stack.prepare()
    chapters = fleet.run_beside(lambda: [run_chapter(stack, kind, options.scale, say) for kind in kinds])
    say("\n" + table(chapters) + "\n")
    if options.plans:
        say(plans(chapters))
    say(f"Written to {write_json(options.results, stack, chapters, scale=options.scale)}")
    missed = [figure.what for chapter in chapters for figure in chapter.figures if not figure.is_met]
    say(f"Missed: {'; '.join(missed)}" if missed else f"All goals met, after {(time.monotonic() - began) / 60:.1f} minutes.")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
