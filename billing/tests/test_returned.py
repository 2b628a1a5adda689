"""What came back to the pharmacy is credited once, and no more than came back."""

import threading
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from billing import rules, selectors
from billing.errors import NothingReturned
from billing.models import CreditLine, CreditNote, Invoice, InvoiceLine, ReturnCredit
from billing.services.crediting import credit_invoice, credit_returned
from billing.services.invoicing import draft_dispensed, issue_invoice
from billing.tests.factories import ON, cashier, issued_for, pay
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.core.db import constraint_of
from clinic.core.errors import RequestReused
from pharmacy.models import DispenseLine, MovementKind, Prescription, StockMovement
from pharmacy.services.returning import return_dispensed
from pharmacy.tests.factories import MedicineFactory, dispensed, line_of, pharmacist, signed, soon, stocked

pytestmark = pytest.mark.django_db
V1 = "/api/v1/"
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def by():
    return cashier()


def handed_out(by, quantity=10, *, price="0.35", **line):
    """A paid prescription of one medicine that was handed out: its invoice and the dispense."""
    medicine = MedicineFactory(price=price)
    stocked(100, medicine=medicine)
    prescription = signed(line_of(medicine, quantity, **line))
    invoice = issued_for(prescription.encounter, by)
    if invoice.total:
        pay(invoice, by)
    return invoice, dispensed(prescription)


def came_back(dispense, quantity, **options):
    line = dispense.lines.order_by("id").first()
    return return_dispensed(
        dispense_id=dispense.pk, lines=[{"line": line.public_id, "quantity": quantity}],
        **({"to": "batch", "reason": "unopened", "by": pharmacist(), "request_id": uuid4()} | options),
    )  # fmt: skip


def credit(invoice, by, request_id=None):
    return credit_returned(invoice_id=invoice.pk, by=by, on=ON, request_id=request_id or uuid4())


def medicine_line(invoice) -> InvoiceLine:
    return InvoiceLine.objects.get(invoice=invoice, kind="medicine")


def to_credit():
    rows = selectors.to_credit_rows(selectors.invoices_to_credit(Invoice.objects))
    return [(row.invoice.pk, [(each.units, str(each.amount)) for each in row.lines]) for row in rows]


class TestUnitsToCredit:
    @pytest.mark.parametrize(
        ("billed", "returned", "held", "expected"),
        [
            ({"a": 10}, {1: 4}, 6, [("a", 1, 4)]),
            ({"a": 10}, {1: 4}, 10, []),
            ({"a": 10}, {1: 4}, 8, [("a", 1, 2)]),
            ({"a": 10}, {1: 4, 2: 3}, 3, [("a", 1, 4), ("a", 2, 3)]),
            ({"b": 5, "a": 10}, {1: 8}, 7, [("b", 1, 5), ("a", 1, 3)]),
            ({"a": 10}, {1: 4}, 12, []),
            ({}, {1: 4}, 0, []),
            ({"a": 10}, {}, 0, []),
        ],
    )
    def test_no_more_than_came_back_and_no_more_than_is_billed_beyond_what_is_held(self, billed, returned, held, expected):
        assert rules.units_to_credit(billed, returned, held=held) == expected


class TestCrediting:
    def test_the_note_takes_back_the_price_and_names_the_return(self, by):
        invoice, dispense = handed_out(by)
        came_back(dispense, 4)

        note = credit(invoice, by)

        line = medicine_line(invoice)
        assert (note.amount, note.reason) == (Decimal("1.40"), "Returned to the pharmacy")
        assert (line.credited, line.credited_quantity) == (Decimal("1.40"), 4)
        link = ReturnCredit.objects.get()
        assert (link.credit_line.line, link.movement.kind, link.quantity) == (line, MovementKind.RETURN, 4)
        assert DispenseLine.objects.get(dispense=dispense).credited_quantity == 4
        assert Invoice.objects.get(pk=invoice.pk).overpaid == Decimal("1.40")

    def test_of_two_batches_is_one_line_with_both_movements(self, by):
        medicine = MedicineFactory(price="0.35")
        stocked(6, medicine=medicine, expires_on=soon(100))
        stocked(6, medicine=medicine, expires_on=soon(200))
        prescription = signed(line_of(medicine, 10))
        invoice = issued_for(prescription.encounter, by)
        dispense = dispensed(prescription)
        return_dispensed(dispense_id=dispense.pk, to="quarantine", reason="opened", by=pharmacist(), request_id=uuid4())

        note = credit(invoice, by)

        assert note.amount == Decimal("3.50")
        assert sorted(ReturnCredit.objects.values_list("quantity", flat=True)) == [4, 6]
        assert CreditLine.objects.filter(credit_note=note).count() == 1

    def test_is_not_credited_twice(self, by):
        invoice, dispense = handed_out(by)
        came_back(dispense, 4)
        credit(invoice, by)

        with pytest.raises(NothingReturned):
            credit(invoice, by)

        assert CreditNote.objects.count() == 1
        assert to_credit() == []

    def test_a_second_return_is_credited_by_itself_and_all_parts_are_the_price(self, by):
        invoice, dispense = handed_out(by, 3, price="0.33")
        notes = []
        for _ in range(3):
            came_back(dispense, 1)
            notes.append(credit(invoice, by).amount)

        assert sum(notes) == medicine_line(invoice).total == Decimal("0.99")
        assert medicine_line(invoice).credited_quantity == 3

    def test_sent_twice_credits_once(self, by):
        (invoice, dispense), request_id = handed_out(by), uuid4()
        came_back(dispense, 4)

        assert credit(invoice, by, request_id) == credit(invoice, by, request_id)
        other, given = handed_out(by)
        came_back(given, 1)
        with pytest.raises(RequestReused):
            credit(other, by, request_id)

        assert CreditNote.objects.count() == 1

    def test_what_was_handed_out_again_is_not_credited(self, by):
        invoice, dispense = handed_out(by)
        came_back(dispense, 4)
        dispensed(Prescription.objects.get(pk=dispense.prescription_id), items=None)

        with pytest.raises(NothingReturned):
            credit(invoice, by)

        assert to_credit() == []

    def test_what_is_handed_out_again_after_the_credit_is_billed(self, by):
        invoice, dispense = handed_out(by)
        came_back(dispense, 4)
        credit(invoice, by)
        again = dispensed(Prescription.objects.get(pk=dispense.prescription_id))

        billed = draft_dispensed(dispense_id=again.pk, by=by)

        assert [(line.quantity, line.total) for line in billed.lines.all()] == [(4, Decimal("1.40"))]

    def test_what_was_credited_by_hand_is_not_credited_again(self, by):
        invoice, dispense = handed_out(by)
        about = {"by": by, "on": ON, "request_id": uuid4(), "reason": "brought back"}
        credit_invoice(invoice_id=invoice.pk, lines=[{"id": medicine_line(invoice).public_id, "amount": Decimal("3.00")}], **about)
        came_back(dispense, 4)

        note = credit(invoice, by)

        assert note.amount == Decimal("0.50")
        assert medicine_line(invoice).credited == Decimal("3.50")

    def test_what_cost_nothing_is_not_credited(self, by):
        invoice, dispense = handed_out(by, price="0.00")
        came_back(dispense, 4)

        with pytest.raises(NothingReturned):
            credit(invoice, by)

        assert to_credit() == []

    def test_the_last_invoice_of_an_item_is_credited_first(self, by):
        invoice, dispense = handed_out(by, 10, repeats=1)
        again = dispensed(Prescription.objects.get(pk=dispense.prescription_id))
        later = issue_invoice(invoice_id=draft_dispensed(dispense_id=again.pk, by=by).pk, by=by, on=ON)
        came_back(dispense, 8)
        came_back(again, 4)

        assert to_credit() == [(invoice.pk, [(2, "0.70")]), (later.pk, [(10, "3.50")])]
        assert [credit(each, by).amount for each in (invoice, later)] == [Decimal("0.70"), Decimal("3.50")]

    def test_holds_a_prescription_back_when_nothing_of_it_is_paid_any_more(self, by):
        invoice, dispense = handed_out(by)
        came_back(dispense, 4)
        credit(invoice, by)
        assert Prescription.objects.get().cleared_at is not None

        came_back(dispense, 6)
        credit(invoice, by)

        assert Prescription.objects.get().cleared_at is None

    def test_hands_the_paid_rest_of_a_prescription_out_still(self, by):
        one, other = MedicineFactory(price="0.35"), MedicineFactory(price="0.35")
        for medicine in (one, other):
            stocked(50, medicine=medicine)
        prescription = signed(line_of(one, 10), line_of(other, 20))
        invoice = issued_for(prescription.encounter, by)
        first = prescription.items.order_by("id").first()
        dispense = dispensed(prescription, items=[{"item": first.public_id, "quantity": 10}])
        came_back(dispense, 10)

        credit(invoice, by)

        assert Prescription.objects.get().cleared_at is not None


class TestTheDatabase:
    @pytest.fixture
    def returned(self, by):
        """Four of ten came back and two of them were credited by rows as a service would write them."""
        invoice, dispense = handed_out(by)
        came_back(dispense, 4)
        credit(invoice, by)
        return ReturnCredit.objects.get()

    def refused_by(self, write) -> str:
        def commit():
            with transaction.atomic():
                write()
                connection.check_constraints()

        with pytest.raises(IntegrityError) as refused:
            commit()
        return constraint_of(refused.value)

    def sql(self, statement, *params):
        with connection.cursor() as cursor:
            cursor.execute(statement, params)

    def test_refuses_to_credit_a_return_on_the_same_line_twice(self, returned):
        copy = {"credit_line": returned.credit_line, "movement": returned.movement, "quantity": 1}

        assert self.refused_by(lambda: ReturnCredit.objects.create(**copy)) == "return_credit_once_per_line"

    def test_refuses_more_than_came_back(self, returned, by):
        about = {"by": by, "on": ON, "request_id": uuid4(), "reason": "x"}
        note = credit_invoice(invoice_id=returned.credit_line.line.invoice_id, amount=Decimal(1), **about)
        connection.check_constraints()
        line = note.lines.get(line=returned.credit_line.line)

        def write():
            ReturnCredit.objects.create(credit_line=line, movement=returned.movement, quantity=1)

        assert self.refused_by(write) == "return_credit_counts_within_return"

    def test_refuses_to_count_more_credited_than_returned(self, returned):
        more = "UPDATE pharmacy_dispenseline SET credited_quantity = 5"

        assert self.refused_by(lambda: self.sql(more)) == "dispense_line_credited_within_returned"

    def test_refuses_units_that_do_not_add_up(self, returned):
        line = "UPDATE billing_invoiceline SET credited_quantity = credited_quantity + 1 WHERE credited_quantity > 0"

        assert self.refused_by(lambda: self.sql(line)) == "line_credited_quantity_is_the_sum_of_its_returns"

    def test_refuses_more_units_than_the_line_has(self, returned):
        line = "UPDATE billing_invoiceline SET credited_quantity = quantity + 1 WHERE credited_quantity > 0"

        assert self.refused_by(lambda: self.sql(line)) == "line_credited_quantity_within_quantity"

    def test_refuses_a_link_that_the_pharmacy_does_not_count(self, returned, by):
        came_back(DispenseLine.objects.get().dispense, 2)
        movement = StockMovement.objects.filter(kind="RETURN").order_by("-pk").first()

        def write():
            ReturnCredit.objects.create(credit_line=returned.credit_line, movement=movement, quantity=2)
            self.sql("UPDATE billing_invoiceline SET credited_quantity = 6 WHERE credited_quantity > 0")

        assert self.refused_by(write) == "return_credit_counts_at_pharmacy"

    @pytest.mark.parametrize("kind", ["OUT", "IN"])
    def test_refuses_a_movement_that_is_no_return_of_that_medicine(self, returned, kind):
        movement = StockMovement.objects.filter(kind=kind).first()

        def write():
            ReturnCredit.objects.create(credit_line=returned.credit_line, movement=movement, quantity=1)

        assert self.refused_by(write) == "return_credit_fits"

    def test_refuses_nothing_credited(self, returned, by):
        came_back(DispenseLine.objects.get().dispense, 2)
        movement = StockMovement.objects.filter(kind="RETURN").order_by("-pk").first()

        def write():
            ReturnCredit.objects.create(credit_line=returned.credit_line, movement=movement, quantity=0)

        assert self.refused_by(write) == "return_credit_positive"

    @pytest.mark.parametrize(
        ("statement", "rule"),
        [
            ("UPDATE billing_returncredit SET quantity = 1", "return_credit_append_only"),
            ("DELETE FROM billing_returncredit", "return_credit_append_only"),
            ("UPDATE pharmacy_dispenseline SET credited_quantity = 0", "dispense_line_credit_is_final"),
        ],
    )
    def test_keeps_what_was_credited(self, returned, statement, rule):
        assert self.refused_by(lambda: self.sql(statement)) == rule


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_two_cashiers_credit_it_once(self, at_once):
        clerks = [cashier(), cashier()]
        invoice, dispense = handed_out(clerks[0])
        came_back(dispense, 4)

        results = at_once(*(lambda who=who: credit(invoice, who) for who in clerks))

        assert sorted(type(result).__name__ for result in results) == ["CreditNote", "NothingReturned"]
        assert ReturnCredit.objects.get().quantity == 4

    def test_without_the_locks_the_database_stops_the_second(self, at_once, monkeypatch):
        """The negative control: both see the return, and only one is counted."""
        clerks = [cashier(), cashier()]
        invoice, dispense = handed_out(clerks[0])
        came_back(dispense, 4)
        both_have_read = threading.Barrier(2)

        def plain_read(invoice_id):
            found = Invoice.objects.select_related("patient").get(pk=invoice_id)
            both_have_read.wait(10)
            return found

        def read_returned(found):
            returned = selectors.returned_on(found)
            both_have_read.wait(10)
            return returned

        monkeypatch.setattr("billing.locks.lock_invoice", plain_read)
        monkeypatch.setattr("billing.locks.lock_prescriptions", lambda ids: None)
        monkeypatch.setattr("billing.services.crediting.returned_on", read_returned)

        results = at_once(*(lambda who=who: credit(invoice, who) for who in clerks))

        assert sorted(type(result).__name__ for result in results) == ["CreditNote", "IntegrityError"]
        assert ReturnCredit.objects.get().quantity == 4

    def test_a_credit_and_a_second_handing_out_leave_no_unit_unpaid(self, at_once):
        clerk, who = cashier(), pharmacist()
        invoice, dispense = handed_out(clerk)
        came_back(dispense, 4)
        prescription = Prescription.objects.get(pk=dispense.prescription_id)

        at_once(lambda: credit(invoice, clerk), lambda: dispensed(prescription, by=who))

        line = medicine_line(invoice)
        held = prescription.items.get().dispensed_quantity
        assert held == 10
        billed = sum(row.quantity for row in selectors.handed_out_charges(prescription.dispenses.last()))
        assert line.quantity - line.credited_quantity + billed == held


class TestTheDesk:
    @pytest.fixture
    def invoice(self, by):
        invoice, dispense = handed_out(by)
        came_back(dispense, 4)
        return invoice

    def test_the_list_shows_it_and_credits_it_with_one_press(self, client_as, by, invoice, django_assert_max_num_queries):
        client = client_as(by)
        with django_assert_max_num_queries(10):
            page = client.get(reverse("billing:to_credit")).content.decode()
        assert (invoice.number in page, "4 of 10" in page) == (True, True)

        answer = client.post(reverse("billing:credit_returned", args=[invoice.public_id]), {"request_id": uuid4()}, follow=True)

        assert "over 1.40 is written" in answer.content.decode()
        assert invoice.number not in client.get(reverse("billing:to_credit")).content.decode()

    def test_the_invoice_offers_it_until_it_is_done(self, client_as, by, invoice):
        client, url = client_as(by), reverse("billing:invoice", args=[invoice.public_id])
        assert "Returned to the pharmacy" in client.get(url).content.decode()

        credit(invoice, by)

        page = client.get(url).content.decode()
        assert ("<h2" in page, 'id="returned"' in page, "4 returned" in page) == (True, False, True)

    def test_a_second_press_is_refused_in_words(self, client_as, by, invoice):
        credit(invoice, by)

        answer = client_as(by).post(reverse("billing:credit_returned", args=[invoice.public_id]), {"request_id": uuid4()})

        assert (answer.status_code, CreditNote.objects.count()) == (409, 1)

    def test_the_pharmacist_sees_whether_it_was_credited(self, client_as, by, invoice):
        client = client_as(pharmacist())
        url = reverse("pharmacy:dispense", args=[Prescription.objects.get().public_id])
        assert "4 returned (not credited)" in client.get(url).content.decode()

        credit(invoice, by)

        assert "4 returned (credited)" in client.get(url).content.decode()

    def test_the_list_is_flat(self, client_as, by, invoice, django_assert_max_num_queries):
        client, url = client_as(by), reverse("billing:to_credit")
        with django_assert_max_num_queries(10) as few:
            client.get(url)
        for _ in range(4):
            came_back(handed_out(by)[1], 1)

        with django_assert_max_num_queries(len(few.captured_queries)):
            assert len(client.get(url).context["rows"]) == 5

    @pytest.mark.parametrize("role", [Role.NURSE, Role.DOCTOR, Role.PHARMACIST, Role.PATIENT])
    def test_others_are_refused(self, client_as, invoice, role):
        client = client_as(user(role))

        answers = [client.get(reverse("billing:to_credit"))]
        answers.append(client.post(reverse("billing:credit_returned", args=[invoice.public_id]), {"request_id": uuid4()}))

        assert {answer.status_code for answer in answers} == {403}
        assert not CreditNote.objects.exists()


class TestTheApi:
    def test_lists_and_credits(self, api_as, by):
        invoice, dispense = handed_out(by)
        came_back(dispense, 4)
        client = api_as(by)

        [row] = client.get(f"{V1}to-credit/").json()["results"]
        made = client.post(f"{V1}invoices/{invoice.public_id}/credit-returned/")

        assert (row["invoice"], row["amount"]) == (str(invoice.public_id), "1.40")
        assert [(line["quantity"], line["amount"]) for line in row["lines"]] == [(4, "1.40")]
        assert (made.status_code, made.json()["amount"], made.json()["lines"][0]["returned"]) == (201, "1.40", 4)
        assert client.get(f"{V1}to-credit/").json()["results"] == []
        [line] = api_as(pharmacist()).get(f"{V1}dispensings/{dispense.public_id}/").json()["lines"]
        assert (line["returned_quantity"], line["credited_quantity"]) == (4, 4)

    def test_the_same_key_has_one_effect(self, api_as, by):
        invoice, dispense = handed_out(by)
        came_back(dispense, 4)
        client, url = api_as(by), f"{V1}invoices/{invoice.public_id}/credit-returned/"

        answers = [client.post(url, HTTP_IDEMPOTENCY_KEY="back-1").json() for _ in range(2)]

        assert answers[0] == answers[1]
        assert CreditNote.objects.count() == 1

    @pytest.mark.parametrize("invoice", [NOBODY, "x", "%00", "1"])
    def test_an_unknown_invoice_is_not_found(self, api_as, by, invoice):
        assert api_as(by).post(f"{V1}invoices/{invoice}/credit-returned/").status_code == 404

    def test_nothing_returned_is_refused(self, api_as, by):
        invoice, _ = handed_out(by)

        answer = api_as(by).post(f"{V1}invoices/{invoice.public_id}/credit-returned/")

        assert (answer.status_code, answer.json()["code"]) == (409, "nothing_returned")
