"""Looking for facts that are not what they should be, while the clinic works."""

from django.db import connection

from analytics.etl.changes import keys_to_derive
from analytics.etl.sources import Source
from analytics.locks import lock_etl
from analytics.models import Change
from clinic.core.db import atomic_with_retry


def suspects(source: Source) -> list[int]:
    """Keys of rows that differ at some moment: wrong, or changed since the last run."""
    sql, params = source.derived.differing(source.by_range(0, 2**62))
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return [row[0] for row in cursor.fetchall()]


@atomic_with_retry
def differing_now(source: Source, keys: list[int]) -> list[int]:
    """Those of the keys that differ although no change of them waits. No run takes from the queue meanwhile: raises Busy while one does."""
    lock_etl()
    sql, params = source.derived.differing(source.by_ids(keys))
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        found = {row[0] for row in cursor.fetchall()}
    waiting = keys_to_derive(Change.objects.values_list("subject", "source_id"))
    return sorted(found - waiting[source.subject])


def named(source: Source, keys: list[int]) -> list[str]:
    """Public ids, also of rows that are on one side only."""
    table, key = source.derived.table, source.key
    sql = f"""
        SELECT public_id::text FROM {source.table} WHERE id = ANY(%(ids)s)
        UNION SELECT target.public_id::text FROM {table} target WHERE target.{key} = ANY(%(ids)s) AND {source.only}
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, {"ids": keys})
        return sorted(row[0] for row in cursor.fetchall())
