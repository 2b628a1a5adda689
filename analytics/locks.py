"""Runs of the ETL come one after the other: each of its transactions holds this lock to its end.

Nothing else takes it, and a run locks operational rows never: it cannot stand in anybody's way.
"""

from django.db import connection

_KEY = 7_306_001  # of PostgreSQL's advisory locks, known to nobody else


def lock_etl() -> None:
    """Wait until no other run is in a batch, at most for lock_timeout."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_KEY])
