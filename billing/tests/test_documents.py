"""Paper: each size is that size, and says what the clinic and the patient must read on it."""

from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from billing import documents, selectors
from billing.models import Invoice, Payment
from billing.services.crediting import credit_invoice
from billing.tests.factories import PatientFactory, cashier, insured, issued, pay
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user

pytestmark = pytest.mark.django_db

WIDTHS = {"a4": b"/MediaBox[0 0 595.", "a5": b"/MediaBox[0 0 419.", "80mm": b"/MediaBox[0 0 226."}


@pytest.fixture
def by():
    return cashier()


@pytest.fixture
def words(monkeypatch):
    """What the template was given last."""
    seen = {}
    monkeypatch.setattr(documents, "_compiled", lambda template, data, size: seen.update(data) or b"%PDF")
    return seen


@pytest.mark.parametrize("size", documents.SIZES)
def test_invoice_and_receipt_have_the_size_that_was_asked_for(by, client_as, size):
    payment = pay(issued(by), by, tendered=Decimal("50.00"))
    client = client_as(by)

    for name, row in (("pdf", payment.invoice), ("receipt_pdf", payment)):
        answer = client.get(reverse(f"billing:{name}", args=[row.public_id]), {"size": size})
        assert answer["Content-Type"] == "application/pdf"
        assert WIDTHS[size] in answer.content


@pytest.mark.parametrize("size", ["", "a3", "../a4", "\0"])
def test_any_other_size_is_a4(by, api_as, size):
    answer = api_as(by).get(f"/api/v1/invoices/{issued(by).public_id}/pdf/", {"size": size})

    assert WIDTHS["a4"] in answer.content


def test_what_the_patient_has_to_pay_can_be_reckoned_on_the_paper(by, words):
    invoice = issued(by, total="47.50", patient=insured(80))
    pay(invoice, by, "5.00")
    pay(invoice, by, "10.00", method="insurance")
    credit_invoice(invoice_id=invoice.pk, amount=Decimal("5.00"), reason="x", by=by, on=timezone.localdate(), request_id=invoice.public_id)

    documents.invoice_pdf(selectors.with_lines(Invoice.objects).get())

    assert words["insurer"]["patient_share"] == "9.50"
    assert (words["credited"], [payment["amount"] for payment in words["payments"]], words["balance"]) == ("−1.00", ["5.00"], "3.50")


def test_tax_number_and_logo_stand_on_it_when_they_are_set(by, words, settings, tmp_path):
    settings.CLINIC_TAX_ID, settings.CLINIC_LOGO = "12-345", tmp_path / "logo.svg"
    pay(issued(by), by)

    documents.receipt_pdf(Payment.objects.select_related("invoice__patient").get())

    assert (words["clinic"]["tax_id"], words["clinic"]["logo"]) == ("12-345", "/logo.svg")


def test_a_logo_is_drawn(by, settings, tmp_path):
    (tmp_path / "logo.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><circle cx="4" cy="4" r="3"/></svg>')
    settings.CLINIC_LOGO = tmp_path / "logo.svg"

    assert documents.invoice_pdf(selectors.with_lines(Invoice.objects).get(pk=issued(by).pk)).startswith(b"%PDF")


def test_a_strangers_receipt_is_not_there(by, client_as):
    patient = PatientFactory(user=user(Role.PATIENT))
    own, other = pay(issued(by, patient=patient), by), pay(issued(by), by)

    assert client_as(patient.user).get(reverse("billing:receipt_pdf", args=[own.public_id])).status_code == 200
    assert client_as(patient.user).get(reverse("billing:receipt_pdf", args=[other.public_id])).status_code == 404


@pytest.mark.parametrize("size", documents.SIZES)
def test_a_credit_note_has_the_size_that_was_asked_for_and_only_its_patient_sees_it(by, client_as, size):
    patient = insured(80, user=user(Role.PATIENT))
    note = credit_invoice(
        invoice_id=issued(by, patient=patient).pk, reason="Too dear", by=by, on=timezone.localdate(), request_id=patient.public_id
    )
    to = reverse("billing:credit_note_pdf", args=[note.public_id])

    answer = client_as(patient.user).get(to, {"size": size})

    assert WIDTHS[size] in answer.content
    assert client_as(user(Role.PATIENT)).get(to).status_code == 404
    assert client_as(user(Role.DOCTOR)).get(to).status_code == 403
