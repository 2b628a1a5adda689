"""The self-check: does what the clinic wrote down still agree with itself?"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction

from analytics.checks.results import SHOWN, TOO_LONG, CannotLook, Check, Finding, Result
from clinic.audit.services.recording import record
from clinic.core.db import sqlstate_of

WHOLE_LEDGER_S = 600.0
_CANCELED = "57014"


def run_checks(checks: Iterable[Check], *, in_all: float | None = None) -> Iterator[Result]:
    """Each check's result as soon as it is known. Reads only.

    `in_all` is how many seconds someone waits for all of them; what does not fit is unknown. Without it each has ten minutes.
    """
    ends = None if in_all is None else time.monotonic() + in_all
    for check in checks:
        result = Result(check)
        try:
            for finding in check.look(WHOLE_LEDGER_S if ends is None else _left(ends)):
                result.found += 1
                if result.found <= SHOWN:
                    result.findings.append(finding)
        except CannotLook as error:
            result.unknown = str(error)
        yield result


def _left(ends: float) -> float:
    seconds = ends - time.monotonic()
    if seconds <= 0:
        raise CannotLook(TOO_LONG)
    return seconds


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """A transaction whose statements have so many seconds each. Raises CannotLook when one needs longer."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{max(1, round(seconds * 1000))}ms"])
            yield
    except OperationalError as error:
        if sqlstate_of(error) != _CANCELED:
            raise
        raise CannotLook(TOO_LONG) from error


def rows_of(sql: str) -> Callable[[float], list[Finding]]:
    """A check by SQL that gives (row, sentence) for each row that is otherwise than it should be, in one snapshot."""

    def look(seconds: float) -> list[Finding]:
        with within(seconds), connection.cursor() as cursor:
            cursor.execute(sql)
            return [Finding(*row) for row in cursor.fetchall()]

    return look


@transaction.atomic
def record_self_check(*, by, results: list[Result]) -> None:
    """Audit that someone ran it, and what came of it."""
    record(action="analytics.self_check.run", actor=by, changes={result.check.name: result.status for result in results})
