"""The cashier's desk: finding who pays, paying in several ways, and who owes for long."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pgtrigger
import pytest
from django.urls import reverse
from django.utils import timezone

from billing import selectors
from billing.errors import NoOpenShift, NotInsured, Overpayment
from billing.models import Invoice, Payment
from billing.services.payments import take_payments
from billing.tests.factories import EncounterFactory, PatientFactory, cashier, draft, insured, issued, pay, prescribe, sign, visit
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DepartmentFactory, user
from clinic.core.errors import InvalidInput
from scheduling.models import Queue, Token

pytestmark = pytest.mark.django_db


@pytest.fixture
def by():
    return cashier()


def split(invoice, by, *parts, request_id=None):
    parts = [{"method": method, "amount": Decimal(amount)} for method, amount in parts]
    return take_payments(invoice_id=invoice.pk, parts=parts, by=by, request_id=request_id or uuid4())


class TestSplitting:
    def test_one_payment_in_two_ways(self, by):
        invoice, request_id = issued(by, total="40.00"), uuid4()

        made = split(invoice, by, ("cash", "15.00"), ("card", "25.00"), request_id=request_id)

        assert [(payment.method, payment.amount) for payment in made] == [("cash", Decimal("15.00")), ("card", Decimal("25.00"))]
        assert Invoice.objects.get().status == "paid"
        assert split(invoice, by, ("cash", "15.00"), ("card", "25.00"), request_id=request_id) == made
        assert Payment.objects.count() == 2

    @pytest.mark.parametrize(
        ("parts", "refusal"),
        [
            ([("cash", "15.00"), ("card", "25.01")], Overpayment),
            ([("card", "15.00"), ("insurance", "1.00")], NotInsured),
            ([("card", "15.00"), ("mobile", "-1.00")], InvalidInput),
            ([("card", "15.00"), ("mobile", "1.001")], InvalidInput),
            ([("card", "15.00"), ("gold", "1.00")], InvalidInput),
            ([], InvalidInput),
            ([("card", "1.00")] * 6, InvalidInput),
        ],
    )
    def test_all_of_it_or_nothing(self, by, parts, refusal):
        invoice = issued(by, total="40.00")

        with pytest.raises(refusal):
            split(invoice, by, *parts)
        assert not Payment.objects.exists()
        assert Invoice.objects.get().paid == 0

    def test_cash_among_the_parts_needs_a_shift(self):
        by = user(Role.RECEPTION)
        invoice = issued(by, total="40.00")

        with pytest.raises(NoOpenShift):
            split(invoice, by, ("card", "10.00"), ("cash", "30.00"))
        assert not Payment.objects.exists()

    def test_by_the_api(self, by, api_as):
        invoice = issued(by, total="40.00")
        path = f"/api/v1/invoices/{invoice.public_id}/pay/"
        parts = [{"method": "cash", "amount": "15.00", "tendered": "20.00"}, {"method": "card", "amount": "25.00", "reference": "S1"}]

        answer = api_as(by).post(path, {"parts": parts}, headers={"Idempotency-Key": "a"})

        assert answer.status_code == 201
        assert [(row["method"], row["change"]) for row in answer.json()["payments"]] == [("cash", "5.00"), ("card", "0.00")]
        assert {row["invoice_status"] for row in answer.json()["payments"]} == {"paid"}
        assert api_as(by).post(path, {"parts": []}).status_code == 400

    def test_on_the_page(self, by, client_as):
        invoice = issued(by, total="40.00")
        client, to = client_as(by), reverse("billing:pay", args=[invoice.public_id])
        body = {"method": "cash", "amount": "15.00", "tendered": "20.00", "second_method": "card", "request_id": uuid4()}

        assert client.post(to, body).status_code == 400
        assert client.post(to, body | {"second_amount": "25.00"}).status_code == 302
        assert sorted(Payment.objects.values_list("method", "amount")) == [("card", Decimal("25.00")), ("cash", Decimal("15.00"))]


class TestFinding:
    def test_by_mrn_token_or_invoice(self, by):
        invoice, today = issued(by), timezone.localdate()
        queue = Queue.objects.create(code="C", department=DepartmentFactory())
        Token.objects.create(queue=queue, on=today, number=17, patient=invoice.patient, effective_at=timezone.now())

        for text in (invoice.patient.mrn, f" {invoice.patient.mrn} ", "C-17", "c17", "C 17", invoice.number.lower()):
            assert selectors.find_patient(text, by, on=today) == invoice.patient, text
        for text in ("", "C-18", "nobody", "\0", "%", "C-99999", "x" * 200):
            assert selectors.find_patient(text, by, on=today) is None, text
        assert selectors.find_patient("C-17", by, on=today - timedelta(days=1)) is None

    def test_shows_what_the_patient_owes_and_what_is_not_billed(self, by, client_as, django_assert_max_num_queries):
        patient = insured(80)
        issued(by, total="40.00", patient=patient)
        pay(issued(by, total="5.00", patient=patient), by, "1.00")
        draft(by, patient=patient)
        issued(by)
        encounter = EncounterFactory(patient=patient)
        prescribe(encounter)
        sign(encounter)
        client = client_as(by)

        with django_assert_max_num_queries(14):
            shown = client.get(reverse("billing:cashier"), {"q": patient.mrn})

        desk = shown.context["desk"]
        assert desk.owed == Decimal("8.00")
        assert [row.encounter for row in desk.visits] == [encounter]
        assert 'value="8.00"' in shown.content.decode()
        assert client.get(reverse("billing:cashier"), {"q": "nobody"}).status_code == 404
        assert client.get(reverse("billing:cashier")).status_code == 200

    def test_only_who_takes_payments_gets_to_the_desk(self, client_as):
        for role in (Role.DOCTOR, Role.PATIENT):
            for page in ("cashier", "dunning"):
                assert client_as(user(role)).get(reverse(f"billing:{page}")).status_code == 403


def aged(by, days, total="40.00", patient=None):
    invoice = issued(by, total=total, patient=patient)
    with pgtrigger.ignore("billing.Invoice:invoice_issued_is_frozen"):
        Invoice.objects.filter(pk=invoice.pk).update(issued_at=timezone.now() - timedelta(days=days))
    return invoice


class TestOverdue:
    def test_each_patient_stands_once_with_what_is_owed_by_age(self, by):
        patient = PatientFactory()
        for days, total in ((0, "1.00"), (30, "2.00"), (31, "4.00"), (60, "8.00"), (61, "16.00"), (90, "32.00"), (91, "64.00")):
            aged(by, days, total, patient)
        pay(aged(by, 50), by)
        covered = aged(by, 50, "10.00", insured(80))

        rows = list(selectors.overdue(on=timezone.localdate()))

        assert [row["patient"] for row in rows] == [patient.pk, covered.patient_id]
        assert [rows[0][f"band_{band}"] for band in range(4)] == [Decimal(3), Decimal(12), Decimal(48), Decimal(64)]
        assert (rows[0]["owed"], rows[0]["invoices"], rows[1]["owed"]) == (Decimal(127), 7, Decimal("2.00"))

    def test_only_what_is_old_enough(self, by):
        aged(by, 30)

        assert selectors.overdue(on=timezone.localdate(), older_than=30).count() == 1
        assert selectors.overdue(on=timezone.localdate(), older_than=31).count() == 0

    def test_the_list_and_the_letter(self, by, client_as, django_assert_max_num_queries):
        client, late = client_as(by), aged(by, 40)
        for rows in (3, 20):
            while Invoice.objects.count() < rows:
                aged(by, 40)
            with django_assert_max_num_queries(10):
                shown = client.get(reverse("billing:dunning")).content.decode()
        assert late.patient.mrn in shown
        assert late.number in client.get(reverse("billing:dunning_letter", args=[late.patient.public_id])).content.decode()
        for query in ("x", "-1", "9999", "%00"):
            assert client.get(reverse("billing:dunning") + f"?older_than={query}&page=x").status_code == 200


def test_a_visit_without_charges_is_not_at_the_desk(by):
    encounter = visit(doctor__consultation_fee=0)

    assert selectors.desk_of(encounter.patient, since=timezone.now() - timedelta(days=1)).visits == []
