from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from pymongo.errors import PyMongoError


class BackupError(Exception):
    """Says what stands in the way."""


@contextmanager
def in_words() -> Iterator[None]:
    """What a store or the disk refuses, as a BackupError."""
    try:
        yield
    except PyMongoError as error:
        raise BackupError(f"MongoDB failed: {str(error)[:200]}") from error
    except psycopg.OperationalError as error:
        raise BackupError(f"PostgreSQL failed: {error}") from error
    except OSError as error:
        raise BackupError(f"{error.filename or 'The folder'}: {error.strerror or error}") from error
