"""What a visit costs: its consultation, treatments, and medicines as ordered and as handed out; each billed once."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from billing import selectors
from billing.errors import AlreadyBilled
from billing.models import Invoice, InvoiceLine
from billing.services.invoicing import draft_dispensed, draft_invoice, void_invoice
from billing.services.previewing import preview_visit
from billing.tests.factories import EncounterFactory, MedicineFactory, PatientFactory, insured, issued_for, sign, visit
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DoctorFactory, user
from clinic.core.errors import NotFound
from patients.models import Encounter
from patients.tests.factories import TreatmentFactory
from pharmacy.models import Dispense
from pharmacy.tests.factories import dispensed, line_of, pharmacist, signed, stocked

pytestmark = pytest.mark.django_db


@pytest.fixture
def by():
    return user(Role.RECEPTION)


def hand_out(item, quantity: int) -> Dispense:
    return dispensed(item.prescription, items=[{"item": item.public_id, "quantity": quantity}])


def lines_of(invoice: Invoice) -> list[tuple]:
    return [(line.kind, line.quantity, line.total) for line in invoice.lines.all()]


class TestTreatments:
    def test_stand_on_the_invoice_of_the_visit(self, by):
        encounter = EncounterFactory()
        treatment = TreatmentFactory(encounter=encounter, base_cost=Decimal("12.50"))
        TreatmentFactory(encounter=encounter, base_cost=0)

        invoice = draft_invoice(encounter_id=encounter.pk, by=by)

        assert lines_of(invoice) == [("consultation", 1, Decimal("40.00")), ("treatment", 1, Decimal("12.50"))]
        line = invoice.lines.get(kind="treatment")
        assert (line.charge_key, line.description) == (f"treatment:{treatment.public_id}", treatment.name)

    def test_one_that_is_recorded_later_makes_a_further_invoice_and_none_is_billed_twice(self, by):
        encounter = EncounterFactory()
        TreatmentFactory(encounter=encounter, base_cost=Decimal("12.50"))
        draft_invoice(encounter_id=encounter.pk, by=by)
        TreatmentFactory(encounter=encounter, base_cost=Decimal("3.00"))

        second = draft_invoice(encounter_id=encounter.pk, by=by)

        assert lines_of(second) == [("treatment", 1, Decimal("3.00"))]
        with pytest.raises(AlreadyBilled):
            draft_invoice(encounter_id=encounter.pk, by=by)

    def test_bring_a_visit_to_the_list(self, by):
        encounter = EncounterFactory(doctor=DoctorFactory(consultation_fee=0))
        TreatmentFactory(encounter=encounter, base_cost=Decimal("12.50"))
        sign(encounter)
        since = timezone.now() - timedelta(days=1)

        [row] = selectors.to_bill_rows(selectors.visits_to_bill(since=since))
        draft_invoice(encounter_id=encounter.pk, by=by)

        assert row.amount == Decimal("12.50")
        assert not selectors.visits_to_bill(since=since).exists()


class TestHandedOut:
    @pytest.fixture
    def item(self):
        """20 units at 0.50, signed, with one repeat; there is enough on the shelf."""
        medicine = MedicineFactory(price=Decimal("0.50"))
        stocked(100, medicine=medicine)
        return signed(line_of(medicine, 20, repeats=1), encounter=EncounterFactory()).items.get()

    def test_what_was_given_is_billed_once_as_it_is_given(self, item, by):
        first = draft_dispensed(dispense_id=hand_out(item, 8).pk, by=by)
        second = draft_dispensed(dispense_id=hand_out(item, 12).pk, by=by)

        assert [lines_of(invoice) for invoice in (first, second)] == [
            [("medicine", 8, Decimal("4.00"))],
            [("medicine", 12, Decimal("6.00"))],
        ]
        with pytest.raises(AlreadyBilled):
            draft_dispensed(dispense_id=Dispense.objects.first().pk, by=by)
        assert lines_of(draft_invoice(encounter_id=item.prescription.encounter_id, by=by)) == [("consultation", 1, Decimal("40.00"))]

    def test_what_was_ordered_and_billed_is_not_billed_again_when_it_is_given(self, item, by):
        draft_invoice(encounter_id=item.prescription.encounter_id, by=by)

        with pytest.raises(AlreadyBilled):
            draft_dispensed(dispense_id=hand_out(item, 20).pk, by=by)

        assert InvoiceLine.objects.filter(prescription_item=item).count() == 1

    def test_a_repeat_beyond_the_first_filling_is_billed_when_it_is_given(self, item, by):
        draft_invoice(encounter_id=item.prescription.encounter_id, by=by)
        dispense = hand_out(item, 40)

        invoice = draft_dispensed(dispense_id=dispense.pk, by=by)

        assert lines_of(invoice) == [("medicine", 20, Decimal("10.00"))]
        assert invoice.lines.get().charge_key == f"prescription_item:{item.public_id}:2"

    def test_what_a_void_invoice_held_can_be_billed_anew(self, item, by):
        first = draft_dispensed(dispense_id=hand_out(item, 8).pk, by=by)
        dispense = hand_out(item, 4)
        further = draft_dispensed(dispense_id=dispense.pk, by=by)
        void_invoice(invoice_id=first.pk, reason="x", by=by)

        again = draft_dispensed(dispense_id=dispense.pk, by=by)

        assert [invoice.lines.get().quantity for invoice in (further, again)] == [4, 8]

    def test_an_unknown_one_is_not_found_and_a_repeated_request_gives_the_first_draft(self, item, by):
        dispense, request_id = hand_out(item, 8), uuid4()

        first = draft_dispensed(dispense_id=dispense.pk, by=by, request_id=request_id)

        assert draft_dispensed(dispense_id=dispense.pk, by=by, request_id=request_id) == first
        with pytest.raises(NotFound):
            draft_dispensed(dispense_id=0, by=by)


class TestFreeFollowUp:
    @pytest.fixture(autouse=True)
    def policy(self, settings):
        settings.FOLLOW_UP_FREE_DAYS = 7

    def seen(self, by, *, days_ago: int, patient, doctor):
        """A visit so many days ago, billed."""
        earlier = EncounterFactory(patient=patient, doctor=doctor, started_at=timezone.now() - timedelta(days=days_ago))
        return issued_for(sign(earlier), by)

    @pytest.mark.parametrize(("days_ago", "fee"), [(1, "0.00"), (7, "0.00"), (8, "40.00")])
    def test_is_free_within_so_many_days_and_says_why(self, by, days_ago, fee):
        doctor, patient = DoctorFactory(), PatientFactory()
        self.seen(by, days_ago=days_ago, patient=patient, doctor=doctor)

        line = draft_invoice(encounter_id=visit(patient=patient, doctor=doctor).pk, by=by).lines.get()

        assert line.total == Decimal(fee)
        assert ("free follow-up of" in line.description) == (fee == "0.00")

    def test_the_department_counts_and_others_do_not(self, by):
        doctor, patient = DoctorFactory(), PatientFactory()
        colleague, stranger = DoctorFactory(department=doctor.department), DoctorFactory()
        self.seen(by, days_ago=2, patient=patient, doctor=doctor)

        fees = [draft_invoice(encounter_id=visit(patient=patient, doctor=each).pk, by=by).total for each in (colleague, stranger)]
        other_patient = draft_invoice(encounter_id=visit(doctor=doctor).pk, by=by)

        assert fees == [0, Decimal("40.00")]
        assert other_patient.total == Decimal("40.00")

    def test_a_free_one_makes_no_further_one_free(self, by):
        doctor, patient = DoctorFactory(), PatientFactory()
        self.seen(by, days_ago=10, patient=patient, doctor=doctor)
        assert self.seen(by, days_ago=5, patient=patient, doctor=doctor).total == 0

        assert draft_invoice(encounter_id=visit(patient=patient, doctor=doctor).pk, by=by).total == Decimal("40.00")

    def test_a_void_one_makes_none_free(self, by):
        doctor, patient = DoctorFactory(), PatientFactory()
        void_invoice(invoice_id=self.seen(by, days_ago=2, patient=patient, doctor=doctor).pk, reason="x", by=by)

        assert draft_invoice(encounter_id=visit(patient=patient, doctor=doctor).pk, by=by).total == Decimal("40.00")

    def test_is_off_unless_set(self, by, settings):
        settings.FOLLOW_UP_FREE_DAYS = 0
        doctor, patient = DoctorFactory(), PatientFactory()
        self.seen(by, days_ago=2, patient=patient, doctor=doctor)

        assert draft_invoice(encounter_id=visit(patient=patient, doctor=doctor).pk, by=by).total == Decimal("40.00")

    def test_the_list_shows_it_in_as_many_queries_for_many_visits(self, by, django_assert_max_num_queries):
        doctor, patient = DoctorFactory(), PatientFactory()
        self.seen(by, days_ago=2, patient=patient, doctor=doctor)
        for _ in range(5):
            visit(patient=patient, doctor=doctor)

        with django_assert_max_num_queries(6):
            rows = selectors.to_bill_rows(selectors.visits_to_bill(since=timezone.now() - timedelta(days=1)))

        assert [row.amount for row in rows] == [0] * 5


class TestPreview:
    def test_says_what_the_draft_says_and_writes_nothing(self, by):
        encounter = EncounterFactory(patient=insured(80))
        TreatmentFactory(encounter=encounter, base_cost=Decimal("12.50"))

        shown = preview_visit(Encounter.objects.get(), on=timezone.localdate())
        assert not Invoice.objects.exists()
        invoice = draft_invoice(encounter_id=encounter.pk, by=by)

        assert (shown.total, shown.patient_share, len(shown.lines)) == (invoice.total, invoice.patient_share, 2)
        assert shown.total == Decimal("52.50")

    def test_page_and_buttons(self, client_as, by):
        encounter = visit()
        to = reverse("billing:bill", args=[encounter.public_id])
        client = client_as(by)

        shown = client.get(to)
        assert "40.00" in shown.content.decode()
        assert not Invoice.objects.exists()
        client.post(to, {"draft": "1"})

        assert Invoice.objects.get().is_draft
        assert "Nothing to bill" in client.get(to).content.decode()
        assert client_as(user(Role.DOCTOR)).get(to).status_code == 403

    def test_api(self, api_as, by):
        medicine = MedicineFactory(price=Decimal("0.50"))
        stocked(20, medicine=medicine)
        item = signed(line_of(medicine, 20), encounter=EncounterFactory()).items.get()
        dispense = hand_out(item, 8)
        api, visit_id = api_as(by), item.prescription.encounter.public_id

        of_visit = api.get("/api/v1/invoice-preview/", {"visit": str(visit_id)})
        of_dispensing = api.get("/api/v1/invoice-preview/", {"dispensing": str(dispense.public_id)})
        assert [answer.json()["total"] for answer in (of_visit, of_dispensing)] == ["50.00", "4.00"]
        assert not Invoice.objects.exists()
        made = api.post("/api/v1/invoices/", {"dispensing": str(dispense.public_id)})

        assert (made.status_code, made.json()["total"]) == (201, "4.00")
        assert api_as(pharmacist()).get("/api/v1/invoice-preview/", {"visit": str(visit_id)}).status_code == 403
        for asked, status in ({}, 400), ({"visit": "x"}, 400), ({"visit": "\0"}, 400), ({"visit": str(uuid4())}, 404):
            assert api.get("/api/v1/invoice-preview/", asked).status_code == status
