"""Credit notes: what they take back, of whom, and never more than was invoiced."""

from decimal import Decimal
from functools import partial
from uuid import uuid4

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from billing import locks, rules
from billing.errors import CreditExceedsInvoice, HasCreditNotes, NotCreditable
from billing.models import CreditLine, CreditNote, CreditNoteCounter, Invoice, InvoiceLine
from billing.services.claiming import charge_patient
from billing.services.crediting import credit_invoice
from billing.services.drafts import change_lines
from billing.services.invoicing import draft_invoice, draft_manual_invoice, issue_invoice, void_invoice
from billing.services.payments import refund_payment
from billing.tests.factories import (
    ON,
    EncounterFactory,
    MedicineFactory,
    PatientFactory,
    cashier,
    draft,
    insured,
    issued,
    issued_for,
    pay,
    prescribe,
)
from billing.tests.test_models import refused_by, sql
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.core.errors import InvalidInput, RequestReused

pytestmark = pytest.mark.django_db

cents = st.decimals(min_value=0, max_value=Decimal("9999.99"), places=2)


@pytest.fixture
def by():
    return cashier()


def credit(invoice, by, amount=None, *, lines=None, request_id=None) -> CreditNote:
    amount = Decimal(amount) if amount is not None else None
    about = {"reason": "Charged in error", "on": ON, "request_id": request_id or uuid4()}
    return credit_invoice(invoice_id=invoice.pk, by=by, amount=amount, lines=lines, **about)


def of_lines(by, *totals, patient=None, tax_percent="0") -> Invoice:
    lines = [{"description": "x", "quantity": 1, "unit_price": Decimal(total), "tax_percent": Decimal(tax_percent)} for total in totals]
    made = draft_manual_invoice(patient_id=(patient or PatientFactory()).pk, lines=lines, by=by, on=ON)
    return issue_invoice(invoice_id=made.pk, by=by, on=ON)


def fresh(invoice) -> Invoice:
    return Invoice.objects.get(pk=invoice.pk)


class TestRules:
    @given(weights=st.lists(cents, min_size=1, max_size=9), share=st.fractions(0, 1))
    def test_an_amount_is_spread_to_the_last_cent_and_no_part_exceeds_its_line(self, weights, share):
        amount = (sum(weights) * share.numerator / share.denominator).quantize(Decimal("0.01"), rounding="ROUND_DOWN")

        parts = rules.spread(amount, dict(enumerate(weights)))

        assert sum(parts.values()) == amount
        assert all(0 < part <= weights[place] for place, part in parts.items())

    @given(total=cents.filter(bool), percent=st.integers(0, 100), cuts=st.lists(st.fractions(0, 1), max_size=5))
    def test_parts_of_a_share_sum_up_to_the_share(self, total, percent, cuts):
        share = rules.insurer_share(total, percent)
        stops = sorted(
            {(total * cut.numerator / cut.denominator).quantize(Decimal("0.01"), rounding="ROUND_DOWN") for cut in cuts} | {total}
        )

        gone, parts = Decimal(0), []
        for stop in stops:
            part = rules.part_of(share, total=total, before=gone, amount=stop - gone)
            assert 0 <= part <= stop - gone
            parts.append(part)
            gone = stop

        assert sum(parts) == share


class TestCrediting:
    def test_takes_back_what_is_left_and_is_numbered_in_its_own_series(self, by):
        invoice, other = issued(by, total="40.00"), issued(by)

        first, second, third = credit(invoice, by, "15.00"), credit(other, by), credit(invoice, by)

        assert [note.number for note in (first, second, third)] == ["CN-2026-000001", "CN-2026-000002", "CN-2026-000003"]
        assert third.amount == Decimal("25.00")
        invoice = fresh(invoice)
        assert (invoice.status, invoice.balance, invoice.credited) == ("credited", Decimal(0), Decimal("40.00"))

    def test_lines_are_credited_one_by_one_with_their_tax(self, by):
        invoice = of_lines(by, "10.00", "20.00", tax_percent="10")
        second = invoice.lines.all()[1]

        note = credit(invoice, by, lines=[{"id": second.public_id, "amount": Decimal("11.00")}])

        assert (note.amount, note.tax) == (Decimal("11.00"), Decimal("1.00"))
        assert list(InvoiceLine.objects.values_list("credited", flat=True)) == [Decimal(0), Decimal("11.00")]

    def test_an_amount_is_spread_over_the_lines(self, by):
        invoice = of_lines(by, "10.00", "20.00", "3.33")

        credit(invoice, by, "10.00")

        assert list(CreditLine.objects.values_list("amount", flat=True)) == [Decimal("3.00"), Decimal("6.00"), Decimal("1.00")]

    def test_each_side_gets_back_what_it_bears(self, by):
        invoice = issued(by, total="40.00", patient=insured(80))

        note = credit(invoice, by, "10.00")

        invoice = fresh(invoice)
        assert note.insurer_share == Decimal("8.00")
        assert (invoice.patient_balance, invoice.insurer_balance) == (Decimal("6.00"), Decimal("24.00"))

    @pytest.mark.parametrize(("paid", "of_insurer"), [(None, ["0.00", "0.00"]), ("12.00", ["12.00", "0.00"])])
    def test_what_the_insurer_declined_is_credited_to_the_patient(self, by, paid, of_insurer):
        invoice = of_lines(by, "40.00", patient=insured(80))
        if paid:
            pay(invoice, by, paid, method="insurance")
        charge_patient(invoice_id=invoice.pk, reason="Not covered", by=by)

        notes = [credit(invoice, by, "20.00") for _ in range(2)]

        assert [note.insurer_share for note in notes] == [Decimal(share) for share in of_insurer]
        assert (fresh(invoice).status, fresh(invoice).balance, fresh(invoice).overpaid) == ("credited", 0, Decimal(paid or 0))

    def test_what_was_paid_beyond_the_rest_is_refunded(self, by):
        invoice = issued(by, total="40.00")
        payment = pay(invoice, by)

        credit(invoice, by, "15.00")
        assert (fresh(invoice).overpaid, fresh(invoice).status) == (Decimal("15.00"), "paid")
        refund_payment(payment_id=payment.pk, amount=Decimal("15.00"), reason="Credit note", by=by, request_id=uuid4())

        assert (fresh(invoice).overpaid, fresh(invoice).balance, fresh(invoice).status) == (Decimal(0), Decimal(0), "paid")

    def test_never_more_than_was_invoiced(self, by):
        invoice = issued(by, total="40.00")
        credit(invoice, by, "30.00")
        [line] = invoice.lines.all()

        for what in ({"amount": "10.01"}, {"lines": [{"id": line.public_id, "amount": Decimal("10.01")}]}):
            with pytest.raises(CreditExceedsInvoice):
                credit(invoice, by, **what)
        assert CreditNote.objects.count() == 1
        assert CreditNoteCounter.objects.get().last_number == 1

    @pytest.mark.parametrize("amount", ["0", "-1", "1.001"])
    def test_strange_amounts_are_refused(self, by, amount):
        invoice = issued(by)

        with pytest.raises(InvalidInput):
            credit(invoice, by, amount)
        assert not CreditNote.objects.exists()

    def test_lines_of_another_invoice_are_refused(self, by):
        invoice, other = issued(by), issued(by)
        line = {"id": other.lines.get().public_id, "amount": Decimal("1.00")}

        for lines in ([line], [{**line, "id": invoice.lines.get().public_id}] * 2):
            with pytest.raises(InvalidInput):
                credit(invoice, by, lines=lines)
        assert not CreditNote.objects.exists()

    def test_neither_drafts_nor_void_invoices_are_credited(self, by):
        void = void_invoice(invoice_id=issued(by).pk, reason="x", by=by)

        for invoice in (draft(by), void):
            with pytest.raises(NotCreditable):
                credit(invoice, by, "1.00")

    def test_what_was_credited_is_not_voided(self, by):
        invoice = issued(by)
        credit(invoice, by, "1.00")

        with pytest.raises(HasCreditNotes):
            void_invoice(invoice_id=invoice.pk, reason="x", by=by)
        assert fresh(invoice).state == "issued"

    def test_one_request_credits_once(self, by):
        invoice, request_id = issued(by), uuid4()

        assert credit(invoice, by, "1.00", request_id=request_id) == credit(invoice, by, "1.00", request_id=request_id)
        with pytest.raises(RequestReused):
            credit(issued(by), by, "1.00", request_id=request_id)
        assert fresh(invoice).credited == Decimal("1.00")

    def test_a_medicine_that_was_taken_back_is_held_back(self, by):
        encounter = EncounterFactory()
        prescription = prescribe(encounter, (MedicineFactory(), 10))
        invoice = issued_for(encounter, by)
        pay(invoice, by)
        line = invoice.lines.get(kind="medicine")

        credit(invoice, by, lines=[{"id": line.public_id, "amount": Decimal("1.00")}])
        prescription.refresh_from_db()
        assert prescription.cleared_at is not None
        credit(invoice, by, lines=[{"id": line.public_id, "amount": line.total - 1}])
        prescription.refresh_from_db()
        assert prescription.cleared_at is None

    def test_what_is_paid_later_does_not_release_what_was_taken_back_before(self, by):
        encounter = EncounterFactory()
        prescription = prescribe(encounter, (MedicineFactory(), 10), (MedicineFactory(), 10))
        first = draft_invoice(encounter_id=encounter.pk, by=by)
        change_lines(invoice_id=first.pk, lines=[{"id": line.public_id} for line in first.lines.all()[:2]], by=by, on=ON)
        issue_invoice(invoice_id=first.pk, by=by, on=ON)
        second = issued_for(encounter, by)
        pay(fresh(first), by)
        credit(first, by)

        pay(second, by)

        prescription.refresh_from_db()
        assert prescription.cleared_at is None

    def test_a_credit_that_settles_the_rest_releases_the_medicine(self, by):
        encounter = EncounterFactory()
        prescription = prescribe(encounter, (MedicineFactory(), 10))
        invoice = issued_for(encounter, by)
        pay(invoice, by, invoice.total - 40)

        credit(invoice, by, lines=[{"id": invoice.lines.get(kind="consultation").public_id, "amount": Decimal(40)}])

        prescription.refresh_from_db()
        assert prescription.cleared_at is not None


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_many_at_once_take_back_no_more_than_was_invoiced(self, at_once):
        by = cashier()
        invoice = issued(by, total="40.00")

        results = at_once(*[partial(credit, invoice, by, "15.00")] * 6)

        notes = [result for result in results if isinstance(result, CreditNote)]
        assert len(notes) == 2
        assert {note.number for note in notes} == {"CN-2026-000001", "CN-2026-000002"}
        assert fresh(invoice).credited == Decimal("30.00")

    def test_without_the_lock_the_sums_refuse(self, at_once, monkeypatch):
        by = cashier()
        invoice = issued(by, total="40.00")
        monkeypatch.setattr(locks, "lock_invoice", lambda pk: Invoice.objects.select_related("patient").get(pk=pk))

        stale = fresh(invoice)
        credit(invoice, by, "15.00")
        monkeypatch.setattr(locks, "lock_invoice", lambda pk: stale)
        [error] = at_once(partial(credit, invoice, by, "15.00"))

        assert type(error).__name__ == "IntegrityError"
        assert CreditNote.objects.count() == 1


class TestConstraints:
    @pytest.mark.parametrize(
        ("statement", "rule"),
        [
            ("UPDATE billing_invoice SET credited = credited + 1", "invoice_credited_is_the_sum_of_its_credit_notes"),
            ("UPDATE billing_invoice SET credited = total + 1", "invoice_credit_within_each_share"),
            ("UPDATE billing_invoice SET insurer_credited = 1", "invoice_credit_within_each_share"),
            ("UPDATE billing_invoiceline SET credited = credited + 1", "line_credited_is_the_sum_of_its_credits"),
            ("UPDATE billing_invoiceline SET credited = total + 1", "line_credited_within_total"),
            ("UPDATE billing_invoiceline SET credited = 11, quantity = 2", "line_of_issued_invoice_frozen"),
            ("UPDATE billing_creditnote SET amount = 1", "credit_note_append_only"),
            ("DELETE FROM billing_creditnote", "credit_note_append_only"),
            ("UPDATE billing_creditline SET amount = 1", "credit_line_append_only"),
            (
                "INSERT INTO billing_creditline (credit_note_id, line_id, amount, tax) "
                "SELECT credit_note_id, line_id, 1, 0 FROM billing_creditline",
                "credit_line_once_per_line",
            ),
        ],
    )
    def test_hold_whoever_writes(self, by, statement, rule):
        credit(issued(by, total="40.00"), by, "10.00")

        with refused_by(rule):
            sql(statement)

    @pytest.mark.parametrize(
        ("change", "rule"),
        [
            ({"amount": Decimal(0)}, "credit_note_positive"),
            ({"tax": Decimal(2)}, "credit_note_tax_within_amount"),
            ({"insurer_share": Decimal(2)}, "credit_note_insurer_share_within_amount"),
            ({"reason": ""}, "credit_note_has_a_reason"),
            ({}, "credit_note_amount_is_the_sum_of_its_lines"),
        ],
    )
    def test_a_note(self, by, change, rule):
        invoice = issued(by, total="40.00")
        row = {"invoice": invoice, "number": "CN-1", "amount": Decimal(1), "tax": Decimal(0), "insurer_share": Decimal(0), "reason": "x"}

        with refused_by(rule):
            CreditNote.objects.create(**row | change, request_id=uuid4())
            Invoice.objects.filter(pk=invoice.pk).update(credited=1)

    @pytest.mark.parametrize(
        ("amount", "tax", "rule"),
        [(0, 0, "credit_line_positive"), (1, 2, "credit_line_tax_within_amount"), (1, 0, "credit_line_of_the_notes_invoice")],
    )
    def test_a_line_of_a_note(self, by, amount, tax, rule):
        sql("ALTER TABLE billing_creditline DROP CONSTRAINT credit_line_once_per_line")
        note, other = credit(issued(by), by, "1.00"), issued(by)
        own = rule != "credit_line_of_the_notes_invoice"
        line = InvoiceLine.objects.get(invoice=note.invoice if own else other)

        with refused_by(rule):
            CreditLine.objects.create(credit_note=note, line=line, amount=amount, tax=tax)

    def test_only_issued_invoices(self, by):
        invoice = draft(by)

        with refused_by("invoice_credited_only_when_issued"):
            sql("UPDATE billing_invoice SET credited = 1 WHERE id = %s", invoice.pk)


class TestSurfaces:
    def test_by_the_api(self, by, api_as):
        invoice = issued(by, total="40.00")
        pay(invoice, by)
        path = f"/api/v1/invoices/{invoice.public_id}/credit/"

        answer = api_as(by).post(path, {"amount": "40.00", "reason": "Twice"}, headers={"Idempotency-Key": "a"})

        assert answer.status_code == 201
        assert [answer.json()[name] for name in ("number", "amount", "invoice_status", "overpaid", "balance")] == [
            f"CN-{Invoice.objects.get().issued_at.year}-000001", "40.00", "credited", "40.00", "0.00",
        ]  # fmt: skip
        again = api_as(by).post(path, {"amount": "40.00", "reason": "Twice"}, headers={"Idempotency-Key": "a"})
        assert again.json() == answer.json()
        assert api_as(by).get("/api/v1/invoices/?status=credited").json()["count"] == 1
        assert api_as(by).get(f"/api/v1/credit-notes/?invoice={invoice.public_id}").json()["results"] == [answer.json()]

    @pytest.mark.parametrize(
        "body",
        [
            {"reason": "x", "amount": "-1.00"},
            {"reason": "x", "amount": "1.001"},
            {"reason": "", "amount": "1.00"},
            {"reason": "x", "lines": []},
            {"reason": "x", "lines": [{"id": "x", "amount": "1.00"}]},
            {"reason": "x", "lines": [{"id": str(uuid4()), "amount": "1.00"}], "amount": "1.00"},
        ],
    )
    def test_strange_bodies_get_a_400(self, by, api_as, body):
        invoice = issued(by)

        assert api_as(by).post(f"/api/v1/invoices/{invoice.public_id}/credit/", body).status_code == 400
        assert not CreditNote.objects.exists()

    def test_who_may_not_is_refused_and_a_patient_sees_the_own_ones(self, by, api_as):
        patient = PatientFactory(user=user(Role.PATIENT))
        invoice = issued(by, patient=patient)
        credit(invoice, by, "1.00")
        credit(issued(by), by, "1.00")

        assert api_as(patient.user).post(f"/api/v1/invoices/{invoice.public_id}/credit/", {"reason": "x"}).status_code == 403
        assert api_as(patient.user).get("/api/v1/credit-notes/").json()["count"] == 1

    def test_on_the_page(self, by, client_as):
        invoice = issued(by, total="40.00")
        pay(invoice, by)
        client, to = client_as(by), reverse("billing:credit", args=[invoice.public_id])

        assert client.post(to, {"amount": "50.00", "reason": "x"}).status_code == 409
        assert client.post(to, {"amount": "x", "reason": "x"}).status_code == 400
        assert client.post(to, {"amount": "5.00", "reason": "Too dear", "line": invoice.lines.get().public_id}).status_code == 302
        shown = client.get(reverse("billing:invoice", args=[invoice.public_id])).content.decode()
        assert "CN-" in shown
        assert "Paid too much" in shown

    def test_lists_are_flat_in_queries(self, by, api_as, django_assert_max_num_queries):
        client = api_as(by)
        for rows in (3, 20):
            while CreditNote.objects.count() < rows:
                credit(issued(by), by, "1.00")
            with django_assert_max_num_queries(8):
                assert len(client.get("/api/v1/credit-notes/").json()["results"]) == rows
