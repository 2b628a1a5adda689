"""What PostgreSQL itself says about a schema: its catalog knows also what a migration added in SQL."""

import re
from dataclasses import dataclass, field

from django.db import connection

CHECK, EXCLUSION, FOREIGN_KEY, UNIQUE = "c", "x", "f", "u"


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    nullable: bool
    default: str


@dataclass(frozen=True)
class Constraint:
    name: str
    kind: str
    definition: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Index:
    name: str
    definition: str
    is_unique: bool


@dataclass(frozen=True)
class Trigger:
    """`name` is the one a refusal carries: without the prefix and hash that pgtrigger adds."""

    name: str
    fires: str
    condition: str
    sentence: str


@dataclass
class Relation:
    """A table, or a materialized view."""

    name: str
    columns: list[Column] = field(default_factory=list)
    constraints: list[Constraint] = field(default_factory=list)
    indexes: list[Index] = field(default_factory=list)
    triggers: list[Trigger] = field(default_factory=list)


# Partitions are left out: they have their parent's columns, and come and go with the months.
_COLUMNS = """
    SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
           COALESCE(CASE WHEN a.attgenerated <> '' THEN 'generated: ' ELSE '' END || pg_get_expr(d.adbin, d.adrelid), '')
      FROM pg_class c
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'm') AND NOT c.relispartition
     ORDER BY c.relname, a.attnum
"""
_CONSTRAINTS = """
    SELECT c.relname, o.conname, o.contype, pg_get_constraintdef(o.oid, true),
           ARRAY(SELECT a.attname FROM unnest(o.conkey) WITH ORDINALITY k(attnum, place)
                   JOIN pg_attribute a ON a.attrelid = o.conrelid AND a.attnum = k.attnum ORDER BY k.place)
      FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid
     WHERE c.relnamespace = 'public'::regnamespace AND o.contype IN ('c', 'x', 'f', 'u')
     ORDER BY c.relname, o.conname
"""
# An index that a primary key, unique or exclusion constraint brought along is that constraint's business.
_INDEXES = """
    SELECT c.relname, i.relname, pg_get_indexdef(x.indexrelid), x.indisunique
      FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
     WHERE c.relnamespace = 'public'::regnamespace
       AND NOT EXISTS (SELECT FROM pg_constraint o WHERE o.conindid = x.indexrelid AND o.contype IN ('p', 'u', 'x'))
     ORDER BY c.relname, i.relname
"""
_TRIGGERS = """
    SELECT c.relname, t.tgname, pg_get_triggerdef(t.oid, true), p.prosrc
      FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
     WHERE c.relnamespace = 'public'::regnamespace AND NOT t.tgisinternal
     ORDER BY c.relname, t.tgname
"""
_FUNCTIONS = """
    SELECT p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), COALESCE(obj_description(p.oid), '')
      FROM pg_proc p
     WHERE p.pronamespace = 'public'::regnamespace AND p.prorettype <> 'trigger'::regtype
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
     ORDER BY p.proname, 2
"""
_EXTENSIONS = "SELECT extname FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY extname"


def read_catalog() -> dict[str, Relation]:
    """Tables and materialized views of the default database's public schema, by name."""
    relations: dict[str, Relation] = {}
    for table, *column in _rows(_COLUMNS):
        relations.setdefault(table, Relation(table)).columns.append(Column(*column))
    for table, name, kind, definition, columns in _rows(_CONSTRAINTS):
        if table in relations:
            relations[table].constraints.append(Constraint(name, kind, definition, tuple(columns)))
    for table, name, definition, is_unique in _rows(_INDEXES):
        if table in relations:
            relations[table].indexes.append(Index(name, _shortened_index(definition), is_unique))
    for table, name, definition, source in _rows(_TRIGGERS):
        if table in relations:
            relations[table].triggers.append(_trigger(name, definition, source))
    return relations


def read_functions() -> list[tuple[str, str, str]]:
    """(signature, result, comment) of the functions that migrations made."""
    return [(f"{name}({arguments})", result, comment) for name, arguments, result, comment in _rows(_FUNCTIONS)]


def read_extensions() -> list[str]:
    return [name for (name,) in _rows(_EXTENSIONS)]


def _rows(sql: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def _shortened_index(definition: str) -> str:
    """From `USING` on: the name and the table stand beside it already."""
    return definition.partition(" USING ")[2]


def _trigger(name: str, definition: str, source: str) -> Trigger:
    fires = re.search(r"TRIGGER \S+ (.+?) ON ", definition)
    condition = re.search(r" FOR EACH \w+ WHEN \((.+)\) EXECUTE ", definition, re.DOTALL)
    sentences = re.findall(r"MESSAGE = '([^']+)'", source)
    return Trigger(
        name=re.sub(r"^pgtrigger_(.+)_[0-9a-f]{5}$", r"\1", name),
        fires=fires[1].lower() if fires else "",
        condition=condition[1] if condition else "",
        sentence="; ".join(dict.fromkeys(sentences)),
    )
