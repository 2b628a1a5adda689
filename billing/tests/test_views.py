from decimal import Decimal
from uuid import uuid4

import pytest
from django.urls import reverse

from billing.errors import AlreadyBilled
from billing.models import Invoice, Payment, Refund, Shift
from billing.tests.factories import MedicineFactory, PatientFactory, PriceItemFactory, cashier, draft, issued, pay, visit
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user

pytestmark = pytest.mark.django_db

HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def by():
    return cashier()


@pytest.fixture
def client(client_as, by):
    return client_as(by)


def page(name, row=None):
    return reverse(f"billing:{name}", args=[row.public_id] if row else [])


class TestLists:
    def test_open_ones_come_first_and_the_search_finds_the_rest(self, client, by):
        open_one, paid = issued(by), issued(by)
        pay(paid, by)

        shown = client.get(page("invoices")).content.decode()
        assert open_one.number in shown
        assert paid.number not in shown
        everything = client.get(page("invoices") + "?show=all").content.decode()
        assert everything.index(open_one.number) < everything.index(paid.number)
        assert paid.number in client.get(page("invoices"), {"q": paid.patient.mrn}).content.decode()

    def test_name_is_found_without_its_accents(self, client, by):
        invoice, other = issued(by, patient=PatientFactory(first_name="María", last_name="Fernández de la Vega")), issued(by)

        found = client.get(page("invoices"), {"q": "fernandez maria"}).content.decode()

        assert invoice.number in found
        assert other.number not in found
        assert invoice.number not in client.get(page("invoices"), {"q": "50%_"}).content.decode()

    @pytest.mark.parametrize("query", ["?date_from=x", "?date_to=9999-12-31", "?status=rich", "?q=%00", "?page=x", "?q=" + "x" * 200])
    def test_strange_filters_show_the_page_all_the_same(self, client, by, query):
        issued(by)

        assert client.get(page("invoices") + query).status_code == 200

    def test_lists_are_flat_in_queries(self, client, by, django_assert_max_num_queries):
        for rows in (3, 20):
            while Invoice.objects.count() < rows:
                issued(by)
                visit((MedicineFactory(), 5), (MedicineFactory(), 5))
            for name in ("invoices", "to_bill"):
                with django_assert_max_num_queries(10):
                    assert client.get(page(name)).status_code == 200

    def test_visit_is_billed_by_one_press_and_once(self, client):
        encounter, request_id = visit((MedicineFactory(price=1), 10)), uuid4()
        assert encounter.patient.full_name in client.get(page("to_bill")).content.decode()

        first = client.post(page("bill", encounter), {"request_id": request_id})
        again = client.post(page("bill", encounter), {"request_id": uuid4()})

        invoice = Invoice.objects.get()
        assert first.url == again.url == page("invoice", invoice)
        assert (invoice.status, invoice.total) == ("issued", Decimal("50.00"))
        assert encounter.patient.full_name not in client.get(page("to_bill")).content.decode()


class TestInvoicePage:
    def test_payment_of_the_whole_shows_the_change(self, client, by):
        invoice = issued(by, total="40.00")
        typed = {"method": "cash", "amount": "40.00", "tendered": "50.00", "request_id": uuid4()}

        response = client.post(page("pay", invoice), typed, follow=True)

        assert "Change USD\N{NO-BREAK SPACE}10.00" in response.content.decode()
        assert client.post(page("pay", invoice), typed).status_code == 302
        assert Payment.objects.count() == 1

    def test_payment_by_htmx_leads_to_the_same_page(self, client, by):
        invoice = issued(by)

        response = client.post(page("pay", invoice), {"method": "card", "amount": "40.00", "request_id": uuid4()}, **HTMX)

        assert response["HX-Redirect"] == f"{page('invoice', invoice)}?paid={Payment.objects.get().public_id}"

    @pytest.mark.parametrize(
        ("typed", "words"),
        [
            ({"method": "card", "amount": "40.01"}, "Only 40.00 is owed."),
            ({"method": "cash", "amount": "40", "tendered": "30"}, "That is less than the amount to pay."),
            ({"method": "card", "amount": "0"}, "This must be more than zero."),
            ({"method": "card", "amount": "x"}, "Enter a number."),
            ({"method": "card", "amount": "1", "reference": "4111 1111 1111 1111"}, "This looks like a card number"),
        ],
    )
    def test_refusal_stands_at_the_form(self, client, by, typed, words):
        invoice = issued(by, total="40.00")

        plain = client.post(page("pay", invoice), typed | {"request_id": uuid4()})
        swapped = client.post(page("pay", invoice), typed | {"request_id": uuid4()}, **HTMX)

        assert plain.status_code in {400, 409}
        assert swapped.status_code == 422
        assert "<html" in plain.content.decode()
        assert "<html" not in swapped.content.decode()
        assert words in plain.content.decode()
        assert words in swapped.content.decode()
        assert not Payment.objects.exists()

    def test_cash_without_a_shift_is_refused_at_the_form(self, client_as):
        reception = user(Role.RECEPTION)
        invoice = issued(reception)

        response = client_as(reception).post(page("pay", invoice), {"method": "cash", "amount": "1", "request_id": uuid4()})

        assert response.status_code == 409
        assert "Cash needs an open shift" in response.content.decode()

    def test_charges_that_were_billed_and_freed_meanwhile_are_refused_in_place(self, client, monkeypatch):
        encounter = visit()

        def billed_meanwhile(**asked):
            raise AlreadyBilled

        monkeypatch.setattr("billing.views.lists.bill_visit", billed_meanwhile)

        assert client.post(page("bill", encounter), {"request_id": uuid4()}).status_code == 409

    def test_change_is_worked_out_while_typing(self, client):
        assert "10.00" in client.get(page("change"), {"amount": "40", "tendered": "50"}).content.decode()
        for nonsense in ({}, {"amount": "40", "tendered": "5"}, {"amount": "x", "tendered": "y"}):
            assert client.get(page("change"), nonsense).content.decode().strip() == ""

    def test_draft_is_extended_and_issued(self, client, by):
        PriceItemFactory(code="ECG")
        invoice = draft(by, total="40.00")
        line = invoice.lines.get()

        client.post(page("change_lines", invoice), {"keep": line.public_id})
        client.post(
            page("change_lines", invoice),
            {"keep": line.public_id, "add": "1", "description": "More", "quantity": "2", "unit_price": "1.50"},
        )
        response = client.post(page("issue", invoice), follow=True)

        invoice.refresh_from_db()
        assert (invoice.status, invoice.total) == ("issued", Decimal("43.00"))
        assert invoice.number in response.content.decode()

    def test_what_somebody_else_added_meanwhile_is_not_dropped(self, client, by):
        invoice = draft(by)
        line, shown = invoice.lines.get(), client.get(page("invoice", invoice)).content.decode()
        assert f'name="version" value="{invoice.version}"' in shown
        typed = {"keep": line.public_id, "add": "1", "description": "More", "quantity": "1", "unit_price": "1.50"}
        client.post(page("change_lines", invoice), typed | {"version": invoice.version})

        response = client.post(page("change_lines", invoice), {"keep": line.public_id, "version": invoice.version})

        assert response.status_code == 412
        assert 'role="alert"' in response.content.decode()
        assert Invoice.objects.get().total == Decimal("41.50")

    @pytest.mark.parametrize("version", ["", "x", "²", "9" * 5000, "-1"])
    def test_a_damaged_version_is_as_none(self, client, by, version):
        invoice = draft(by)

        assert client.post(page("change_lines", invoice), {"version": version}).status_code == 302
        assert not invoice.lines.exists()

    @pytest.mark.parametrize(
        "typed", [{"add": "1", "quantity": "0"}, {"add": "1", "quantity": "x"}, {"add": "1", "price_item": "package x"}]
    )
    def test_bad_line_is_refused_and_nothing_changes(self, client, by, typed):
        invoice = draft(by)
        line = invoice.lines.get()

        response = client.post(page("change_lines", invoice), {"keep": line.public_id, **typed})

        assert response.status_code == 400
        assert Invoice.objects.get().total == Decimal("40.00")

    def test_void_needs_a_reason(self, client, by):
        invoice = issued(by)

        assert client.post(page("void", invoice), {}).status_code == 400
        assert client.post(page("void", invoice), {"reason": "wrong"}).status_code == 302

        invoice.refresh_from_db()
        assert invoice.status == "void"

    def test_refund_is_given_once_and_refused_in_place(self, client, by):
        payment = pay(issued(by), by)
        typed = {"amount": "10.00", "reason": "x", "request_id": uuid4()}

        for _ in range(2):
            assert client.post(page("refund", payment), typed).status_code == 302
        refused = client.post(page("refund", payment), {"amount": "99", "reason": "x", "request_id": uuid4()})

        assert Refund.objects.count() == 1
        assert "Only 30.00 is left" in refused.content.decode()
        assert client.post(page("refund", payment), {"amount": "1"}).status_code == 400

    def test_receipt_and_pdf_open(self, client, by):
        payment = pay(issued(by), by, tendered=Decimal(50))

        assert "Change" in client.get(page("receipt", payment)).content.decode()
        assert client.get(page("pdf", payment.invoice)).content.startswith(b"%PDF-")

    def test_new_invoice_is_made_for_the_mrn(self, client):
        patient = PatientFactory()
        typed = {"mrn": patient.mrn, "description": "Form", "quantity": "1", "unit_price": "5", "request_id": uuid4()}

        assert patient.mrn in client.get(page("new"), {"patient": patient.public_id}).content.decode()
        response = client.post(page("new"), typed)
        client.post(page("new"), typed)

        assert response.url == page("invoice", Invoice.objects.get())
        assert client.post(page("new"), typed | {"mrn": "nobody"}).status_code == 400
        assert client.post(page("new"), {"mrn": patient.mrn, "request_id": uuid4()}).status_code == 400
        assert client.get(page("new"), {"patient": "x"}).status_code == 200


class TestShiftPage:
    def test_opens_shows_what_is_expected_and_closes(self, client_as):
        by = user(Role.RECEPTION)
        client = client_as(by)
        assert "Open your shift" in client.get(page("shift")).content.decode()

        client.post(page("open_shift"), {"opening_float": "100", "request_id": uuid4()})
        pay(issued(by), by)
        shift = Shift.objects.get()
        assert "140.00" in client.get(page("shift")).content.decode()
        refused = client.post(page("close_shift", shift), {"count_cash": "139"}, **HTMX)
        closed = client.post(page("close_shift", shift), {"count_cash": "139", "reason": "lost"}, follow=True)

        assert refused.status_code == 422
        assert "\N{MINUS SIGN}1.00" in refused.content.decode()
        assert "lost" in closed.content.decode()
        assert client.post(page("close_shift", shift), {"count_cash": "139"}).status_code == 409

    @pytest.mark.parametrize("typed", [{}, {"opening_float": "-1"}, {"opening_float": "x"}])
    def test_refuses_a_float_that_is_no_amount(self, client_as, typed):
        assert client_as(user(Role.RECEPTION)).post(page("open_shift"), typed | {"request_id": uuid4()}).status_code == 400
        assert not Shift.objects.exists()

    def test_strangers_drawer_is_not_found(self, client):
        other = Shift.objects.get(cashier=cashier())

        assert client.get(page("shift_detail", other)).status_code == 404
        assert client.post(page("close_shift", other), {"count_cash": "100"}).status_code == 404


class TestWhoMay:
    def test_patient_sees_the_own_issued_invoice_only(self, client_as, by):
        patient = PatientFactory(user=user(Role.PATIENT))
        own, stranger = issued(by, patient=patient), issued(by)
        mine = client_as(patient.user)

        assert "Take payment" not in mine.get(page("invoice", own)).content.decode()
        assert stranger.number not in mine.get(page("invoices") + "?show=all").content.decode()
        for name in ("invoice", "pdf"):
            assert mine.get(page(name, stranger)).status_code == 404
        assert mine.get(page("invoice", draft(by, patient=patient))).status_code == 404
        assert mine.get(page("receipt", pay(stranger, by))).status_code == 404
        for name in ("pay", "void", "issue", "change_lines"):
            assert mine.post(page(name, own), {}).status_code == 403

    def test_reading_writes_nothing(self, client, by, django_assert_max_num_queries):
        invoice = issued(by)
        pay(invoice, by, "1.00")

        with django_assert_max_num_queries(10) as queries:
            client.get(page("invoice", invoice))

        assert all(query["sql"].startswith("SELECT") for query in queries.captured_queries)

    @pytest.mark.parametrize("role", [Role.NURSE, Role.DOCTOR, Role.PHARMACIST])
    def test_other_staff_are_refused(self, client_as, role):
        client = client_as(user(role))

        for name in ("invoices", "to_bill", "new", "shift"):
            assert client.get(page(name)).status_code == 403
