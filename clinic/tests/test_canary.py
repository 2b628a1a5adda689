"""Names and clinical words that are planted, and then looked for where they must not be: logs, Redis, tasks, URLs, metrics, error pages."""

import html
import logging
import re
from types import SimpleNamespace
from uuid import uuid4

import pytest
from celery import Celery, Task
from django.conf import settings
from django.test import Client
from django.urls import reverse

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DoctorFactory, user
from clinic.audit.models import OutboxEvent
from clinic.audit.services.relay import relay_outbox
from clinic.celery import app
from clinic.core import redis
from clinic.core.logs import JsonFormatter
from clinic.ops.describe.doors import ANONYMOUS, API, doors
from clinic.tests.test_day_api import get, people, post
from clinic.tests.world import make_world
from patients.services.attachments import ship_files
from patients.services.notes import ship_notes
from patients.tests.factories import EncounterFactory, PatientFactory

__all__ = ["people"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("mid_morning")]
LEADS = re.compile(rb'(?:href|src|action|hx-(?:get|post|put|patch|delete|push-url|replace-url))="([^"]*)"')


def word() -> str:
    return "q" + re.sub("[0-9]", lambda digit: "ghijklmnop"[int(digit[0])], uuid4().hex)


class Lines(logging.Handler):
    """All that is logged, as it is written in production."""

    def __init__(self):
        super().__init__(logging.INFO)
        self.setFormatter(JsonFormatter())
        self.lines = []

    def emit(self, record):
        self.lines.append(self.format(record))


@pytest.fixture
def logged():
    handler, root = Lines(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield handler.lines
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture
def sent(monkeypatch):
    """What is given to tasks."""
    calls = []
    for owner, name in ((Task, "apply_async"), (Celery, "send_task")):
        original = getattr(owner, name)

        def call(self, *args, _original=original, **kwargs):
            calls.append((args, kwargs))
            return _original(self, *args, **kwargs)

        monkeypatch.setattr(owner, name, call)
    return calls


@pytest.fixture
def planted():
    names = ("first", "last", "street", "national", "relative", "substance", "problem", "reason", "note", "symptom", "tag", "diagnosis",
             "summary", "consent", "glass", "mail")  # fmt: skip
    digits = f"{uuid4().int % 10_000:04}"
    return SimpleNamespace(**{name: word() for name in names}, phone=f"202555{digits}")


def found(planted, *texts) -> dict[str, str]:
    """Which canaries are in which texts."""
    return {value: str(text)[:200] for text in texts for value in vars(planted).values() if value.lower() in str(text).lower()}


def everything_in_redis() -> list[str]:
    client, told = redis.client(), []
    for name in client.scan_iter(count=1000):
        kind = client.type(name)
        read = {
            "string": client.get,
            "hash": client.hgetall,
            "list": lambda key: client.lrange(key, 0, -1),
            "set": client.smembers,
            "zset": lambda key: client.zrange(key, 0, -1, withscores=True),
            "stream": client.xrange,
        }
        told.append(f"{name} {read[kind](name) if kind in read else ''}")
    return told


def a_visit(people, planted, client_as) -> dict[str, str]:
    """From the door to the signature, in words that nobody else uses; their ids."""
    desk, doctor = people["reception"], people["doctor"]
    patient = post(desk, "patients/", {
        "first_name": planted.first, "last_name": planted.last, "date_of_birth": "1984-02-29", "sex": "female", "address": planted.street,
        "phone": f"+1{planted.phone}", "national_id": planted.national[:30], "email": f"{planted.mail}@example.org",
        "emergency_contact": {"name": planted.relative, "relation": "husband"}, "allergies": [{"substance": planted.substance}],
        "problems": [{"text": planted.problem}],
    })["id"]  # fmt: skip
    assert get(desk, f"patients/?search={planted.last}")["results"]
    post(desk, "auth/signup/", {"email": f"{planted.mail}@example.com", "first_name": planted.first}, expect=400)
    token = post(
        desk, "queue/walk-in/", {"patient": patient, "doctor": people["doctor_id"], "priority": "routine", "reason": planted.reason}
    )
    visit = post(doctor, "visits/", {"token": token["id"]})["id"]
    post(doctor, f"visits/{visit}/notes/", {"text": planted.note, "observations": {"symptoms": [planted.symptom]}, "tags": [planted.tag]})
    post(doctor, f"visits/{visit}/diagnoses/", {"text": planted.diagnosis, "rank": "primary"})
    post(doctor, f"visits/{visit}/diagnoses/", {"text": planted.diagnosis, "rank": "primary"}, expect=409)
    doctor.patch(f"/api/v1/visits/{visit}/", {"diagnosis_text": planted.summary})
    consent = {"category": "treatment", "status": "active", "given_on": "2026-01-05", "detail": planted.consent}
    post(people["nurse"], f"patients/{patient}/consents/", consent)
    post(doctor, f"visits/{visit}/complete/", expect=200)
    post(doctor, f"patients/{patient}/restrict/", expect=200)
    post(people["nurse"], f"patients/{patient}/break-glass/", {"reason": planted.glass})
    ship_notes()
    ship_files()
    relay_outbox()
    return {"patient": patient, "encounter": visit}


def test_what_is_planted_is_found_where_it_belongs_and_nowhere_else(people, planted, logged, sent, client_as):
    ids = a_visit(people, planted, client_as)
    browser = client_as(user(Role.ADMIN))
    Client().post("/accounts/login/", {"username": f"{planted.mail}@example.org", "password": "wrong"})
    post(people["nurse"], f"patients/{ids['patient']}/break-glass/", {"reason": planted.glass})
    answers = [
        browser.post(f"/patients/{ids['patient']}/break-glass/", {"reason": planted.glass}),
        browser.get(f"/patients/{ids['patient']}/"),
        browser.get(f"/patients/{ids['patient']}/history/"),
        browser.get(f"/consultations/{ids['encounter']}/"),
        browser.get("/patients/"),
        browser.get("/reception/"),
        browser.get("/queue/"),
        browser.post("/patients/register/", {"first_name": planted.first, "last_name": planted.last}),
    ]

    assert planted.problem.encode() in answers[1].content
    assert planted.note.encode() in answers[3].content
    assert planted.last.encode() in answers[4].content
    leads = [html.unescape(lead.decode()) for answer in answers for lead in LEADS.findall(answer.content)]
    addresses = [lead for lead in leads if not lead.startswith(("tel:", "mailto:"))] + [answer.get("Location", "") for answer in answers]
    assert len(addresses) > 100
    assert found(planted, *addresses) == {}
    assert found(planted, *logged) == {}
    assert found(planted, *everything_in_redis()) == {}
    assert found(planted, *sent) == {}
    assert found(planted, *(event.document for event in OutboxEvent.objects.all())) == {}
    assert found(planted, Client().get("/metrics").content) == {}


def test_redis_and_the_log_were_not_empty(people, planted, logged, client_as):
    """The control: a canary that is there is found in each of them."""
    a_visit(people, planted, client_as)
    logging.getLogger("clinic").info("token issued", extra={"patient": planted.last})
    redis.client().hset(redis.key("control"), planted.first, "1")

    assert set(found(planted, *logged)) == {planted.last}
    assert set(found(planted, *everything_in_redis())) == {planted.first}


def test_what_the_clock_gives_tasks_holds_no_words():
    """Beat's tasks find their work themselves; a switch is all that any of them is given."""
    given = [each for entry in app.conf.beat_schedule.values() for each in [*entry.get("args", ()), *entry.get("kwargs", {}).values()]]

    assert {type(each) for each in given} <= {bool, int}


class TestFailures:
    @pytest.fixture
    def visitor(self, settings, client_as):
        settings.DEBUG = False
        client = client_as(user(Role.ADMIN))
        client.raise_request_exception = False
        return client

    @pytest.mark.parametrize(("path", "search"), [("/patients/", "search_patients"), ("/api/v1/patients/", "search_ids")])
    def test_a_crash_tells_neither_the_visitor_nor_the_log(self, visitor, planted, logged, monkeypatch, path, search):
        def crash(*args, **kwargs):
            raise RuntimeError(f"Key (last_name)=({planted.last}) already exists.")

        monkeypatch.setattr(f"patients.selectors.{search}", crash)
        answer = visitor.get(path, {"q": planted.first, "search": planted.first})

        assert answer.status_code == 500
        assert found(planted, answer.content.decode(), *answer.items(), *logged) == {}
        assert any("RuntimeError" in line for line in logged)

    def test_what_is_not_there_repeats_no_question(self, visitor, planted, logged):
        for path in (f"/patients/{uuid4()}/", f"/api/v1/patients/{uuid4()}/", "/nowhere/"):
            answer = visitor.get(path, {"q": planted.first})

            assert answer.status_code == 404
            assert found(planted, answer.content.decode(), *logged) == {}

    def test_who_is_refused_reads_nothing(self, planted, logged, client_as):
        doctor = DoctorFactory()

        patient = PatientFactory(first_name=planted.first, last_name=planted.last)
        visit = EncounterFactory(patient=patient, doctor=doctor, reason=planted.reason)
        answer = client_as(user(Role.RECEPTION)).get(reverse("portal:consultation", args=[visit.public_id]))

        assert answer.status_code == 403
        assert found(planted, answer.content.decode(), *logged) == {}


def test_no_server_writes_addresses_down():
    """A search's words stand in its address: no server of the product keeps a log of those."""
    base = settings.BASE_DIR
    commands = [(base / name).read_text() for name in ("Dockerfile", "docker-compose.yml", "clinic/ops/demo.py")]
    proxy = commands[1].partition("caddyfile:")[2]

    assert "--access-log" not in "".join(commands)
    assert not re.search(r"^\s*log\b", proxy, re.MULTILINE)


@pytest.mark.parametrize("role", [Role.ADMIN, Role.DOCTOR, Role.PATIENT])
def test_nothing_that_a_signed_in_person_gets_is_kept_by_a_cache(role, client_as, api_as):
    """Each GET of the product, whatever it answers."""
    world, kept, asked = make_world(), [], 0
    browser, program = client_as(world.people[role]), api_as(world.people[role])
    for door in doors():
        if door.method != "GET" or door.lets_in(ANONYMOUS):
            continue
        answer = (program if door.surface == API else browser).get(world.address(door.path, getattr(door.view, "model_admin", None)))
        asked += 1
        if "no-store" not in answer.get("Cache-Control", ""):
            kept.append((door.path, answer.status_code, answer.get("Cache-Control")))
    assert asked > 150
    assert kept == []
