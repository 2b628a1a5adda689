"""Paying from the portal: the provider's signed event moves the money, once, and nothing else does."""

import threading
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from billing import locks
from billing.errors import NoOnlinePayment, NotPayable
from billing.models import Deposit, Invoice, OnlinePayment, Payment, ProviderEvent
from billing.providers import TestProvider
from billing.services.online import open_online_payment
from billing.tests.factories import PatientFactory, cashier, insured, issued, pay
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("mid_morning")]
EVENTS = "/api/v1/payment-events/"


@pytest.fixture(autouse=True)
def online(settings):
    settings.PAYMENT_PROVIDER = "billing.providers.TestProvider"
    settings.PAYMENT_WEBHOOK_SECRET = "a-secret-of-the-tests-a-secret-of-the-tests"


def own_invoice(total="40.00", **patient):
    account = user(Role.PATIENT)
    return issued(cashier(), total=total, patient=PatientFactory(user=account, **patient)), account


def opened(invoice, account) -> OnlinePayment:
    return open_online_payment(invoice_id=invoice.pk, by=account, request_id=uuid4())


def event_of(online: OnlinePayment, **changes) -> dict:
    said = {"id": f"evt_{online.pk}", "reference": str(online.public_id), "amount": str(online.amount), "currency": online.currency}
    return said | changes


def send(client, said: dict, *, at=None):
    headers, body = TestProvider().signed(said, now=at or timezone.now())
    return client.post(EVENTS, data=body, content_type="application/json", headers=headers)


def money() -> tuple[int, int, int]:
    return Payment.objects.count(), Deposit.objects.count(), ProviderEvent.objects.count()


class TestPaying:
    def test_a_patient_pays_on_a_page_and_the_invoice_is_paid(self, client_as):
        invoice, account = own_invoice()
        client, page = client_as(account), reverse("billing:pay_online", args=[invoice.public_id])

        at_provider = client.post(page, {"request_id": uuid4()}).url
        back = client.post(at_provider).url

        assert back == page
        assert "Nothing is left to pay" in client.get(page).content.decode()
        payment = Payment.objects.get()
        assert (payment.method, payment.amount, payment.shift, payment.invoice.status) == ("online", Decimal("40.00"), None, "paid")
        assert OnlinePayment.objects.get().payment == payment

    def test_an_insured_patient_is_asked_for_the_own_share(self):
        account = user(Role.PATIENT)
        invoice = issued(cashier(), total="100.00", patient=insured(80, user=account))

        assert opened(invoice, account).amount == Decimal("20.00")

    def test_a_second_press_opens_no_second_way(self):
        invoice, account = own_invoice()
        request_id = uuid4()

        first = open_online_payment(invoice_id=invoice.pk, by=account, request_id=request_id)

        assert open_online_payment(invoice_id=invoice.pk, by=account, request_id=request_id) == first

    def test_what_was_paid_at_the_counter_meanwhile_leaves_an_advance(self, client):
        invoice, account = own_invoice()
        online = opened(invoice, account)
        pay(invoice, cashier(), "40.00", method="card")

        answer = send(client, event_of(online))

        assert (answer.status_code, answer.json()["outcome"]) == (200, "advance")
        assert Deposit.objects.get().amount == Decimal("40.00")
        assert Invoice.objects.get().paid == Decimal("40.00")

    def test_nothing_owed_is_nothing_to_pay(self):
        invoice, account = own_invoice()
        pay(invoice, cashier(), "40.00", method="card")

        with pytest.raises(NotPayable):
            opened(invoice, account)

        assert not OnlinePayment.objects.exists()

    def test_another_patients_invoice_is_as_one_that_does_not_exist(self, client_as):
        invoice, _ = own_invoice()
        _, other = own_invoice()
        client = client_as(other)

        theirs = client.post(reverse("billing:pay_online", args=[invoice.public_id]), {"request_id": uuid4()})
        missing = client.post(reverse("billing:pay_online", args=[uuid4()]), {"request_id": uuid4()})

        assert (theirs.status_code, missing.status_code) == (404, 404)
        assert not OnlinePayment.objects.exists()

    def test_nobody_else_presses_the_button_of_the_demos_provider(self, client_as):
        invoice, account = own_invoice()
        page = reverse("billing:test_provider", args=[opened(invoice, account).public_id])

        for somebody in (own_invoice()[1], user(Role.RECEPTION)):
            assert [client_as(somebody).get(page).status_code, client_as(somebody).post(page).status_code] == [404, 404]
        assert not Payment.objects.exists()

    def test_staff_pays_no_patients_invoice_online(self, client_as):
        invoice, _ = own_invoice()
        client = client_as(user(Role.RECEPTION))

        assert client.get(reverse("billing:pay_online", args=[invoice.public_id])).status_code == 404
        assert client.post(reverse("billing:pay_online", args=[invoice.public_id]), {"request_id": uuid4()}).status_code == 404
        assert not OnlinePayment.objects.exists()

    def test_without_a_provider_nothing_is_paid_online(self, settings, client_as, client):
        invoice, account = own_invoice()
        online = opened(invoice, account)
        settings.PAYMENT_PROVIDER = ""

        page = client_as(account).post(reverse("billing:pay_online", args=[invoice.public_id]), {"request_id": uuid4()})
        event = send(client, event_of(online))

        assert (page.status_code, event.status_code) == (409, 409)
        assert event.json()["code"] == NoOnlinePayment.code
        assert money() == (0, 0, 0)


class TestEvents:
    def test_a_replayed_event_gets_the_same_answer_and_moves_nothing(self, client):
        online = opened(*own_invoice())

        answers = [send(client, event_of(online)) for _ in range(3)]

        assert {(answer.status_code, answer.content) for answer in answers} == {(200, answers[0].content)}
        assert money() == (1, 0, 1)

    def test_a_second_event_about_the_same_payment_moves_nothing(self, client):
        online = opened(*own_invoice())
        send(client, event_of(online))

        answer = send(client, event_of(online, id="evt_again"))

        assert answer.json()["outcome"] == "repeated"
        assert money() == (1, 0, 2)

    @pytest.mark.parametrize(
        ("name", "forge"),
        [
            ("no signature", lambda headers, body: ({}, body)),
            ("an empty one", lambda headers, body: ({TestProvider.header: ""}, body)),
            ("of another body", lambda headers, body: (headers, body.replace(b"40.00", b"41.00"))),
            ("of another time", lambda headers, body: ({TestProvider.header: "9" + headers[TestProvider.header]}, body)),
            ("not of ASCII", lambda headers, body: ({TestProvider.header: "1,\u00e9"}, body)),
        ],
    )
    def test_a_forged_event_is_refused_and_writes_nothing(self, client, name, forge):
        online = opened(*own_invoice())
        headers, body = forge(*TestProvider().signed(event_of(online), now=timezone.now()))

        answer = client.post(EVENTS, data=body, content_type="application/json", headers=headers)

        assert (answer.status_code, answer.json()["code"]) == (400, "untrusted_event")
        assert money() == (0, 0, 0)

    def test_an_event_under_another_secret_is_refused(self, client, settings):
        online = opened(*own_invoice())
        headers, body = TestProvider().signed(event_of(online), now=timezone.now())
        settings.PAYMENT_WEBHOOK_SECRET = "another-secret-another-secret-another-secret"

        answer = client.post(EVENTS, data=body, content_type="application/json", headers=headers)

        assert (answer.status_code, money()) == (400, (0, 0, 0))

    @pytest.mark.parametrize("off", [timedelta(minutes=-6), timedelta(minutes=6)])
    def test_a_stale_event_is_refused(self, client, off):
        online = opened(*own_invoice())

        answer = send(client, event_of(online), at=timezone.now() + off)

        assert (answer.status_code, money()) == (400, (0, 0, 0))

    @pytest.mark.parametrize(
        "changes", [{"amount": "39.99"}, {"amount": "40.01"}, {"currency": "EUR"}], ids=["less", "more", "another currency"]
    )
    def test_another_amount_or_currency_moves_nothing_and_is_kept(self, client, changes):
        online = opened(*own_invoice())

        answer = send(client, event_of(online, **changes))

        assert answer.json()["outcome"] == "mismatch"
        assert money() == (0, 0, 1)
        assert Invoice.objects.get().paid == 0

    @pytest.mark.parametrize(
        "said",
        [
            {"amount": "NaN"}, {"amount": "1e400"}, {"amount": "-40.00"}, {"amount": "40.001"}, {"amount": None}, {"amount": "0"},
            {"reference": "x"}, {"reference": None}, {"id": ""}, {"id": "x" * 101}, {"id": 7},
        ],
    )  # fmt: skip
    def test_what_cannot_be_read_is_refused(self, client, said):
        online = opened(*own_invoice())

        answer = send(client, event_of(online, **said))

        assert (answer.status_code, answer.json()["code"]) == (400, "untrusted_event")
        assert money() == (0, 0, 0)

    @pytest.mark.parametrize("body", [b"", b"[]", b"null", b"\xff\xfe", b"{"])
    def test_a_signed_body_that_is_no_event_is_refused(self, client, body):
        at = str(int(timezone.now().timestamp()))
        headers = {TestProvider.header: f"{at},{TestProvider().signature_of(at, body)}"}

        answer = client.post(EVENTS, data=body, content_type="application/json", headers=headers)

        assert answer.status_code == 400

    def test_an_event_about_nothing_here_is_refused(self, client):
        online = opened(*own_invoice())

        answer = send(client, event_of(online, reference=str(uuid4())))

        assert answer.status_code == 404
        assert money() == (0, 0, 0)


@pytest.mark.django_db(transaction=True)
class TestRace:
    def test_one_event_eight_times_at_once_is_one_payment(self, at_once, client):
        online = opened(*own_invoice())

        answers = at_once(*[lambda: send(client.__class__(), event_of(online)).status_code] * 8)

        assert answers == [200] * 8
        assert money() == (1, 0, 1)

    def test_without_the_lock_the_database_refuses_the_second(self, at_once, client, monkeypatch):
        """The negative control: both read before either writes, and only the constraints are left."""
        online = opened(*own_invoice())
        gate = threading.Barrier(2)

        def unlocked(online_id):
            row = OnlinePayment.objects.select_related("invoice__patient").get(pk=online_id)
            gate.wait(timeout=20)
            return row

        monkeypatch.setattr(locks, "lock_invoice", lambda invoice_id: Invoice.objects.select_related("patient").get(pk=invoice_id))
        monkeypatch.setattr(locks, "lock_online_payment", unlocked)

        answers = at_once(*[lambda: _status_or_refusal(client.__class__(), online)] * 2)

        assert sorted(map(str, answers)) != ["200", "200"]
        assert Payment.objects.count() == 1


def _status_or_refusal(client, online):
    client.raise_request_exception = False
    return send(client, event_of(online)).status_code


class TestRows:
    def test_an_event_id_stands_once(self, client):
        online = opened(*own_invoice())
        send(client, event_of(online))

        with pytest.raises(IntegrityError, match="provider_event_once"), transaction.atomic():
            ProviderEvent.objects.create(
                provider="test", event_id=f"evt_{online.pk}", online_payment=online, amount=1, currency="USD", outcome="repeated"
            )

    def test_what_the_provider_said_is_never_changed(self, client):
        online = opened(*own_invoice())
        send(client, event_of(online))

        for verb in ("UPDATE billing_providerevent SET amount = 1", "DELETE FROM billing_providerevent"):
            with pytest.raises(IntegrityError, match="only ever added to"), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(verb)

    def test_it_became_one_thing_only(self, client):
        online = opened(*own_invoice())
        send(client, event_of(online))
        invoice, account = own_invoice()
        second = opened(invoice, account)
        pay(invoice, cashier(), "40.00", method="card")
        send(client, event_of(second))

        with pytest.raises(IntegrityError, match="online_payment_became_one_thing"), transaction.atomic():
            OnlinePayment.objects.filter(pk=online.pk).update(deposit=Deposit.objects.get())
