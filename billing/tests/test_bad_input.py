"""Whatever is typed or sent: a clear refusal by every door, and not a row more than before."""

from decimal import Decimal
from uuid import uuid4

import pytest
from django.apps import apps
from django.urls import reverse

from billing.models import Payment, Shift
from billing.services.deposits import take_deposit
from billing.services.payments import refund_payment
from billing.services.shifts import close_shift
from billing.tests.factories import cashier, draft, insured, issued, pay
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("mid_morning")]

NO_AMOUNTS = ["", "x", "-1", "0", "0.001", "NaN", "Infinity", "-Infinity", "1e400", "1e-7", "99999999999", "1,5", "\0", "१२.345"]
API = "/api/v1"


def rows() -> dict[str, int]:
    """How many there are in each table of money. Refusals are audited, so that table does not count."""
    return {model.__name__: model.objects.count() for model in apps.get_app_config("billing").get_models()}


@pytest.fixture
def by():
    """Takes payments and gives discounts, at an open drawer."""
    person = cashier()
    person.groups.add(*user(Role.MANAGER).groups.all())
    return type(person).objects.get(pk=person.pk)


@pytest.fixture
def ground(by):
    """A paid, an open and a draft invoice, an advance: {name: address}, by API and by page."""
    patient = insured(50)
    paid, open_one, made = issued(by, patient=patient), issued(by, patient=patient), draft(by, patient=patient)
    payment = pay(paid, by, "20.00")
    deposit = take_deposit(patient_id=patient.pk, method="cash", amount=Decimal("9.00"), by=by, request_id=uuid4())
    shift = Shift.objects.get(cashier=by)
    at = {"pay": open_one, "credit": open_one, "discount": made, "refund": payment, "refund_deposit": deposit, "close_shift": shift}
    pages = {name: reverse(f"billing:{name}", args=[row.public_id]) for name, row in at.items()}
    pages["take_deposit"] = reverse("billing:take_deposit", args=[patient.public_id])
    ends = {
        "pay": f"{API}/invoices/{open_one.public_id}/pay/",
        "credit": f"{API}/invoices/{open_one.public_id}/credit/",
        "discount": f"{API}/invoices/{made.public_id}/discount/",
        "apply": f"{API}/invoices/{open_one.public_id}/apply-deposit/",
        "refund": f"{API}/payments/{payment.public_id}/refund/",
        "refund_deposit": f"{API}/deposits/{deposit.public_id}/refund/",
        "take_deposit": f"{API}/deposits/",
        "close_shift": f"{API}/shifts/{shift.public_id}/close/",
    }
    return {"pages": pages, "ends": ends, "patient": patient, "open": open_one, "payment": payment, "paid": paid}


def body_of(name: str, amount: str, ground: dict) -> dict:
    if name == "close_shift":
        return {"counted": {"cash": "-1" if amount == "0" else amount}}
    about = {"take_deposit": {"patient": str(ground["patient"].public_id), "method": "cash"}, "pay": {"method": "cash"}, "apply": {}}
    return {"amount": amount} | about.get(name, {"reason": "x"})


@pytest.mark.parametrize("amount", NO_AMOUNTS)
def test_what_is_no_amount_is_refused_by_every_end(ground, by, api_as, amount):
    before, api = rows(), api_as(by)

    for name, to in ground["ends"].items():
        answer = api.post(to, body_of(name, amount, ground))
        assert (name, answer.status_code) == (name, 400)
        assert answer.json()["code"]

    assert rows() == before


@pytest.mark.parametrize("amount", NO_AMOUNTS)
def test_what_is_no_amount_is_refused_by_every_page(ground, by, client_as, amount):
    before, client = rows(), client_as(by)
    names = {"close_shift": "count_cash", "discount": "off"}

    for name, to in ground["pages"].items():
        typed = "-1" if name == "close_shift" and amount == "0" else amount
        answer = client.post(to, {names.get(name, "amount"): typed, "method": "cash", "reason": "x", "request_id": uuid4()})
        assert (name, answer.status_code) in {(name, 400), (name, 302)}  # an advance goes back to the desk, with the refusal
        said = client.get(answer["Location"]) if answer.status_code == 302 else answer
        assert 'role="alert"' in said.content.decode() or "alert-box-danger" in said.content.decode()

    assert rows() == before


def test_another_currency_is_refused_by_every_end(ground, by, api_as, settings):
    before, api = rows(), api_as(by)
    line = {"description": "Dressing", "unit_price": "1.00"}
    bodies = {name: body_of(name, "1.00", ground) for name in ground["ends"]}
    bodies |= {"invoices": {"patient": str(ground["patient"].public_id), "lines": [line]}, "shifts": {"opening_float": "1.00"}}
    ends = ground["ends"] | {"invoices": f"{API}/invoices/", "shifts": f"{API}/shifts/"}

    for name, to in ends.items():
        for currency in ("EUR" if settings.CURRENCY != "EUR" else "USD", settings.CURRENCY.lower(), "", 5, "\0"):
            answer = api.post(to, bodies[name] | {"currency": currency})
            assert (name, answer.status_code) == (name, 400)
            assert "currency" in answer.json()["errors"]

    assert rows() == before
    assert api.post(ends["pay"], bodies["pay"] | {"currency": settings.CURRENCY}).status_code == 201


class TestRules:
    def test_more_than_is_owed_without_change(self, ground, by, api_as):
        before, to = rows(), ground["ends"]["pay"]

        too_much = api_as(by).post(to, {"method": "card", "amount": "20.01"})
        of_the_insurer = api_as(by).post(to, {"method": "cash", "amount": "40.00"})

        assert [(answer.status_code, answer.json()["code"]) for answer in (too_much, of_the_insurer)] == [(409, "overpayment")] * 2
        assert "paid by the insurer, not by the patient" in of_the_insurer.json()["detail"]
        assert rows() == before

    def test_a_second_refund(self, ground, by, api_as):
        payment = ground["payment"]
        refund_payment(payment_id=payment.pk, amount=payment.amount, reason="x", by=by, request_id=uuid4())
        before = rows()

        answer = api_as(by).post(ground["ends"]["refund"], {"amount": "0.01", "reason": "again"})

        assert (answer.status_code, answer.json()["code"]) == (409, "refund_exceeds_payment")
        assert rows() == before

    @pytest.mark.parametrize("method", ["online", "deposit", "EUR", "Cash", "", "\0", None, [], {"cash": 1}])
    def test_a_way_to_pay_that_is_none_at_the_counter(self, ground, by, api_as, client_as, method):
        before = rows()

        assert api_as(by).post(ground["ends"]["pay"], {"method": method, "amount": "1.00"}).status_code == 400
        assert (
            client_as(by).post(ground["pages"]["pay"], {"method": str(method), "amount": "1.00", "request_id": uuid4()}).status_code == 400
        )

        assert rows() == before

    def test_a_closed_shift(self, ground, by, api_as, client_as):
        shift = Shift.objects.get()
        counted = {"cash": Decimal("129.00")}
        close_shift(shift_id=shift.pk, counted=counted, by=by)
        before, api = rows(), api_as(by)

        for name in ("pay", "refund", "take_deposit", "refund_deposit"):
            answer = api.post(ground["ends"][name], body_of(name, "1.00", ground))
            assert (name, answer.status_code, answer.json()["code"]) == (name, 409, "no_open_shift")
        again = api.post(ground["ends"]["close_shift"], {"counted": {"cash": "129.00"}})

        assert (again.status_code, again.json()["code"]) == (409, "shift_closed")
        assert client_as(by).post(ground["pages"]["close_shift"], {"count_cash": "129.00"}).status_code == 409
        assert rows() == before

    def test_an_edited_issued_invoice(self, ground, by, api_as):
        before, api, to = rows(), api_as(by), f"{API}/invoices/{ground['open'].public_id}/"

        edited = api.patch(to, {"lines": [{"description": "x", "unit_price": "1.00"}]})
        discounted = api.post(f"{to}discount/", {"amount": "1.00", "reason": "x"})

        assert [(answer.status_code, answer.json()["code"]) for answer in (edited, discounted)] == [(409, "not_draft")] * 2
        assert rows() == before
        assert Payment.objects.get().invoice == ground["paid"]
