"""The table of a run, and docs/proof.md."""

import importlib.metadata
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import redis

from clinic.ops.demo import PROJECT
from clinic.ops.prove.chapter import Control, Finding, Verdict
from clinic.ops.prove.stack import Stack

COLUMNS = ("invariant", "what was tried", "attempts", "ok", "refused", "unknown -> resolved", "violations", "negative control")

LIMITS = (
    "- Processes are killed, not machines: what a power cut does to a disk's own cache is not tried. Nor are a full disk, a network that",
    "  swallows packets, or a clock that jumps.",
    "- MongoDB is wiped while the notes concerned are still in PostgreSQL. A body that MongoDB has confirmed leaves PostgreSQL; losing",
    "  MongoDB's data after that is a case for the backup.",
    "- Clients and servers share one machine: the times above say that it works under load, not how fast it is.",
)


def table(verdicts: list[Verdict]) -> str:
    rows = [COLUMNS, tuple("---" for _ in COLUMNS), *(_row(verdict) for verdict in verdicts)]
    return "\n".join("| " + " | ".join(cell.replace("|", "/") for cell in row) + " |" for row in rows)


def _row(verdict: Verdict) -> tuple[str, ...]:
    finding, tally = verdict.finding, verdict.finding.tally
    return (
        f"{finding.chapter.number} {finding.chapter.invariant}",
        finding.chapter.tried,
        f"{tally.attempts}",
        f"{tally.ok}",
        f"{sum(tally.refused.values())}",
        f"{tally.unknown} -> {tally.resolved}",
        "**0**" if not finding.total else f"**{finding.total}**: {finding.words}",
        "; ".join(_control_words(verdict, control, shown) for control, shown in verdict.controls),
    )


def _control_words(verdict: Verdict, control: Control, shown: Finding) -> str:
    if control in verdict.silent_controls:
        return f"{control.without}: **did not fail as it has to**, only: {shown.words}"
    return f"{control.without}: {shown.words} in {shown.tally.attempts} attempts"


def document(stack: Stack, verdicts: list[Verdict], *, scale: float, seconds: float) -> str:
    lines = [
        "# Proof",
        "",
        "Written by `make prove`; do not edit. It starts a clinic of its own (PostgreSQL with fsync, Valkey, a MongoDB server, two web",
        "workers), attacks it over HTTP with real clients and real faults, and then asks the databases by SQL of its own what went wrong.",
        "",
        f"- Run: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {seconds / 60:.0f} minutes, scale {scale:g}",
        f"- Code: {commit_words()}",
        *(f"- {name}: {value}" for name, value in machine_words(stack)),
        "",
        "The pass line of every chapter: no violation found by SQL, no request whose outcome stayed unknown, no answer of 500 or above",
        "(503 with Retry-After while PostgreSQL was down excepted), no deadlock. A request that broke off or failed was sent again with",
        "the same Idempotency-Key until it was answered. Each negative control is the same attack on a server with the guard taken out;",
        "it has to find the violations that the guard prevents, or the run fails.",
        "",
        table(verdicts),
        "",
        "## What was measured beside it",
        "",
        *_measured(verdicts),
        "",
        "## What this does not show",
        "",
        *LIMITS,
    ]
    return "\n".join(lines) + "\n"


def _measured(verdicts: list[Verdict]):
    for verdict in verdicts:
        finding, tally = verdict.finding, verdict.finding.tally
        refusals = ", ".join(f"{code} {count}" for code, count in tally.refused.most_common()) or "none"
        yield f"- **{finding.chapter.number}** {finding.seconds:.0f} s; slowest answer {tally.slowest:.2f} s; refusals: {refusals}."
        yield from (f"  {note}" for note in finding.chapter.notes)


def commit_words() -> str:
    git = ["git", "-C", str(PROJECT)]
    try:
        commit = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
        changed = subprocess.run(
            [*git, "status", "--porcelain", "--", "*.py"], capture_output=True, text=True, check=True
        ).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        return "not from a git checkout"
    return f"commit {commit}" + (f", with {len(changed)} Python files changed since" if changed else "")


def machine_words(stack: Stack):
    with psycopg.connect(stack.stores.urls["DATABASE_URL"]) as connection:
        postgresql = connection.execute("SHOW server_version").fetchone()[0]
        settings = [f"{name}={connection.execute(f'SHOW {name}').fetchone()[0]}" for name in ("fsync", "synchronous_commit")]
    with redis.Redis.from_url(stack.stores.urls["REDIS_URL"]) as client:
        info = client.info("server")
    yield "Machine", f"{os.cpu_count()} cores, {_memory()}, {platform.system()} {platform.release()}; clients and servers share it"
    yield (
        "Python",
        f"{platform.python_version()}, Django {importlib.metadata.version('django')}, granian {importlib.metadata.version('granian')}",
    )
    yield "PostgreSQL", f"{postgresql} ({', '.join(settings)})"
    yield "Redis", f"{info.get('server_name', 'redis')} {info.get('valkey_version') or info.get('redis_version')}"
    yield "MongoDB", stack.stores.mongodb_kind


def _memory() -> str:
    try:
        first = Path("/proc/meminfo").read_text().splitlines()[0]
    except OSError:
        return "unknown memory"
    return f"{int(first.split()[1]) / 1024**2:.0f} GB"
