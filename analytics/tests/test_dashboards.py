"""The pages of the dashboards: whose figures they are, what they refuse, and the way to the rows."""

import csv
import io
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import openpyxl
import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from analytics.dashboards import showing
from analytics.dashboards.listings import LISTINGS
from analytics.dashboards.registry import DASHBOARDS
from analytics.models import EtlState
from analytics.tests.world import a_clinic
from clinic.accounts.models import User
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.audit.models import OutboxEvent
from patients.models import Patient

pytestmark = pytest.mark.django_db

PAGES = sorted(DASHBOARDS)
OF_DAYS = sorted(key for key, page in DASHBOARDS.items() if not page.ahead)
MOST_QUERIES = 10


@pytest.fixture(scope="module")
def clinic(django_db_setup, django_db_blocker):
    """Made once for the module, inside a transaction that is rolled back."""
    with django_db_blocker.unblock():
        block = transaction.atomic()
        block.__enter__()
        yield a_clinic()
        transaction.set_rollback(True)
        block.__exit__(None, None, None)


def url(key, **query):
    return reverse("analytics:dashboard", args=[key], query=query)


@pytest.fixture
def manager(client_as):
    return client_as(user(Role.MANAGER))


def of(page, key):
    """The rows of one figure of an answered page, as {label: text} each."""
    [shown] = [each for each in page.context["figures"] if each.figure.key == key]
    return [{cell.label: cell.text for cell in row} for row in shown.rows]


def year(**query):
    return {"date_from": (timezone.localdate() - timezone.timedelta(days=364)).isoformat(), **query}


# --- How much of a figure -------------------------------------------------------------------------------


def test_a_long_figure_shows_its_first_rows_and_says_where_all_of_them_are(clinic, manager, monkeypatch):
    monkeypatch.setattr(showing, "MOST_ROWS", 2)

    page = manager.get(url("overview", **year()))

    assert len(of(page, "doctor-workload")) == 2
    assert "(the first 2 of 3; all of them are in the files)" in page.content.decode()
    assert len(of(page, "monthly-visits")) == 12 + 1  # its chart draws each month
    file = manager.get(reverse("analytics:export", args=["overview", "doctor-workload", "csv"], query=year()))
    assert len(file.content.decode().splitlines()) == 1 + 3


def test_figures_of_one_page_that_need_the_same_sums_ask_for_them_once(clinic, manager):
    with CaptureQueriesContext(connection) as asked:
        manager.get(url("overview", **year()))

    assert len([query for query in asked if '"doctor_day"."doctor_id" AS "key"' in query["sql"]]) == 1


def test_the_doctors_with_the_most_appointments_come_first(clinic, manager):
    today = timezone.localdate()
    first, last = (today - timezone.timedelta(days=days) for days in (8, 3))

    rows = of(manager.get(url("overview", date_from=first, date_to=last)), "doctor-workload")

    assert [(row["Doctor"].split()[-1], row["Appointments"]) for row in rows] == [("Cedar", "2"), ("Alder", "1"), ("Birch", "1")]


# --- Whose figures ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.RECEPTION, Role.NURSE, Role.PHARMACIST, Role.PATIENT])
@pytest.mark.parametrize("address", ["/analytics/", "/analytics/revenue/", "/analytics/rows/visits/", "/analytics/revenue/by-way/csv/"])
def test_others_see_no_figures(client_as, role, address):
    assert client_as(user(role)).get(address).status_code == 403


@pytest.mark.parametrize("key", PAGES)
def test_a_manager_sees_every_page_but_a_doctors_own(clinic, manager, key):
    assert manager.get(url(key)).status_code == (403 if key == "own" else 200)


@pytest.mark.parametrize("key", PAGES)
def test_a_doctor_sees_the_own_figures_only(clinic, client_as, key):
    """Of each page: nothing of it names another doctor, whatever is asked for."""
    me, other, _ = clinic
    client = client_as(me.user)

    page = client.get(url(key))

    if key in {"overview", "stock"}:
        assert page.status_code == 403
        return
    assert page.status_code == 200
    assert page.context["asked"].doctor == me
    assert other.name not in page.content.decode()
    assert str(other.public_id) not in page.content.decode()


@pytest.mark.parametrize("key", ["revenue", "waits", "no-shows", "no-show-risk", "forecast", "symptoms"])
def test_another_doctors_id_is_refused_to_a_doctor(clinic, client_as, key):
    me, other, _ = clinic

    refused = client_as(me.user).get(url(key, doctor=other.public_id))

    assert refused.status_code == 400
    assert refused.context["form"].errors == {"doctor": ["You see your own figures only."]}
    assert "figures" not in refused.context
    assert client_as(me.user).get(url(key, doctor=me.public_id)).status_code == 200


@pytest.mark.parametrize("kind", sorted(LISTINGS))
def test_a_doctor_sees_the_own_rows_only(clinic, client_as, kind):
    me, other, _ = clinic
    client = client_as(me.user)

    mine = client.get(reverse("analytics:rows", args=[kind], query=year()))
    everyone = client_as(user(Role.MANAGER)).get(reverse("analytics:rows", args=[kind], query=year(doctor=me.public_id)))

    assert mine.context["page_obj"].paginator.count == everyone.context["page_obj"].paginator.count > 0
    assert other.name not in mine.content.decode()
    for form in ("", "csv"):
        address = reverse("analytics:rows_file", args=[kind, "csv"]) if form else reverse("analytics:rows", args=[kind])
        assert client.get(address, year(doctor=other.public_id)).status_code == 400


def test_a_doctors_start_is_the_own_page(clinic, client_as):
    page = client_as(clinic[0].user).get(reverse("analytics:home"))

    assert page.context["dashboard"].key == "own"


def test_a_doctors_login_without_a_doctor_sees_nothing(client_as):
    client = client_as(user(Role.DOCTOR))

    for address in ("/analytics/", "/analytics/revenue/", "/analytics/rows/visits/", "/analytics/waits/by-time/csv/"):
        assert client.get(address).status_code == 403


def test_a_manager_who_is_a_doctor_has_both(clinic, client_as):
    me = clinic[0]
    me.user.groups.add(user(Role.MANAGER).groups.get())
    client = client_as(User.objects.get(pk=me.user.pk))

    assert client.get(url("overview")).context["asked"].doctor is None
    assert client.get(url("own")).context["asked"].doctor == me


def test_a_manager_reads_no_names_and_no_words_of_the_chart(clinic, manager):
    names = {name for pair in Patient.objects.values_list("first_name", "last_name") for name in pair}

    for kind in LISTINGS:
        page = manager.get(reverse("analytics:rows", args=[kind], query=year())).content.decode()
        assert not [name for name in names if f" {name}, " in page or f">{name} " in page], kind


# --- What is refused -------------------------------------------------------------------------------------


BAD = [
    ("date_from=yesterday", "date_from"),
    ("date_from=2026-02-30", "date_from"),
    ("date_to=0001-01-01", "date_to"),
    ("date_to=9999-12-31", "date_to"),
    ("date_from=%00", "date_from"),
    ("date_from=2026-03-02&date_to=2026-03-01", "date_to"),
    ("date_from=1990-01-01&date_to=2026-03-01", "date_from"),
    ("colour=red", "__all__"),
    ("$where=1", "__all__"),
]
BAD_KEYS = [
    (f"{name}={value}", name)
    for name in ("doctor", "department", "facility")
    for value in ("1", "x", "%00", "'; DROP TABLE", "7f3c1e9a-0000-4000-8000-000000000000", "9" * 400)
]


@pytest.mark.parametrize(("query", "field"), BAD + BAD_KEYS)
def test_what_makes_no_sense_is_refused_by_name(clinic, manager, query, field):
    for address in (
        url("revenue"),
        reverse("analytics:export", args=["revenue", "by-way", "csv"]),
        reverse("analytics:rows", args=["visits"]),
    ):
        refused = manager.get(f"{address}?{query}")
        assert refused.status_code == 400
        assert list(refused.context["form"].errors) == [field]
        assert "figures" not in refused.context
        assert 'role="alert"' in refused.content.decode()


@pytest.mark.parametrize(
    ("kind", "query"),
    [
        ("appointments", "status=lost"),
        ("appointments", "weekday=8"),
        ("appointments", "hour=24"),
        ("appointments", "lead=2"),
        ("appointments", "lead=%00"),
        ("visits", "status=booked"),
        ("visits", "wait=long"),
        ("payments", "method=shells"),
        ("dispenses", "medicine=aspirin"),
        ("dispenses", "medicine=%00"),
    ],
)
def test_a_value_that_there_is_not_is_refused_by_name(manager, kind, query):
    refused = manager.get(f"{reverse('analytics:rows', args=[kind])}?{query}")

    assert refused.status_code == 400
    assert list(refused.context["form"].errors) == [query.split("=")[0]]


def test_a_page_of_days_to_come_takes_no_days(manager):
    refused = manager.get(url("forecast", date_from="2026-01-01"))

    assert refused.status_code == 400
    assert "There is no filter “date_from” here." in refused.content.decode()


@pytest.mark.parametrize(
    "address", ["/analytics/nothing/", "/analytics/revenue/nothing/csv/", "/analytics/revenue/by-way/pdf/", "/analytics/rows/secrets/"]
)
def test_what_there_is_not_is_not_found(manager, address):
    assert manager.get(address).status_code == 404


@pytest.mark.parametrize("page", ["0", "-1", "x", "%00", "9" * 30])
def test_any_page_number_shows_a_page(clinic, manager, page):
    assert manager.get(f"/analytics/rows/visits/?page={page}").status_code == 200


def test_pages_are_read_only(manager):
    assert manager.post(url("revenue")).status_code == 405


# --- Days, as of, nothing ----------------------------------------------------------------------------------


@pytest.mark.parametrize("key", OF_DAYS)
def test_a_day_before_anything_says_so(clinic, manager, client_as, key):
    client = client_as(clinic[0].user) if key == "own" else manager

    page = client.get(url(key, date_from="2001-01-01", date_to="2001-03-31"))

    assert page.status_code == 200
    for shown in page.context["figures"]:
        assert shown.figure.live or not shown.rows
        assert shown.rows or shown.figure.empty in page.content.decode()


def test_days_that_are_left_out_end_today(clinic, manager):
    today = timezone.localdate()

    asked = manager.get(url("revenue")).context["asked"]
    from_only = manager.get(url("revenue", date_from="2026-01-05")).context["asked"]
    to_only = manager.get(url("revenue", date_to="2026-01-31")).context["asked"]

    assert (asked.date_from, asked.date_to) == (today - timezone.timedelta(days=30), today)
    assert (from_only.date_from.isoformat(), from_only.date_to) == ("2026-01-05", today)
    assert (to_only.date_from.isoformat(), to_only.date_to.isoformat()) == ("2026-01-01", "2026-01-31")


def test_the_page_says_as_of_when_and_when_that_is_long_ago(clinic, manager):
    fresh = manager.get(url("revenue")).content.decode()
    EtlState.objects.update(as_of=timezone.now() - timezone.timedelta(hours=2))
    late = manager.get(url("revenue")).content.decode()

    assert fresh.count("As of ") == 5  # of the page, and of each of four figures
    assert "The figures are late" in late
    assert "The figures are late" not in fresh


def test_symptoms_say_that_their_store_is_down(manager, mongodb_down):
    page = manager.get(url("symptoms"))

    assert page.status_code == 503
    assert "temporarily unavailable" in page.content.decode()
    assert "No symptom was noted" not in page.content.decode()
    assert manager.get("/analytics/symptoms/frequency/csv/").status_code == 503


@pytest.mark.parametrize("key", PAGES)
def test_a_page_asks_ten_times_at_most(clinic, client_as, django_assert_max_num_queries, key):
    client = client_as(clinic[0].user if key == "own" else user(Role.MANAGER))
    narrow = {} if key in {"own", "stock"} else {"doctor": clinic[0].public_id, "department": clinic[0].department.public_id}

    with django_assert_max_num_queries(MOST_QUERIES):
        assert client.get(url(key, **narrow)).status_code == 200


@pytest.mark.parametrize("kind", sorted(LISTINGS))
def test_rows_ask_ten_times_at_most(clinic, manager, django_assert_max_num_queries, kind):
    with django_assert_max_num_queries(MOST_QUERIES):
        assert len(manager.get(reverse("analytics:rows", args=[kind], query=year())).context["rows"]) > 5


# --- Files and the way to the rows -------------------------------------------------------------------------


@pytest.mark.parametrize("key", [key for key in PAGES if key not in {"own", "symptoms", "forecast"}])
def test_files_hold_what_the_page_shows(clinic, manager, key):
    page = manager.get(url(key))

    for shown in page.context["figures"]:
        address = reverse("analytics:export", args=[key, shown.figure.key, "csv"])
        lines = list(csv.reader(io.StringIO(manager.get(address).content.decode("utf-8-sig"))))
        book = openpyxl.load_workbook(io.BytesIO(manager.get(address.replace("/csv/", "/xlsx/")).content)).active
        assert lines[0] == [cell.value for cell in book[1]] == [column.label for column in shown.columns]
        assert len(lines) - 1 == book.max_row - 1 == len(shown.rows)


def test_a_file_has_numbers_and_iso_days(clinic, manager):
    today = timezone.localdate()
    answer = manager.get(reverse("analytics:export", args=["revenue", "by-time", "csv"]))
    lines = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))

    assert lines[-1][0] == today.isoformat()
    assert Decimal(lines[-1][1]) >= Decimal("33.00")
    assert answer["Content-Disposition"].startswith('attachment; filename="revenue-by-time-')


# figure -> what a row leads to, and how its cell is found from those rows
COUNTED = {
    ("overview", "monthly-visits"): "Visits",
    ("overview", "top-doctors"): "Visits",
    ("overview", "department-load"): "Appointments",
    ("overview", "doctor-workload"): "Appointments",
    ("waits", "by-time"): "Called",
    ("waits", "by-weekday"): "Called",
    ("waits", "by-department"): "Called",
    ("waits", "by-doctor"): "Called",
    ("no-shows", "by-time"): "Missed",
    ("no-shows", "by-weekday"): "Missed",
    ("no-shows", "by-hour"): "Missed",
    ("no-shows", "by-lead"): "Missed",
    ("no-shows", "by-doctor"): "Missed",
    ("revenue", "by-time"): "Net",
    ("revenue", "by-way"): "Net",
    ("revenue", "by-department"): "Net",
    ("revenue", "by-doctor"): "Net",
    ("stock", "given"): "Cost",
    ("stock", "given-by-time"): "Cost",
}


def test_every_figure_that_leads_somewhere_is_followed():
    leading = {(page.key, figure.key) for page in DASHBOARDS.values() for figure in page.figures if figure.behind and page.key != "own"}

    assert leading == set(COUNTED)


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize(("key", "figure"), COUNTED)
def test_a_row_leads_to_just_what_it_counts(clinic, manager, key, figure, narrow):
    query = year(facility=clinic[2].department.facility.public_id) if narrow and key != "stock" else year()
    [shown] = [each for each in manager.get(url(key, **query)).context["figures"] if each.figure.key == figure]
    told = 0

    for cells in shown.rows:
        if not cells[0].url:
            continue
        expected = next(cell.text for cell in cells if cell.label == COUNTED[key, figure])
        behind = manager.get(cells[0].url)
        assert behind.status_code == 200, cells[0].url
        told += 1
        if COUNTED[key, figure] in {"Net", "Cost"}:
            amounts = [Decimal(row[-1].text.replace(",", "").replace("\N{MINUS SIGN}", "-")) for row in behind.context["rows"]]
            assert sum(amounts) == Decimal(expected.replace(",", "").replace("\N{MINUS SIGN}", "-"))
        else:
            assert behind.context["page_obj"].paginator.count == int(expected)

    assert told


def test_the_way_to_the_rows_keeps_what_was_asked_for(clinic, manager):
    doctor = clinic[0]
    [shown] = [each for each in manager.get(url("no-shows", doctor=doctor.public_id)).context["figures"] if each.figure.key == "by-hour"]

    query = parse_qs(urlsplit(shown.rows[0][0].url).query)

    assert query["doctor"] == [str(doctor.public_id)]
    assert query["status"] == ["no_show"]
    assert set(query) == {"doctor", "status", "hour", "date_from", "date_to"}


def test_who_takes_rows_away_is_in_the_log(clinic, manager):
    assert manager.get(reverse("analytics:rows_file", args=["visits", "csv"], query=year())).status_code == 200

    event = OutboxEvent.objects.order_by("pk").last()
    assert event.action == "analytics.rows.exported"
    assert event.document["changes"]["rows"] == "visits"
