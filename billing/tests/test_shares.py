"""Who bears what: the patient's share and the insurer's, on lines, invoices and payments."""

from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from billing import rules
from billing.errors import NotDraft, NotInsured, Overpayment
from billing.models import Invoice, InvoiceLine, Payment
from billing.services.drafts import change_lines, set_cover
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

pytestmark = pytest.mark.django_db

amounts = st.decimals(min_value=0, max_value=Decimal("99999.99"), places=2)


@pytest.fixture
def by():
    return cashier()


class TestRules:
    @given(total=amounts, cover=st.integers(0, 100))
    def test_shares_are_never_negative_and_off_by_less_than_a_cent(self, total, cover):
        share = rules.insurer_share(total, cover)

        assert share == share.quantize(Decimal("0.01"))
        assert 0 <= share <= total
        assert abs(share - total * cover / 100) <= Decimal("0.005")

    @given(
        quantity=st.integers(1, 1000),
        unit_price=amounts,
        tax_percent=st.decimals(min_value=0, max_value=100, places=2),
        discounted=st.decimals(min_value=0, max_value=1, places=3),
        cover=st.integers(0, 100),
    )
    def test_a_line_adds_up_to_the_cent(self, quantity, unit_price, tax_percent, discounted, cover):
        discount = (quantity * unit_price * discounted).quantize(Decimal("0.01"), rounding="ROUND_DOWN")

        line = rules.line_amounts(quantity=quantity, unit_price=unit_price, discount=discount, tax_percent=tax_percent)

        net = quantity * unit_price - discount
        assert line.total == net + line.tax
        assert abs(line.tax - net * tax_percent / 100) <= Decimal("0.005")
        assert line.tax == line.tax.quantize(Decimal("0.01"))
        assert 0 <= rules.insurer_share(line.total, cover) <= line.total

    @pytest.mark.parametrize(
        ("payer", "percent", "valid_until", "expected"),
        [
            ("Mutual", 80, None, 80),
            ("Mutual", 80, ON, 80),
            ("Mutual", 80, ON - timedelta(days=1), 0),
            (" ", 80, None, 0),
            ("Mutual", None, None, 0),
        ],
    )
    def test_insurance_pays_up_to_its_last_day(self, payer, percent, valid_until, expected):
        assert rules.cover_on(payer=payer, cover_percent=percent, valid_until=valid_until, on=ON) == expected


class TestDrafts:
    def test_insurer_bears_its_percentage_of_each_line(self, by):
        invoice = draft(by, total="33.33", patient=insured(70))

        line = InvoiceLine.objects.get()
        assert (line.total, line.insurer_share, line.patient_share) == (Decimal("33.33"), Decimal("23.33"), Decimal("10.00"))
        assert (invoice.payer, invoice.policy_number, invoice.cover_percent) == ("Northern Mutual", "NM-1", 70)
        assert (invoice.insurer_share, invoice.patient_share) == (Decimal("23.33"), Decimal("10.00"))

    def test_an_insurance_that_ended_bears_nothing(self, by):
        invoice = draft(by, patient=insured(insurance_valid_until=date(2026, 3, 1)))

        assert (invoice.insurer_share, invoice.payer) == (Decimal(0), "")

    def test_later_lines_are_shared_alike(self, by):
        invoice = draft(by, total="10.00", patient=insured(80))
        [line] = invoice.lines.all()
        more = {"description": "Film", "quantity": 1, "unit_price": Decimal("20.00")}

        less = {"id": line.public_id, "discount": Decimal("5.00"), "discount_reason": "Kind"}
        change_lines(invoice_id=invoice.pk, lines=[less, more], by=user(Role.MANAGER), on=ON)

        assert list(invoice.lines.values_list("insurer_share", flat=True)) == [Decimal("4.00"), Decimal("16.00")]
        assert Invoice.objects.get().insurer_share == Decimal("20.00")

    def test_the_insurance_can_be_left_out_and_taken_in_again(self, by):
        invoice = draft(by, patient=insured(80))

        assert set_cover(invoice_id=invoice.pk, covered=False, by=by, on=ON).insurer_share == 0
        assert set_cover(invoice_id=invoice.pk, covered=True, by=by, on=ON).insurer_share == Decimal("32.00")

    def test_nobody_covers_whom_nobody_insures_nor_what_is_issued(self, by):
        uninsured, done = draft(by), issued(by, patient=insured(80))

        with pytest.raises(NotInsured):
            set_cover(invoice_id=uninsured.pk, covered=True, by=by, on=ON)
        with pytest.raises(NotDraft):
            set_cover(invoice_id=done.pk, covered=False, by=by, on=ON)
        done.refresh_from_db()
        assert done.insurer_share == Decimal("32.00")


class TestPaying:
    def test_each_side_pays_its_own_share(self, by):
        invoice = issued(by, total="40.00", patient=insured(80))

        pay(invoice, by, "8.00")
        invoice.refresh_from_db()
        assert (invoice.status, invoice.patient_balance, invoice.insurer_balance) == ("partly_paid", Decimal(0), Decimal("32.00"))
        pay(invoice, by, "32.00", method="insurance", reference="REM 1")
        invoice.refresh_from_db()
        assert (invoice.status, invoice.paid, invoice.insurer_paid) == ("paid", Decimal("40.00"), Decimal("32.00"))

    @pytest.mark.parametrize(("method", "owed"), [("card", "8.00"), ("insurance", "32.00")])
    def test_neither_side_pays_the_others(self, by, method, owed):
        invoice = issued(by, total="40.00", patient=insured(80))

        with pytest.raises(Overpayment) as refusal:
            pay(invoice, by, Decimal(owed) + Decimal("0.01"), method=method)
        assert refusal.value.extra == {"balance": owed}
        assert not Payment.objects.exists()

    def test_an_insurer_pays_nothing_for_whom_it_does_not_insure(self, by):
        with pytest.raises(NotInsured):
            pay(issued(by), by, "1.00", method="insurance")
        assert not Payment.objects.exists()

    def test_medicine_does_not_wait_for_the_insurer(self, by):
        encounter = EncounterFactory(patient=insured(80))
        prescription = prescribe(encounter, (MedicineFactory(), 10))
        invoice = issued_for(encounter, by)

        payment = pay(invoice, by, invoice.patient_balance)
        prescription.refresh_from_db()
        assert prescription.cleared_at is not None
        refund_payment(payment_id=payment.pk, amount=Decimal("1.00"), reason="x", by=by, request_id=uuid4())
        prescription.refresh_from_db()
        assert prescription.cleared_at is None

    def test_with_full_cover_medicine_is_released_when_the_invoice_is_issued(self, by):
        encounter = EncounterFactory(patient=insured(100))
        prescription = prescribe(encounter, (MedicineFactory(), 10))

        issued_for(encounter, by)

        prescription.refresh_from_db()
        assert prescription.cleared_at is not None

    def test_status_filters_agree_with_the_status(self, by):
        for total in ("10.00", "0.00"):
            issued(by, total=total, patient=insured(80))
        half, settled = issued(by, patient=insured(50)), issued(by, patient=insured(50))
        pay(half, by, "5.00")
        pay(settled, by, "20.00")
        pay(settled, by, "20.00", method="insurance")
        draft(by)

        for status in ("draft", "issued", "partly_paid", "paid", "void"):
            found = set(Invoice.objects.in_status(status))
            assert found == {invoice for invoice in Invoice.objects.all() if invoice.status == status}, status


class TestConstraints:
    @pytest.mark.parametrize(
        ("change", "rule"),
        [
            ("insurer_share = total + 1", "invoice_insurer_share_within_total"),
            ("payer = ''", "invoice_insurer_named"),
            ("cover_percent = 101", "invoice_cover_within_0_to_100"),
            ("insurer_share = insurer_share - 1", "invoice_shares_are_the_sums_of_its_lines"),
        ],
    )
    def test_shares_of_an_invoice(self, by, change, rule):
        invoice = draft(by, patient=insured(80))

        with refused_by(rule):
            sql(f"UPDATE billing_invoice SET {change} WHERE id = %s", invoice.pk)

    def test_share_of_a_line(self, by):
        draft(by, patient=insured(80))

        with refused_by("line_insurer_share_within_total"):
            sql("UPDATE billing_invoiceline SET insurer_share = total + 1")

    @pytest.mark.parametrize(
        ("change", "rule"),
        [
            ("insurer_share = 0", "invoice_issued_is_frozen"),
            ("payer = 'Other'", "invoice_issued_is_frozen"),
            ("declined = 33", "invoice_insurer_paid_within_share"),
            ("paid = 9", "invoice_patient_paid_within_share"),
            ("paid = 5, insurer_paid = 5", "invoice_paid_is_the_sum_of_its_payments"),
        ],
    )
    def test_an_issued_invoice(self, by, change, rule):
        invoice = issued(by, total="40.00", patient=insured(80))

        with refused_by(rule):
            sql(f"UPDATE billing_invoice SET {change} WHERE id = %s", invoice.pk)


class TestPages:
    def test_shares_stand_on_the_page_and_in_the_answer(self, by, client_as, api_as):
        invoice = issued(by, total="40.00", patient=insured(80))

        shown = client_as(by).get(reverse("billing:invoice", args=[invoice.public_id])).content.decode()
        body = api_as(by).get(f"/api/v1/invoices/{invoice.public_id}/").json()

        assert "To pay by Northern Mutual" in shown
        assert 'value="8.00"' in shown
        assert [body[name] for name in ("patient_share", "insurer_share", "patient_balance", "insurer_balance", "cover_percent")] == [
            "8.00", "32.00", "8.00", "32.00", 80,
        ]  # fmt: skip

    def test_the_insurance_is_left_out_by_a_button(self, by, client_as):
        invoice = draft(by, patient=insured(80))

        client_as(by).post(reverse("billing:set_cover", args=[invoice.public_id]), {"covered": ""})

        assert Invoice.objects.get().insurer_share == 0

    def test_only_an_insured_invoice_offers_insurance_as_a_way_to_pay(self, by, client_as):
        shown = client_as(by).get(reverse("billing:invoice", args=[issued(by, patient=PatientFactory()).public_id])).content.decode()

        assert 'value="insurance"' not in shown
