"""Mermaid ER diagrams."""

from django.db import connection, models


def er_diagram(own: list[type[models.Model]]) -> str:
    """One app's tables with their columns; tables of other apps that they point at stand there by name."""
    lines = ["```mermaid", "erDiagram"]
    for model in own:
        lines += [f"    {model._meta.db_table} {{", *(f"        {_attribute(field)}" for field in model._meta.local_fields), "    }"]
    for model in own:
        lines += [f"    {_relationship(field)}" for field in model._meta.local_fields if field.remote_field]
    return "\n".join([*lines, "```", ""])


def _attribute(field: models.Field) -> str:
    is_unique = field.unique and not field.primary_key
    keys = [key for key, holds in (("PK", field.primary_key), ("FK", field.remote_field), ("UK", is_unique)) if holds]
    return f"{_type(field)} {field.column} {', '.join(keys)}".rstrip()


def _type(field: models.Field) -> str:
    """One word: mermaid takes no more."""
    return field.db_parameters(connection)["type"].replace("(", " ").split()[0]


def _relationship(field: models.ForeignKey) -> str:
    """`target ||--o{ source : column`: how many of the target, how many of the source."""
    target = "|o" if field.null else "||"
    source = "o|" if field.unique else "o{"
    return f"{field.related_model._meta.db_table} {target}--{source} {field.model._meta.db_table} : {field.name}"
