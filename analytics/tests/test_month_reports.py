"""The report of a month: on paper what the dashboards say, by mail once to each who wants it."""

import io
from datetime import UTC, date, datetime, time, timedelta
from smtplib import SMTPServerDisconnected

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from pypdf import PdfReader

from analytics.dashboards.asked import Asked, last_of
from analytics.dashboards.showing import words_of
from analytics.errors import MonthNotOver, NoAddress
from analytics.models import EtlState, MonthReportMail, MonthReportReader
from analytics.month_reports.paper import CHAPTERS, month_pdf
from analytics.services import month_reports
from analytics.tests.world import a_clinic
from clinic.accounts.models import User
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.audit.models import OutboxEvent
from clinic.core.db import constraint_of

pytestmark = pytest.mark.django_db

MARCH = date(2028, 3, 1)
FIRST_OF_APRIL = datetime(2028, 4, 1, 6, tzinfo=UTC)
MIDNIGHT = timezone.make_aware(datetime.combine(date(2028, 4, 1), time.min))  # by the clinic's clock


@pytest.fixture(autouse=True)
def march_is_over():
    """All of March stands in the figures."""
    EtlState.objects.update_or_create(pk=1, defaults={"as_of": FIRST_OF_APRIL})


def reader(**more):
    """A manager who has wanted the reports since February."""
    person = user(Role.MANAGER, **more)
    month_reports.set_wanted(user=person, wanted=True)
    MonthReportReader.objects.filter(user=person).update(created_at=datetime(2028, 2, 10, tzinfo=UTC))
    return person


def last_month():
    return month_reports.former_month(timezone.localdate())


def run(now=FIRST_OF_APRIL):
    month_reports.ask_by_calendar(now)
    return month_reports.send_due(now)


def server_is_down(self):
    raise SMTPServerDisconnected


# --- Once, to those who wanted it ---------------------------------------------------------------------------


def test_an_address_that_no_mail_can_have_keeps_back_no_other():
    ann, bob = reader(), reader()
    User.objects.filter(pk=ann.pk).update(email="ann@example\n.org")

    assert run() == 1
    assert [message.to for message in mail.outbox] == [[bob.email]]


def test_each_who_wants_it_gets_the_former_month_once():
    ann, bob = reader(), reader()
    user(Role.MANAGER)

    assert [run(FIRST_OF_APRIL + timedelta(days=n)) for n in (0, 0, 1, 20)] == [2, 0, 0, 0]
    assert sorted(to for message in mail.outbox for to in message.to) == sorted([ann.email, bob.email])
    assert set(MonthReportMail.objects.values_list("month", "status")) == {(MARCH, "sent")}


def test_the_mail_has_the_report_and_its_words_no_figure():
    reader()
    run()

    [message] = mail.outbox
    [(name, content, kind)] = message.attachments
    assert (name, kind, content[:5]) == ("report-2028-03.pdf", "application/pdf", b"%PDF-")
    assert "March 2028" in message.subject
    assert not any(character.isdigit() for character in message.body.replace("2028", ""))


def test_nothing_is_sent_before_all_of_the_month_is_in_the_figures():
    """The first of April has begun, by the clinic's clock, and the figures end a second before."""
    reader()
    EtlState.objects.update(as_of=MIDNIGHT - timedelta(seconds=1))

    assert run(MIDNIGHT + timedelta(minutes=1)) == 0
    EtlState.objects.update(as_of=MIDNIGHT)
    assert run(MIDNIGHT + timedelta(minutes=2)) == 1


def test_who_asked_for_it_after_the_month_had_ended_gets_the_next_one():
    late = reader()
    MonthReportReader.objects.filter(user=late).update(created_at=MIDNIGHT + timedelta(seconds=1))

    assert run() == 0
    EtlState.objects.update(as_of=FIRST_OF_APRIL + timedelta(days=31))
    assert run(FIRST_OF_APRIL + timedelta(days=31)) == 1
    assert "April 2028" in mail.outbox[0].subject


def test_who_wants_no_more_gets_no_more():
    person = reader()
    month_reports.set_wanted(user=person, wanted=False)
    month_reports.set_wanted(user=person, wanted=False)

    assert run() == 0
    actions = OutboxEvent.objects.filter(action__startswith="analytics.month_report").values_list("action", flat=True)
    assert sorted(actions) == ["analytics.month_report.unwanted", "analytics.month_report.wanted"]


@pytest.mark.parametrize("change", ["left", "no_address", "no_leave"])
def test_nothing_is_sent_to_who_may_not_or_cannot_have_it(change):
    person = reader()
    month_reports.ask_by_calendar(FIRST_OF_APRIL)
    if change == "no_leave":
        person.groups.clear()
    type(person).objects.filter(pk=person.pk).update(**{"left": {"is_active": False}, "no_address": {"email": ""}, "no_leave": {}}[change])

    assert month_reports.send_due(FIRST_OF_APRIL) == 0
    assert (len(mail.outbox), MonthReportMail.objects.get().status) == (0, "dropped")


# --- Runs that die, servers that are down ---------------------------------------------------------------------


def test_a_run_that_died_after_its_claim_is_taken_up_when_the_lease_ends():
    reader()
    month_reports.ask_by_calendar(FIRST_OF_APRIL)
    month_reports.claim_due(FIRST_OF_APRIL)

    assert month_reports.send_due(FIRST_OF_APRIL + timedelta(minutes=9)) == 0
    assert month_reports.send_due(FIRST_OF_APRIL + timedelta(minutes=10)) == 1
    assert len(mail.outbox) == 1


def test_a_run_that_died_after_sending_repeats_the_same_message_id(monkeypatch):
    reader()
    monkeypatch.setattr(month_reports, "_finish", lambda *args: False)
    run()
    monkeypatch.undo()
    run(FIRST_OF_APRIL + timedelta(minutes=10))

    one, two = (message.extra_headers["Message-ID"] for message in mail.outbox)
    assert one == two


def test_a_run_that_lost_its_claim_writes_nothing():
    reader()
    month_reports.ask_by_calendar(FIRST_OF_APRIL)
    [slow] = month_reports.claim_due(FIRST_OF_APRIL)
    month_reports.send_due(FIRST_OF_APRIL + timedelta(minutes=10))

    assert month_reports._finish(slow, "dropped", None) is False
    assert MonthReportMail.objects.get().status == "sent"


def test_a_mail_server_that_is_down_is_tried_again_and_given_up_in_the_end(monkeypatch):
    reader()
    monkeypatch.setattr("django.core.mail.EmailMessage.send", server_is_down)

    assert [run(FIRST_OF_APRIL + n * month_reports.LEASE) for n in range(8)] == [0] * 8
    assert MonthReportMail.objects.values_list("status", "attempts").get() == ("failed", month_reports.MOST_ATTEMPTS)


@pytest.mark.django_db(transaction=True)
def test_runs_at_once_send_one_mail(at_once):
    reader()

    results = at_once(*[run] * 4)

    assert (sorted(results), len(mail.outbox), MonthReportMail.objects.count()) == ([0, 0, 0, 1], 1, 1)


@pytest.mark.django_db(transaction=True)
def test_without_the_claim_runs_at_once_send_more(at_once, monkeypatch):
    """The control of the test above: rows that are only read are sent by every run."""
    reader()
    month_reports.ask_by_calendar(FIRST_OF_APRIL)
    monkeypatch.setattr(month_reports, "claim_due", lambda now: list(MonthReportMail.objects.filter(status="due").select_related("user")))
    monkeypatch.setattr(month_reports, "_finish", lambda *args: True)

    assert sum(at_once(*[lambda: month_reports.send_due(FIRST_OF_APRIL)] * 4)) > 1


# --- Again, when asked for -------------------------------------------------------------------------------------


def test_asked_for_again_it_is_sent_again_under_another_message_id():
    person = reader()
    run()

    month_reports.send_again(user=person, month=MARCH)
    month_reports.send_again(user=person, month=MARCH)

    assert month_reports.send_due(FIRST_OF_APRIL) == 1
    one, two = (message.extra_headers["Message-ID"] for message in mail.outbox)
    assert one != two
    assert MonthReportMail.objects.get().asked == 2


def test_what_was_asked_for_by_hand_is_not_sent_by_the_calendar_too():
    person = reader()
    month_reports.send_again(user=person, month=MARCH)

    assert (run(), run(FIRST_OF_APRIL + timedelta(hours=1))) == (1, 0)
    assert MonthReportMail.objects.get().asked == 1


@pytest.mark.django_db(transaction=True)
def test_asking_twice_at_once_sends_one(at_once):
    person = user(Role.MANAGER)

    at_once(*[lambda: month_reports.send_again(user=person, month=MARCH)] * 4)

    assert (MonthReportMail.objects.get().asked, month_reports.send_due(FIRST_OF_APRIL)) == (1, 1)


def test_a_month_that_is_not_in_the_figures_is_refused_and_nothing_written():
    with pytest.raises(MonthNotOver):
        month_reports.send_again(user=user(Role.MANAGER), month=date(2028, 4, 1))

    assert not MonthReportMail.objects.exists()


def test_without_an_address_nothing_can_be_asked_for():
    person = user(Role.MANAGER, email="")

    for refused in (
        lambda: month_reports.set_wanted(user=person, wanted=True),
        lambda: month_reports.send_again(user=person, month=MARCH),
    ):
        with pytest.raises(NoAddress):
            refused()
    assert not MonthReportReader.objects.exists()
    assert not MonthReportMail.objects.exists()


# --- What the database refuses -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "values"),
    [
        ("month_report_mail_of_a_month", {"month": date(2028, 3, 2)}),
        ("month_report_mail_claimed_with_lease", {"status": "claimed"}),
        ("month_report_mail_sent_with_time", {"status": "sent"}),
    ],
)
def test_the_database_refuses(rule, values):
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        MonthReportMail.objects.create(**{"month": MARCH, "user": user(Role.MANAGER)} | values)

    assert constraint_of(refusal.value) == rule


def test_the_database_holds_one_mail_of_a_month_to_each():
    person = user(Role.MANAGER)
    MonthReportMail.objects.create(month=MARCH, user=person)

    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        MonthReportMail.objects.create(month=MARCH, user=person)

    assert constraint_of(refusal.value) == "month_report_mail_once"


# --- The paper -----------------------------------------------------------------------------------------------------


def text_of(pdf: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).split())


def test_the_paper_says_what_the_dashboards_say():
    a_clinic()
    today, month = timezone.localdate(), last_month()

    text = text_of(month_pdf(month, today=today))

    asked = Asked(today=today, date_from=month, date_to=last_of(month))
    told = 0
    for page, keys in CHAPTERS:
        assert page.title in text
        for figure in page.figures:
            for row in figure.rows(asked) if figure.key in keys else ():
                words = " ".join(" ".join(words_of(row.cells[column.key], column.kind) for column in figure.columns).split())
                assert words in text, (figure.key, words)
                told += 1
        answers = {figure.key: figure.rows(asked) for figure in page.figures}
        for stat in page.stats:
            assert stat.live or f"{stat.label} {words_of(stat.of(answers), stat.kind)}" in text
    assert told > 40


def test_paper_that_has_no_room_for_all_rows_says_so(monkeypatch):
    a_clinic()
    monkeypatch.setattr("analytics.month_reports.paper.MOST_ROWS", 2)

    assert "The first 2 of 3; the others stand on the page." in text_of(month_pdf(last_month(), today=timezone.localdate()))


def test_a_month_of_nothing_says_so():
    assert "No visits in these days." in text_of(month_pdf(date(2001, 2, 1), today=date(2028, 4, 1)))


# --- The pages -----------------------------------------------------------------------------------------------------


PAGE = "/analytics/month-report/"


@pytest.fixture
def now_complete():
    EtlState.objects.update(as_of=timezone.now())


@pytest.mark.parametrize("role", [Role.DOCTOR, Role.RECEPTION, Role.NURSE, Role.PHARMACIST, Role.PATIENT])
def test_others_have_no_report(client_as, role):
    client, month = client_as(user(role)), last_month()

    assert client.get(PAGE).status_code == 403
    assert client.get(f"{PAGE}{month.year}/{month.month}/").status_code == 403
    assert client.post(f"{PAGE}{month.year}/{month.month}/send/").status_code == 403
    assert client.post(f"{PAGE}wanted/", {"wanted": "yes"}).status_code == 403
    assert not MonthReportMail.objects.exists()
    assert not MonthReportReader.objects.exists()


def test_wanting_it_and_no_more(client_as):
    person = user(Role.MANAGER)
    client = client_as(person)

    client.post(f"{PAGE}wanted/", {"wanted": "yes"})
    page = client.get(PAGE).content.decode()
    assert (MonthReportReader.objects.get().user, person.email in page) == (person, True)

    client.post(f"{PAGE}wanted/")
    assert not MonthReportReader.objects.exists()


def test_a_report_is_looked_at_and_sent(client_as, now_complete, django_assert_max_num_queries):
    client, month = client_as(user(Role.MANAGER)), last_month()

    with django_assert_max_num_queries(10):
        page = client.get(PAGE)
    assert page.context["months"][0][0] == month
    paper = client.get(reverse("analytics:month_report", args=[month.year, month.month]))
    assert (paper["Content-Type"], paper.content[:5]) == ("application/pdf", b"%PDF-")
    assert client.post(reverse("analytics:send_month_report", args=[month.year, month.month])).status_code == 302
    assert MonthReportMail.objects.values_list("month", "status").get() == (month, "due")
    assert "To be sent" in client.get(PAGE).content.decode()


def test_who_has_no_address_is_told(client_as, now_complete):
    client, month = client_as(user(Role.MANAGER, email="")), last_month()

    for address in (f"{PAGE}wanted/", f"{PAGE}{month.year}/{month.month}/send/"):
        refused = client.post(address, {"wanted": "yes"})
        assert refused.status_code == 409
        assert "has no e-mail address" in refused.content.decode()


def test_a_month_whose_end_is_not_in_the_figures_cannot_be_sent(client_as):
    EtlState.objects.update(as_of=timezone.now() - timedelta(days=40))
    client, month = client_as(user(Role.MANAGER)), last_month()

    assert f"{PAGE}{month.year}/{month.month}/send/" not in client.get(PAGE).content.decode()
    assert client.post(f"{PAGE}{month.year}/{month.month}/send/").status_code == 409
    assert not MonthReportMail.objects.exists()


@pytest.mark.parametrize("month", ["0/1", "2026/0", "2026/13", "1899/12", "9999/1", "99999999999999999999/1", "2026/99999999999999999999"])
def test_a_month_that_there_is_not_is_not_found(client_as, month):
    client = client_as(user(Role.MANAGER))

    assert client.get(f"{PAGE}{month}/").status_code == 404
    assert client.post(f"{PAGE}{month}/send/").status_code == 404


def test_this_month_is_not_over(client_as):
    today = timezone.localdate()

    assert client_as(user(Role.MANAGER)).get(f"{PAGE}{today.year}/{today.month}/").status_code == 404
