"""What the database refuses by itself, whoever writes."""

from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from billing.models import CashCount, Invoice, InvoiceLine, Payment, PriceItem, Refund, Shift
from billing.services.invoicing import void_invoice
from billing.services.payments import refund_payment
from billing.tests.factories import (
    EncounterFactory,
    MedicineFactory,
    PatientFactory,
    PriceItemFactory,
    cashier,
    draft,
    issued,
    pay,
    prescribe,
)
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.core.db import constraint_of

pytestmark = pytest.mark.django_db


@contextmanager
def refused_by(rule: str):
    """The statements inside, or their commit, are refused by this rule."""
    found = ""
    try:
        with transaction.atomic():
            yield
            sql("SET CONSTRAINTS ALL IMMEDIATE")  # what a commit would check
    except IntegrityError as error:
        found = constraint_of(error)
    sql("SET CONSTRAINTS ALL DEFERRED")
    assert found == rule


def sql(statement: str, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


class TestSums:
    def test_total_differs_from_its_lines(self):
        invoice = draft()

        with refused_by("invoice_total_is_the_sum_of_its_lines"):
            sql("UPDATE billing_invoice SET total = total + 1 WHERE id = %s", invoice.pk)

    @pytest.mark.parametrize(
        "statement",
        [
            "DELETE FROM billing_invoiceline WHERE invoice_id = %s",
            "UPDATE billing_invoiceline SET unit_price = 41, total = 41 WHERE invoice_id = %s",
        ],
    )
    def test_line_changes_without_its_total(self, statement):
        invoice = draft()

        with refused_by("invoice_total_is_the_sum_of_its_lines"):
            sql(statement, invoice.pk)

    def test_line_is_added_without_its_total(self):
        invoice = draft()

        with refused_by("invoice_total_is_the_sum_of_its_lines"):
            InvoiceLine.objects.create(invoice=invoice, description="More", unit_price=1, total=1)

    def test_paid_differs_from_its_payments(self):
        invoice = issued()

        with refused_by("invoice_paid_is_the_sum_of_its_payments"):
            sql("UPDATE billing_invoice SET paid = 1 WHERE id = %s", invoice.pk)

    def test_payment_is_added_without_counting_as_paid(self):
        invoice = issued()

        with refused_by("invoice_paid_is_the_sum_of_its_payments"):
            Payment.objects.create(invoice=invoice, method="card", amount=5, request_id=uuid4())

    def test_payments_exceed_the_total(self):
        invoice = issued(total="40.00")

        with refused_by("invoice_paid_within_total"):
            Payment.objects.create(invoice=invoice, method="card", amount=41, request_id=uuid4())
            sql("UPDATE billing_invoice SET paid = 41 WHERE id = %s", invoice.pk)

    def test_refunded_differs_from_its_refunds(self):
        payment = pay(issued(), cashier(), method="card")

        with refused_by("payment_refunded_is_the_sum_of_its_refunds"):
            sql("UPDATE billing_payment SET refunded = 1 WHERE id = %s", payment.pk)
            sql("UPDATE billing_invoice SET paid = paid - 1 WHERE id = %s", payment.invoice_id)

    def test_refund_is_added_without_counting(self):
        payment = pay(issued(), cashier(), method="card")

        with refused_by("payment_refunded_is_the_sum_of_its_refunds"):
            Refund.objects.create(payment=payment, amount=1, reason="x", request_id=uuid4())

    def test_refunds_exceed_the_payment(self):
        payment = pay(issued(), cashier(), method="card")

        with refused_by("payment_refunded_within_amount"):
            sql("UPDATE billing_payment SET refunded = amount + 1 WHERE id = %s", payment.pk)


class TestIssuedIsFrozen:
    @pytest.mark.parametrize(
        "change",
        [
            "total = 1",
            "number = 'INV-1'",
            "issued_at = now()",
            "state = 'draft', number = NULL, issued_at = NULL",
            "patient_id = NULL",
            "cover_percent = 50",
            "created_by_id = NULL",
            "request_id = gen_random_uuid()",
            "public_id = gen_random_uuid()",
        ],
    )
    def test_invoice_changes(self, change):
        invoice = issued()

        with refused_by("invoice_issued_is_frozen"):
            sql(f"UPDATE billing_invoice SET {change} WHERE id = %s", invoice.pk)

    def test_why_it_is_void_stays(self):
        invoice = issued()
        void_invoice(invoice_id=invoice.pk, reason="Twice", by=None)

        with refused_by("invoice_issued_is_frozen"):
            sql("UPDATE billing_invoice SET void_reason = 'Other' WHERE id = %s", invoice.pk)

    @pytest.mark.parametrize(
        "statement",
        ["UPDATE billing_invoiceline SET description = 'x' WHERE invoice_id = %s", "DELETE FROM billing_invoiceline WHERE invoice_id = %s"],
    )
    def test_line_changes(self, statement):
        invoice = issued()

        with refused_by("line_of_issued_invoice_frozen"):
            sql(statement, invoice.pk)

    def test_line_is_added(self):
        invoice = issued()

        with refused_by("line_of_issued_invoice_frozen"):
            InvoiceLine.objects.create(invoice=invoice, description="More", unit_price=1, total=1)

    def test_line_moves_to_a_draft(self):
        invoice, other = issued(), draft()

        with refused_by("line_stays_on_its_invoice"):
            sql("UPDATE billing_invoiceline SET invoice_id = %s WHERE invoice_id = %s", other.pk, invoice.pk)

    def test_line_of_a_void_invoice_changes_otherwise(self):
        invoice = draft()
        void_invoice(invoice_id=invoice.pk, reason="wrong", by=user(Role.RECEPTION))

        with refused_by("line_of_issued_invoice_frozen"):
            sql("UPDATE billing_invoiceline SET is_void = FALSE WHERE invoice_id = %s", invoice.pk)

    def test_invoice_is_void_and_its_lines_are_not(self):
        invoice = draft()

        with refused_by("invoice_lines_are_void_with_it"):
            sql("UPDATE billing_invoice SET state = 'void', void_reason = 'x', voided_at = now() WHERE id = %s", invoice.pk)

    def test_invoice_is_deleted(self):
        invoice = draft()

        with refused_by("invoice_kept"):
            Invoice.objects.filter(pk=invoice.pk)._raw_delete("default")

    def test_payment_changes(self):
        payment = pay(issued(), cashier())

        with refused_by("payment_unchanged"):
            sql("UPDATE billing_payment SET amount = 1, tendered = 1 WHERE id = %s", payment.pk)

    def test_refund_changes(self):
        payment = pay(issued(), cashier())
        refund_payment(payment_id=payment.pk, amount=Decimal(1), reason="x", by=payment.received_by, request_id=uuid4())

        with refused_by("refund_append_only"):
            sql("UPDATE billing_refund SET amount = 2")


class TestInvoice:
    def test_is_void_without_a_reason(self):
        invoice = draft()

        with refused_by("invoice_void_with_reason"):
            sql("UPDATE billing_invoice SET state = 'void' WHERE id = %s", invoice.pk)

    def test_is_issued_without_a_number(self):
        invoice = draft()

        with refused_by("invoice_numbered_when_issued"):
            sql("UPDATE billing_invoice SET state = 'issued', issued_at = now() WHERE id = %s", invoice.pk)

    def test_draft_is_paid(self):
        invoice = draft()

        with refused_by("invoice_draft_is_unpaid"):
            sql("UPDATE billing_invoice SET paid = 1 WHERE id = %s", invoice.pk)

    def test_number_is_given_twice(self):
        first, second = issued(), draft()

        with refused_by("billing_invoice_number_key"):
            sql("UPDATE billing_invoice SET state = 'issued', issued_at = now(), number = %s WHERE id = %s", first.number, second.pk)

    def test_names_another_patient_than_its_visit(self):
        with refused_by("invoice_of_the_encounters_patient"):
            Invoice.objects.create(patient=PatientFactory(), encounter=EncounterFactory())

    def test_charges_what_was_prescribed_to_another(self):
        item = prescribe(EncounterFactory(), (MedicineFactory(), 5)).items.get()
        invoice = draft()

        with refused_by("line_of_the_invoices_patient"):
            InvoiceLine.objects.create(invoice=invoice, description="x", unit_price=1, total=1, prescription_item=item)

    def test_charge_is_billed_twice(self):
        first, second = draft(), draft()
        InvoiceLine.objects.create(invoice=first, description="x", unit_price=0, total=0, charge_key="consultation:1")

        with refused_by("line_charge_billed_once"):
            InvoiceLine.objects.create(invoice=second, description="x", unit_price=0, total=0, charge_key="consultation:1")

    @pytest.mark.parametrize(
        ("rule", "values"),
        [
            ("line_quantity_positive", {"quantity": 0, "unit_price": 0, "total": 0}),
            ("line_discount_within_price", {"unit_price": -1, "total": -1}),  # so says the first rule that a negative price breaks
            ("line_discount_within_price", {"unit_price": 1, "discount": 2, "total": -1, "discount_reason": "x"}),
            ("line_discount_with_reason", {"unit_price": 2, "discount": 1, "total": 1}),
            ("line_total_adds_up", {"unit_price": 1, "total": 2}),
            ("line_tax_not_negative", {"unit_price": 1, "tax": -1, "total": 0}),
        ],
    )
    def test_line_does_not_add_up(self, rule, values):
        invoice = draft()

        with refused_by(rule):
            InvoiceLine.objects.create(invoice=invoice, description="x", **values)


class TestPayment:
    @pytest.mark.parametrize(
        ("rule", "values"),
        [
            ("payment_positive", {"method": "card", "amount": 0}),
            ("payment_cash_in_a_shift", {"method": "cash", "amount": 1, "tendered": 1}),
            ("payment_change_adds_up", {"method": "card", "amount": 5, "tendered": 10, "change": 4}),
        ],
    )
    def test_is_no_payment(self, rule, values):
        invoice = issued()

        with refused_by(rule):
            Payment.objects.create(invoice=invoice, request_id=uuid4(), **values)

    def test_is_sent_twice(self):
        payment = pay(issued(), cashier())

        with refused_by("billing_payment_request_id_key"):
            Payment.objects.create(invoice=payment.invoice, method="card", amount=1, request_id=payment.request_id)

    def test_refund_gives_no_reason(self):
        payment = pay(issued(), cashier())

        with refused_by("refund_has_a_reason"):
            Refund.objects.create(payment=payment, amount=1, reason="", request_id=uuid4())


class TestShift:
    def closed(self) -> Shift:
        shift = Shift.objects.get(cashier=cashier())
        shift.save_changes(closed_at=timezone.now())
        return shift

    def test_cashier_opens_two(self):
        person = cashier()

        with refused_by("shift_one_open_per_cashier"):
            Shift.objects.create(cashier=person, opening_float=0)

    def test_closed_one_changes(self):
        shift = self.closed()

        with refused_by("shift_closed_is_frozen"):
            sql("UPDATE billing_shift SET opening_float = 1 WHERE id = %s", shift.pk)

    def test_closed_one_takes_a_payment(self):
        shift, invoice = self.closed(), issued()

        with refused_by("payment_in_open_shift"):
            Payment.objects.create(invoice=invoice, method="cash", amount=1, tendered=1, shift=shift, request_id=uuid4())

    def test_closed_one_gives_a_refund(self):
        shift, payment = self.closed(), pay(issued(), cashier())

        with refused_by("refund_in_open_shift"):
            Refund.objects.create(payment=payment, amount=1, reason="x", shift=shift, request_id=uuid4())

    def test_closed_one_is_counted(self):
        shift = self.closed()

        with refused_by("cash_count_in_open_shift"):
            CashCount.objects.create(shift=shift, method="cash", expected=0, counted=0)

    def test_variance_stands_without_a_reason(self):
        shift = Shift.objects.get(cashier=cashier())

        with refused_by("cash_count_variance_explained"):
            CashCount.objects.create(shift=shift, method="cash", expected=100, counted=99)

    def test_cash_is_counted_negative(self):
        shift = Shift.objects.get(cashier=cashier())

        with refused_by("cash_count_not_negative"):
            CashCount.objects.create(shift=shift, method="cash", expected=0, counted=-1)

    def test_count_changes(self):
        shift = Shift.objects.get(cashier=cashier())
        CashCount.objects.create(shift=shift, method="cash", expected=0, counted=0)

        with refused_by("cash_count_append_only"):
            sql("UPDATE billing_cashcount SET counted = 1")


class TestPrice:
    def test_two_hold_on_one_day(self):
        PriceItemFactory(code="ECG", valid_from=date(2026, 1, 1))

        with refused_by("price_one_at_a_time"):
            PriceItemFactory(code="ECG", valid_from=date(2026, 6, 1))

    @pytest.mark.parametrize(
        ("rule", "values"),
        [
            ("price_not_negative", {"unit_price": -1}),
            ("price_tax_within_0_to_100", {"tax_percent": 101}),
            ("price_valid_period_not_empty", {"valid_until": date(2020, 1, 1)}),
        ],
    )
    def test_makes_no_sense(self, rule, values):
        with refused_by(rule):
            PriceItemFactory(**values)

    def test_is_found_by_code_and_id_on_its_days(self):
        price = PriceItemFactory(code="ECG", valid_from=date(2026, 1, 1), valid_until=date(2026, 2, 1))

        assert PriceItem.objects.priced_on(date(2026, 1, 31)).by_code_or_id("ecg") == price
        assert PriceItem.objects.priced_on(date(2026, 1, 1)).by_code_or_id(str(price.public_id)) == price
        assert PriceItem.objects.priced_on(date(2026, 2, 1)).by_code_or_id("ECG") is None
        assert PriceItem.objects.priced_on(date(2026, 1, 1)).by_code_or_id("no\0ne") is None
