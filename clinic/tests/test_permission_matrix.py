"""Every route by every method as every role: what happens is what the view declares, see docs/permissions.md.

Whoever adds a route: the view declares who gets in (`permission_required_page`, `action_permissions` or a codename of
the back office); clinic/tests/world.py says what the parameters of its address mean; `manage.py describe_permissions`
writes it down. Nothing is added here.
"""

import re
from collections import defaultdict

import pytest
from django.db import transaction
from django.urls import resolve
from rest_framework.test import APIClient

from clinic.accounts.roles import Role
from clinic.accounts.services.tokens import open_session
from clinic.audit.models import OutboxEvent
from clinic.core.policy import Policy
from clinic.core.views import UnknownEndpoint
from clinic.ops.describe.doors import API, BACK_OFFICE, ROLES, Door, doors
from clinic.tests.world import MISSING, World, make_world

pytestmark = pytest.mark.django_db

LET_IN, REFUSED = "let in", "refused"
# What a view asks for before it looks who comes.
QUERIES = {"admin:autocomplete": "?term=x&app_label=scheduling&model_name=doctorsession&field_name=doctor"}


@pytest.fixture(autouse=True)
def _paid_online(settings):
    settings.PAYMENT_PROVIDER = "billing.providers.TestProvider"
    settings.PAYMENT_WEBHOOK_SECRET = "a-secret-of-the-tests-a-secret-of-the-tests"


@pytest.fixture
def world() -> World:
    return make_world()


class Caller:
    """Somebody with a browser's session for pages and a bearer token for the API. What a request does is undone."""

    def __init__(self, person=None):
        self.browser = APIClient(raise_request_exception=False)
        self.program = APIClient(raise_request_exception=False)
        if person is not None:
            self.browser.force_login(person)
            self.program.credentials(HTTP_AUTHORIZATION=f"Bearer {open_session(user=person).access}")

    def ask(self, door: Door, address: str) -> str:
        """What became of a request without parameters: let in, refused at the door, or failed."""
        client = self.program if door.surface == API else self.browser
        form = {"data": {}, "format": "json" if door.surface == API else "multipart"} if door.method != "GET" else {}
        cookies = client.cookies.copy()
        with transaction.atomic():
            answer = getattr(client, door.method.lower())(address, **form)
            result = outcome(answer)
            transaction.set_rollback(True)
        client.cookies = cookies
        return result


def outcome(answer) -> str:
    if answer.status_code >= 500:
        return f"failed with {answer.status_code}"
    if answer.status_code == 302 and re.match(r"/(accounts|admin)/login/\?next=", answer["Location"]):
        return REFUSED
    if answer.status_code in {401, 403}:
        code = _audited_code(answer)
        return {"not_authenticated": REFUSED, "permission_denied": REFUSED, None: "refused without a trace"}.get(code, LET_IN)
    return LET_IN


def _audited_code(answer) -> str | None:
    """Why it was refused, as the audit has it. Any other code than the door's own is a rule's, which is asked behind the door."""
    refusals = OutboxEvent.objects.filter(action="request.refused", request_id=answer["X-Request-ID"])
    return next((event.document["changes"]["code"] for event in refusals), None)


def address_of(door: Door, world: World) -> str:
    return world.address(door.path, getattr(door.view, "model_admin", None))


def test_every_door_has_an_address(world):
    """Else another view would be asked, or none."""
    lost = []
    for door in doors():
        address = address_of(door, world)
        if str(MISSING) in address:
            lost.append(f"/{door.path}: say in clinic/tests/world.py which row (rows) or which word (_WORDS) its parameters mean")
        elif resolve(address).func is not door.view:
            lost.append(f"{address} does not lead to /{door.path}")
    assert not lost, "\n".join(lost)


@pytest.mark.parametrize("role", ROLES)
def test_who_is_declared_to_get_in_gets_in_and_nobody_else(world, role):
    caller, wrong = Caller(world.people.get(role)), []
    for door in doors():
        if door.name == "admin:login":  # all that it does is to send on to the clinic's own
            continue
        address = address_of(door, world)
        declared, found = LET_IN if door.lets_in(role) else REFUSED, caller.ask(door, address + QUERIES.get(door.name, ""))
        if found != declared:
            wrong.append(f"{door.method} {address} as {role}: {declared} by {door.permission}, but {found}")
    assert not wrong, "\n".join(wrong)


def test_nobody_gets_through_by_a_method_that_is_not_declared(world):
    """Not even the administrator, who may do the most. The back office aside: Django's views take any method for a GET."""
    browser, taken, wrong = Caller(world.people[Role.ADMIN]).browser, defaultdict(set), []
    for door in doors():
        if door.surface != BACK_OFFICE and getattr(door.view, "cls", None) is not UnknownEndpoint:
            taken[address_of(door, world)].add(door.method)
    for address, methods in taken.items():
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - methods:
            answer = browser.generic(method, address, "{}", content_type="application/json")
            if answer.status_code != 405:
                wrong.append(f"{method} {address} answers {answer.status_code}")
    assert not wrong, "\n".join(wrong)


def test_an_administrator_who_is_no_doctor_is_refused_by_the_rule_and_that_is_audited(world, client_as):
    page = f"/pharmacy/prescriptions/{world.rows['prescription'].public_id}/sign/"

    answer = client_as(world.people[Role.ADMIN]).post(page)

    assert answer.status_code == 403
    assert _audited_code(answer) == "not_a_prescriber"


def test_a_door_that_lets_in_one_role_too_many_is_noticed(world):
    """The negative control: who may export the audit is asked of the view, and the view asks too little."""
    nurse = Caller(world.people[Role.NURSE])
    door = next(door for door in doors() if door.name == "audit:export")

    assert (door.lets_in(Role.NURSE), nurse.ask(door, address_of(door, world))) == (False, REFUSED)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Policy, "lets_in", lambda policy, user: True)
        assert nurse.ask(door, address_of(door, world)) == LET_IN
