"""Reading what a page needs in few round trips, each part of the page still saying for itself what it reads.

A reader is a generator: it yields querysets that it wants to have read, goes on when they are, and
returns what it makes of them. `together` runs several side by side, with one round trip for what all
of them wait for::

    def _vitals(encounter):
        sets = encounter.vitals.order_by("-recorded_at")
        yield [sets]
        return {"vitals": list(sets)}

    [vitals, notes] = together(_vitals(encounter), _notes(encounter))

The statements go to PostgreSQL as one message. Each sees what was committed when it began, as it
would alone; a statement that fails fails all.
"""

from collections.abc import Generator, Iterable, Sequence
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Model, QuerySet

Reader = Generator[Iterable[QuerySet], None, Any]


def together(*readers: Reader) -> list[Any]:
    """What each reader returns, in order. As many round trips as the reader with the most steps has."""
    both = side_by_side(readers)
    while True:
        try:
            read_at_once(next(both))
        except StopIteration as end:
            return end.value


def side_by_side(readers: Iterable[Reader]) -> Reader:
    """One reader of several: it returns what each returned, in order."""
    going = dict(enumerate(readers))
    results: list[Any] = [None] * len(going)
    while going:
        wanted: list[QuerySet] = []
        for at, reader in list(going.items()):
            try:
                wanted += next(reader)
            except StopIteration as end:
                results[at] = end.value
                del going[at]
        yield wanted
    return results


def read(*querysets: QuerySet) -> Reader:
    """A reader that only has them read."""
    yield querysets


def read_at_once(querysets: Iterable[QuerySet]) -> None:
    """Evaluate querysets with one round trip. Prefetches, where there are any, follow with theirs."""
    asked = []
    for queryset in querysets:
        if queryset._result_cache is None:
            compiler = queryset.query.get_compiler(connection=connection)
            try:
                asked.append((queryset, compiler, compiler.as_sql()))
            except EmptyResultSet:  # of what is in an empty list, for example
                queryset._result_cache = []
    answers = _ask([statement for _, _, statement in asked])
    for (queryset, compiler, _), rows in zip(asked, answers, strict=True):
        _fill(queryset, compiler, rows)


def put_children(parents: Sequence[Model], name: str, rows: Iterable[Model]) -> None:
    """Give each parent its rows, read already, where prefetch_related would have put them."""
    if not parents:
        return
    relation = parents[0]._meta.get_field(name)
    by_parent: dict[int, list[Model]] = {parent.pk: [] for parent in parents}
    for row in rows:
        by_parent[getattr(row, relation.field.attname)].append(row)
    for parent in parents:
        kept = getattr(parent, name).all()
        kept._result_cache = by_parent[parent.pk]
        kept._prefetch_done = True
        for row in by_parent[parent.pk]:
            relation.field.set_cached_value(row, parent)
        parent._prefetched_objects_cache = getattr(parent, "_prefetched_objects_cache", {}) | {relation.cache_name: kept}


def _ask(statements: list[tuple[str, tuple]]) -> list[list[tuple]]:
    """The rows of each statement. The driver puts the parameters in, so that one message may hold several."""
    if not statements:
        return []
    with connection.cursor() as cursor:
        cursor.execute(";\n".join(sql for sql, _ in statements), [value for _, params in statements for value in params])
        answers = [cursor.fetchall()]
        while cursor.nextset():
            answers.append(cursor.fetchall())
    return answers


def _fill(queryset: QuerySet, compiler, rows: list[tuple]) -> None:
    """Make of the rows what the queryset would have made of them, with its own machinery."""
    columns = compiler.col_count if compiler.has_extra_select else None
    shown = [row[:columns] for row in rows]
    compiler.execute_sql = lambda *args, **kwargs: [shown]
    answered = queryset._chain()
    answered.query.get_compiler = lambda *args, **kwargs: compiler
    queryset._result_cache = list(answered._iterable_class(answered))
    if queryset._prefetch_related_lookups and not queryset._prefetch_done:
        queryset._prefetch_related_objects()
