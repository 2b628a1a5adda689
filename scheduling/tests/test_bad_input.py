"""Each line of bad input, over the API and on its page: a 4xx that says what and why, and nothing written."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.apps import apps
from django.utils import timezone

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from scheduling.models import Appointment
from scheduling.tests.factories import DAY, AppointmentFactory, ExceptionFactory, PatientFactory, at, working_doctor
from scheduling.tests.steps import change, url, walk_in_now, words

pytestmark = pytest.mark.django_db
API = "/api/v1"
HTMX = {"HX-Request": "true"}
NOBODY = "6c1f0a52-0a6f-4a0c-9a55-1f6f4a3f2d11"
APPS = ("accounts", "patients", "scheduling", "pharmacy", "billing")


def rows() -> dict:
    """How many rows each table has, and which state each appointment and token is in. A refusal is audited: that is not ours."""
    counts = {model._meta.label: model._default_manager.count() for label in APPS for model in apps.get_app_config(label).get_models()}
    states = [list(apps.get_model("scheduling", name).objects.order_by("pk").values()) for name in ("Appointment", "Token")]
    return counts | {"states": states}


class World:
    """A doctor who works on DAY, a patient, and the two ways in."""

    def __init__(self, api, web):
        self.api, self.web = api, web
        self.doctor, self.patient = working_doctor(), PatientFactory()
        self.gone = PatientFactory(status="inactive", deactivated_reason="moved away")
        self.away = working_doctor()
        ExceptionFactory(doctor=self.away)
        self.mine = AppointmentFactory(doctor=self.doctor, during=(at(11), at(11, 15)))
        self.closed = change(walk_in_now(self.doctor), "left", now=timezone.now())
        self.waiting = walk_in_now(self.doctor)

    # --- Over the API ---

    def booking(self, **changes):
        body = {"patient": self.patient.public_id, "doctor": self.doctor.public_id, "start": at(9).isoformat()}
        return self.api.post(f"{API}/appointments/", body | changes)

    def moving(self, **body):
        return self.api.post(f"{API}/appointments/{self.mine.public_id}/reschedule/", body)

    def walking_in(self, **changes):
        body = {"patient": self.patient.public_id, "doctor": self.doctor.public_id, "priority": "routine"}
        return self.api.post(f"{API}/queue/walk-in/", body | changes)

    def status(self, token, status):
        return self.api.patch(f"{API}/queue/{token.public_id}/status/", {"status": status})

    # --- On the pages ---

    def book_page(self, patient=None, doctor=None, **changes):
        form = {"request_id": uuid4(), "doctor": (doctor or self.doctor).public_id, "start": at(9).isoformat()}
        return self.web.post(url("book", (patient or self.patient).public_id), form | changes)

    def move_page(self, **changes):
        form = {"request_id": uuid4(), "doctor": self.doctor.public_id, "start": at(9).isoformat()}
        return self.web.post(url("move", self.mine.public_id), form | changes)

    def walk_in_page(self, patient):
        form = {"request_id": uuid4(), "place": f"doctor:{self.doctor.public_id}", "priority": "routine"}
        return self.web.post(url("walk_in", patient=patient.public_id), form)

    def status_page(self, token, status):
        return self.web.post(url("change_status", token.public_id), {"status": status, "queue": token.queue.public_id}, headers=HTMX)

    def exception_page(self, start, end):
        form = {"kind": "leave", "doctor": self.doctor.public_id, "start": start, "end": end, "slot_minutes": 15}
        return self.web.post(url("add_exception"), form)


@pytest.fixture
def world(api_as, client_as):
    """By somebody who may do everything."""
    who = user(Role.ADMIN, Role.RECEPTION, Role.DOCTOR, Role.MANAGER)
    return World(api_as(who), client_as(who))


FAR_AWAY = "9999-12-31T23:59:59Z"
YESTERDAY = (timezone.now() - timedelta(days=1)).isoformat()

OVER_THE_API = {
    "past time": (lambda w: w.booking(start=YESTERDAY), 409, "in_the_past"),
    "past time, overbooked": (lambda w: w.booking(start=YESTERDAY, overbook_reason="urgent"), 409, "in_the_past"),
    "past time, moved": (lambda w: w.moving(start=YESTERDAY), 409, "in_the_past"),
    "past time, held": (
        lambda w: w.api.post(f"{API}/slots/hold/", {"doctor": w.doctor.public_id, "start": YESTERDAY}), 409, "in_the_past",
    ),
    "a time beyond all calendars": (lambda w: w.booking(start=FAR_AWAY), 400, "invalid"),
    "a time beyond all calendars, moved": (lambda w: w.moving(start=FAR_AWAY), 400, "invalid"),
    "a time beyond all calendars, held": (
        lambda w: w.api.post(f"{API}/slots/hold/", {"doctor": w.doctor.public_id, "start": FAR_AWAY}), 400, "invalid",
    ),
    "a time beyond all calendars, recurring": (
        lambda w: w.api.post(f"{API}/appointments/recurring/", {
            "patient": w.patient.public_id, "doctor": w.doctor.public_id, "start": FAR_AWAY, "every_weeks": 1, "count": 2,
        }), 400, "invalid",
    ),
    "end before start": (lambda w: w.booking(end=at(8).isoformat()), 400, "invalid"),
    "end at start": (lambda w: w.booking(end=at(9).isoformat()), 400, "invalid"),
    "end before start, moved": (lambda w: w.moving(start=at(10).isoformat(), end=at(9).isoformat()), 400, "invalid"),
    "end a day later": (lambda w: w.booking(end=(at(9) + timedelta(days=1)).isoformat()), 400, "invalid"),
    "hours that end before they start": (
        lambda w: w.api.post(f"{API}/slots/bulk/", {
            "doctor": w.doctor.public_id, "date_from": DAY, "date_to": DAY, "start": "12:00", "end": "11:00", "slot_minutes": 15,
        }), 400, "invalid",
    ),
    "slot outside hours": (lambda w: w.booking(start=at(21).isoformat()), 409, "outside_hours"),
    "slot off the grid": (lambda w: w.booking(start=at(9, 7).isoformat()), 409, "outside_hours"),
    "slot outside hours, moved": (lambda w: w.moving(start=at(21).isoformat()), 409, "outside_hours"),
    "doctor on leave": (lambda w: w.booking(doctor=w.away.public_id), 409, "doctor_on_leave"),
    "doctor on leave, moved": (lambda w: w.moving(start=at(9).isoformat(), doctor=w.away.public_id), 409, "doctor_on_leave"),
    "inactive patient": (lambda w: w.booking(patient=w.gone.public_id), 409, "patient_inactive"),
    "inactive patient, walk-in": (lambda w: w.walking_in(patient=w.gone.public_id), 409, "patient_inactive"),
    "unknown patient": (lambda w: w.booking(patient=NOBODY), 400, "invalid"),
    "foreign queue": (lambda w: w.api.post(f"{API}/queue/next/", {"doctor": NOBODY}), 400, "invalid"),
    "foreign queue, walk-in": (lambda w: w.walking_in(doctor=NOBODY), 400, "invalid"),
    "closed token": (lambda w: w.status(w.closed, "called"), 409, "wrong_status"),
    "closed token, transferred": (
        lambda w: w.api.post(f"{API}/queue/{w.closed.public_id}/transfer/", {"doctor": w.away.public_id}), 409, "wrong_status",
    ),
    "unknown status": (lambda w: w.status(w.waiting, "seen"), 400, "invalid"),
    "unknown status of an appointment": (lambda w: w.api.get(f"{API}/appointments/?status=seen"), 400, "invalid"),
}  # fmt: skip

ON_THE_PAGES = {
    "past time": (lambda w: w.book_page(start=YESTERDAY), "That time has passed."),
    "past time, overbooked": (lambda w: w.book_page(start=YESTERDAY, overbook_reason="urgent"), "That time has passed."),
    "past time, moved": (lambda w: w.move_page(start=YESTERDAY), "That time has passed."),
    "a time beyond all calendars": (lambda w: w.book_page(start=FAR_AWAY), "too far ahead"),
    "a time beyond all calendars, held": (
        lambda w: w.web.post(url("hold"), {"request_id": uuid4(), "doctor": w.doctor.public_id, "start": FAR_AWAY}),
        "too far ahead",
    ),
    "end before start": (lambda w: w.exception_page(f"{DAY}T12:00", f"{DAY}T11:00"), "end after its start"),
    "slot outside hours": (lambda w: w.book_page(start=at(21).isoformat()), "no appointment slot at that time"),
    "slot outside hours, moved": (lambda w: w.move_page(start=at(21).isoformat()), "no appointment slot at that time"),
    "doctor on leave": (lambda w: w.book_page(doctor=w.away), "on leave at that time"),
    "inactive patient": (lambda w: w.book_page(patient=w.gone), "record is deactivated"),
    "inactive patient, walk-in": (lambda w: w.walk_in_page(w.gone), "record is deactivated"),
    "foreign queue": (lambda w: w.web.post(url("call_next"), {"queue": NOBODY}), "not"),
    "closed token": (lambda w: w.status_page(w.closed, "called"), "is left"),
    "unknown status": (lambda w: w.status_page(w.waiting, "seen"), "There is no such status."),
}


@pytest.mark.parametrize("line", OVER_THE_API)
def test_over_the_api(world, line):
    ask, status, code = OVER_THE_API[line]
    before = rows()

    answer = ask(world)

    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), body
    assert body["detail"] or body["errors"]
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert rows() == before


@pytest.mark.parametrize("line", ON_THE_PAGES)
def test_on_the_page(world, line):
    ask, sentence = ON_THE_PAGES[line]
    before = rows()

    answer = ask(world)

    assert 400 <= answer.status_code < 500
    assert sentence in words(answer)
    assert rows() == before


def test_good_input_is_written(world):
    """The same requests without the fault: the tests above can fail."""
    before = rows()

    assert world.booking().status_code == 201
    assert world.moving(start=at(10).isoformat()).status_code == 201
    assert world.walking_in().status_code == 201
    assert world.status(world.waiting, "called").status_code == 200
    assert world.book_page(start=at(12).isoformat()).status_code == 302

    assert Appointment.objects.count() == len(before["states"][0]) + 3
