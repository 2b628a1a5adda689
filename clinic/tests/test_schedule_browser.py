"""The schedule and the booking in a real browser: moving by keyboard and by mouse, and how many steps a booking takes."""

from datetime import datetime, time, timedelta
from uuid import uuid4

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DoctorFactory, user
from scheduling.models import Appointment
from scheduling.services.queues import queue_of
from scheduling.services.series import Repeat, book_series
from scheduling.tests.factories import AppointmentFactory, PatientFactory, SessionFactory
from scheduling.tests.steps import url, walk_in_now

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("mid_morning")]

MOST_INTERACTIONS = 4


def tomorrow(hour: int, minute: int = 0) -> datetime:
    """The tests' clinic shows ten something in the morning: read when the zone is set."""
    return timezone.make_aware(datetime.combine(timezone.localdate() + timedelta(days=1), time(hour, minute)))


@pytest.fixture
def doctor(mid_morning):
    """Tomorrow 9 to 10, four times of 15 minutes; the same day of each week."""
    weekday = tomorrow(9).isoweekday()
    return SessionFactory(weekday=weekday, ends=time(10), doctor=DoctorFactory(room="3")).doctor


@pytest.fixture
def booked(doctor):
    start = tomorrow(9)
    return AppointmentFactory(doctor=doctor, during=(start, start + timedelta(minutes=15)))


def moved_to() -> tuple:
    row = Appointment.objects.live().get()
    return timezone.localtime(row.starts_at).strftime("%H:%M"), Appointment.objects.filter(status="rescheduled").count()


def open_day(page) -> None:
    page.goto(url("schedule", date=tomorrow(9).date()))
    expect(page.locator("tr[data-move]")).to_have_count(1)


def test_moves_an_appointment_by_keyboard(page_as, booked):
    page = page_as(user(Role.RECEPTION))
    open_day(page)

    page.locator("tr[data-move] a").first.focus()
    page.keyboard.press("m")
    expect(page.get_by_role("button", name="Move to 09:15")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")

    expect(page.get_by_text("Moved to")).to_be_visible()
    assert moved_to() == ("09:30", 1)


def test_escape_moves_nothing(page_as, booked):
    page = page_as(user(Role.RECEPTION))
    open_day(page)

    page.locator("tr[data-move] a").first.focus()
    page.keyboard.press("m")
    page.keyboard.press("Escape")

    expect(page.locator(".move-slots")).to_have_count(0)
    assert moved_to() == ("09:00", 0)


def test_moves_an_appointment_by_mouse_after_asking(page_as, booked):
    page = page_as(user(Role.RECEPTION))
    open_day(page)

    drop_on(page, "Move to 09:45")
    dialog = page.get_by_role("dialog", name="Move this appointment?")
    expect(dialog).to_contain_text(booked.patient.full_name)
    assert moved_to() == ("09:00", 0), "nothing moves before the answer"
    dialog.get_by_role("button", name="Move", exact=True).click()

    expect(page.get_by_text("Moved to")).to_be_visible()
    assert moved_to() == ("09:45", 1)


def test_moves_within_the_week_of_a_doctor_too(page_as, booked, doctor):
    page = page_as(user(Role.RECEPTION))
    page.goto(url("schedule", doctor=doctor.public_id, date=tomorrow(9).date()))
    expect(page.get_by_role("heading", level=1)).to_contain_text(doctor.name)

    page.locator("tr[data-move] a").first.focus()
    page.keyboard.press("m")
    page.keyboard.press("Enter")

    expect(page.get_by_text("Moved to")).to_be_visible()
    assert moved_to()[1] == 1


def drop_on(page, name: str) -> None:
    """The free times appear while something is dragged, so they are found after the drag has begun."""
    row = page.locator("tr[data-move]").bounding_box()
    page.mouse.move(row["x"] + 20, row["y"] + row["height"] / 2)
    page.mouse.down()
    page.mouse.move(row["x"] + 40, row["y"] + row["height"] / 2 + 10, steps=5)
    button = page.get_by_role("button", name=name)
    expect(button).to_be_visible()
    place = button.bounding_box()
    page.mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2, steps=5)
    page.mouse.move(place["x"] + place["width"] / 2 + 1, place["y"] + place["height"] / 2)
    page.mouse.up()


class Counted:
    """Each click, key and filled field is one interaction."""

    def __init__(self):
        self.count = 0

    def __call__(self, act, *values) -> None:
        self.count += 1
        act(*values)


def test_a_found_patient_is_booked_in_four_interactions(page_as, doctor):
    """Book, the doctor (more than one works here), the time, Book."""
    DoctorFactory()
    patient, interact = PatientFactory(first_name="Zoe", last_name="Nakamura"), Counted()
    page = page_as(user(Role.RECEPTION))
    page.goto("/reception/")
    page.get_by_label("Who is here?").fill("nakam")
    book = page.locator("#found").get_by_role("link", name="Book").first
    expect(book).to_be_visible()  # found

    interact(book.click)
    interact(page.get_by_label("Doctor", exact=True).select_option, str(doctor.public_id))
    interact(page.locator("input[name=start]").first.check)
    interact(page.get_by_role("button", name="Book", exact=True).click)

    expect(page.get_by_text("Booked").first).to_be_visible()
    assert Appointment.objects.get().patient == patient
    assert interact.count <= MOST_INTERACTIONS


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_accessible(page_as, axe_clean, booked, doctor, scheme):
    page = page_as(user(Role.ADMIN, Role.RECEPTION, Role.NURSE, Role.MANAGER), color_scheme=scheme)
    walk_in_now(doctor)
    series = book_series(
        patient_id=PatientFactory().pk,
        doctor_id=doctor.pk,
        start=tomorrow(9),
        repeat=Repeat(1, count=2),
        by=None,
        now=timezone.now(),
        request_id=uuid4(),
    )
    assert {row.status for row in series.dates.all()} == {"booked", "refused"}
    day = tomorrow(9).date()
    pages = [
        url("schedule", date=day),
        url("schedule", doctor=doctor.public_id, date=day),
        url("book", booked.patient.public_id, doctor=doctor.public_id, date=day, **{"from": day}),
        url("appointment", booked.public_id),
        url("series", series.public_id),
        url("queue"),
        url("queue", queue=queue_of(doctor=doctor).public_id),
        url("hours", doctor=doctor.public_id),
        url("waitlist"),
        url("waitlist_add", booked.patient.public_id, doctor=doctor.public_id),
        url("missed"),
        url("board"),
    ]

    for address in pages:
        page.goto(address)
        expect(page.locator("h1")).to_have_count(1)
        axe_clean(page)


def test_nothing_widens_the_page_on_a_phone(page_as, booked, doctor):
    """A whole strip of days is wider than a phone: it scrolls by itself."""
    page = page_as(user(Role.ADMIN, Role.RECEPTION), viewport={"width": 390, "height": 844})
    day = tomorrow(9).date()

    for address in (
        url("schedule", date=day),
        url("schedule", doctor=doctor.public_id, date=day),
        url("book", booked.patient.public_id, doctor=doctor.public_id, date=day, **{"from": day}),
        url("hours", doctor=doctor.public_id),
    ):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0, address
