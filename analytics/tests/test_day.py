"""The day's figures against sums made another way."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from analytics.selectors import day_figures
from billing.services.invoicing import void_invoice
from billing.services.payments import refund_payment
from billing.tests.factories import EncounterFactory, MedicineFactory, PatientFactory, cashier, draft, issued, issued_for, pay, visit
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DoctorFactory, user
from scheduling.models import Appointment, Queue, Token

pytestmark = pytest.mark.django_db


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def today(now):
    return timezone.localdate(now)


def figures_of(on, now):
    return day_figures(on=on, now=now)


def one(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()[0]


def book(doctor, start, status="booked", **more):
    closed = {"closed_reason": "x"} if status == "cancelled" else {}
    return Appointment.objects.create(
        patient=PatientFactory(), doctor=doctor, during=(start, start + timedelta(minutes=15)), status=status, **closed, **more
    )


def give_token(queue, on, number, status="waiting", issued_at=None, called_at=None):
    return Token.objects.create(
        queue=queue,
        on=on,
        number=number,
        patient=PatientFactory(),
        status=status,
        effective_at=issued_at,
        issued_at=issued_at,
        called_at=called_at,
    )


def test_empty_day_is_all_zero(today, now):
    figures = figures_of(today, now)

    assert (figures.appointments, figures.tokens, figures.encounters, figures.prescriptions, figures.doctors) == ({}, {}, {}, {}, [])
    assert (figures.revenue, figures.open_balance, figures.units_dispensed, figures.invoices_issued) == (0, 0, 0, 0)


def test_revenue_is_what_came_in_less_what_went_back(today, now):
    by = cashier()
    cash = pay(issued(by), by)
    pay(issued(by), by, "25.50", method="card")
    refund_payment(payment_id=cash.pk, amount=Decimal("10.25"), reason="x", by=by, request_id=uuid4())

    figures = figures_of(today, now)

    net = one("SELECT (SELECT SUM(amount) FROM billing_payment) - (SELECT SUM(amount) FROM billing_refund)")
    assert figures.revenue == net == Decimal("55.25")
    assert {row.method: row.net for row in figures.methods if row.net} == {"cash": Decimal("29.75"), "card": Decimal("25.50")}


def test_open_balance_is_what_issued_invoices_still_want(today, now):
    by = cashier()
    pay(issued(by), by, "15.00")
    issued(by, total="7.50")
    draft(by)
    void_invoice(invoice_id=issued(by).pk, reason="x", by=by)

    figures = figures_of(today, now)

    owed = one("SELECT SUM(total - paid) FROM billing_invoice WHERE state = 'issued'")
    assert figures.open_balance == owed == Decimal("32.50")
    assert figures.open_invoices == 2
    assert (figures.invoices_issued, figures.billed) == (3, Decimal("47.50"))


def test_each_doctor_gets_the_own_figures(today, now):
    by, ada, ben = user(Role.RECEPTION), DoctorFactory(), DoctorFactory()
    issued_for(visit((MedicineFactory(price=1), 10), doctor=ada), by)
    visit(doctor=ben)
    EncounterFactory(doctor=ben)
    issued(by, total="99.00")  # by hand: of no doctor

    figures = figures_of(today, now)

    rows = {row.name: (row.signed, row.in_progress, row.prescriptions, row.billed) for row in figures.doctors}
    assert rows == {ada.name: (1, 0, 1, Decimal("50.00")), ben.name: (1, 1, 0, Decimal("0.00"))}
    assert (figures.visits_signed, figures.visits_open, figures.prescriptions_waiting) == (2, 1, 1)
    assert figures.billed == Decimal("149.00")


def test_appointments_count_on_the_day_of_their_start(now):
    doctor, on = DoctorFactory(), date(2027, 3, 2)
    noon = datetime(2027, 3, 2, 12, 0, tzinfo=UTC)
    book(doctor, noon)
    book(doctor, noon + timedelta(hours=1), status="cancelled")
    book(doctor, noon + timedelta(hours=2), status="no_show")
    book(doctor, datetime(2027, 3, 1, 23, 50, tzinfo=UTC))
    book(doctor, datetime(2027, 3, 3, 0, 0, tzinfo=UTC))

    figures = figures_of(on, now)

    assert figures.appointments == {"booked": 1, "cancelled": 1, "no_show": 1}
    assert figures.doctors[0].appointments == 2


def test_day_is_that_of_the_clinics_clock(settings, now):
    settings.TIME_ZONE = "Asia/Tokyo"
    doctor = DoctorFactory()
    with timezone.override("Asia/Tokyo"):
        book(doctor, datetime(2027, 3, 1, 15, 0, tzinfo=UTC))  # midnight in Tokyo

        assert figures_of(date(2027, 3, 2), now).appointments == {"booked": 1}
        assert figures_of(date(2027, 3, 1), now).appointments == {}


def test_tokens_and_waits_are_those_of_the_day(today, now):
    queue = Queue.objects.create(doctor=DoctorFactory(), code="Q")
    early = now - timedelta(minutes=40)
    give_token(queue, today, 1, "done", early, early + timedelta(minutes=12))
    give_token(queue, today, 2, "waiting", early)
    give_token(queue, today - timedelta(days=1), 1, "done", early, now)

    figures = figures_of(today, now)

    assert figures.tokens == {"done": 1, "waiting": 1}
    assert (figures.waits.median, figures.waits.longest_now) == (12, 40)


def test_low_stock_counts_medicines_at_their_reorder_level(today, now):
    MedicineFactory(reorder_level=5)
    MedicineFactory(reorder_level=5, is_active=False)

    assert figures_of(today, now).low_stock == 1


def test_queries_are_flat(today, now, django_assert_max_num_queries):
    by = cashier()
    for rows in (3, 12):
        for _ in range(rows):
            pay(issued_for(visit((MedicineFactory(), 3)), by), by)
        with django_assert_max_num_queries(7):
            figures_of(today, now)


class TestPage:
    PATH = reverse("analytics:day")

    @pytest.mark.parametrize("role", [Role.MANAGER, Role.RECEPTION, Role.ADMIN])
    def test_shows_the_day(self, client_as, role, django_assert_max_num_queries):
        by = cashier()
        pay(issued(by), by)
        client = client_as(user(role))

        with django_assert_max_num_queries(10) as queries:
            response = client.get(self.PATH)

        assert "USD\N{NO-BREAK SPACE}40.00" in response.content.decode()
        assert all(query["sql"].startswith(("SELECT", "(SELECT")) for query in queries.captured_queries)

    @pytest.mark.parametrize("role", [Role.NURSE, Role.DOCTOR, Role.PHARMACIST, Role.PATIENT])
    def test_is_refused_to_others(self, client_as, role):
        assert client_as(user(role)).get(self.PATH).status_code == 403

    @pytest.mark.parametrize("asked", ["x", "", "0001-01-01", "9999-12-31", "2026-02-30", "%00"])
    def test_date_that_is_none_is_today(self, client_as, asked):
        response = client_as(user(Role.MANAGER)).get(f"{self.PATH}?date={asked}")

        assert response.context["is_today"]

    def test_another_day_leads_on_and_back(self, client_as):
        page = client_as(user(Role.MANAGER)).get(f"{self.PATH}?date=2026-03-01").content.decode()

        assert "Sunday, 1 March 2026" in page
        assert "?date=2026-02-28" in page
        assert "?date=2026-03-02" in page

    def test_links_only_where_the_reader_may_go(self, client_as):
        page = client_as(user(Role.MANAGER)).get(self.PATH)

        assert "worklist" not in page.context["to"]
        assert page.context["to"]["open"] == reverse("billing:invoices")
