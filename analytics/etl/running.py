"""Bringing the star schema up to date: from the queue of changes, or from everything there is."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from analytics.etl.changes import keys_to_derive
from analytics.etl.derived import Scope
from analytics.etl.rollups import ROLLUPS, refresh_touched
from analytics.etl.sources import FACTS, SOURCES, SUMMED, Source
from analytics.etl.views import refresh_views
from analytics.locks import lock_etl
from analytics.models import Change, EtlState
from clinic.core.db import atomic_with_retry

BATCH = 5_000
SLICE = 500_000

# (what is being done, how much of it, how much in all)
Say = Callable[[str, int, int], None]

# By one bound, so that it takes a look at each row once even when PostgreSQL believes the queue to be empty, as it mostly is.
_TAKE = """
    DELETE FROM analytics_change WHERE id <= (SELECT max(id) FROM (SELECT id FROM analytics_change ORDER BY id LIMIT %s) first)
    RETURNING id, subject, source_id
"""
_DAYS = """
    INSERT INTO dim_date (date, year, quarter, month, month_start, iso_year, iso_week, weekday, is_weekend)
    SELECT date, extract(year FROM date), extract(quarter FROM date), extract(month FROM date), date_trunc('month', date)::date,
           extract(isoyear FROM date), extract(week FROM date), extract(isodow FROM date), extract(isodow FROM date) > 5
      FROM (SELECT DISTINCT date FROM {table} target WHERE {scope}) days
    ON CONFLICT DO NOTHING
"""


@dataclass
class Done:
    """`taken` changes from the queue; `changed` rows of the star schema and its sums."""

    taken: int = 0
    changed: int = 0
    batches: int = 0


def run_etl(*, batch: int = BATCH, say: Say = lambda *_: None) -> Done:
    """Work the queue of changes off, batch by batch, each in one transaction: changes leave the queue when their facts are there.

    The last batch also makes the views anew and notes as of when the figures are. Ended at any point, the next run goes on. The very first
    run rebuilds, and the first after forget_figures(): rows from before are in no queue. One run at a time: another waits, and raises Busy
    after lock_timeout.
    """
    done = Done() if EtlState.objects.filter(as_of__isnull=False).exists() else rebuild(say=say)
    waiting = Change.objects.count()
    while True:
        taken, changed = _work_off(batch)
        done = Done(done.taken + taken, done.changed + changed, done.batches + 1)
        say("changes", done.taken, max(waiting, done.taken))
        if taken < batch:
            return done


def forget_figures() -> None:
    """To be called in a transaction that fills tables past the queue: when it commits, the next run rebuilds."""
    EtlState.objects.update(as_of=None)


@atomic_with_retry
def _work_off(batch: int) -> tuple[int, int]:
    _begin()
    now = _clock()
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [batch])
        rows = cursor.fetchall()
    changed, sums = _derive([(subject, source_id) for _, subject, source_id in rows])
    _finish(now if len(rows) < batch else None, behind=sums > 0, watermark=max((row[0] for row in rows), default=0))
    return len(rows), changed + sums


def _derive(changes: list[tuple[str, int]]) -> tuple[int, int]:
    """How many dimensions and facts were written, and how many sums."""
    if not changes:
        return 0, 0
    keys = keys_to_derive(changes)
    changed, cells = 0, set()
    for source in SOURCES:
        if not keys[source.subject]:
            continue
        scope = source.by_ids(sorted(keys[source.subject]))
        if source in SUMMED:
            written, touched = source.derived.refresh_cells(scope)
            cells |= touched
        else:
            written = source.derived.refresh(scope)
        if written and source in FACTS:
            _note_days(source, scope)
        changed += written
    return changed, refresh_touched(cells)


@atomic_with_retry
def rebuild(*, say: Say = lambda *_: None) -> Done:
    """Derive everything from the operational rows, in one transaction; rows that are right stay as they are.

    The queue is left to the next run, which finds nothing left to change. Takes memory for a slice of the rows.
    """
    _begin()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '64MB'")
    now, changed = _clock(), 0
    for source in SOURCES:
        changed += _rebuild_source(source, say)
    for place, rollup in enumerate(ROLLUPS, 1):
        derived = rollup.derived
        changed += (derived.fill if derived.is_empty() else derived.refresh)(rollup.whole())
        say("sums", place, len(ROLLUPS))
    _finish(now, behind=True)
    return Done(changed=changed, batches=1)


def _rebuild_source(source: Source, say: Say) -> int:
    derived, highest, changed = source.derived, _highest(source), 0
    write, step = (derived.fill, highest + 1) if derived.is_empty() else (derived.refresh, SLICE)
    for low in range(0, highest + 1, step):
        scope = source.by_range(low, low + step)
        written = write(scope)
        if written and source in FACTS:
            _note_days(source, scope)
        changed += written
        say(derived.table, min(low + step, highest), highest)
    return changed


def _begin() -> None:
    lock_etl()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")


def _finish(as_of: datetime | None, *, behind: bool, watermark: int = 0) -> None:
    """Note how far the figures are. With `as_of`, what was committed by then is in them, and the views are made anew if a sum changed."""
    state, _ = EtlState.objects.get_or_create(pk=1)
    state.watermark = max(state.watermark, watermark)
    state.views_behind = state.views_behind or behind
    if as_of:
        if state.views_behind:
            refresh_views()
        state.as_of, state.views_behind = as_of, False
    state.save()


def _note_days(source: Source, scope: Scope) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_DAYS.format(table=source.derived.table, scope=scope.of_target), scope.params)


def _highest(source: Source) -> int:
    """The highest primary key here or there."""
    table, key = source.derived.table, source.key
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT greatest((SELECT max(id) FROM {source.table}), (SELECT max({key}) FROM {table}), 0)")
        return cursor.fetchone()[0]


def _clock() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]
