from datetime import date
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection

from billing.errors import (
    AlreadyBilled,
    AlreadyIssued,
    AlreadyVoid,
    EmptyInvoice,
    HasPayments,
    NotDraft,
    NothingToBill,
    VisitInError,
)
from billing.models import Invoice, InvoiceLine
from billing.services.drafts import change_lines
from billing.services.invoicing import bill_visit, draft_invoice, draft_manual_invoice, issue_invoice, void_invoice
from billing.services.payments import refund_payment
from billing.tests.factories import (
    ON,
    EncounterFactory,
    MedicineFactory,
    PatientFactory,
    PriceItemFactory,
    cashier,
    draft,
    issued,
    issued_for,
    pay,
    prescribe,
    visit,
)
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DoctorFactory, user
from clinic.audit.models import OutboxEvent
from clinic.core.errors import InvalidInput, NotFound, RequestReused, StaleVersion
from patients.models.encounter import EncounterStatus
from pharmacy.models import PrescriptionStatus

pytestmark = pytest.mark.django_db


@pytest.fixture
def by():
    """May give discounts too."""
    return user(Role.RECEPTION, Role.MANAGER)


class TestDraftOfAVisit:
    def test_charges_the_fee_and_the_signed_medicines(self, by):
        medicine = MedicineFactory(price=Decimal("0.35"))
        encounter = visit((medicine, 21))

        invoice = draft_invoice(encounter_id=encounter.pk, by=by)

        assert invoice.patient == encounter.patient
        assert invoice.total == Decimal("47.35")
        lines = [(line.kind, line.quantity, line.unit_price, line.total) for line in invoice.lines.all()]
        assert lines == [("consultation", 1, Decimal("40.00"), Decimal("40.00")), ("medicine", 21, Decimal("0.35"), Decimal("7.35"))]

    @pytest.mark.parametrize("status", [PrescriptionStatus.DRAFT, PrescriptionStatus.CANCELLED])
    def test_leaves_out_what_is_not_ordered(self, by, status):
        encounter = EncounterFactory()
        prescription = prescribe(encounter, status=PrescriptionStatus.DRAFT)
        if status == PrescriptionStatus.CANCELLED:
            prescription.save_changes(status=status, cancelled_reason="mistake")

        invoice = draft_invoice(encounter_id=encounter.pk, by=by)

        assert [line.kind for line in invoice.lines.all()] == ["consultation"]

    def test_twice_is_refused_and_names_the_invoice(self, by):
        encounter = visit()
        first = draft_invoice(encounter_id=encounter.pk, by=by)

        with pytest.raises(AlreadyBilled) as refused:
            draft_invoice(encounter_id=encounter.pk, by=by)

        assert refused.value.extra == {"invoice": str(first.public_id)}
        assert Invoice.objects.count() == 1

    def test_later_charges_make_a_further_invoice(self, by):
        encounter = EncounterFactory()
        draft_invoice(encounter_id=encounter.pk, by=by)
        prescribe(encounter, (MedicineFactory(price=Decimal(2)), 10))

        second = draft_invoice(encounter_id=encounter.pk, by=by)

        assert [line.kind for line in second.lines.all()] == ["medicine"]
        assert second.total == Decimal("20.00")

    def test_the_same_request_gives_the_first_draft(self, by):
        encounter, request_id = visit(), uuid4()
        first = draft_invoice(encounter_id=encounter.pk, by=by, request_id=request_id)

        assert draft_invoice(encounter_id=encounter.pk, by=by, request_id=request_id) == first
        with pytest.raises(RequestReused):
            draft_invoice(encounter_id=visit().pk, by=by, request_id=request_id)

    def test_visit_without_charges_is_refused(self, by):
        encounter = visit(doctor=DoctorFactory(consultation_fee=0))

        with pytest.raises(NothingToBill):
            draft_invoice(encounter_id=encounter.pk, by=by)

        assert not Invoice.objects.exists()

    def test_visit_entered_in_error_is_refused(self, by):
        encounter = EncounterFactory(status=EncounterStatus.ENTERED_IN_ERROR, entered_in_error_reason="wrong patient")

        with pytest.raises(VisitInError):
            draft_invoice(encounter_id=encounter.pk, by=by)

        assert not Invoice.objects.exists()

    def test_is_audited_without_names(self, by):
        invoice = draft_invoice(encounter_id=visit().pk, by=by)

        event = OutboxEvent.objects.get(action="billing.invoice.drafted")
        assert event.resource_id == invoice.public_id
        assert event.patient_id == invoice.patient.public_id
        assert invoice.patient.last_name not in str(event.document)


class TestDraftByHand:
    def test_adds_typed_lines_and_those_of_the_price_list(self, by):
        PriceItemFactory(code="ECG", unit_price=Decimal("25.00"), tax_percent=Decimal(10))
        lines = [
            {
                "description": "Dressing",
                "quantity": 2,
                "unit_price": Decimal("5.55"),
                "discount": Decimal("1.00"),
                "discount_reason": "Kind",
            },
            {"price_item": "ECG", "quantity": 2},
        ]

        invoice = draft_manual_invoice(patient_id=PatientFactory().pk, lines=lines, by=by, on=ON)

        assert [(line.description, line.tax, line.total) for line in invoice.lines.all()] == [
            ("Dressing", Decimal("0.00"), Decimal("10.10")),
            ("Electrocardiogram", Decimal("5.00"), Decimal("55.00")),
        ]
        assert invoice.total == Decimal("65.10")

    @pytest.mark.parametrize(
        ("line", "wrong"),
        [
            ({"description": "", "unit_price": Decimal(1)}, "description"),
            ({"description": "x", "unit_price": Decimal("1.001")}, "unit_price"),
            ({"description": "x", "unit_price": Decimal(-1)}, "unit_price"),
            ({"description": "x", "unit_price": Decimal(1), "quantity": 0}, "quantity"),
            ({"description": "x", "unit_price": Decimal(1), "discount": Decimal(2)}, "discount"),
            ({"description": "x", "unit_price": Decimal(1), "tax_percent": Decimal(101)}, "tax_percent"),
            ({"description": "x", "unit_price": Decimal("9999999999")}, "unit_price"),
            ({"price_item": "NONE"}, "price_item"),
        ],
    )
    def test_refuses_a_line_that_makes_no_sense(self, by, line, wrong):
        good = {"description": "x", "unit_price": Decimal(1)}

        with pytest.raises(InvalidInput) as refused:
            draft_manual_invoice(patient_id=PatientFactory().pk, lines=[good, line], by=by, on=ON)

        assert refused.value.errors["lines"][0] == {}
        assert list(refused.value.errors["lines"][1]) == [wrong]
        assert not Invoice.objects.exists()

    def test_unknown_patient_is_not_found(self, by):
        with pytest.raises(NotFound):
            draft_manual_invoice(patient_id=0, lines=[], by=by, on=ON)


class TestChangeLines:
    def test_discounts_drops_and_adds(self, by):
        invoice = draft_invoice(encounter_id=visit((MedicineFactory(), 10)).pk, by=by)
        fee = invoice.lines.get(kind="consultation")
        lines = [
            {"id": fee.public_id, "discount": Decimal(10), "discount_reason": "Kind"},
            {"description": "Dressing", "unit_price": Decimal(3)},
        ]

        changed = change_lines(invoice_id=invoice.pk, lines=lines, by=by, on=ON)

        assert changed.total == Decimal("33.00")
        assert [line.total for line in changed.lines.all()] == [Decimal("30.00"), Decimal("3.00")]
        assert changed.version == invoice.version + 1

    def test_what_was_dropped_can_be_billed_again(self, by):
        encounter = visit((MedicineFactory(price=Decimal(1)), 10))
        invoice = draft_invoice(encounter_id=encounter.pk, by=by)
        fee = invoice.lines.get(kind="consultation")
        change_lines(invoice_id=invoice.pk, lines=[{"id": fee.public_id}], by=by, on=ON)

        further = draft_invoice(encounter_id=encounter.pk, by=by)

        assert further.total == Decimal("10.00")

    def test_line_of_another_invoice_is_refused(self, by):
        invoice, other = draft(by), draft(by)

        with pytest.raises(InvalidInput):
            change_lines(invoice_id=invoice.pk, lines=[{"id": other.lines.get().public_id}], by=by, on=ON)

        assert invoice.lines.count() == other.lines.count() == 1

    def test_discount_over_the_price_is_refused(self, by):
        invoice = draft(by)

        with pytest.raises(InvalidInput):
            change_lines(invoice_id=invoice.pk, lines=[{"id": invoice.lines.get().public_id, "discount": Decimal(41)}], by=by, on=ON)

        assert invoice.lines.get().discount == 0

    def test_issued_invoice_and_stale_edit_are_refused(self, by):
        with pytest.raises(NotDraft):
            change_lines(invoice_id=issued(by).pk, lines=[], by=by, on=ON)
        with pytest.raises(StaleVersion):
            change_lines(invoice_id=draft(by).pk, lines=[], by=by, on=ON, expected_version=7)


class TestIssue:
    def test_numbers_run_without_a_gap_from_one_each_year(self, by):
        numbers = [issue_invoice(invoice_id=draft(by).pk, by=by, on=on).number for on in (ON, ON, date(2027, 1, 1), ON)]

        assert numbers == ["INV-2026-000001", "INV-2026-000002", "INV-2027-000001", "INV-2026-000003"]

    def test_what_is_refused_takes_no_number(self, by):
        empty = draft_manual_invoice(patient_id=PatientFactory().pk, lines=[], by=by, on=ON)

        with pytest.raises(EmptyInvoice):
            issue_invoice(invoice_id=empty.pk, by=by, on=ON)

        assert issued(by).number == "INV-2026-000001"

    def test_twice_is_refused(self, by):
        invoice = issued(by)

        with pytest.raises(AlreadyIssued):
            issue_invoice(invoice_id=invoice.pk, by=by, on=ON)

        assert Invoice.objects.get().number == "INV-2026-000001"

    def test_invoice_over_nothing_is_paid_and_releases_its_prescription(self, by):
        encounter = EncounterFactory(doctor=DoctorFactory(consultation_fee=0))
        prescription = prescribe(encounter, (MedicineFactory(price=0), 10))

        invoice = issued_for(encounter, by)

        prescription.refresh_from_db()
        assert invoice.status == "paid"
        assert prescription.cleared_at is not None

    def test_visit_is_billed_in_one_step_and_once(self, by):
        encounter, request_id = visit(), uuid4()

        first = bill_visit(encounter_id=encounter.pk, by=by, on=ON, request_id=request_id)
        again = bill_visit(encounter_id=encounter.pk, by=by, on=ON, request_id=request_id)

        assert first == again
        assert first.status == "issued"


class TestVoid:
    def test_charges_may_be_billed_anew_and_the_number_stays_used(self, by):
        encounter = visit()
        invoice = issued_for(encounter, by)

        void_invoice(invoice_id=invoice.pk, reason="wrong price", by=by)

        again = issued_for(encounter, by)
        invoice.refresh_from_db()
        assert (invoice.status, invoice.number, invoice.balance) == ("void", "INV-2026-000001", 0)
        assert again.number == "INV-2026-000002"
        assert InvoiceLine.objects.filter(is_void=True).get().invoice == invoice

    def test_needs_refunds_first(self):
        by = cashier()
        invoice = issued(by)
        payment = pay(invoice, by)

        with pytest.raises(HasPayments):
            void_invoice(invoice_id=invoice.pk, reason="x", by=by)
        refund_payment(payment_id=payment.pk, amount=payment.amount, reason="x", by=by, request_id=uuid4())

        assert void_invoice(invoice_id=invoice.pk, reason="x", by=by).status == "void"

    def test_needs_a_reason(self, by):
        invoice = draft(by)

        with pytest.raises(InvalidInput):
            void_invoice(invoice_id=invoice.pk, reason="  ", by=by)

        invoice.refresh_from_db()
        assert invoice.status == "draft"

    def test_twice_is_refused(self, by):
        invoice = draft(by)
        void_invoice(invoice_id=invoice.pk, reason="x", by=by)

        with pytest.raises(AlreadyVoid):
            void_invoice(invoice_id=invoice.pk, reason="y", by=by)
        with pytest.raises(AlreadyVoid):
            issue_invoice(invoice_id=invoice.pk, by=by, on=ON)

    def test_holds_back_what_a_free_invoice_released(self, by):
        encounter = EncounterFactory(doctor=DoctorFactory(consultation_fee=0))
        prescription = prescribe(encounter, (MedicineFactory(price=0), 10))
        invoice = issued_for(encounter, by)

        void_invoice(invoice_id=invoice.pk, reason="x", by=by)

        prescription.refresh_from_db()
        assert prescription.cleared_at is None


@pytest.fixture(autouse=True)
def _sums_hold(db):
    """Every test here ends with sums that a commit would accept."""
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
