"""The places where stock stands."""

from django.db import IntegrityError, transaction

from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry, constraint_of
from clinic.core.errors import InvalidInput
from pharmacy import locks
from pharmacy.errors import StoreExists, StoreInUse
from pharmacy.models import Store


@atomic_with_retry
def add_store(*, data: dict, by) -> Store:
    """Raises StoreExists."""
    store = Store(**data)
    _save(store)
    record(action="pharmacy.store.added", actor=by, subject=store, changes={"kind": store.kind})
    return store


@atomic_with_retry
def update_store(*, store_id: int, changes: dict, by) -> Store:
    """Correct its name or facility. Locks the store. Raises StoreExists."""
    store = locks.lock_store(store_id)
    for name, value in changes.items():
        setattr(store, name, value)
    _save(store)
    record(action="pharmacy.store.updated", actor=by, subject=store, changes={"fields": sorted(changes)})
    return store


@atomic_with_retry
def remove_store(*, store_id: int, by) -> None:
    """Only one in which nothing ever stood. Locks the store. Raises StoreInUse."""
    store = locks.lock_store(store_id)
    if store.is_default or store.batches.exists():
        raise StoreInUse
    record(action="pharmacy.store.removed", actor=by, subject=store)
    store.delete()


def keep_store(store: Store) -> None:
    """For a batch that is made in it: nobody removes it before this transaction ends. Locks the store. Raises InvalidInput."""
    try:
        locks.lock_store(store.pk)
    except Store.DoesNotExist as error:
        raise InvalidInput(errors={"store": ["This store was removed."]}) from error


def _save(store: Store) -> None:
    try:
        with transaction.atomic():
            store.save()
    except IntegrityError as error:
        if constraint_of(error) != "store_name_once":
            raise
        raise StoreExists from error
