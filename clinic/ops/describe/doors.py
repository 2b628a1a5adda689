"""Every route and method of the clinic, with the policy that its view declares."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.contrib.admin import ModelAdmin
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.urls import URLPattern, get_resolver
from django.views.generic import RedirectView
from rest_framework.permissions import AllowAny
from rest_framework.views import APIView

from clinic.accounts.admin_site import BACK_OFFICE as BACK_OFFICE_DOOR
from clinic.accounts.models import User
from clinic.accounts.roles import Role
from clinic.core.admin import CodenamePermissions
from clinic.core.api import policy_of_action
from clinic.core.pages import policy_of_page
from clinic.core.policy import PUBLIC, Policy
from clinic.core.views import UnknownEndpoint

ANONYMOUS = "ANONYMOUS"
ROLES = (ANONYMOUS, *Role.values)
PAGES, API, BACK_OFFICE = "Pages", "API", "Back office"
DEMO_ONLY = {"patterns"}  # mounted in development and in a demo: components with made-up data

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# What a view of a model's admin asks for: by GET, by POST.
_ADMIN_VERBS = {
    "changelist": ("view", "view"),
    "add": ("add", "add"),
    "change": ("view", "change"),
    "delete": ("delete", "delete"),
    "history": ("view", "view"),
}


class Undeclared(Exception):
    """Views that do not say who may use them, one per line."""

    def __str__(self):
        return f"""{super().__str__()}
Nobody gets in where nothing is declared. A page says it by permission_required_page, staff_page or login_not_required below
require_safe, require_POST or require_http_methods; an endpoint in action_permissions; a model of the back office as CodenameAdmin."""


@dataclass(frozen=True)
class Door:
    path: str  # as the URL conf spells it, e.g. patients/<uuid:patient>/
    method: str
    name: str  # with name spaces; empty where the route has none
    surface: str
    app: str
    policies: tuple[Policy, ...]  # all of which have to let in
    view: object  # the callback

    def lets_in(self, role: str) -> bool:
        return all(policy.lets_in(_person(role)) for policy in self.policies)

    @property
    def permission(self) -> str:
        return " and ".join(str(policy) for policy in self.policies)


def doors(patterns: list | None = None) -> list[Door]:
    """Those of the URL conf, or of other patterns, in their order. Raises Undeclared: default deny is no substitute for a decision."""
    found, silent = [], []
    for path, name, view in routes(get_resolver().url_patterns if patterns is None else patterns):
        methods = methods_of(view)
        if not methods:
            silent.append(f"no method of /{path}")
        for method in methods:
            policies = policies_of(view, method, name)
            if None in policies:
                silent.append(f"{method} /{path}")
            found.append(Door(path, method, name, _surface(path, view), _app(view), policies, view))
    if silent:
        raise Undeclared("\n".join(silent))
    return found


def routes(patterns: list, prefix: str = "", space: str = "") -> Iterator[tuple[str, str, object]]:
    """(path, name, view) of each route."""
    for entry in patterns:
        path = prefix + str(entry.pattern).removeprefix("^").removesuffix("$")
        if not isinstance(entry, URLPattern):
            inner = f"{space}{entry.namespace}:" if entry.namespace else space
            yield from routes(entry.url_patterns, path, inner)
        elif entry.name not in DEMO_ONLY:
            yield path, f"{space}{entry.name}" if entry.name else "", entry.callback


def methods_of(view) -> list[str]:
    """Those that the view takes, HEAD and OPTIONS aside."""
    if _is_api(view):
        taken = getattr(view, "actions", None) or {name for name in view.cls.http_method_names if hasattr(view.cls, name)}
        return [method for method in _METHODS if method.lower() in taken] or ["GET"]
    if hasattr(view, "model_admin") or hasattr(view, "admin_site"):
        return ["GET", "POST"]
    return [method for method in _METHODS if method in _allowed_by_page(view)]


def policies_of(view, method: str, name: str) -> tuple[Policy | None, ...]:
    """All have to let in; a None stands for what is not declared."""
    if _is_api(view):
        return (_policy_of_endpoint(view, method),)
    if hasattr(view, "model_admin") and getattr(view, "view_class", None) is not RedirectView:
        return BACK_OFFICE_DOOR, _policy_of_model_admin(view.model_admin, method, name)
    if hasattr(view, "admin_site") or hasattr(view, "model_admin"):
        return (BACK_OFFICE_DOOR,)
    return (policy_of_page(view, method),)


def _policy_of_endpoint(view, method: str) -> Policy | None:
    if view.cls is UnknownEndpoint or AllowAny in (view.initkwargs.get("permission_classes") or view.cls.permission_classes):
        return PUBLIC
    actions = getattr(view, "actions", None) or {}
    return policy_of_action(view.cls, actions.get(method.lower(), method.lower()))


def _policy_of_model_admin(model_admin: ModelAdmin, method: str, name: str) -> Policy | None:
    if not isinstance(model_admin, CodenamePermissions):
        return None
    verbs = _ADMIN_VERBS.get(name.rpartition("_")[2])
    return model_admin.policy_of(verbs[method == "POST"]) if verbs else None


def _is_api(view) -> bool:
    return issubclass(getattr(view, "cls", object), APIView)


def _allowed_by_page(view) -> set[str]:
    """What the view itself says when it is asked by a method that nobody takes."""
    request = HttpRequest()
    request.method, request.user = "PROBE", AnonymousUser()
    try:
        answer = view(request)
    except PermissionDenied:  # it asks who comes before it asks what for
        return set()
    return set(answer.headers.get("Allow", "").split(", "))


def _surface(path: str, view) -> str:
    if path.startswith("admin/"):
        return BACK_OFFICE
    return API if _is_api(view) else PAGES


def _app(view) -> str:
    if hasattr(view, "model_admin"):
        return view.model_admin.model._meta.app_label
    top, *inner = getattr(view, "cls", view).__module__.split(".")
    return inner[0] if top == "clinic" else top if top in settings.INSTALLED_APPS else "core"


@cache
def _person(role: str) -> User | AnonymousUser:
    """Somebody of that role alone; nobody in the database."""
    if role == ANONYMOUS:
        return AnonymousUser()
    person = User()
    person.group_names = [role]
    return person
