"""docs/permissions.md and .json, and the walk that they are made from."""

import json

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.http import HttpResponse
from django.urls import include, path
from django.views.decorators.http import require_safe
from rest_framework.views import APIView

from clinic.accounts.roles import Role
from clinic.core.pages import permission_required_page
from clinic.ops.describe.doors import ANONYMOUS, Undeclared, doors
from clinic.ops.describe.permissions import render_json, render_markdown
from patients.permissions import ADD_PATIENT, VIEW_PATIENT


@require_safe
def silent_page(request):
    return HttpResponse("Who asked for this?")


@permission_required_page(VIEW_PATIENT)
def any_method(request):
    return HttpResponse("Whatever you came for.")


@require_safe
@permission_required_page(VIEW_PATIENT)
def declared(request):
    return HttpResponse("For those who may.")


class HalfDeclared(APIView):
    action_permissions = {"get": VIEW_PATIENT}

    def get(self, request): ...

    def delete(self, request): ...


def doors_with(view):
    """The clinic's own, and one more route."""
    return doors([path("", include("clinic.urls")), path("extra/", view)])


def test_the_committed_documents_are_current():
    folder = settings.BASE_DIR / "docs"

    assert (folder / "permissions.md").read_text() == render_markdown(), "run `manage.py describe_permissions`"
    assert (folder / "permissions.json").read_text() == render_json(), "run `manage.py describe_permissions`"


def test_counts_a_cell_for_each_route_method_and_kind_of_caller():
    document = json.loads(render_json())

    assert document["cells"] == sum(len(row["roles"]) for row in document["routes"]) == len(doors()) * 8
    assert len({(row["path"], row["method"]) for row in document["routes"]}) == len(document["routes"])


def test_a_cell_says_which_roles_have_the_codename():
    rows = {(row["method"], row["path"]): row for row in json.loads(render_json())["routes"]}

    register = rows["POST", "/patients/register/"]
    assert register["permission"] == ADD_PATIENT
    assert {role for role, allowed in register["roles"].items() if allowed} == {Role.RECEPTION, Role.NURSE, Role.ADMIN}
    assert rows["GET", "/healthz"]["roles"][ANONYMOUS] is True
    assert not any(rows["GET", "/admin/billing/invoice/add/"]["roles"].values())
    assert rows["GET", "/admin/scheduling/appointment/"]["roles"][Role.DOCTOR] is False, "has the codename, not the back office"


def test_a_page_that_names_no_codename_stops_the_walk():
    with pytest.raises(Undeclared, match="GET /extra/"):
        doors_with(silent_page)


def test_a_page_that_does_not_say_its_methods_stops_the_walk():
    with pytest.raises(Undeclared, match="no method of /extra/"):
        doors_with(any_method)


def test_an_endpoint_that_forgets_one_method_stops_the_walk():
    with pytest.raises(Undeclared) as refusal:
        doors_with(HalfDeclared.as_view())

    assert str(refusal.value).splitlines()[0] == "DELETE /extra/"
    assert "action_permissions" in str(refusal.value)


def test_a_declared_page_adds_one_row():
    assert len(doors_with(declared)) == len(doors()) + 1


def test_check_passes_on_what_was_just_written_and_fails_on_a_change(tmp_path):
    call_command("describe_permissions", folder=tmp_path, verbosity=0)

    call_command("describe_permissions", folder=tmp_path, check=True)
    (tmp_path / "permissions.md").write_text("by hand")

    with pytest.raises(CommandError, match="not current"):
        call_command("describe_permissions", folder=tmp_path, check=True)
