"""Controlled medicines: a second person, and a register whose balance runs over all batches."""

from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from clinic.accounts.errors import TooManyAttempts
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import PASSWORD, user
from clinic.audit.models import OutboxEvent
from clinic.core.db import constraint_of
from pharmacy.errors import WitnessRefused, WitnessRequired
from pharmacy.models import Batch, Dispense, MovementKind, StockMovement
from pharmacy.selectors.stock import register_of
from pharmacy.services.returning import return_dispensed
from pharmacy.services.stock import adjust_batch
from pharmacy.services.witnessing import confirm_witness
from pharmacy.tests.factories import MedicineFactory, dispensed, line_of, pharmacist, signed, soon, stocked

pytestmark = pytest.mark.django_db
V1 = "/api/v1/"


def today():
    return timezone.localdate()


@pytest.fixture
def morphine():
    return MedicineFactory(name="Morphine 10 mg", is_controlled=True)


@pytest.fixture
def batch(morphine):
    return stocked(20, medicine=morphine, on=today(), expires_on=soon(300, today()))


@pytest.fixture
def nurse():
    return user(Role.NURSE)


def nothing_moved(batch):
    return not Dispense.objects.exists() and batch.movements.count() == 1


def test_a_controlled_medicine_goes_out_with_a_second_person_only(morphine, batch, nurse):
    who, prescription = pharmacist(), signed(line_of(morphine, 6))

    with pytest.raises(WitnessRequired) as refused:
        dispensed(prescription, by=who, on=today())
    with pytest.raises(WitnessRefused):
        dispensed(prescription, by=who, on=today(), witness=who)
    with pytest.raises(WitnessRefused):
        dispensed(prescription, by=who, on=today(), witness=user(Role.RECEPTION))
    assert refused.value.extra == {"medicines": [morphine.name]}
    assert nothing_moved(batch)

    dispensed(prescription, by=who, on=today(), witness=nurse)
    movement = batch.movements.get(kind="OUT")
    assert (movement.by, movement.witness) == (who, nurse)


def test_what_is_not_controlled_is_not_signed_for_by_the_witness(morphine, batch, nurse):
    plain = stocked(20, on=today(), expires_on=soon(300, today()))

    dispensed(signed(line_of(morphine, 6), line_of(plain.medicine, 6)), on=today(), witness=nurse)

    assert set(StockMovement.objects.filter(kind="OUT").values_list("batch", "witness")) == {(batch.pk, nurse.pk), (plain.pk, None)}


@pytest.mark.parametrize("kind", [MovementKind.ADJUSTMENT, MovementKind.WASTE])
def test_nor_is_it_corrected_or_wasted_alone(kind, batch, nurse):
    who = pharmacist()

    with pytest.raises(WitnessRequired):
        adjust_batch(batch_id=batch.pk, quantity=-1, reason="broken", kind=kind, by=who)
    assert nothing_moved(batch)

    adjust_batch(batch_id=batch.pk, quantity=-1, reason="broken", kind=kind, by=who, witness=nurse)
    assert batch.movements.get(kind=kind).witness == nurse


@pytest.mark.parametrize("kind", ["ADJUSTMENT", "WASTE"])
def test_the_database_asks_for_the_witness_whoever_writes(kind, batch, nurse):
    def move(**people):
        return StockMovement.objects.create(batch=batch, kind=kind, quantity=-1, balance=19, reason="x", **people)

    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        move(by=nurse)
    assert constraint_of(refused.value) == "movement_of_controlled_is_witnessed"
    for people in ({"by": nurse, "witness": nurse}, {"by": None, "witness": nurse}):
        with pytest.raises(IntegrityError) as refused, transaction.atomic():
            move(**people)
        assert constraint_of(refused.value) == "movement_witness_is_another_person"
    assert nothing_moved(batch)


# --- The password ----------------------------------------------------------------------------------


def confirmed(username, password, by=None):
    return confirm_witness(username=username, password=password, origin="address:192.0.2.1", by=by or pharmacist())


def test_the_witness_is_who_knows_the_password(nurse):
    assert confirmed(nurse.username, PASSWORD) == nurse
    with pytest.raises(WitnessRefused):
        confirmed(nurse.username, "wrong")
    assert OutboxEvent.objects.filter(action="accounts.user.sign_in_refused").count() == 1


def test_nobody_is_the_own_witness_and_not_everybody_may_be_one():
    who, clerk = pharmacist(), user(Role.RECEPTION)

    for each in (who, clerk):
        with pytest.raises(WitnessRefused):
            confirmed(each.username, PASSWORD, by=who)


def test_guesses_at_a_witness_are_counted_as_at_the_sign_in(nurse):
    for _ in range(5):
        with pytest.raises(WitnessRefused):
            confirmed(nurse.username, "wrong")
    with pytest.raises(TooManyAttempts):
        confirmed(nurse.username, PASSWORD)


def test_the_api_takes_the_witness_with_the_own_password(api_as, morphine, batch, nurse):
    client, prescription = api_as(pharmacist()), signed(line_of(morphine, 6))
    body, key = {"prescription": str(prescription.public_id)}, {"Idempotency-Key": "k1"}
    witness = {"username": nurse.username, "password": PASSWORD}

    alone = client.post(V1 + "dispensings/", body)
    wrong = client.post(V1 + "dispensings/", body | {"witness": witness | {"password": "wrong"}}, headers=key)
    shapeless = client.post(V1 + "dispensings/", body | {"witness": "Ada"})
    assert (alone.status_code, alone.data["code"], alone.data["medicines"]) == (409, "witness_required", [morphine.name])
    assert (wrong.status_code, wrong.data["code"]) == (409, "witness_refused")
    assert (shapeless.status_code, "witness" in shapeless.data["errors"]) == (400, True)
    assert nothing_moved(batch)

    made = client.post(V1 + "dispensings/", body | {"witness": witness}, headers=key)
    again = client.post(V1 + "dispensings/", body | {"witness": witness}, headers=key)
    wasted = client.post(
        f"{V1}batches/{batch.public_id}/adjust/", {"quantity": -2, "reason": "spilt", "is_waste": True, "witness": witness}
    )
    assert (made.status_code, again.status_code, again.data) == (201, 201, made.data)
    assert (wasted.status_code, wasted.data["on_hand"]) == (200, 12)
    assert batch.movements.exclude(kind="IN").filter(witness=nurse).count() == 2


def test_the_counter_asks_for_the_second_person(client_as, morphine, batch, nurse):
    prescription = signed(line_of(morphine, 6))
    client, to = client_as(pharmacist()), reverse("pharmacy:dispense", args=[prescription.public_id])
    form = {f"quantity-{prescription.items.get().public_id}": "6", "request_id": str(uuid4())}

    assert "Second person" in client.get(to).content.decode()
    alone = client.post(to, form)
    wrong = client.post(to, form | {"witness_username": nurse.username, "witness_password": "wrong"})
    assert (alone.status_code, wrong.status_code) == (409, 409)
    assert nurse.username in wrong.content.decode()
    assert 'value="wrong"' not in wrong.content.decode()
    assert nothing_moved(batch)

    assert client.post(to, form | {"witness_username": nurse.username, "witness_password": PASSWORD}).status_code == 302
    adjust = reverse("pharmacy:adjust", args=[batch.public_id])
    assert client.post(adjust, {"quantity": "-1", "reason": "x"}).status_code == 409
    right = {"witness_username": nurse.username, "witness_password": PASSWORD}
    assert client.post(adjust, {"quantity": "-1", "reason": "x"} | right).status_code == 302
    assert Batch.objects.get(pk=batch.pk).on_hand == 13


# --- The register ------------------------------------------------------------------------------------


def test_the_register_runs_over_all_batches_and_ends_at_what_is_there(client_as, api_as, morphine, batch, nurse):
    other = stocked(30, medicine=morphine, on=today(), expires_on=soon(100, today()))
    made = dispensed(signed(line_of(morphine, 6)), on=today(), witness=nurse)
    return_dispensed(dispense_id=made.pk, to="quarantine", reason="unopened", by=pharmacist(), request_id=uuid4())
    adjust_batch(batch_id=other.pk, quantity=-4, reason="broken", kind="WASTE", by=pharmacist(), witness=nurse)
    stocked(99, on=today(), expires_on=soon(100, today()))

    balances = [entry.medicine_balance for entry in register_of(morphine).order_by("id")]

    assert balances == [20, 50, 44, 50, 46]
    assert balances[-1] == sum(Batch.objects.filter(medicine=morphine).values_list("on_hand", flat=True))
    page = client_as(pharmacist()).get(reverse("pharmacy:register", args=[morphine.public_id])).content.decode()
    rows = api_as(pharmacist()).get(f"{V1}medicines/{morphine.public_id}/register/").data["results"]
    patient = made.prescription.patient
    assert patient.mrn in page
    assert [row["medicine_balance"] for row in rows] == balances[::-1]
    assert (rows[2]["patient"], rows[2]["witness_name"], rows[0]["patient"]) == (str(patient.public_id), str(nurse), None)
    assert OutboxEvent.objects.filter(action="pharmacy.register.read").count() == 2


def test_the_register_is_of_controlled_medicines_and_for_those_who_dispense(client_as, api_as, morphine):
    plain = MedicineFactory()

    assert client_as(pharmacist()).get(reverse("pharmacy:register", args=[plain.public_id])).status_code == 404
    assert api_as(pharmacist()).get(f"{V1}medicines/{plain.public_id}/register/").status_code == 404
    assert client_as(user(Role.MANAGER)).get(reverse("pharmacy:register", args=[morphine.public_id])).status_code == 403
    assert api_as(user(Role.MANAGER)).get(f"{V1}medicines/{morphine.public_id}/register/").status_code == 403


def test_the_register_is_flat_in_queries(client_as, morphine, nurse, django_assert_max_num_queries):
    stocked(500, medicine=morphine, on=today(), expires_on=soon(300, today()))
    client, url = client_as(pharmacist()), reverse("pharmacy:register", args=[morphine.public_id])
    for rows in (3, 30):
        while Dispense.objects.count() < rows:
            dispensed(signed(line_of(morphine, 2)), on=today(), witness=nurse)
        with django_assert_max_num_queries(10):
            page = client.get(url).content.decode()
        assert page.count('data-label="Witness"') == rows + 1
