"""docs/permissions.md and docs/permissions.json: who may do what, from the roles and from what each view declares."""

import json
from itertools import groupby

from clinic.accounts.permissions import MANAGE_DIRECTORY, MANAGE_USERS
from clinic.accounts.roles import ROLE_CODENAMES, Role
from clinic.ops.describe.doors import API, BACK_OFFICE, PAGES, ROLES, Door, doors

_INTRODUCTION = """\
# Permissions

Written by `manage.py describe_permissions`; do not edit. For programs the same stands in `permissions.json`.

**{cells} cells**: {doors} pairs of route and method, each for {roles} kinds of callers. A test sends the request
of every cell and compares the answer with what stands here.

A role grants codenames (`clinic/accounts/roles.py`, the only place where the two meet). A page, an endpoint and a
model of the back office each name the codename that they need; what names none is refused, and the walk that writes
this file fails on it. *staff* means that a patient alone is refused even with the codename, since other people's rows
are shown. Which rows somebody sees is a second question, answered by `visible_to(user)`: a row that one may not see
answers exactly as one that does not exist.

A role not named in a row is refused: 401 or 403 by the API, 403 by a page, and a stranger is sent to sign in.
"""
_TITLES = {role: Role(role).label if role in Role.values else "Stranger" for role in ROLES}
_EVERYONE, _ALL_ROLES = set(ROLES), set(Role.values)


def render_markdown() -> str:
    """Raises Undeclared."""
    found = doors()
    parts = [_INTRODUCTION.format(cells=_cells(found), doors=len(found), roles=len(ROLES)), _codenames()]
    for surface in (PAGES, API, BACK_OFFICE):
        parts.append(f"## {surface}\n")
        own = sorted((door for door in found if door.surface == surface), key=lambda door: door.app)
        parts += [_table(app, list(group)) for app, group in groupby(own, key=lambda door: door.app)]
    return "\n".join(parts)


def render_json() -> str:
    """Raises Undeclared."""
    found = doors()
    rows = [
        {
            "path": f"/{door.path}",
            "method": door.method,
            "name": door.name,
            "permission": door.permission,
            "roles": {role: door.lets_in(role) for role in ROLES},
        }
        for door in found
    ]
    lines = ",\n".join(f"  {json.dumps(row)}" for row in rows)
    return f'{{"cells": {_cells(found)}, "routes": [\n{lines}\n]}}\n'


def _cells(found: list[Door]) -> int:
    return len(found) * len(ROLES)


def _codenames() -> str:
    known = sorted(frozenset().union(*ROLE_CODENAMES.values()) | {MANAGE_DIRECTORY, MANAGE_USERS})
    roles = list(ROLE_CODENAMES)
    rows = [[f"`{code}`", *("yes" if code in ROLE_CODENAMES[role] else "" for role in roles)] for code in known]
    head = ["Codename", *(_TITLES[role] for role in roles)]
    return f"## Codenames\n\nThe administrator has all of them.\n\n{_markdown(head, rows)}"


def _table(app: str, own: list[Door]) -> str:
    rows = [[f"`{door.method}`", f"`/{_escaped(door.path)}`", door.permission, _who(door)] for door in own]
    return f"### {own[0].surface}: {app}\n\n{_markdown(['Method', 'Path', 'Needs', 'Who'], rows)}"


def _who(door: Door) -> str:
    allowed = {role for role in ROLES if door.lets_in(role)}
    if allowed in (_EVERYONE, _ALL_ROLES):
        return "everyone" if allowed == _EVERYONE else "all who signed in"
    return ", ".join(_TITLES[role] for role in ROLES if role in allowed) or "nobody"


def _markdown(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _escaped(path: str) -> str:
    return path.replace("|", "\\|")
