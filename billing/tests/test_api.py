from decimal import Decimal
from uuid import uuid4

import pytest

from billing.models import Invoice, Payment, Refund, Shift
from billing.tests.factories import MedicineFactory, PatientFactory, PriceItemFactory, cashier, draft, issued, pay, visit
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user

pytestmark = pytest.mark.django_db

INVOICES, PAYMENTS, SHIFTS = "/api/v1/invoices/", "/api/v1/payments/", "/api/v1/shifts/"
KEY = {"HTTP_IDEMPOTENCY_KEY": "one-key"}


@pytest.fixture
def by():
    return cashier()


@pytest.fixture
def api(api_as, by):
    return api_as(by)


def url(invoice, action="") -> str:
    return f"{INVOICES}{invoice.public_id}/{action}"


def code(response) -> tuple[int, str]:
    assert response["content-type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


class TestCreate:
    def test_bills_a_visit(self, api):
        encounter = visit((MedicineFactory(price=Decimal("0.35")), 21))

        response = api.post(INVOICES, {"visit": str(encounter.public_id)})

        body = response.json()
        assert response.status_code == 201
        assert body["status"] == "draft"
        assert body["number"] is None
        assert body["visit"] == str(encounter.public_id)
        assert body["patient_name"] == encounter.patient.full_name
        assert (body["total"], body["paid"], body["balance"]) == ("47.35", "0.00", "47.35")
        assert body["lines"][1] | {"id": ""} == {
            "id": "",
            "kind": "medicine",
            "description": body["lines"][1]["description"],
            "quantity": 21,
            "unit_price": "0.35",
            "discount": "0.00",
            "discount_reason": "",
            "tax_percent": "0.00",
            "tax": "0.00",
            "total": "7.35",
            "insurer_share": "0.00",
            "patient_share": "7.35",
        }

    def test_bills_a_visit_once(self, api):
        body = {"visit": str(visit().public_id)}
        first = api.post(INVOICES, body)

        again = api.post(INVOICES, body)

        assert code(again) == (409, "already_billed")
        assert again.json()["invoice"] == first.json()["id"]
        assert Invoice.objects.count() == 1

    def test_repeats_its_answer_for_the_same_key(self, api):
        body = {"visit": str(visit().public_id)}

        first, again = api.post(INVOICES, body, **KEY), api.post(INVOICES, body, **KEY)

        assert first.status_code == again.status_code == 201
        assert first.json() == again.json()

    def test_bills_by_hand(self, api):
        PriceItemFactory(code="ECG")
        lines = [{"description": "Dressing", "quantity": 2, "unit_price": "5.55"}, {"price_item": "ECG", "quantity": 1}]

        response = api.post(INVOICES, {"patient": str(PatientFactory().public_id), "lines": lines})

        assert response.status_code == 201
        assert response.json()["total"] == "36.10"
        assert response.json()["visit"] is None

    @pytest.mark.parametrize(
        ("body", "wrong"),
        [
            ({}, "visit"),
            ({"visit": str(uuid4())}, "visit"),
            ({"visit": "x"}, "visit"),
            ({"visit": 7}, "visit"),
            ({"patient": str(uuid4()), "lines": [{"description": "x", "unit_price": "1"}]}, "patient"),
            ({"patient": "PATIENT"}, "lines"),
            ({"patient": "PATIENT", "lines": []}, "lines"),
            ({"patient": "PATIENT", "lines": [{"description": "x"}]}, "lines"),
            ({"patient": "PATIENT", "lines": [{"description": "x", "unit_price": "-1"}]}, "lines"),
            ({"patient": "PATIENT", "lines": [{"description": "x", "unit_price": "1e999"}]}, "lines"),
            ({"patient": "PATIENT", "lines": [{"description": "a\0b", "unit_price": "1"}]}, "lines"),
            ({"patient": "PATIENT", "lines": [{"description": "x", "unit_price": "1", "quantity": 1.5}]}, "lines"),
            ({"patient": "PATIENT", "lines": [{"price_item": "NONE"}]}, "lines"),
            ({"patient": "PATIENT", "lines": [{"description": "x", "unit_price": "1", "discount": "2"}]}, "lines"),
        ],
    )
    def test_says_which_field_is_wrong(self, api, body, wrong):
        if body.get("patient") == "PATIENT":
            body = body | {"patient": str(PatientFactory().public_id)}

        response = api.post(INVOICES, body)

        assert response.status_code == 400
        assert list(response.json()["errors"]) == [wrong]
        assert not Invoice.objects.exists()


class TestRead:
    def test_list_filters(self, api, by):
        paid, partly, open_one, sketch = issued(by), issued(by), issued(by), draft(by)
        pay(paid, by)
        pay(partly, by, "1.00")

        def found(query):
            return {row["id"] for row in api.get(f"{INVOICES}?{query}").json()["results"]}

        assert found("status=paid") == {str(paid.public_id)}
        assert found("status=partly_paid") == {str(partly.public_id)}
        assert found("status=issued") == {str(open_one.public_id)}
        assert found("status=draft") == {str(sketch.public_id)}
        assert found("status=void") == set()
        assert found(f"patient={paid.patient.public_id}") == {str(paid.public_id)}
        assert found(f"search={partly.number}") == {str(partly.public_id)}
        assert found(f"search={open_one.patient.mrn}") == {str(open_one.public_id)}
        assert found(f"visit={uuid4()}") == set()
        assert len(found("date_from=2020-01-01")) == 4
        assert found("date_to=2020-01-01") == set()

    @pytest.mark.parametrize(
        ("query", "wrong"),
        [
            ("status=rich", "status"),
            ("patient=x", "patient"),
            ("visit=%00", "visit"),
            ("date_from=9999-12-31", "date_from"),
            ("date_to=9999-12-31", "date_to"),
            ("date_to=0001-01-01", "date_to"),
            ("search=%00", "search"),
        ],
    )
    def test_list_refuses_a_filter_that_makes_no_sense(self, api, query, wrong):
        response = api.get(f"{INVOICES}?{query}")

        assert response.status_code == 400
        assert list(response.json()["errors"]) == [wrong]

    @pytest.mark.parametrize("path", [INVOICES, PAYMENTS, SHIFTS])
    def test_lists_are_flat_in_queries(self, api_as, path, django_assert_max_num_queries):
        api = api_as(user(Role.ADMIN))
        for rows in (3, 30):
            while Payment.objects.count() < rows:
                by = cashier()
                pay(issued(by), by)
            with django_assert_max_num_queries(7):
                assert api.get(path).json()["count"] == rows

    def test_answers_with_an_etag(self, api, by):
        invoice = issued(by)

        response = api.get(url(invoice))

        assert response["ETag"] == '"2"'
        assert api.get(url(invoice), HTTP_IF_NONE_MATCH='"2"').status_code == 304

    def test_gives_the_invoice_as_pdf(self, api, by):
        invoice = issued(by)
        pay(invoice, by, "10.00")

        response = api.get(url(invoice, "pdf/"), HTTP_ACCEPT="application/pdf")

        assert response["content-type"] == "application/pdf"
        assert response.content.startswith(b"%PDF-")

    @pytest.mark.parametrize("make", [draft, issued])
    def test_every_state_has_a_pdf(self, api, by, make):
        assert api.get(url(make(by), "pdf/")).status_code == 200


class TestOwnData:
    @pytest.fixture
    def patient(self):
        return PatientFactory(user=user(Role.PATIENT))

    def test_patient_reads_the_own_issued_invoices_only(self, api_as, by, patient):
        own, _, stranger = issued(by, patient=patient), draft(by, patient=patient), issued(by)
        mine = api_as(patient.user)

        assert [row["id"] for row in mine.get(INVOICES).json()["results"]] == [str(own.public_id)]
        assert mine.get(url(own)).status_code == 200
        assert mine.get(url(own, "pdf/")).status_code == 200
        assert code(mine.get(url(stranger))) == (404, "not_found")
        assert code(mine.get(url(stranger, "pdf/"))) == (404, "not_found")

    def test_patient_reads_the_own_payments_only(self, api_as, by, patient):
        own, stranger = pay(issued(by, patient=patient), by), pay(issued(by), by)
        mine = api_as(patient.user)

        assert [row["id"] for row in mine.get(PAYMENTS).json()["results"]] == [str(own.public_id)]
        assert mine.get(f"{PAYMENTS}{stranger.public_id}/").status_code == 404

    def test_patient_writes_nothing(self, api_as, by, patient):
        own = issued(by, patient=patient)
        mine = api_as(patient.user)

        for response in (
            mine.post(INVOICES, {"patient": str(patient.public_id), "lines": [{"description": "x", "unit_price": "1"}]}),
            mine.post(url(own, "pay/"), {"method": "card", "amount": "1.00"}),
            mine.post(url(own, "void/"), {"reason": "x"}),
            mine.delete(url(own), {"reason": "x"}),
            mine.patch(url(own), {"lines": []}),
            mine.get(SHIFTS),
        ):
            assert response.status_code == 403
        assert Invoice.objects.get(pk=own.pk).status == "issued"

    def test_cashier_sees_the_own_shifts_and_a_manager_all(self, api, api_as):
        cashier()

        assert len(api.get(SHIFTS).json()["results"]) == 1
        assert len(api_as(user(Role.MANAGER)).get(SHIFTS).json()["results"]) == 2

    @pytest.mark.parametrize("role", [Role.NURSE, Role.DOCTOR, Role.PHARMACIST])
    def test_other_staff_see_no_bills(self, api_as, role):
        assert api_as(user(role)).get(INVOICES).status_code == 403

    def test_strangers_are_asked_to_sign_in(self, api_as):
        assert api_as(None).get(INVOICES).status_code == 401


class TestChange:
    def test_patch_changes_the_lines_of_a_draft(self, api, by):
        invoice = draft(by)
        line = invoice.lines.get()
        body = {"lines": [{"id": str(line.public_id)}, {"description": "More", "unit_price": "1.00"}]}

        response = api.patch(url(invoice), body, HTTP_IF_MATCH='"1"')

        assert response.status_code == 200
        assert response.json()["total"] == "41.00"
        assert code(api.patch(url(invoice), body, HTTP_IF_MATCH='"1"')) == (412, "stale_version")

    def test_issue_gives_a_number_once(self, api, by):
        invoice = draft(by)

        response = api.post(url(invoice, "issue/"))

        assert response.status_code == 200
        assert response.json()["number"].startswith("INV-")
        assert response.json()["issued_at"]
        assert code(api.post(url(invoice, "issue/"))) == (409, "already_issued")
        assert code(api.patch(url(invoice), {"lines": []})) == (409, "not_draft")

    def test_void_and_delete_need_a_reason(self, api, by):
        first, second, third = issued(by), issued(by), issued(by)

        assert api.post(url(first, "void/"), {}).status_code == 400
        assert api.delete(url(second)).status_code == 400
        assert Invoice.objects.in_status("void").count() == 0

        assert api.post(url(first, "void/"), {"reason": "x"}).json()["status"] == "void"
        assert api.delete(url(second), {"reason": "x"}).status_code == 204
        assert api.delete(f"{url(third)}?reason=x").status_code == 204
        assert Invoice.objects.in_status("void").count() == 3

    def test_unknown_or_malformed_id_is_not_found(self, api):
        assert code(api.post(f"{INVOICES}{uuid4()}/pay/", {"method": "card", "amount": "1"})) == (404, "not_found")
        assert api.get(f"{INVOICES}x/").status_code == 404


class TestPay:
    def test_answers_with_the_change(self, api, by):
        invoice = issued(by, total="40.00")

        response = api.post(url(invoice, "pay/"), {"method": "cash", "amount": "40.00", "tendered": "50.00"})

        body = response.json()
        assert response.status_code == 201
        assert body["received_at"]
        assert {name: body[name] for name in body if name not in {"id", "received_at"}} == {
            "invoice": str(invoice.public_id),
            "method": "cash",
            "amount": "40.00",
            "tendered": "50.00",
            "change": "10.00",
            "reference": "",
            "refunded": "0.00",
            "invoice_status": "paid",
            "balance": "0.00",
        }

    def test_same_key_pays_once_and_another_body_is_refused(self, api, by):
        invoice, body = issued(by), {"method": "cash", "amount": "10.00"}

        first, again = (api.post(url(invoice, "pay/"), body, **KEY) for _ in range(2))

        assert first.status_code == again.status_code == 201
        assert first.json() == again.json()
        assert Payment.objects.count() == 1
        assert code(api.post(url(invoice, "pay/"), body | {"amount": "11.00"}, **KEY)) == (422, "idempotency_key_reused")

    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            ({"method": "card", "amount": "40.01"}, (409, "overpayment")),
            ({"method": "cash", "amount": "40.01"}, (409, "overpayment")),
            ({"method": "card", "amount": "0"}, (400, "invalid")),
            ({"method": "card", "amount": "0.00"}, (400, "invalid")),
            ({"method": "card", "amount": "-1"}, (400, "invalid")),
            ({"method": "card", "amount": "1.001"}, (400, "invalid")),
            ({"method": "card", "amount": "abc"}, (400, "invalid")),
            ({"method": "card", "amount": None}, (400, "invalid")),
            ({"method": "gold", "amount": "1"}, (400, "invalid")),
            ({"amount": "1"}, (400, "invalid")),
            ({"method": "cash", "amount": "10", "tendered": "5"}, (400, "invalid")),
        ],
    )
    def test_refuses(self, api, by, body, expected):
        invoice = issued(by, total="40.00")

        response = api.post(url(invoice, "pay/"), body)

        assert code(response) == expected
        assert not Payment.objects.exists()

    def test_refuses_cash_without_a_shift_and_a_draft(self, api_as, by):
        reception = api_as(user(Role.RECEPTION))

        assert code(reception.post(url(issued(by), "pay/"), {"method": "cash", "amount": "1"})) == (409, "no_open_shift")
        assert code(reception.post(url(draft(by), "pay/"), {"method": "card", "amount": "1"})) == (409, "not_payable")


class TestRefund:
    def test_gives_back_and_opens_the_balance(self, api, by):
        payment = pay(issued(by), by)

        response = api.post(f"{PAYMENTS}{payment.public_id}/refund/", {"amount": "15.00", "reason": "returned"})

        body = response.json()
        assert response.status_code == 201
        assert (body["amount"], body["invoice_status"], body["balance"]) == ("15.00", "partly_paid", "15.00")
        assert Refund.objects.get().request_id

    def test_same_key_gives_back_once(self, api, by):
        payment = pay(issued(by), by)
        call = {"path": f"{PAYMENTS}{payment.public_id}/refund/", "data": {"amount": "15.00", "reason": "x"}}

        assert api.post(**call, **KEY).json() == api.post(**call, **KEY).json()

        assert Refund.objects.count() == 1

    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            ({"amount": "40.01", "reason": "x"}, (409, "refund_exceeds_payment")),
            ({"amount": "0", "reason": "x"}, (400, "invalid")),
            ({"amount": "1"}, (400, "invalid")),
        ],
    )
    def test_refuses(self, api, by, body, expected):
        payment = pay(issued(by), by)

        assert code(api.post(f"{PAYMENTS}{payment.public_id}/refund/", body)) == expected
        assert not Refund.objects.exists()


class TestShift:
    def test_opens_works_and_closes(self, api_as):
        by = user(Role.RECEPTION)
        api = api_as(by)
        opened = api.post(SHIFTS, {"opening_float": "100.00"})
        pay(issued(by), by)
        close = f"{SHIFTS}{opened.json()['id']}/close/"

        assert opened.status_code == 201
        assert code(api.post(SHIFTS, {"opening_float": "1.00"})) == (409, "shift_already_open")
        assert api.post(close, {"counted": {}}).status_code == 400
        assert api.post(close, {"counted": {"gold": "1.00", "cash": "140.00"}}).status_code == 400
        assert code(api.post(close, {"counted": {"cash": "139.00"}})) == (409, "variance_needs_reason")

        closed = api.post(close, {"counted": {"cash": "139.00"}, "reason": "lost"}).json()

        assert closed["status"] == "closed"
        assert closed["counts"] == [{"method": "cash", "expected": "140.00", "counted": "139.00", "variance": "-1.00"}]
        assert closed["expected"] == {"cash": "140.00"}
        assert code(api.post(close, {"counted": {"cash": "139.00"}})) == (409, "shift_closed")

    def test_strangers_shift_is_not_found(self, api):
        other = Shift.objects.get(cashier=cashier())

        assert code(api.post(f"{SHIFTS}{other.public_id}/close/", {"counted": {"cash": "100"}})) == (404, "not_found")

    @pytest.mark.parametrize("value", ["-1", "x", "1.001", None])
    def test_refuses_a_float_that_is_no_amount(self, api_as, value):
        assert api_as(user(Role.RECEPTION)).post(SHIFTS, {"opening_float": value}).status_code == 400
