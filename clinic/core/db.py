"""How a write meets other writes: retries of what PostgreSQL aborted, and its errors in our words."""

import functools
import time

from django.db import InterfaceError, OperationalError, connection, transaction

from clinic.core.errors import Busy

ATTEMPTS = 4
_RETRY = {"40P01", "40001"}  # deadlock detected, serialization failure
_LOCK_TIMEOUT = "55P03"


def sqlstate_of(error: Exception) -> str:
    """The SQLSTATE of a Django database error; "" when the server was not reached."""
    return getattr(error.__cause__, "sqlstate", None) or ""


def constraint_of(error: Exception) -> str:
    """The name of the constraint that refused a row; "" when there is none."""
    diagnosis = getattr(error.__cause__, "diag", None)
    return getattr(diagnosis, "constraint_name", None) or ""


def atomic_with_retry(service):
    """Run a service in one transaction; again, up to 3 times, when PostgreSQL aborted it.

    Nested in another transaction it does not retry: the outermost one owns the retry.
    A lock that could not be had within lock_timeout is Busy.
    """

    @functools.wraps(service)
    def run(*args, **kwargs):
        attempts = 1 if connection.in_atomic_block else ATTEMPTS
        for attempt in range(1, attempts + 1):
            try:
                with transaction.atomic():
                    return service(*args, **kwargs)
            except OperationalError as error:
                state = sqlstate_of(error)
                if state == _LOCK_TIMEOUT:
                    raise Busy from error
                if state not in _RETRY or connection.in_atomic_block:
                    raise
                if attempt == attempts:
                    raise Busy from error
                time.sleep(0.01 * 2**attempt)
        raise AssertionError("the loop returns or raises")

    return run


def is_database_down(error: Exception) -> bool:
    """Whether PostgreSQL was not there to answer, rather than there and refusing."""
    state = sqlstate_of(error)
    return isinstance(error, OperationalError | InterfaceError) and (state[:2] in {"", "08"} or state[:4] == "57P0")
