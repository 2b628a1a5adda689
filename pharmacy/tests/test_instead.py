"""Another medicine than the one prescribed: approved as equivalent, or agreed by the doctor."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from clinic.core.db import constraint_of
from clinic.core.errors import InvalidInput
from pharmacy import locks
from pharmacy.errors import NotASubstitute
from pharmacy.models import Dispense, DispenseLine, Equivalent, Medicine, StockMovement
from pharmacy.selectors.counter import counter_lines
from pharmacy.services.equivalents import withdraw_equivalent
from pharmacy.tests.factories import TODAY, dispensed, line_of, pharmacist, signed, stocked
from pharmacy.tests.test_equivalents import approved, medicine

pytestmark = pytest.mark.django_db
AGREED = "Dr Okafor by telephone, 10:40"


def instead(item, other: Medicine, quantity: int = 6, **changes) -> dict:
    line = {"item": item.public_id, "quantity": quantity, "medicine": other.public_id, "substitution_reason": "none of the other"}
    return line | changes


def given(prescription, other: Medicine, **changes) -> Dispense:
    return dispensed(prescription, items=[instead(prescription.items.get(), other, **changes)])


def assert_nothing_went_out() -> None:
    assert not Dispense.objects.exists()
    assert not StockMovement.objects.filter(kind="OUT").exists()


class TestGiving:
    def test_what_is_approved_goes_out_on_that_ground(self):
        one, other = medicine(), medicine()
        approved(one, other)
        stocked(10, medicine=other)

        [line] = given(signed(line_of(one, 6)), other).lines.all()

        assert (line.medicine, line.substitution_basis, line.prescriber_agreement) == (other, "approved", "")

    def test_what_is_the_same_goes_out_on_that_ground_and_an_agreement_is_not_noted(self):
        one, other = (medicine(generic_name="cetirizine") for _ in range(2))
        stocked(10, medicine=other)

        [line] = given(signed(line_of(one, 6)), other, prescriber_agreement=AGREED).lines.all()

        assert (line.substitution_basis, line.prescriber_agreement) == ("same", "")

    def test_what_was_withdrawn_no_longer_goes_out(self):
        one, other = medicine(), medicine()
        withdraw_equivalent(pair_id=approved(one, other).pk, by=pharmacist())
        stocked(10, medicine=other)

        with pytest.raises(NotASubstitute):
            given(signed(line_of(one, 6)), other)

        assert_nothing_went_out()

    def test_anything_else_needs_the_doctors_agreement(self):
        one, other = medicine(), medicine()
        stocked(10, medicine=other)
        prescription = signed(line_of(one, 6))

        with pytest.raises(NotASubstitute) as refusal:
            given(prescription, other)
        assert "how the doctor agreed" in refusal.value.detail
        assert_nothing_went_out()
        [line] = given(prescription, other, prescriber_agreement=f" {AGREED} ").lines.all()

        assert (line.medicine, line.substitution_basis, line.prescriber_agreement) == (other, "agreed", AGREED)

    @pytest.mark.parametrize("changes", [{"unit": "ml"}, {"is_controlled": True}])
    @pytest.mark.parametrize("is_approved_before", [True, False])
    def test_no_agreement_makes_up_for_another_unit_or_a_controlled_medicine(self, changes, is_approved_before):
        one, other = medicine(), medicine()
        if is_approved_before:
            approved(one, other)
        Medicine.objects.filter(pk=other.pk).update(**changes)
        stocked(10, medicine=other)

        with pytest.raises(NotASubstitute) as refusal:
            given(signed(line_of(one, 6)), other, prescriber_agreement=AGREED)

        assert "new prescription" in refusal.value.detail
        assert_nothing_went_out()

    def test_an_agreement_is_a_line(self):
        one, other = medicine(), medicine()
        stocked(10, medicine=other)

        with pytest.raises(InvalidInput):
            given(signed(line_of(one, 6)), other, prescriber_agreement="x" * 201)

        assert_nothing_went_out()


@pytest.mark.django_db(transaction=True)
class TestWithdrawingMeanwhile:
    @pytest.fixture
    def pair(self):
        return approved(medicine(), medicine())

    @pytest.fixture
    def prescription(self, pair):
        stocked(10, medicine=pair.second)
        return signed(line_of(pair.first, 6))

    def test_comes_before_or_after_the_giving_never_between(self, pair, prescription, at_once):
        by = pharmacist()

        gave, withdrew = at_once(lambda: given(prescription, pair.second), lambda: withdraw_equivalent(pair_id=pair.pk, by=by))

        assert isinstance(gave, Dispense | NotASubstitute)
        assert withdrew.withdrawn_at
        connection.check_constraints()

    def test_would_be_caught_by_the_database_without_the_lock(self, pair, prescription, monkeypatch):
        def read_without_lock(ids):
            pairs = list(Equivalent.objects.in_force())
            Equivalent.objects.filter(pk=pair.pk).update(withdrawn_at=timezone.now(), withdrawn_by=pair.approved_by)
            return pairs

        monkeypatch.setattr(locks, "lock_equivalents", read_without_lock)

        with pytest.raises(IntegrityError) as refusal:
            given(prescription, pair.second)

        assert constraint_of(refusal.value) == "dispense_line_substitute_is_approved"
        assert_nothing_went_out()


def test_the_database_refuses_a_ground_that_is_not_there():
    one, other = medicine(), medicine()
    batch = stocked(10, medicine=other)
    made = dispensed(signed(line_of(stocked(10, medicine=one).medicine, 3, repeats=2)))

    def refused_by(**values) -> str:
        line = {"dispense": made, "item": made.lines.get().item, "batch": batch, "quantity": 1, "substitution_reason": "none"}
        with pytest.raises(IntegrityError) as refusal, transaction.atomic():
            DispenseLine.objects.create(**line | values)
        return constraint_of(refusal.value)

    assert refused_by(substitution_basis="approved") == "dispense_line_substitute_is_approved"
    assert refused_by(substitution_basis="") == "dispense_line_substitution_has_basis"
    assert refused_by(substitution_basis="agreed") == "dispense_line_agreement_of_the_prescriber"
    assert refused_by(substitution_basis="same", prescriber_agreement=AGREED) == "dispense_line_agreement_of_the_prescriber"
    approved(one, other)
    connection.check_constraints()
    withdraw_equivalent(pair_id=Equivalent.objects.get().pk, by=pharmacist())
    assert refused_by(substitution_basis="approved") == "dispense_line_substitute_is_approved"


def now(units: int, of: Medicine):
    on = timezone.localdate()
    return stocked(units, medicine=of, expires_on=on + timedelta(days=400), on=on)


class TestCounter:
    def test_offers_the_same_first_then_what_is_approved_and_nothing_else(self):
        one = medicine(generic_name="cetirizine")
        same, like, agreed = medicine(name="Zeta", generic_name="cetirizine"), medicine(name="Alpha"), medicine(name="Beta")
        gone, akin = medicine(name="Gamma"), medicine(generic_name="cetirizine", strength="5 mg")
        approved(one, like)
        approved(same, agreed)
        withdraw_equivalent(pair_id=approved(one, gone).pk, by=pharmacist())
        for each in (same, like, agreed, gone, akin):
            now(10, each)
        prescription = signed(line_of(one, 6))

        [line] = counter_lines(list(prescription.items.select_related("medicine")), on=timezone.localdate())

        assert line.substitutes == [(same, 10), (like, 10)]

    def test_reads_nothing_for_no_lines(self):
        assert counter_lines([], on=TODAY) == []

    @pytest.fixture
    def waiting(self):
        prescription = signed(line_of(medicine(name="Alpha 10 mg"), 6))
        now(20, medicine(name="Beta 10 mg"))
        return prescription

    def post(self, client, prescription, **typed):
        item = prescription.items.get().public_id
        form = {f"quantity-{item}": "6", "request_id": str(uuid4())}
        form |= {name.replace("_item", f"-{item}", 1): value for name, value in typed.items()}
        return client.post(reverse("pharmacy:dispense", args=[prescription.public_id]), form)

    def test_takes_one_that_the_doctor_agreed_to_by_its_name(self, client_as, waiting):
        client = client_as(pharmacist())
        typed = {"other_item_text": "beta 10 mg", "substitution_item": "none there"}

        refused = self.post(client, waiting, **typed)
        assert refused.status_code == 409
        assert "how the doctor agreed" in refused.content.decode()
        assert_nothing_went_out()
        assert self.post(client, waiting, agreement_item=AGREED, **typed).status_code == 302

        made = Dispense.objects.get()
        assert made.lines.get().substitution_basis == "agreed"
        page = client.get(reverse("pharmacy:dispense", args=[waiting.public_id])).content.decode()
        assert f"instead of Alpha 10 mg: none there (agreed by the doctor: {AGREED})" in page
        label = client.get(reverse("pharmacy:labels", args=[made.public_id])).content.decode()
        assert "In place of Alpha 10 mg: agreed by the doctor." in label

    @pytest.mark.parametrize(
        ("typed", "words"),
        [
            ({"other_item_text": "Nowhere"}, "No medicine here is called"),
            ({"other_item_text": "x" * 5000}, "No medicine here is called"),
            ({"other_item": "6c1f0a52-0a6f-4a0c-9a55-1f6f4a3f2d11"}, "no such medicine"),
            ({"medicine_item": "6c1f0a52-0a6f-4a0c-9a55-1f6f4a3f2d11"}, "no such medicine"),
            ({"medicine_item": "6c1f0a52-0a6f-4a0c-9a55-1f6f4a3f2d11", "other_item_text": "Beta 10 mg"}, "not both"),
            ({"other_item_text": "Beta 10 mg", "substitution_item": ""}, "say why"),
            ({"other_item_text": "Beta\0 10 mg", "agreement_item": "y" * 201}, "agreed in at most"),
        ],
    )
    def test_refuses_what_it_cannot_mean_and_keeps_what_was_typed(self, client_as, waiting, typed, words):
        answer = self.post(client_as(pharmacist()), waiting, **({"substitution_item": "none there"} | typed))

        assert answer.status_code == 400
        assert words in answer.content.decode()
        if "agreement_item" in typed:
            assert typed["agreement_item"] in answer.content.decode()
        assert_nothing_went_out()

    def test_suggests_by_the_field_that_was_typed_in(self, client_as, waiting):
        found = client_as(pharmacist()).get(reverse("pharmacy:suggest"), {f"other-{uuid4()}_text": "beta"}).content.decode()

        assert "Beta 10 mg" in found


def test_the_api_takes_an_agreement(api_as):
    one, other = medicine(), medicine()
    now(10, other)
    prescription = signed(line_of(one, 6))
    line = {name: str(value) for name, value in instead(prescription.items.get(), other).items()} | {"quantity": 6}
    body, api = {"prescription": str(prescription.public_id), "items": [line]}, api_as(pharmacist())

    assert api.post("/api/v1/dispensings/", body, format="json").json()["code"] == "not_a_substitute"
    line["prescriber_agreement"] = AGREED
    [made] = api.post("/api/v1/dispensings/", body, format="json").json()["lines"]

    assert (made["substitution_basis"], made["prescriber_agreement"]) == ("agreed", AGREED)
