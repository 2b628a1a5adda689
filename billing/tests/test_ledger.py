"""The ledger, the day report and the drawers say the same; SQL that knows none of them agrees."""

import csv
import io
import random
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import openpyxl
import pgtrigger
import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from billing import selectors
from billing.models import Deposit, Invoice, Payment
from billing.services.crediting import credit_invoice
from billing.services.deposits import apply_deposits, refund_deposit, take_deposit
from billing.services.drafts import discount_invoice
from billing.services.invoicing import issue_invoice, void_invoice
from billing.services.payments import refund_payment, take_payments
from billing.services.shifts import close_shift
from billing.tests.factories import ON, PatientFactory, cashier, draft, insured, issued, pay
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.core.errors import DomainError
from clinic.core.money import to_cents

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("mid_morning")]


def one(query: str) -> Decimal:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0] or Decimal(0)


MONEY_IN = "SELECT method, amount FROM billing_payment UNION ALL SELECT method, amount FROM billing_deposit"
MONEY_OUT = """
    SELECT method, refund.amount FROM billing_refund refund JOIN billing_payment payment ON payment.id = payment_id
    UNION ALL SELECT method, refund.amount FROM billing_depositrefund refund JOIN billing_deposit deposit ON deposit.id = deposit_id"""


def busy_day(invoices: int, dice: random.Random) -> list:
    """Invoices with payments, refunds and credits at random, by two cashiers, of whom the first goes home halfway."""
    morning, evening = cashier(username="morning"), cashier(username="evening")
    manager = user(Role.MANAGER)
    patients = [PatientFactory(), PatientFactory(), insured(80), insured(33), insured(100)]
    for turn in range(invoices):
        by = morning if turn < invoices // 2 else evening
        if turn == invoices // 2:
            close_shift(shift_id=morning.shifts.get().pk, counted=selectors.expected_in(morning.shifts.get()), by=morning)
        invoice = draft(by, total=f"{dice.randrange(0, 20_000) / 100:.2f}", patient=dice.choice(patients))
        if invoice.total and dice.random() < 0.3:
            discount_invoice(invoice_id=invoice.pk, percent=Decimal(dice.randrange(1, 60)), reason="x", by=manager)
        issue_invoice(invoice_id=invoice.pk, by=by, on=ON)
        for _ in range(dice.randrange(4)):
            something_happens(invoice.pk, by, dice)
    return [morning, evening]


def something_happens(invoice_id: int, by, dice: random.Random) -> None:
    """It may be refused: then nothing may have come of it."""
    invoice = Invoice.objects.get(pk=invoice_id)
    amount = (Decimal(dice.randrange(1, 12_000)) / 100).quantize(Decimal("0.01"))
    payment = invoice.payments.order_by("?").first()
    deposit = Deposit.objects.with_rest().filter(patient=invoice.patient_id).first()
    moves = [
        lambda: pay(
            invoice, by, min(amount, max(invoice.patient_balance, Decimal("0.01"))), method=dice.choice(["cash", "card", "mobile"])
        ),
        lambda: pay(invoice, by, amount, method=dice.choice(["insurance", "bank"])),
        lambda: take_payments(
            invoice_id=invoice_id,
            parts=[{"method": "cash", "amount": invoice.patient_balance - 1}, {"method": "card", "amount": Decimal(1)}],
            by=by,
            request_id=uuid4(),
        ),
        lambda: payment and refund_payment(payment_id=payment.pk, amount=amount, reason="x", by=by, request_id=uuid4()),
        lambda: credit_invoice(invoice_id=invoice_id, amount=amount, reason="x", by=by, on=timezone.localdate(), request_id=uuid4()),
        lambda: take_deposit(patient_id=invoice.patient_id, method=dice.choice(["cash", "bank"]), amount=amount, by=by, request_id=uuid4()),
        lambda: apply_deposits(invoice_id=invoice_id, by=by, request_id=uuid4()),
        lambda: deposit and refund_deposit(deposit_id=deposit.pk, amount=to_cents(amount / 10 + 1), reason="x", by=by, request_id=uuid4()),
        lambda: void_invoice(invoice_id=invoice_id, reason="x", by=by),
    ]
    try:
        dice.choices(moves, [5, 3, 3, 3, 2, 3, 3, 2, 1])[0]()
    except DomainError:
        return


def test_a_day_of_200_invoices_adds_up_wherever_one_looks():
    cashiers = busy_day(200, random.Random(6))

    report = selectors.day_report(timezone.localdate())

    assert {entry.kind for entry in report.entries} >= {"invoice", "void", "credit note", "payment", "refund", "advance", "advance refund"}
    assert Payment.objects.filter(refunded__gt=0).exists()
    assert Invoice.objects.filter(state="void").exists()
    assert report.voided == one("SELECT SUM(total) FROM billing_invoice WHERE state = 'void'") > 0
    assert report.billed - report.voided == one("SELECT SUM(total) FROM billing_invoice WHERE state = 'issued'")
    assert report.billed - report.voided == one(
        "SELECT SUM(quantity * unit_price - discount + tax) FROM billing_invoiceline line "
        "JOIN billing_invoice invoice ON invoice.id = line.invoice_id WHERE invoice.state = 'issued'"
    )
    assert report.credited == one("SELECT SUM(amount) FROM billing_creditline")
    for method, flow in report.methods.items():
        assert flow.taken == one(f"SELECT SUM(amount) FROM ({MONEY_IN}) AS came WHERE method = '{method}'")
        assert flow.given == one(f"SELECT SUM(amount) FROM ({MONEY_OUT}) AS went WHERE method = '{method}'")
    held = one("SELECT SUM(amount - applied - refunded) FROM billing_deposit")
    assert report.deposits.net - report.applied.net == held > 0
    assert one("SELECT SUM(discount) FROM billing_invoiceline") > 0
    owed = one("SELECT SUM(total - credited - paid) FROM billing_invoice WHERE state = 'issued'")
    assert report.net_billed - report.paid == owed
    assert owed == sum((invoice.balance - invoice.overpaid for invoice in Invoice.objects.filter(state="issued")), Decimal(0))
    shifts = [cashier.shifts.get() for cashier in cashiers]
    in_drawers = [selectors.expected_in(shift) for shift in shifts]
    for method, flow in report.methods.items():
        floats = sum(shift.opening_float for shift in shifts) if method == "cash" else 0
        assert sum(drawer.get(method, Decimal(0)) for drawer in in_drawers) - floats == flow.net
    assert [count.variance for count in shifts[0].counts.all()] == [0] * shifts[0].counts.count()
    assert set(report.cashiers) == {"morning", "evening"}
    assert sum(flow.net for flow in report.cashiers.values()) == report.net


def test_no_share_is_lost_on_such_a_day():
    busy_day(40, random.Random(7))

    assert one("SELECT COUNT(*) FROM billing_invoiceline WHERE patient_share + insurer_share <> total") == 0
    assert (
        one("SELECT COUNT(*) FROM billing_invoice WHERE insurer_paid + declined > insurer_share OR paid > total OR credited > total") == 0
    )
    assert one("SELECT COUNT(DISTINCT number) FROM billing_creditnote") == one("SELECT SUM(last_number) FROM billing_creditnotecounter")
    assert one("SELECT COUNT(DISTINCT number) FROM billing_invoice") == one("SELECT SUM(last_number) FROM billing_invoicecounter")


def test_a_day_ends_at_the_clinics_midnight():
    by, today = cashier(), timezone.localdate()
    invoices = [issued(by, total=total) for total in ("1.00", "2.00", "4.00")]
    with pgtrigger.ignore("billing.Invoice:invoice_issued_is_frozen"):
        for invoice, at in zip(invoices, [selectors.midnight(today), selectors.midnight(today + timedelta(days=1)), None], strict=True):
            if at:
                Invoice.objects.filter(pk=invoice.pk).update(issued_at=at)
    draft(by)

    assert selectors.day_report(today).billed == Decimal("5.00")
    assert selectors.day_report(today + timedelta(days=1)).billed == Decimal("2.00")


class TestPages:
    @pytest.fixture
    def client(self, client_as):
        return client_as(user(Role.MANAGER))

    def test_the_day_report(self, client, django_assert_max_num_queries):
        by = cashier(username="dora")
        pay(issued(by, total="1234.50"), by)

        with django_assert_max_num_queries(8):
            shown = client.get(reverse("billing:day")).content.decode()

        assert shown.count("1,234.50") >= 4
        assert "dora" in shown
        assert "Nothing was billed" in client.get(reverse("billing:day"), {"on": "2020-01-01"}).content.decode()
        for on in ("x", "0001-01-01", "9999-12-31", "\0"):
            assert client.get(reverse("billing:day"), {"on": on}).status_code == 200

    def test_the_export_holds_the_ledger_and_no_formula(self, client):
        by = cashier(username="@dora")
        payment = pay(issued(by, total="40.00"), by, method="card", reference="=1+1")
        refund_payment(payment_id=payment.pk, amount=Decimal("1.50"), reason="+x", by=by, request_id=uuid4())
        asked = {"date_from": timezone.localdate(), "date_to": timezone.localdate()}

        text = client.get(reverse("billing:ledger_export"), asked | {"form": "csv"}).content.decode("utf-8-sig")
        sheet = openpyxl.load_workbook(io.BytesIO(client.get(reverse("billing:ledger_export"), asked | {"form": "xlsx"}).content)).active

        lines = list(csv.DictReader(io.StringIO(text)))
        assert [(line["kind"], line["amount"], line["by"], line["reference"]) for line in lines] == [
            ("invoice", "40.00", "'@dora", ""),
            ("payment", "40.00", "'@dora", "'=1+1"),
            ("refund", "-1.50", "'@dora", "'+x"),
        ]
        rows = list(sheet.iter_rows(min_row=2))
        assert [row[6].value for row in rows] == [40, 40, -1.5]
        assert [row[8].value for row in rows] == [None, "'=1+1", "'+x"]
        assert "f" not in {cell.data_type for row in rows for cell in row}

    @pytest.mark.parametrize(
        "asked",
        [
            {},
            {"date_from": "x", "date_to": "2026-01-01", "form": "csv"},
            {"date_from": "2026-01-02", "date_to": "2026-01-01", "form": "csv"},
            {"date_from": "2020-01-01", "date_to": "2026-01-01", "form": "csv"},
            {"date_from": "2026-01-01", "date_to": "2026-01-01", "form": "exe"},
        ],
    )
    def test_strange_wishes_get_a_400(self, client, asked):
        assert client.get(reverse("billing:ledger_export"), asked).status_code == 400

    def test_others_do_not_see_it(self, client_as):
        for role in (Role.RECEPTION, Role.DOCTOR, Role.PATIENT):
            client = client_as(user(role))
            assert client.get(reverse("billing:day")).status_code == 403
            assert client.get(reverse("billing:ledger_export")).status_code == 403
