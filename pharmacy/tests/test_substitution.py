"""Another medicine of the same ingredients, given with a reason; and what is still owed."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from clinic.core.db import constraint_of
from clinic.core.errors import InvalidInput
from patients.models import Allergy
from pharmacy import printing
from pharmacy.errors import InsufficientStock, NotASubstitute, OverPrescribed, SafetyCheck, WitnessRequired
from pharmacy.models import Dispense, DispenseLine, Medicine, StockMovement
from pharmacy.rules.substitution import is_substitute
from pharmacy.tests.factories import MedicineFactory, dispensed, line_of, pharmacist, signed, stocked

pytestmark = pytest.mark.django_db


def same(**changes) -> Medicine:
    return MedicineFactory(**({"generic_name": "amoxicillin + clavulanic acid", "strength": "500 mg"} | changes))


def given(prescription, medicine, quantity=6, reason="none of the other", **options) -> Dispense:
    item = prescription.items.get()
    line = {"item": item.public_id, "quantity": quantity, "medicine": medicine.public_id, "substitution_reason": reason}
    return dispensed(prescription, items=[line], **options)


def assert_nothing_went_out() -> None:
    assert not Dispense.objects.exists()
    assert not StockMovement.objects.filter(kind="OUT").exists()


@pytest.mark.parametrize(
    ("changes", "fits"),
    [
        ({}, True),
        ({"generic_name": "Clavulanate + Amoxycillin", "strength": "500mg"}, True),
        ({"generic_name": "amoxicillin"}, False),
        ({"strength": "250 mg"}, False),
        ({"form": "syrup"}, False),
        ({"unit": "ml"}, False),
        ({"generic_name": "amoxicillin + clavulanic acid + paracetamol"}, False),
    ],
)
def test_same_is_same_ingredients_form_strength_and_unit(changes, fits):
    assert is_substitute(same(), same(**changes)) is fits


def test_substitute_is_given_from_its_own_batches_and_counts_for_the_item():
    prescribed, other = same(), same()
    batch = stocked(10, medicine=other)
    prescription = signed(line_of(prescribed, 6))

    made = given(prescription, other)
    connection.check_constraints()

    [line] = made.lines.all()
    assert (line.batch, line.medicine, line.substitution_reason) == (batch, other, "none of the other")
    prescription.refresh_from_db()
    assert (prescription.status, prescription.items.get().dispensed_quantity) == ("dispensed", 6)
    batch.refresh_from_db()
    assert batch.on_hand == 4


@pytest.mark.parametrize("reason", ["", "   ", "x" * 201])
def test_reason_is_asked_for(reason):
    prescribed, other = same(), same()
    stocked(10, medicine=other)

    with pytest.raises(InvalidInput):
        given(signed(line_of(prescribed, 6)), other, reason=reason)

    assert_nothing_went_out()


def test_medicine_of_other_ingredients_is_refused():
    other = MedicineFactory()
    stocked(10, medicine=other)

    with pytest.raises(NotASubstitute):
        given(signed(line_of(same(), 6)), other)

    assert_nothing_went_out()


def test_medicine_out_of_use_is_refused():
    other = same(is_active=False)

    with pytest.raises(InvalidInput):
        given(signed(line_of(same(), 6)), other)


def test_limits_of_the_prescription_hold_for_the_substitute():
    other = same()
    stocked(50, medicine=other)

    with pytest.raises(OverPrescribed):
        given(signed(line_of(same(), 6)), other, quantity=7)

    assert_nothing_went_out()


def test_shortage_names_the_substitute():
    other = same()
    stocked(2, medicine=other)

    with pytest.raises(InsufficientStock) as refusal:
        given(signed(line_of(same(), 6)), other)

    assert other.name in refusal.value.detail
    assert_nothing_went_out()


def test_checks_run_for_the_substitute():
    other = same()
    stocked(50, medicine=other)
    prescription = signed(line_of(same(), 6))
    Allergy.objects.create(patient=prescription.patient, substance="amoxicillin")

    with pytest.raises(SafetyCheck) as refusal:
        given(prescription, other)

    assert any(other.name in str(alert) for alert in refusal.value.extra["alerts"])
    assert_nothing_went_out()


def test_controlled_substitute_needs_a_witness():
    other = same(is_controlled=True)
    stocked(50, medicine=other)

    with pytest.raises(WitnessRequired):
        given(signed(line_of(same(), 6)), other)

    assert_nothing_went_out()


def test_item_is_named_once_when_it_is_substituted():
    prescribed, other = same(), same()
    stocked(50, medicine=prescribed), stocked(50, medicine=other)
    prescription = signed(line_of(prescribed, 6))
    item = prescription.items.get().public_id
    lines = [
        {"item": item, "quantity": 3},
        {"item": item, "quantity": 3, "medicine": other.public_id, "substitution_reason": "half"},
    ]

    with pytest.raises(InvalidInput):
        dispensed(prescription, items=lines)

    assert_nothing_went_out()


def test_the_database_refuses_another_medicine_without_a_reason_and_a_reason_without_another():
    prescribed, other = same(), same()
    batch, right = stocked(10, medicine=other), stocked(10, medicine=prescribed)
    made = dispensed(signed(line_of(prescribed, 3, repeats=2)))

    def refused_by(**values) -> str:
        with pytest.raises(IntegrityError) as refusal, transaction.atomic():
            DispenseLine.objects.create(dispense=made, item=made.lines.get().item, quantity=1, **values)
        return constraint_of(refusal.value)

    assert refused_by(batch=batch) == "dispense_line_fits_medicine"
    assert refused_by(batch=right, substitution_reason="why not") == "dispense_line_fits_medicine"


class TestApiAndPage:
    def now(self, units, medicine):
        return stocked(units, medicine=medicine, expires_on=timezone.localdate() + timedelta(days=400), on=timezone.localdate())

    def test_api_takes_the_substitute(self, api_as):
        prescribed, other = same(), same()
        self.now(10, other)
        prescription = signed(line_of(prescribed, 6))
        item = {
            "item": str(prescription.items.get().public_id),
            "quantity": 6,
            "medicine": str(other.public_id),
            "substitution_reason": "none of the other",
        }

        answer = api_as(pharmacist()).post("/api/v1/dispensings/", {"prescription": str(prescription.public_id), "items": [item]})

        assert answer.status_code == 201
        [line] = answer.json()["lines"]
        assert (line["medicine"], line["substitution_reason"]) == (str(other.public_id), "none of the other")

    def test_counter_offers_the_same_when_stock_is_short_and_gives_it(self, client_as):
        prescribed, other = same(name="Alpha 500 mg"), same(name="Beta 500 mg")
        self.now(10, other)
        prescription = signed(line_of(prescribed, 6))
        client, url = client_as(pharmacist()), reverse("pharmacy:dispense", args=[prescription.public_id])
        item = prescription.items.get().public_id

        assert b"Beta 500 mg" in client.get(url).content
        form = {
            f"quantity-{item}": "6",
            f"medicine-{item}": str(other.public_id),
            f"substitution-{item}": "none there",
            "request_id": str(uuid4()),
        }
        client.post(url, form)

        made = Dispense.objects.get()
        assert made.lines.get().medicine == other
        label = client.get(reverse("pharmacy:labels", args=[made.public_id])).content
        assert b"Beta 500 mg" in label
        assert b"In place of Alpha 500 mg" in label

    def test_what_is_still_owed_stands_on_the_list_and_on_the_label(self, client_as):
        batch = self.now(4, same())
        prescription = signed(line_of(batch.medicine, 6))
        made = dispensed(prescription, items=[{"item": prescription.items.get().public_id, "quantity": 4}], on=timezone.localdate())
        client = client_as(pharmacist())

        assert b"Still owed: 2 tablets" in client.get(reverse("pharmacy:worklist")).content
        assert b"Still owed: 2 tablets" in client.get(reverse("pharmacy:labels", args=[made.public_id])).content
        [label] = printing._labels_of(Dispense.objects.with_details().get(pk=made.pk))["labels"]
        assert label["owed"] == "2 tablets"
