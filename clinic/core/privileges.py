"""What the application's database role may do with each table: what the table's triggers let pass, and no more.

The triggers beside a model declare which rows are only added to, kept or frozen. The role's privileges follow
from them, so that the ledger holds for a connection that has found a way round the triggers, too.
Rules that depend on a row's state (signed, issued, closed) stay with the triggers, which the role cannot silence.
"""

from dataclasses import dataclass

import pgtrigger
from django.apps import apps

from clinic.core.triggers import AppendOnly, Frozen, Kept

READ = frozenset({"SELECT"})
ADD = READ | {"INSERT"}
ALL = ADD | {"UPDATE", "DELETE"}
# Tables of libraries: they have no triggers of ours.
OF_LIBRARIES = {
    "django_migrations": READ,
    "django_content_type": READ,
    "auth_permission": READ,
    "django_admin_log": ADD,
}


@dataclass(frozen=True)
class Privileges:
    """On a table; `updates` are the columns that may be updated when not all may."""

    table: str
    verbs: frozenset[str]
    updates: tuple[str, ...] = ()


def privileges_of(model) -> Privileges:
    table = model._meta.db_table
    if table in OF_LIBRARIES:
        return Privileges(table, OF_LIBRARIES[table])
    if not model._meta.managed:
        return Privileges(table, READ)
    triggers = getattr(model._meta, "triggers", ())
    frozen = set().union(*(_never_changed(model, trigger) for trigger in triggers))
    verbs = set(ALL)
    if any(isinstance(trigger, AppendOnly | Kept) and trigger.condition is None for trigger in triggers):
        verbs.discard("DELETE")
    if not frozen:
        return Privileges(table, frozenset(verbs))
    columns = tuple(field.column for field in model._meta.local_concrete_fields if field.name not in frozen)
    return Privileges(table, frozenset(verbs - {"UPDATE"}), columns)


def _never_changed(model, trigger) -> set[str]:
    """The fields that a trigger refuses to change in whatever state the row is."""
    names = {field.name for field in model._meta.local_concrete_fields}
    if isinstance(trigger, AppendOnly):
        return names
    condition = trigger.condition if isinstance(trigger, Frozen) else None
    if not isinstance(condition, pgtrigger.AnyChange):
        return set()
    return set(condition.fields or names) - set(condition.exclude)


def all_privileges() -> list[Privileges]:
    """Of every table that a model has, by name."""
    models = (model for model in apps.get_models(include_auto_created=True) if not model._meta.proxy)
    return sorted((privileges_of(model) for model in models), key=lambda each: each.table)
