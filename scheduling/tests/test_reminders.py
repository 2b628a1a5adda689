"""Reminders: to whom and when, once each whatever dies meanwhile, what the mail holds, and how to stop them."""

from datetime import UTC, datetime, timedelta
from smtplib import SMTPServerDisconnected
from zoneinfo import ZoneInfo

import pytest
from django.core import mail

from clinic.audit.models import OutboxEvent
from scheduling.models import Appointment, Reminder, ReminderOptOut
from scheduling.rules.reminders import Event, icalendar, window_of
from scheduling.services import booking, reminders
from scheduling.tests.factories import DAY, AppointmentFactory, PatientFactory, at
from scheduling.tests.steps import url, words
from scheduling.tests.test_models import refused

pytestmark = pytest.mark.django_db
EVE = at(10, day=DAY - timedelta(days=1))
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture(autouse=True)
def _address(settings):
    settings.BASE_URL = "https://clinic.example.org/"
    settings.DEFAULT_FROM_EMAIL = "Clinic <desk@clinic.example.org>"


def appointment(**fields):
    return AppointmentFactory(**{"patient": PatientFactory(email="ann@example.org")} | fields)


class TestWhen:
    def test_tomorrows_from_nine_on_by_the_clinics_clock(self):
        early, nine = (datetime(2027, 3, 27, hour, 59, tzinfo=BERLIN) for hour in (8, 9))

        assert window_of(early, BERLIN)[1] == datetime(2027, 3, 28, tzinfo=BERLIN)
        assert window_of(nine, BERLIN)[1] == datetime(2027, 3, 29, tzinfo=BERLIN)

    def test_day_of_23_hours_ends_at_its_midnight(self):
        now = datetime(2027, 3, 27, 12, tzinfo=BERLIN)

        assert window_of(now, BERLIN)[1].astimezone(UTC) == datetime(2027, 3, 28, 22, tzinfo=UTC)

    def test_is_sent_once_however_often_it_runs(self):
        appointment()

        assert [reminders.send_due(EVE), reminders.send_due(EVE + timedelta(minutes=30))] == [1, 0]
        assert len(mail.outbox) == 1
        assert OutboxEvent.objects.filter(action="scheduling.reminder.sent").count() == 1

    def test_an_address_that_no_mail_can_have_keeps_nobody_from_the_own_mail(self):
        appointment(patient=PatientFactory(email="ann@example\n.org"))
        appointment(during=(at(9, 30), at(9, 45)))

        assert reminders.send_due(EVE) == 1
        assert [message.to for message in mail.outbox] == [["ann@example.org"]]

    @pytest.mark.parametrize("hour", [8, 34])
    def test_nothing_before_nine_or_when_it_has_begun(self, hour):
        appointment()

        assert reminders.send_due(at(0, day=DAY - timedelta(days=1)) + timedelta(hours=hour)) == 0

    def test_nobody_without_address_or_wish_or_appointment_is_written_to(self):
        appointment(patient=PatientFactory())
        appointment(status="cancelled", closed_reason="ill")
        appointment(patient=PatientFactory(email="a@example.org", status="inactive", deactivated_reason="moved"))
        reminders.set_reminders(patient_id=appointment().patient_id, wanted=False, by=None)

        assert reminders.send_due(EVE) == 0
        assert not mail.outbox

    def test_what_was_booked_a_moment_ago_needs_none(self):
        Appointment.objects.filter(pk=appointment().pk).update(created_at=EVE - timedelta(hours=1))

        assert reminders.send_due(EVE) == 0


class TestOnceInEffect:
    def test_row_is_unique_and_says_when(self):
        appointment()
        reminders.send_due(EVE)
        sent = Reminder.objects.get()
        fields = {"appointment": sent.appointment, "kind": sent.kind, "claim": sent.claim, "leased_until": EVE}

        refused("reminder_once_per_appointment_and_kind", lambda: Reminder.objects.create(**fields))
        refused("reminder_sent_with_time", lambda: Reminder.objects.filter(pk=sent.pk).update(sent_at=None))

    def test_run_that_died_after_its_claim_is_taken_up_when_the_lease_ends(self):
        appointment()
        reminders.claim_due(EVE)

        assert reminders.send_due(EVE + timedelta(minutes=9)) == 0
        assert reminders.send_due(EVE + timedelta(minutes=10)) == 1
        assert (len(mail.outbox), Reminder.objects.get().attempts) == (1, 2)

    def test_run_that_died_after_sending_repeats_the_same_message_id(self, monkeypatch):
        appointment()
        monkeypatch.setattr(reminders, "_finish", lambda *args: False)
        reminders.send_due(EVE)
        monkeypatch.undo()
        reminders.send_due(EVE + timedelta(minutes=10))

        one, two = mail.outbox
        assert (
            one.extra_headers["Message-ID"]
            == two.extra_headers["Message-ID"]
            == f"<reminder-{Reminder.objects.get().public_id}@clinic.example.org>"
        )

    def test_run_that_lost_its_claim_writes_nothing(self):
        appointment()
        [slow] = reminders.claim_due(EVE)
        reminders.send_due(EVE + timedelta(minutes=10))

        assert reminders._finish(slow, "dropped", None) is False
        assert Reminder.objects.get().status == "sent"

    def test_mail_server_that_is_down_is_tried_again_and_given_up_in_the_end(self, monkeypatch):
        appointment()
        monkeypatch.setattr("django.core.mail.EmailMessage.send", lambda self: (_ for _ in ()).throw(SMTPServerDisconnected))

        for n in range(8):
            assert reminders.send_due(EVE + n * reminders.LEASE) == 0

        assert (Reminder.objects.get().status, Reminder.objects.get().attempts) == ("failed", reminders.MOST_ATTEMPTS)

    def test_cancelled_between_claim_and_mail_is_not_sent(self, monkeypatch):
        row = appointment()
        claimed = reminders.claim_due(EVE)
        booking.cancel_appointment(appointment_id=row.pk, reason="ill", by=None, now=EVE)
        monkeypatch.setattr(reminders, "claim_due", lambda now: claimed)

        assert reminders.send_due(EVE) == 0
        assert (len(mail.outbox), Reminder.objects.get().status) == (0, "dropped")

    def test_who_wants_none_any_more_gets_none_that_was_claimed_and_is_not_claimed_for_again(self, monkeypatch):
        row = appointment()
        claimed = reminders.claim_due(EVE)
        reminders.set_reminders(patient_id=row.patient_id, wanted=False, by=None)
        appointment(patient=row.patient, during=(at(11), at(11, 15)))
        assert reminders.claim_due(EVE) == []
        monkeypatch.setattr(reminders, "claim_due", lambda now: claimed)

        assert reminders.send_due(EVE) == 0
        assert (len(mail.outbox), Reminder.objects.get().status) == (0, "dropped")

    @pytest.mark.django_db(transaction=True)
    def test_runs_at_once_send_one_mail(self, at_once):
        appointment()

        results = at_once(*[lambda: reminders.send_due(EVE)] * 4)

        assert (sorted(results), len(mail.outbox)) == ([0, 0, 0, 1], 1)


class TestTheMail:
    def test_says_when_in_the_clinics_zone_and_nothing_clinical(self, settings):
        settings.TIME_ZONE = "Asia/Kolkata"
        row = appointment(reason="chest pain")
        reminders.send_due(row.starts_at - timedelta(hours=15))

        [message] = mail.outbox
        local = row.starts_at.astimezone(ZoneInfo("Asia/Kolkata"))
        assert f"{local:%H:%M} (IST)" in message.body
        assert "chest" not in message.message().as_string()
        assert message.to == ["ann@example.org"]

    def test_without_an_address_of_our_own_there_is_no_link(self, settings):
        settings.BASE_URL = ""
        appointment()

        reminders.send_due(EVE)

        assert "List-Unsubscribe" not in mail.outbox[0].extra_headers
        assert "No more reminders" not in mail.outbox[0].body

    def test_calendar_file_is_in_utc_and_keeps_its_uid(self):
        row = appointment()
        reminders.send_due(EVE)

        name, content, kind = mail.outbox[0].attachments[0]
        lines = content.split("\r\n")
        assert (name, kind, lines[0], lines[-2]) == ("appointment.ics", "text/calendar", "BEGIN:VCALENDAR", "END:VCALENDAR")
        assert f"UID:{row.public_id}@clinic.example.org" in content.replace("\r\n ", "")
        assert f"DTSTART:{row.starts_at.astimezone(UTC):%Y%m%dT%H%M%SZ}" in lines


class TestICalendar:
    def text(self, **changes):
        start = datetime(2028, 2, 29, 23, 30, tzinfo=UTC)
        fields = {"uid": "1@x", "start": start, "end": start + timedelta(hours=1), "summary": "Visit", "location": "", "stamped_at": start}
        return icalendar(Event(**fields | changes))

    def test_leap_day_and_its_midnight(self):
        text = self.text()

        assert "DTSTART:20280229T233000Z\r\n" in text
        assert "DTEND:20280301T003000Z\r\n" in text

    def test_escapes_what_would_end_a_value(self):
        assert "LOCATION:1\\, Main St\\; A\\\\B\\nfloor 2\\nback\r\n" in self.text(location="1, Main St; A\\B\nfloor 2\r\nback")

    @pytest.mark.parametrize("letter", ["x", "é", "診", "🏥"])
    def test_lines_fold_at_75_octets_and_unfold_to_the_same(self, letter):
        text = self.text(summary=letter * 200)

        assert max(len(line.encode()) for line in text.split("\r\n")) <= 75
        assert f"SUMMARY:{letter * 200}\r\n" in text.replace("\r\n ", "")


class TestStopping:
    def test_link_of_the_mail_asks_then_stops_and_names_nobody(self, client):
        row = appointment()
        reminders.send_due(EVE)
        link = mail.outbox[0].extra_headers["List-Unsubscribe"].strip("<>").removeprefix("https://clinic.example.org")

        page = client.get(link)
        assert page.status_code == 200
        assert row.patient.last_name not in words(page)
        assert not ReminderOptOut.objects.exists()
        for _ in range(2):
            assert client.post(link, {"wanted": "no"}).status_code == 302

        assert ReminderOptOut.objects.get().patient == row.patient
        assert "no reminders" in words(client.get(link))
        client.post(link, {"wanted": "yes"})
        assert not ReminderOptOut.objects.exists()

    @pytest.mark.parametrize("token", ["x", "x:y", "0" * 32, "%00"])
    def test_made_up_link_is_nowhere(self, client, token):
        assert client.get(url("reminders_stop", token)).status_code == 404
        assert client.post(url("reminders_stop", token), {"wanted": "no"}).status_code == 404
