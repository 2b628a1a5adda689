"""Many at once, on real connections; and the same without the guard, where it goes wrong."""

import threading
from decimal import Decimal
from functools import partial
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from billing import locks, selectors
from billing.errors import AlreadyBilled, AlreadyVoid, HasPayments, NoOpenShift, NotPayable, Overpayment, RefundExceedsPayment
from billing.models import CashCount, Invoice, Payment, Refund, Shift
from billing.services.drafts import change_lines
from billing.services.invoicing import draft_invoice, issue_invoice, void_invoice
from billing.services.payments import refund_payment
from billing.services.shifts import close_shift, open_shift
from billing.tests.factories import ON, EncounterFactory, MedicineFactory, cashier, draft, issued, pay, prescribe, visit
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.audit.services.recording import record
from clinic.core.db import constraint_of

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 8


def of_type(results, kind) -> list:
    return [result for result in results if isinstance(result, kind)]


def two_halves():
    """(prescription of two items, an issued invoice for each, cashier)"""
    by, encounter = cashier(), EncounterFactory()
    prescription = prescribe(encounter, (MedicineFactory(), 10), (MedicineFactory(), 10))
    first = draft_invoice(encounter_id=encounter.pk, by=by)
    change_lines(invoice_id=first.pk, lines=[{"id": line.public_id} for line in first.lines.all()[:2]], by=by, on=ON)
    halves = [first, draft_invoice(encounter_id=encounter.pk, by=by)]
    return prescription, [issue_invoice(invoice_id=half.pk, by=by, on=ON) for half in halves], by


class TestPaying:
    def test_one_request_pays_once(self, at_once):
        by = cashier()
        invoice, request_id = issued(by), uuid4()

        results = at_once(*[partial(pay, invoice, by, "40.00", request_id=request_id)] * THREADS)

        payment = Payment.objects.get()
        assert results == [payment] * THREADS
        assert Invoice.objects.get().paid == Decimal("40.00")

    def test_different_requests_never_pay_more_than_is_owed(self, at_once):
        by = cashier()
        invoice = issued(by, total="40.00")

        results = at_once(*[partial(pay, invoice, by, "15.00")] * THREADS)

        assert len(of_type(results, Payment)) == 2
        assert len(of_type(results, Overpayment)) == THREADS - 2
        assert Invoice.objects.get().paid == Decimal("30.00")

    def test_without_the_invoices_lock_the_sums_refuse(self, at_once, monkeypatch):
        by = cashier()
        invoice, both_read = issued(by), threading.Barrier(2)

        def read_only(invoice_id):
            row = Invoice.objects.select_related("patient").get(pk=invoice_id)
            both_read.wait(10)
            return row

        monkeypatch.setattr(locks, "lock_invoice", read_only)
        results = at_once(*[partial(pay, invoice, by, "40.00")] * 2)

        [error] = of_type(results, IntegrityError)
        assert constraint_of(error) == "invoice_paid_is_the_sum_of_its_payments"
        assert Payment.objects.count() == 1

    def test_voiding_and_paying_exclude_each_other(self, at_once):
        for _ in range(4):
            by = cashier()
            invoice = issued(by)

            results = at_once(partial(pay, invoice, by), partial(void_invoice, invoice_id=invoice.pk, reason="x", by=by))

            assert len(of_type(results, NotPayable | HasPayments)) == 1
            assert Payment.objects.filter(invoice=invoice).exists() == bool(of_type(results, Payment))

    def test_two_halves_paid_at_once_release_the_prescription(self, at_once):
        prescription, halves, by = two_halves()

        results = at_once(*[partial(pay, half, by) for half in halves])

        prescription.refresh_from_db()
        assert len(of_type(results, Payment)) == 2
        assert prescription.cleared_at is not None

    def test_without_the_prescriptions_lock_neither_half_sees_the_other(self, at_once, monkeypatch):
        prescription, halves, by = two_halves()
        both_looked = threading.Barrier(2)

        def record_together(**event):
            both_looked.wait(10)
            return record(**event)

        monkeypatch.setattr(locks, "lock_prescriptions", lambda ids: None)
        monkeypatch.setattr("billing.services.payments.record", record_together)
        at_once(*[partial(pay, half, by) for half in halves])

        prescription.refresh_from_db()
        assert all(half.status == "paid" for half in Invoice.objects.all())
        assert prescription.cleared_at is None


class TestRefunding:
    def test_never_gives_back_more_than_was_paid(self, at_once):
        by = cashier()
        payment = pay(issued(by, total="40.00"), by)

        def call():
            return refund_payment(payment_id=payment.pk, amount=Decimal(15), reason="x", by=by, request_id=uuid4())

        results = at_once(*[call] * THREADS)

        payment.refresh_from_db()
        assert len(of_type(results, Refund)) == 2
        assert len(of_type(results, RefundExceedsPayment)) == THREADS - 2
        assert payment.refunded == Decimal("30.00")


class TestIssuing:
    def test_numbers_are_gapless(self, at_once):
        by = user(Role.RECEPTION)
        drafts = [draft(by) for _ in range(THREADS)]

        at_once(*[partial(issue_invoice, invoice_id=row.pk, by=by, on=ON) for row in drafts])

        numbers = sorted(Invoice.objects.values_list("number", flat=True))
        assert numbers == [f"INV-2026-{number:06d}" for number in range(1, THREADS + 1)]

    def test_rolled_back_one_leaves_no_gap(self, at_once):
        by = user(Role.RECEPTION)
        drafts = [draft(by) for _ in range(THREADS)]

        def issue_and_fail():
            with transaction.atomic():
                issue_invoice(invoice_id=drafts[0].pk, by=by, on=ON)
                raise RuntimeError

        results = at_once(issue_and_fail, *[partial(issue_invoice, invoice_id=row.pk, by=by, on=ON) for row in drafts[1:]])

        numbers = sorted(Invoice.objects.filter(number__isnull=False).values_list("number", flat=True))
        assert isinstance(results[0], RuntimeError)
        assert numbers == [f"INV-2026-{number:06d}" for number in range(1, THREADS)]

    def test_counting_instead_of_the_counter_gives_a_number_twice(self, at_once, monkeypatch):
        by, both_counted = user(Role.RECEPTION), threading.Barrier(2)
        drafts = [draft(by), draft(by)]

        def count(year):
            counter = SimpleNamespace(last_number=Invoice.objects.filter(number__isnull=False).count(), save=lambda **_: None)
            both_counted.wait(10)
            return counter

        monkeypatch.setattr(locks, "lock_counter", count)
        results = at_once(*[partial(issue_invoice, invoice_id=row.pk, by=by, on=ON) for row in drafts])

        [error] = of_type(results, IntegrityError)
        assert constraint_of(error) == "billing_invoice_number_key"

    def test_one_draft_is_issued_once(self, at_once):
        by = user(Role.RECEPTION)
        invoice = draft(by)

        results = at_once(*[partial(issue_invoice, invoice_id=invoice.pk, by=by, on=ON)] * THREADS)

        assert len(of_type(results, Invoice)) == 1
        assert Invoice.objects.get().number == "INV-2026-000001"


class TestDrafting:
    def test_visit_is_billed_once(self, at_once):
        by, encounter = user(Role.RECEPTION), visit((MedicineFactory(), 5))

        results = at_once(*[partial(draft_invoice, encounter_id=encounter.pk, by=by)] * THREADS)

        [invoice] = of_type(results, Invoice)
        assert {error.extra["invoice"] for error in of_type(results, AlreadyBilled)} == {str(invoice.public_id)}
        assert Invoice.objects.count() == 1

    def test_one_request_makes_one_draft(self, at_once):
        by, encounter, request_id = user(Role.RECEPTION), visit(), uuid4()

        results = at_once(*[partial(draft_invoice, encounter_id=encounter.pk, by=by, request_id=request_id)] * THREADS)

        assert results == [Invoice.objects.get()] * THREADS

    def test_without_the_encounters_lock_the_charge_is_refused(self, at_once, monkeypatch):
        by, encounter, both_looked = user(Role.RECEPTION), visit(), threading.Barrier(2)
        look = selectors.unbilled_charges

        def look_together(encounter):
            new = look(encounter)
            both_looked.wait(10)
            return new

        monkeypatch.setattr(locks, "lock_encounter", lambda pk: type(encounter).objects.get(pk=pk))
        monkeypatch.setattr(selectors, "unbilled_charges", look_together)
        results = at_once(*[partial(draft_invoice, encounter_id=encounter.pk, by=by)] * 2)

        [refused] = of_type(results, AlreadyBilled)
        assert constraint_of(refused.__cause__) == "line_charge_billed_once"
        assert Invoice.objects.count() == 1

    def test_voiding_twice_voids_once(self, at_once):
        by = user(Role.RECEPTION)
        invoice = draft(by)

        results = at_once(*[partial(void_invoice, invoice_id=invoice.pk, reason="x", by=by)] * 4)

        assert len(of_type(results, Invoice)) == 1
        assert len(of_type(results, AlreadyVoid)) == 3


class TestShift:
    def test_cashier_opens_one(self, at_once):
        by = user(Role.RECEPTION)

        results = at_once(*[lambda: open_shift(by=by, opening_float=Decimal(10), request_id=uuid4())] * 4)

        assert len(of_type(results, Shift)) == 1

    def test_double_press_opens_one(self, at_once):
        by, request_id = user(Role.RECEPTION), uuid4()

        results = at_once(*[partial(open_shift, by=by, opening_float=Decimal(10), request_id=request_id)] * 4)

        assert results == [Shift.objects.get()] * 4

    def test_payment_beside_the_closing_is_counted_or_refused(self, at_once):
        for _ in range(6):
            by = cashier()
            shift, invoice = Shift.objects.get(cashier=by), issued(by)
            close = partial(close_shift, shift_id=shift.pk, counted={"cash": Decimal(140)}, by=by, reason="x")

            results = at_once(partial(pay, invoice, by), close)

            expected = CashCount.objects.get(shift=shift).expected
            assert expected == 100 + sum(Payment.objects.filter(shift=shift).values_list("amount", flat=True))
            assert len(of_type(results, Payment | NoOpenShift)) == 1
