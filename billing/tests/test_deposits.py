"""Money in advance: never more applied and given back than was paid, in the day's report and in the drawer."""

import threading
from decimal import Decimal
from functools import partial
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from billing import locks, selectors
from billing.errors import NoDeposit, NoOpenShift, NotPayable, Overpayment, RefundExceedsPayment
from billing.models import Deposit, DepositRefund, Invoice, Payment
from billing.services.deposits import apply_deposits, refund_deposit, take_deposit
from billing.services.payments import refund_payment
from billing.tests.factories import PatientFactory, cashier, draft, insured, issued, pay
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.audit.models import OutboxEvent
from clinic.core.db import constraint_of
from clinic.core.errors import InvalidInput, NotFound, RequestReused

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("mid_morning")]


@pytest.fixture
def by():
    return cashier()


def advance(by, amount="50.00", *, patient=None, method="cash", request_id=None) -> Deposit:
    patient = patient or PatientFactory()
    return take_deposit(patient_id=patient.pk, method=method, amount=Decimal(amount), by=by, request_id=request_id or uuid4())


def use(invoice, by, amount=None, *, request_id=None):
    amount = Decimal(amount) if amount is not None else None
    return apply_deposits(invoice_id=invoice.pk, by=by, amount=amount, request_id=request_id or uuid4())


def give_back(deposit, by, amount, *, request_id=None):
    return refund_deposit(deposit_id=deposit.pk, amount=Decimal(amount), reason="Moves away", by=by, request_id=request_id or uuid4())


class TestFlow:
    def test_a_form_that_comes_back_with_another_amount_is_not_said_to_be_done(self, by):
        patient, taken, given = PatientFactory(), uuid4(), uuid4()
        first = advance(by, "50.00", patient=patient, request_id=taken)
        back = give_back(first, by, Decimal("5.00"), request_id=given)

        assert advance(by, "50.00", patient=patient, request_id=taken) == first
        assert give_back(first, by, Decimal("5.00"), request_id=given) == back
        with pytest.raises(RequestReused):
            advance(by, "60.00", patient=patient, request_id=taken)
        with pytest.raises(RequestReused):
            give_back(first, by, Decimal("6.00"), request_id=given)

    def test_pays_what_is_owed_oldest_first_and_keeps_the_rest(self, by):
        patient = PatientFactory()
        first, second = advance(by, "30.00", patient=patient), advance(by, "30.00", patient=patient, method="card")
        invoice = issued(by, total="40.00", patient=patient)

        made = use(invoice, by)

        first.refresh_from_db(), second.refresh_from_db()
        assert [(payment.deposit, payment.amount, payment.shift) for payment in made] == [
            (first, Decimal("30.00"), None),
            (second, Decimal("10.00"), None),
        ]
        assert (first.rest, second.rest) == (0, Decimal("20.00"))
        assert Invoice.objects.get().status == "paid"

    def test_what_is_refunded_of_such_a_payment_goes_back_to_the_advance(self, by):
        deposit = advance(by)
        [payment] = use(issued(by, total="40.00", patient=deposit.patient), by)

        refund = refund_payment(payment_id=payment.pk, amount=Decimal("15.00"), reason="x", by=by, request_id=uuid4())

        deposit.refresh_from_db()
        assert (deposit.applied, deposit.rest, refund.shift) == (Decimal("25.00"), Decimal("25.00"), None)

    def test_what_is_left_is_given_back_from_the_drawer(self, by):
        deposit = advance(by)
        use(issued(by, total="40.00", patient=deposit.patient), by)

        give_back(deposit, by, "10.00")

        assert selectors.expected_in(by.shifts.get())["cash"] == Decimal("140.00")
        with pytest.raises(RefundExceedsPayment):
            give_back(deposit, by, "0.01")
        assert DepositRefund.objects.count() == 1

    def test_the_day_report_tells_money_from_its_use(self, by):
        deposit = advance(by)
        use(issued(by, total="40.00", patient=deposit.patient), by)
        give_back(deposit, by, "10.00")

        report = selectors.day_report(timezone.localdate())

        assert (report.net, report.deposits.net, report.applied.net, report.paid) == (40, 40, 40, 40)
        assert report.net_billed - report.paid == 0
        assert {entry.kind for entry in report.entries} == {"advance", "invoice", "payment", "advance refund"}

    def test_many_small_advances_pay_one_invoice(self, by):
        patient, request_id = PatientFactory(), uuid4()
        for _ in range(25):
            advance(by, "2.00", patient=patient)
        invoice = issued(by, total="48.00", patient=patient)

        made = use(invoice, by, "48.00", request_id=request_id)

        assert sum(payment.amount for payment in made) == Decimal("48.00")
        assert use(invoice, by, "48.00", request_id=request_id) == made
        assert Payment.objects.count() == 24

    def test_repeating_a_request_has_one_effect(self, by):
        ids = [uuid4() for _ in range(3)]
        patient = PatientFactory()
        one = advance(by, patient=patient, request_id=ids[0])
        advance(by, "5.00", patient=patient)
        invoice = issued(by, total="52.00", patient=patient)
        paid, back = use(invoice, by, request_id=ids[1]), give_back(Deposit.objects.last(), by, "1.00", request_id=ids[2])

        assert advance(by, patient=patient, request_id=ids[0]) == one
        assert use(invoice, by, request_id=ids[1]) == paid
        assert give_back(Deposit.objects.last(), by, "1.00", request_id=ids[2]) == back
        with pytest.raises(RequestReused):
            advance(by, request_id=ids[0])
        assert (Deposit.objects.count(), Payment.objects.count(), DepositRefund.objects.count()) == (2, 2, 1)


class TestRefusals:
    @pytest.mark.parametrize("amount", ["0", "-1", "0.001", "NaN", "Infinity", "1e400", "10000000000"])
    def test_what_is_no_amount(self, by, amount):
        deposit = advance(by)
        invoice = issued(by, patient=deposit.patient)

        for attempt in (partial(advance, by, amount), partial(use, invoice, by, amount), partial(give_back, deposit, by, amount)):
            with pytest.raises(InvalidInput):
                attempt()

        assert (Deposit.objects.count(), Payment.objects.count(), DepositRefund.objects.count()) == (1, 0, 0)

    @pytest.mark.parametrize("reference", ["4111 1111 1111 1111", "x" * 81])
    def test_a_card_number_is_not_kept(self, by, reference, api_as):
        body = {"patient": str(PatientFactory().public_id), "method": "card", "amount": "5.00", "reference": reference}

        answer = api_as(by).post("/api/v1/deposits/", body)

        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["reference"])
        assert not Deposit.objects.exists()

    def test_what_makes_no_sense(self, by):
        deposit = advance(by)
        patient = deposit.patient
        insurer = issued(by, patient=insured(100))

        for error, attempt in (
            (NoOpenShift, partial(advance, user(Role.RECEPTION))),
            (InvalidInput, partial(advance, by, method="insurance")),
            (InvalidInput, partial(advance, by, method="deposit")),
            (NoDeposit, partial(use, issued(by), by)),
            (NoDeposit, partial(use, insurer, by)),
            (NotPayable, partial(use, draft(by, patient=patient), by)),
            (Overpayment, partial(use, issued(by, total="10.00", patient=patient), by, "10.01")),
            (Overpayment, partial(use, issued(by, total="90.00", patient=patient), by, "50.01")),
            (NotFound, partial(refund_deposit, deposit_id=0, amount=Decimal(1), reason="x", by=by, request_id=uuid4())),
        ):
            with pytest.raises(error):
                attempt()
        with pytest.raises(InvalidInput):
            pay(issued(by, patient=patient), by, method="deposit")

        assert (Deposit.objects.count(), Payment.objects.count()) == (1, 0)

    @pytest.mark.parametrize(
        ("rule", "statement"),
        [
            ("deposit_used_within_amount", "UPDATE billing_deposit SET applied = 50.01"),
            ("deposit_unchanged", "UPDATE billing_deposit SET amount = 60"),
            ("deposit_kept", "DELETE FROM billing_deposit"),
            ("deposit_applied_is_the_sum_of_its_payments", "UPDATE billing_deposit SET applied = 1"),
            ("deposit_refunded_is_the_sum_of_its_refunds", "UPDATE billing_deposit SET refunded = refunded + 1"),
            ("deposit_refund_append_only", "UPDATE billing_depositrefund SET amount = 1"),
            ("deposit_refund_append_only", "DELETE FROM billing_depositrefund"),
        ],
    )
    def test_the_database_refuses(self, by, rule, statement):
        give_back(advance(by), by, "2.00")

        with pytest.raises(IntegrityError) as refused, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET CONSTRAINTS ALL IMMEDIATE; {statement}")

        assert constraint_of(refused.value) == rule

    @pytest.mark.parametrize(
        ("rule", "changes"),
        [
            ("payment_from_a_deposit", {"deposit": None}),
            ("payment_from_a_deposit", {"method": "card"}),
            ("payment_from_the_patients_deposit", {"invoice": None}),
        ],
    )
    def test_the_database_refuses_a_payment_from_it(self, by, rule, changes):
        deposit = advance(by)
        invoice = issued(by, patient=deposit.patient)
        if "invoice" in changes:
            changes = {"invoice": issued(by)}
        columns = {"invoice": invoice, "method": "deposit", "deposit": deposit, "amount": Decimal(1), "request_id": uuid4()}

        with pytest.raises(IntegrityError) as refused, transaction.atomic():
            Payment.objects.create(**columns | changes)

        assert constraint_of(refused.value) == rule


@pytest.mark.django_db(transaction=True)
class TestRace:
    def invoices(self, by):
        deposit = advance(by)
        return deposit, [issued(by, total="40.00", patient=deposit.patient) for _ in range(4)]

    def test_one_advance_pays_once(self, by, at_once):
        deposit, invoices = self.invoices(by)

        results = at_once(*[partial(use, invoice, by, "40.00") for invoice in invoices], partial(give_back, deposit, by, "50.00"))

        deposit.refresh_from_db()
        assert len([result for result in results if isinstance(result, list | DepositRefund)]) == 1
        assert deposit.applied + deposit.refunded <= deposit.amount
        assert sum(payment.amount for payment in Payment.objects.all()) == deposit.applied

    def test_without_the_lock_the_sums_refuse(self, by, at_once, monkeypatch):

        _, invoices = self.invoices(by)
        both_read = threading.Barrier(2)

        def read_only(patient_id):
            rows = list(Deposit.objects.with_rest().filter(patient=patient_id))
            both_read.wait(10)
            return rows

        monkeypatch.setattr(locks, "lock_deposits_of", read_only)
        results = at_once(*[partial(use, invoice, by, "40.00") for invoice in invoices[:2]])

        [error] = [result for result in results if isinstance(result, IntegrityError)]
        assert constraint_of(error) == "deposit_applied_is_the_sum_of_its_payments"
        assert Payment.objects.count() == 1


class TestDoors:
    def test_api(self, api_as, by):
        patient, api = PatientFactory(user=user(Role.PATIENT)), api_as(by)
        body = {"patient": str(patient.public_id), "method": "card", "amount": "50.00"}

        made = api.post("/api/v1/deposits/", body)
        invoice = issued(by, total="40.00", patient=patient)
        used = api.post(f"/api/v1/invoices/{invoice.public_id}/apply-deposit/", {})
        back = api.post(f"/api/v1/deposits/{made.json()['id']}/refund/", {"amount": "10.00", "reason": "x"})

        assert (made.status_code, used.status_code, back.status_code) == (201, 201, 201)
        assert (used.json()["payments"][0]["method"], back.json()["rest"]) == ("deposit", "0.00")
        assert api_as(patient.user).get("/api/v1/deposits/").json()["count"] == 1
        assert api_as(user(Role.PATIENT)).get("/api/v1/deposits/").json()["count"] == 0
        assert api_as(patient.user).post("/api/v1/deposits/", body).status_code == 403
        for bad in (
            {"amount": "1e400"},
            {"amount": "0.001"},
            {"amount": "NaN"},
            {"method": "deposit"},
            {"patient": "\0"},
            {"amount": "-1"},
        ):
            assert api.post("/api/v1/deposits/", body | bad).status_code == 400
        assert Deposit.objects.count() == 1

    def test_what_a_page_refuses_and_says_elsewhere_is_audited(self, client_as, by):
        page = reverse("billing:take_deposit", args=[PatientFactory().public_id])

        answer = client_as(by).post(page, {"amount": "-1", "method": "cash", "request_id": uuid4()})

        assert answer.status_code == 302
        assert not Deposit.objects.exists()
        refusal = OutboxEvent.objects.get(action="request.refused")
        assert (refusal.actor, refusal.document["changes"]["code"]) == (by, "invalid")

    def test_pages(self, client_as, by):
        patient, client = PatientFactory(), client_as(by)
        desk = reverse("billing:cashier") + f"?q={patient.mrn}"

        client.post(reverse("billing:take_deposit", args=[patient.public_id]), {"method": "cash", "amount": "x"})
        client.post(reverse("billing:take_deposit", args=[patient.public_id]), {"method": "cash", "amount": "50", "request_id": uuid4()})
        invoice = issued(by, total="40.00", patient=patient)
        assert "50.00" in client.get(desk).content.decode()
        assert "Use the advance" in client.get(reverse("billing:invoice", args=[invoice.public_id])).content.decode()
        client.post(reverse("billing:apply_deposit", args=[invoice.public_id]))
        deposit = Deposit.objects.get()
        client.post(reverse("billing:refund_deposit", args=[deposit.public_id]), {"amount": "99", "reason": "x"})
        client.post(reverse("billing:refund_deposit", args=[deposit.public_id]), {"amount": "10", "reason": "x"})

        deposit.refresh_from_db()
        assert (deposit.applied, deposit.refunded, deposit.rest) == (40, 10, 0)
