from decimal import Decimal
from uuid import uuid4

import pytest

from billing.errors import NoOpenShift, NotPayable, Overpayment, RefundExceedsPayment
from billing.models import Invoice, Payment, Refund, Shift
from billing.services.drafts import change_lines
from billing.services.invoicing import draft_invoice, issue_invoice, void_invoice
from billing.services.payments import refund_payment
from billing.services.shifts import close_shift
from billing.tests.factories import ON, EncounterFactory, MedicineFactory, cashier, draft, issued, issued_for, pay, prescribe
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.audit.models import OutboxEvent
from clinic.core.errors import InvalidInput, RequestReused
from pharmacy.errors import PaymentRequired
from pharmacy.tests.factories import dispensed, stocked

pytestmark = pytest.mark.django_db


@pytest.fixture
def by():
    return cashier()


def back(payment, by, amount=None, **more):
    amount = payment.amount if amount is None else Decimal(amount)
    return refund_payment(payment_id=payment.pk, amount=amount, reason="mistake", by=by, request_id=more.get("request_id") or uuid4())


def state_of(invoice) -> tuple:
    fresh = Invoice.objects.get(pk=invoice.pk)
    return fresh.status, fresh.paid, fresh.balance


class TestTakePayment:
    def test_pays_in_parts(self, by):
        invoice = issued(by, total="40.00")

        pay(invoice, by, "15.00", method="card", reference="SLIP 1")
        assert state_of(invoice) == ("partly_paid", Decimal("15.00"), Decimal("25.00"))
        pay(invoice, by, "25.00", tendered=Decimal(30))

        assert state_of(invoice) == ("paid", Decimal("40.00"), Decimal("0.00"))
        assert [(p.method, p.amount, p.tendered, p.change) for p in Payment.objects.all()] == [
            ("card", Decimal("15.00"), None, Decimal("0.00")),
            ("cash", Decimal("25.00"), Decimal("30.00"), Decimal("5.00")),
        ]

    def test_the_same_request_pays_once(self, by):
        invoice, request_id = issued(by), uuid4()

        first = pay(invoice, by, "10", request_id=request_id)

        assert pay(invoice, by, "10", request_id=request_id) == first
        assert state_of(invoice)[1] == Decimal("10.00")
        for other, amount, method in ((issued(by), "10", "card"), (invoice, "11", "card"), (invoice, "10", "mobile")):
            with pytest.raises(RequestReused):
                pay(other, by, amount, method=method, request_id=request_id)
        assert state_of(invoice)[1] == Decimal("10.00")

    def test_the_same_request_gives_the_first_answer_even_when_all_is_paid(self, by):
        invoice, request_id = issued(by), uuid4()
        first = pay(invoice, by, request_id=request_id)

        assert pay(invoice, by, "40.00", request_id=request_id) == first

    @pytest.mark.parametrize("method", ["cash", "card"])
    def test_refuses_more_than_is_owed(self, by, method):
        invoice = issued(by, total="40.00")

        with pytest.raises(Overpayment):
            pay(invoice, by, "40.01", method=method)

        assert state_of(invoice) == ("issued", Decimal("0.00"), Decimal("40.00"))
        assert not Payment.objects.exists()

    def test_refuses_a_draft_a_void_and_a_paid_invoice(self, by):
        void, paid = draft(by), issued(by)
        void_invoice(invoice_id=void.pk, reason="x", by=by)
        pay(paid, by)

        for invoice in (draft(by), void, paid):
            with pytest.raises(NotPayable):
                pay(invoice, by, "1.00")

        assert Payment.objects.count() == 1

    def test_cash_needs_the_own_open_shift(self, by):
        stranger, invoice = user(Role.RECEPTION), issued(by)

        with pytest.raises(NoOpenShift):
            pay(invoice, stranger, "1.00")
        pay(invoice, stranger, "1.00", method="card")

        assert Payment.objects.get().method == "card"

    def test_counts_in_the_open_shift(self, by):
        assert pay(issued(by), by).shift == Shift.objects.get(cashier=by)

    @pytest.mark.parametrize(
        ("values", "wrong"),
        [
            ({"amount": "0"}, "amount"),
            ({"amount": "-5"}, "amount"),
            ({"amount": "0.005"}, "amount"),
            ({"amount": "NaN"}, "amount"),
            ({"amount": "1", "method": "gold"}, "method"),
            ({"amount": "10", "tendered": Decimal(9)}, "tendered"),
            ({"amount": "10", "reference": "4111 1111 1111 1111"}, "reference"),
            ({"amount": "10", "reference": "x" * 81}, "reference"),
        ],
    )
    def test_refuses_what_makes_no_sense(self, by, values, wrong):
        invoice = issued(by)

        with pytest.raises(InvalidInput) as refused:
            pay(invoice, by, **values)

        assert list(refused.value.errors) == [wrong]
        assert not Payment.objects.exists()
        assert not OutboxEvent.objects.filter(action="billing.payment.taken").exists()


class TestClearance:
    def cleared(self, prescription) -> bool:
        prescription.refresh_from_db()
        return prescription.cleared_at is not None

    def test_follows_the_money(self, by):
        encounter = EncounterFactory()
        prescription = prescribe(encounter, (MedicineFactory(), 10))
        invoice = issued_for(encounter, by)

        part = pay(invoice, by, "5.00")
        assert not self.cleared(prescription)
        pay(invoice, by, "40.00")
        assert self.cleared(prescription)
        back(part, by)
        assert not self.cleared(prescription)

    def test_is_what_the_counter_waits_for(self, by):
        medicine, encounter = MedicineFactory(), EncounterFactory()
        stocked(50, medicine=medicine)
        prescription = prescribe(encounter, (medicine, 10))
        invoice = issued_for(encounter, by)

        with pytest.raises(PaymentRequired):
            dispensed(prescription)
        pay(invoice, by)

        assert dispensed(prescription).lines.get().quantity == 10

    def test_waits_until_every_item_is_paid(self, by):
        encounter = EncounterFactory()
        prescription = prescribe(encounter, (MedicineFactory(price=1), 10), (MedicineFactory(price=1), 10))
        first = draft_invoice(encounter_id=encounter.pk, by=by)
        kept = [{"id": line.public_id} for line in first.lines.all()[:2]]
        change_lines(invoice_id=first.pk, lines=kept, by=by, on=ON)
        second = draft_invoice(encounter_id=encounter.pk, by=by)

        pay(issue_invoice(invoice_id=first.pk, by=by, on=ON), by)
        assert not self.cleared(prescription)
        pay(issue_invoice(invoice_id=second.pk, by=by, on=ON), by)

        assert self.cleared(prescription)


class TestRefund:
    def test_a_form_that_comes_back_with_another_amount_is_not_said_to_be_done(self, by):
        payment, request_id = pay(issued(by, total="40.00"), by), uuid4()
        first = back(payment, by, "15.00", request_id=request_id)

        assert back(payment, by, "15.00", request_id=request_id) == first
        with pytest.raises(RequestReused):
            back(payment, by, "16.00", request_id=request_id)

        assert Refund.objects.get().amount == Decimal("15.00")

    def test_gives_back_in_parts_at_most_what_was_paid(self, by):
        invoice = issued(by, total="40.00")
        payment = pay(invoice, by)

        back(payment, by, "15.00")
        assert state_of(invoice) == ("partly_paid", Decimal("25.00"), Decimal("15.00"))
        with pytest.raises(RefundExceedsPayment):
            back(payment, by, "25.01")
        back(payment, by, "25.00")

        payment.refresh_from_db()
        assert state_of(invoice) == ("issued", Decimal("0.00"), Decimal("40.00"))
        assert payment.refunded == Decimal("40.00")
        assert Refund.objects.count() == 2

    def test_the_same_request_gives_back_once(self, by):
        payment, request_id = pay(issued(by), by), uuid4()

        assert back(payment, by, "10", request_id=request_id) == back(payment, by, "10", request_id=request_id)

        payment.refresh_from_db()
        assert payment.refunded == Decimal("10.00")

    def test_of_cash_needs_an_open_shift(self, by):
        payment, manager = pay(issued(by), by), user(Role.MANAGER)

        with pytest.raises(NoOpenShift):
            back(payment, manager)

        assert not Refund.objects.exists()

    def test_counts_in_the_shift_that_gives_it(self, by):
        payment, other = pay(issued(by), by), cashier()

        assert back(payment, other).shift == Shift.objects.get(cashier=other)

    @pytest.mark.parametrize(("amount", "reason", "wrong"), [("0", "x", "amount"), ("0.001", "x", "amount"), ("1", " ", "reason")])
    def test_refuses_what_makes_no_sense(self, by, amount, reason, wrong):
        payment = pay(issued(by), by)

        with pytest.raises(InvalidInput) as refused:
            refund_payment(payment_id=payment.pk, amount=Decimal(amount), reason=reason, by=by, request_id=uuid4())

        assert list(refused.value.errors) == [wrong]
        assert not Refund.objects.exists()

    def test_after_the_shift_closed_needs_a_new_one(self, by):
        payment = pay(issued(by), by)
        close_shift(shift_id=payment.shift_id, counted={"cash": Decimal(140)}, by=by)

        with pytest.raises(NoOpenShift):
            back(payment, by)
