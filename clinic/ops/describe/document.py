"""docs/data-model.md, from the models (what things mean) and the database's catalog (what holds)."""

import inspect
from collections.abc import Iterable
from pathlib import Path

from django.apps import AppConfig, apps
from django.conf import settings
from django.db import models

from clinic.ops.describe import meanings
from clinic.ops.describe.catalog import (
    CHECK,
    EXCLUSION,
    FOREIGN_KEY,
    UNIQUE,
    Column,
    Relation,
    read_catalog,
    read_extensions,
    read_functions,
)
from clinic.ops.describe.diagram import er_diagram
from clinic.ops.describe.stores import MONGODB, REDIS, Store

_KINDS = {CHECK: "check", EXCLUSION: "exclusion", FOREIGN_KEY: "foreign key", UNIQUE: "unique"}
_INTRODUCTION = """\
# Data model

Written by `manage.py describe_data`; do not edit. Meanings come from the models; columns, constraints,
triggers and indexes from the catalog of a migrated PostgreSQL, so that nothing is listed that does not hold.

PostgreSQL is the truth. MongoDB holds the bodies of notes and copies for reports, Redis live views;
both are described at the end.
"""


class NotMigrated(Exception):
    """The database lacks a table that the models have."""


def render_document() -> str:
    """The whole document. Reads the catalog of the default database and no rows. Raises NotMigrated."""
    catalog = read_catalog()
    parts = [_INTRODUCTION, _contents()]
    parts += [_app_section(app, catalog) for app in _own_apps()]
    parts += [_views_section(catalog), _functions_section(), _stores_section("MongoDB", "collection", MONGODB)]
    parts += [_stores_section("Redis", "key", REDIS)]
    return "\n".join(part for part in parts if part)


def undescribed() -> list[str]:
    """Tables and columns of ours that say nowhere what they mean."""
    own = [model for app in _own_apps() for model in _models_of(app) if not model._meta.auto_created]
    silent = [model._meta.label for model in own if not _table_meaning(model)]
    return silent + [f"{field.model._meta.label}.{field.name}" for field in _fields_of(own) if not _column_meaning(field)]


def _fields_of(own: list[type[models.Model]]) -> list[models.Field]:
    return [field for model in own for field in model._meta.local_fields]


def _own_apps() -> list[AppConfig]:
    """Apps of this project that have tables, lowest first: the order of INSTALLED_APPS."""
    root = Path(settings.BASE_DIR)
    return [app for app in apps.get_app_configs() if Path(app.path).is_relative_to(root) and _is_ours(app) and _models_of(app)]


def _is_ours(app: AppConfig) -> bool:
    """Not a library that happens to be installed below the project's folder."""
    return "site-packages" not in app.path


def _models_of(app: AppConfig) -> list[type[models.Model]]:
    return [model for model in app.get_models(include_auto_created=True) if not model._meta.proxy]


def _contents() -> str:
    lines = []
    for app in _own_apps():
        tables = ", ".join(f"`{model._meta.db_table}`" for model in _models_of(app))
        lines.append(f"- [{app.label}](#{app.label}): {tables}")
    return "\n".join([*lines, "- [MongoDB](#mongodb)", "- [Redis](#redis)", ""])


def _app_section(app: AppConfig, catalog: dict[str, Relation]) -> str:
    own = _models_of(app)
    missing = [model._meta.db_table for model in own if model._meta.db_table not in catalog]
    if missing:
        raise NotMigrated(", ".join(missing))
    parts = [f"## {app.label}\n", er_diagram(own)]
    parts += [_table_section(model, catalog[model._meta.db_table]) for model in own]
    return "\n".join(parts)


def _table_section(model: type[models.Model], relation: Relation) -> str:
    meaning = "Joins two tables." if model._meta.auto_created else _table_meaning(model)
    parts = [f"### {relation.name}\n", f"{meaning}\n", _columns_table(model, relation), _constraints_table(relation)]
    triggers = [(f"`{t.name}`", t.fires, _code(t.condition), t.sentence) for t in relation.triggers]
    parts += [_table("Triggers", ("Trigger", "Fires", "When", "Refuses with"), triggers), _indexes_table(relation)]
    return "\n".join(part for part in parts if part)


def _constraints_table(relation: Relation) -> str:
    """A foreign key of one column stands at its column."""
    shown = [c for c in relation.constraints if c.kind != FOREIGN_KEY or len(c.columns) > 1]
    rows = [(f"`{c.name}`", _KINDS[c.kind], _code(c.definition)) for c in shown]
    return _table("Constraints", ("Constraint", "Kind", "Rule"), rows)


def _indexes_table(relation: Relation) -> str:
    rows = [(f"`{i.name}`", "yes" if i.is_unique else "", _code(i.definition)) for i in relation.indexes]
    return _table("Indexes", ("Index", "Unique", "On"), rows)


def _columns_table(model: type[models.Model], relation: Relation) -> str:
    fields = {field.column: field for field in model._meta.local_fields}
    rows = [_column_row(column, fields.get(column.name)) for column in relation.columns]
    return _table("", ("Column", "Type", "Null", "Meaning"), rows)


def _column_row(column: Column, field: models.Field | None) -> tuple:
    words = [_column_meaning(field)] if field else []
    if field is not None and field.remote_field:
        words.insert(0, f"→ `{field.related_model._meta.db_table}`.")
    if field is not None and field.choices and (field.max_length or 0) < 40:
        words.append("One of " + ", ".join(f"`{value}`" for value, _ in field.flatchoices) + ".")
    return f"`{column.name}`", column.type, "yes" if column.nullable else "", " ".join(filter(None, words))


def _table_meaning(model: type[models.Model]) -> str:
    """The docstring; Django makes one up, 'Name(columns)', where there is none."""
    text = inspect.cleandoc(model.__doc__ or "")
    if text.startswith(f"{model.__name__}("):
        text = meanings.TABLES.get(model._meta.label, "")
    return " ".join(text.split())


def _column_meaning(field: models.Field) -> str:
    if field.help_text and not field.model.__module__.startswith("django."):
        return _sentence(str(field.help_text))
    label = field.model._meta.label
    known = meanings.COLUMNS.get(f"{label}.{field.name}") or meanings.EVERYWHERE.get(field.name)
    return known or ("" if not field.choices else f"{str(field.verbose_name).capitalize()}.")


def _views_section(catalog: dict[str, Relation]) -> str:
    """Relations that no model has: materialized views, and Django's own tables by name only."""
    known = {model._meta.db_table for model in apps.get_models(include_auto_created=True)} | {"django_migrations"}
    views = [relation for name, relation in sorted(catalog.items()) if name not in known]
    if not views:
        return ""
    parts = ["## Materialized views and tables without a model\n"]
    for relation in views:
        columns = [(f"`{column.name}`", column.type) for column in relation.columns]
        parts += [f"### {relation.name}\n", _table("", ("Column", "Type"), columns), _indexes_table(relation)]
    return "\n".join(parts)


def _functions_section() -> str:
    rows = [(_code(signature), _code(result), comment) for signature, result, comment in read_functions()]
    extensions = ", ".join(f"`{name}`" for name in read_extensions())
    return f"## Extensions and functions\n\nExtensions: {extensions}.\n\n" + _table("", ("Function", "Returns", "Meaning"), rows)


def _stores_section(title: str, noun: str, stores: list[Store]) -> str:
    rows = [(f"`{store.name}`", store.holds, store.fields, f"`{store.kept_by}`") for store in stores]
    return f"## {title}\n\n" + _table("", (noun.capitalize(), "Holds", "Fields", "Kept by"), rows)


def _table(title: str, header: tuple, rows: Iterable[tuple]) -> str:
    rows = list(rows)
    if not rows:
        return ""
    lines = [f"{title}:\n"] if title else []
    lines += ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    lines += ["| " + " | ".join(_cell(value) for value in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _cell(value: str) -> str:
    return " ".join(value.split()).replace("|", "\\|")


def _code(text: str) -> str:
    return f"`{' '.join(text.split())}`" if text else ""


def _sentence(text: str) -> str:
    text = text.strip()
    return text if not text or text[-1] in ".!?" else f"{text}."
