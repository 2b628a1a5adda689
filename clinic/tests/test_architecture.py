"""What holds for the whole tree: directions, doors, and where things may stand."""

import importlib
import re
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from clinic.accounts.roles import ROLE_CODENAMES, Role

LAYERS = [
    {"core"},
    {"accounts"},
    {"audit"},
    {"patients"},
    {"scheduling", "pharmacy"},
    {"billing"},
    {"analytics"},
    {"portal", "fhir"},
    {"ops"},
]
RANK = {label: rank for rank, labels in enumerate(LAYERS) for label in labels}
OURS = [apps.get_app_config(label) for label in RANK]

# Doors that are open to strangers, each for a reason.
PUBLIC = {
    "accounts:login",
    "accounts:sign_up",  # the answer is the same whoever the address belongs to
    "accounts:sign_up_confirm",  # by a link that works once
    "accounts:reset",
    "accounts:reset_confirm",
    "healthz",
    "readyz",
    "metrics",  # numbers only, with a token or from this machine
    "scheduling:board",  # tokens and rooms only
    "pharmacy:verify",  # whether a paper holds, by the code on it; no person, no medicine
    "scheduling:place",  # a number's place in the queue, by the key on its slip
    "schema",  # the API's description names no person
    "docs",
    "redoc",
    "v1:api:login",
    "v1:api:refresh",
    "v1:api:logout",
    "patterns",  # made-up data, in development and demo only
}


def test_no_foreign_key_points_up():
    """String references hide from the import contract."""
    upward = []
    for config in OURS:
        for model in config.get_models():
            for field in model._meta.get_fields():
                target = getattr(field, "related_model", None)
                if field.auto_created or target is None or target._meta.app_label not in RANK:
                    continue
                own, other = model._meta.app_label, target._meta.app_label
                if RANK[other] > RANK[own] or (RANK[other] == RANK[own] and other != own):
                    upward.append(f"{own}.{model.__name__}.{field.name} -> {other}")
    assert upward == []


def test_roles_grant_exactly_the_codenames_that_apps_name():
    named = set()
    for config in OURS:
        try:
            module = importlib.import_module(f"{config.name}.permissions")
        except ModuleNotFoundError:
            continue
        named |= {value for name, value in vars(module).items() if name.isupper() and isinstance(value, str)}
    granted = frozenset().union(*ROLE_CODENAMES.values())

    assert granted - named == set(), "granted, but no app asks for it"
    only_administrators = {code for code in named - granted if not code.startswith("accounts.")}
    assert only_administrators == set(), "asked for, but no role has it"


def test_every_role_but_the_administrator_has_a_row():
    assert set(ROLE_CODENAMES) == set(Role) - {Role.ADMIN}


def test_rows_are_locked_in_locks_modules_only():
    found = [
        str(path.relative_to(settings.BASE_DIR))
        for path in _sources()
        if "select_for_update" in path.read_text() and path.name != "locks.py"
    ]
    assert found == []


@pytest.mark.parametrize("word", ["pymongo", "import redis"])
def test_other_stores_are_reached_in_their_own_modules_only(word):
    allowed = {"stores.py", "sink.py", "mongo.py", "redis.py", "health.py", "testing.py", "projection.py"}
    found = [
        str(path.relative_to(settings.BASE_DIR))
        for path in _sources()
        if re.search(rf"^\s*(from|import) {word.removeprefix('import ')}\b", path.read_text(), re.M)
        and path.name not in allowed
        and "ops" not in path.parts
    ]
    assert found == []


def test_partial_templates_say_what_they_need():
    partials = [
        path for path in (settings.BASE_DIR / "templates").rglob("_*.html") if "django" not in path.parts and "admin" not in path.parts
    ]
    silent = [str(path.relative_to(settings.BASE_DIR)) for path in partials if not re.match(r"\{#.*Needs", path.read_text())]
    assert partials
    assert silent == []


@pytest.mark.django_db
def test_strangers_get_through_the_public_doors_only():
    client, opened = Client(raise_request_exception=True), []
    for name, path in _routes():
        if name in PUBLIC or path.startswith("/admin/"):
            continue
        status = client.get(path).status_code
        if status not in {302, 401, 403, 404, 405}:
            opened.append((name, path, status))
    assert opened == []


def _sources():
    for config in OURS:
        for path in Path(config.path).rglob("*.py"):
            if "tests" not in path.parts and "migrations" not in path.parts:
                yield path


def _routes(patterns=None, prefix="/", space=""):
    """(name, a path with made-up ids) of each route."""
    for entry in patterns if patterns is not None else get_resolver().url_patterns:
        route = prefix + re.sub(r"<\w+:\w+>|<\w+>", _sample, str(entry.pattern))
        if isinstance(entry, URLResolver):
            inner = f"{space}{entry.namespace}:" if entry.namespace else space
            yield from _routes(entry.url_patterns, route, inner)
        elif isinstance(entry, URLPattern):
            yield f"{space}{entry.name}" if entry.name else "", route


def _sample(match) -> str:
    kind = match[0][1:].split(":")[0]
    return {"uuid": "6c1f0a52-0a6f-4a0c-9a55-1f6f4a3f2d11", "int": "1", "path": "x"}.get(kind, "2026-01-05")
