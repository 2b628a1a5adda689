"""Stock stands in stores, is carried between them, and goes out of dispensaries only."""

import threading
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from clinic.audit.models import OutboxEvent
from clinic.core.db import constraint_of
from clinic.core.errors import InvalidInput, RequestReused
from patients.tests.factories import EncounterFactory, TreatmentTypeFactory
from pharmacy.errors import BatchStateRefused, InsufficientStock, NotOnHand, NotTransferable, WitnessRequired, WrongBatch
from pharmacy.models import Batch, DispenseLine, Medicine, StockMovement, StockTransfer, Store
from pharmacy.selectors.demand import reorder_lines, stock_value
from pharmacy.selectors.recall import recipients_of
from pharmacy.services.recall import record_call
from pharmacy.services.returning import return_dispensed
from pharmacy.services.stock import change_batch_state, receive_batch, update_batch
from pharmacy.services.stocktaking import open_stock_take
from pharmacy.services.treating import give_treatment
from pharmacy.tests.factories import (
    TODAY,
    MedicineFactory,
    dispensed,
    line_of,
    pharmacist,
    signed,
    soon,
    stocked,
    storeroom,
    transferred,
)

pytestmark = pytest.mark.django_db


def ledger():
    return list(StockMovement.objects.order_by("pk").values_list("batch", "kind", "quantity", "balance"))


def refused_by(write) -> str:
    """The name of the rule that refuses it, at once or at commit."""

    def commit():
        with transaction.atomic():
            write()
            connection.check_constraints()

    with pytest.raises(IntegrityError) as refused:
        commit()
    return constraint_of(refused.value)


def sql(statement: str, *params):
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


def put_aside(batch, state):
    return change_batch_state(batch_id=batch.pk, to=state, reason="letter", by=None)


def everywhere(medicine) -> dict:
    return {batch.store.name: batch.on_hand for batch in Batch.objects.filter(medicine=medicine).select_related("store")}


class TestOneTransfer:
    def test_takes_units_out_here_and_puts_them_there_as_two_lines_of_the_ledger(self):
        batch, store, who = stocked(10, lot="A1"), storeroom(), pharmacist()

        transfer = transferred(batch, 4, to=store, by=who)
        batch.refresh_from_db()

        target = transfer.target
        assert (target.lot, target.expires_on, target.store, target.unit_cost) == ("A1", batch.expires_on, store, batch.unit_cost)
        assert (target.received_on, target.supplier, target.received_quantity) == (batch.received_on, batch.supplier, 4)
        assert ledger()[-2:] == [(batch.pk, "ADJUSTMENT", -4, 6), (target.pk, "ADJUSTMENT", 4, 4)]
        assert set(transfer.movements.values_list("by", "reason")) == {
            (who.pk, f"Transfer to {store.name}"),
            (who.pk, "Transfer from Dispensary"),
        }
        event = OutboxEvent.objects.get(action="pharmacy.stock.transferred", actor=who)
        assert event.resource_id == transfer.public_id

    def test_adds_to_the_lots_batch_that_is_there(self):
        batch, store = stocked(10), storeroom()
        first = transferred(batch, 4, to=store)

        second = transferred(batch, 3, to=store)

        assert second.target == first.target
        assert everywhere(batch.medicine) == {"Dispensary": 3, store.name: 7}
        assert Batch.objects.get(pk=first.target_id).received_quantity == 7

    def test_goes_back_into_the_batch_that_it_came_from(self):
        batch = stocked(10)
        there = transferred(batch, 4).target

        back = transferred(there, 4, to=batch.store)

        assert back.target == batch
        assert (Batch.objects.get(pk=batch.pk).on_hand, Batch.objects.get(pk=there.pk).on_hand) == (10, 0)

    def test_sent_twice_moves_once(self):
        batch, store, request_id = stocked(10), storeroom(), uuid4()

        first, second = (transferred(batch, 4, to=store, request_id=request_id) for _ in range(2))

        assert first == second
        assert everywhere(batch.medicine) == {"Dispensary": 6, store.name: 4}

    def test_request_of_another_transfer_is_refused(self):
        batch, request_id = stocked(10), uuid4()
        transferred(batch, 4, request_id=request_id)

        with pytest.raises(RequestReused):
            transferred(batch, 4, request_id=request_id)

        assert StockTransfer.objects.count() == 1

    def test_a_form_that_comes_back_with_other_units_is_not_said_to_be_done(self):
        batch, store, request_id = stocked(10), storeroom(), uuid4()
        transferred(batch, 4, to=store, request_id=request_id)

        with pytest.raises(RequestReused):
            transferred(batch, 5, to=store, request_id=request_id)

        assert everywhere(batch.medicine) == {"Dispensary": 6, store.name: 4}

    @pytest.mark.parametrize(
        ("prepare", "quantity", "refusal"),
        [
            (lambda batch: None, 11, NotOnHand),
            (lambda batch: None, 0, InvalidInput),
            (lambda batch: None, -1, InvalidInput),
            (lambda batch: None, 10**9, InvalidInput),
            (lambda batch: put_aside(batch, "quarantined"), 4, NotTransferable),
            (lambda batch: put_aside(batch, "recalled"), 4, NotTransferable),
        ],
    )
    def test_what_cannot_go_stays(self, prepare, quantity, refusal):
        batch = stocked(10)
        prepare(batch)
        before = ledger()

        with pytest.raises(refusal):
            transferred(batch, quantity)

        assert (ledger(), Batch.objects.count(), StockTransfer.objects.exists()) == (before, 1, False)

    def test_expired_stock_stays_on_the_first_day_it_may_not_go_out(self):
        batch = stocked(10, expires_on=soon(30))

        transferred(batch, 1, on=soon(29))
        with pytest.raises(NotTransferable):
            transferred(batch, 1, on=soon(30))

        assert Batch.objects.get(pk=batch.pk).on_hand == 9

    def test_to_the_same_store_is_none(self):
        batch = stocked(10)

        with pytest.raises(InvalidInput) as refused:
            transferred(batch, 4, to=batch.store)

        assert (list(refused.value.errors), StockTransfer.objects.exists()) == (["store"], False)

    def test_into_a_lot_that_is_set_aside_there_is_refused(self):
        batch, store = stocked(10), storeroom()
        put_aside(transferred(batch, 4, to=store).target, "quarantined")

        with pytest.raises(NotTransferable):
            transferred(batch, 1, to=store)

        assert everywhere(batch.medicine) == {"Dispensary": 6, store.name: 4}

    def test_what_patients_brought_back_stays(self):
        batch = stocked(10)
        made = dispensed(signed(line_of(batch.medicine, 4)))
        return_dispensed(dispense_id=made.pk, to="quarantine", reason="unopened", by=pharmacist(), request_id=uuid4())
        aside = Batch.objects.get(returned_from=batch)
        put_aside(aside, "available")

        with pytest.raises(NotTransferable):
            transferred(aside, 1)

        assert not StockTransfer.objects.exists()

    def test_of_a_controlled_medicine_has_a_second_person_on_both_lines(self):
        batch, witness = stocked(10, medicine=MedicineFactory(is_controlled=True)), pharmacist()

        with pytest.raises(WitnessRequired):
            transferred(batch, 4)
        transfer = transferred(batch, 4, witness=witness)

        assert [movement.witness for movement in transfer.movements.all()] == [witness, witness]
        assert StockTransfer.objects.count() == 1


class TestWhatStandsInAStoreroom:
    def test_is_not_handed_out(self):
        batch = stocked(10, store=storeroom())
        prescription = signed(line_of(batch.medicine, 4))
        line = {"item": prescription.items.get().public_id, "quantity": 4, "batch": batch.public_id}

        with pytest.raises(InsufficientStock):
            dispensed(prescription)
        with pytest.raises(WrongBatch):
            dispensed(prescription, items=[line])

        assert not DispenseLine.objects.exists()

    def test_is_passed_over_although_it_expires_first(self):
        later = stocked(10, expires_on=soon(300))
        stocked(10, medicine=later.medicine, expires_on=soon(30), store=storeroom())

        made = dispensed(signed(line_of(later.medicine, 4)))

        assert made.lines.get().batch == later

    def test_goes_out_once_it_is_carried_to_a_dispensary(self):
        batch = stocked(10, store=storeroom())
        there = transferred(batch, 6, to=storeroom(kind="dispensary")).target

        made = dispensed(signed(line_of(batch.medicine, 4)))

        assert made.lines.get().batch == there

    def test_is_not_used_in_a_treatment(self):
        batch = stocked(10, store=storeroom(kind="ward"))
        used = [{"medicine": Medicine.objects.get(pk=batch.medicine_id), "quantity": 1}]

        with pytest.raises(InsufficientStock):
            give_treatment(
                encounter_id=EncounterFactory().pk, treatment_type=TreatmentTypeFactory(), notes="", medicines=used, by=pharmacist(),
                on=TODAY, request_id=uuid4(),
            )  # fmt: skip

        assert Batch.objects.get().on_hand == 10

    def test_counts_against_a_new_order_and_is_valued(self):
        medicine = MedicineFactory(reorder_level=10)
        stocked(6, medicine=medicine)
        store = storeroom()
        assert medicine in Medicine.objects.low(TODAY)

        stocked(6, medicine=medicine, store=store)

        assert medicine not in Medicine.objects.low(TODAY)
        assert not [line for line in reorder_lines(on=TODAY) if line.medicine == medicine]
        value = stock_value(on=TODAY)
        assert {each.name: str(each.usable) for each in value.stores} == {"Dispensary": "0.6000", store.name: "0.6000"}
        assert value.total == sum(each.total for each in value.stores)

    def test_is_counted_by_itself(self):
        batch, store = stocked(10), storeroom()
        target = transferred(batch, 4, to=store).target

        take = open_stock_take(which="all", store=store, by=pharmacist(), request_id=uuid4())

        assert [line.batch for line in take.lines.all()] == [target]
        assert store.name in take.title


class TestALotInTwoStores:
    def test_is_recalled_in_both_with_what_came_back(self):
        batch = stocked(20)
        there = transferred(batch, 8).target
        made = dispensed(signed(line_of(batch.medicine, 4)))
        return_dispensed(dispense_id=made.pk, to="quarantine", reason="unopened", by=pharmacist(), request_id=uuid4())

        put_aside(there, "recalled")

        assert set(Batch.objects.values_list("state", flat=True)) == {"recalled"}
        assert Batch.objects.count() == 3

    def test_is_quarantined_in_one_only(self):
        batch = stocked(20)
        there = transferred(batch, 8).target

        put_aside(there, "quarantined")

        assert Batch.objects.get(pk=batch.pk).state == "available"

    def test_has_one_call_list_of_all_recipients(self):
        batch = stocked(20)
        ward = transferred(batch, 8, to=storeroom(kind="dispensary")).target
        one, other = signed(line_of(batch.medicine, 4)), signed(line_of(batch.medicine, 3))
        dispensed(one)
        item = {"item": other.items.get().public_id, "quantity": 3, "batch": ward.public_id}
        dispensed(other, items=[item])
        put_aside(batch, "recalled")

        call = record_call(batch_id=ward.pk, patient_id=one.patient_id, outcome="reached", by=pharmacist(), request_id=uuid4())

        listed = recipients_of(batch)
        assert {row.patient for row in listed} == {one.patient, other.patient}
        assert recipients_of(ward) == listed
        assert [row.last_call for row in listed if row.patient == one.patient] == [call]

    def test_once_recalled_is_received_in_no_store(self):
        batch = stocked(10)
        put_aside(batch, "recalled")

        with pytest.raises(BatchStateRefused):
            stocked(5, medicine=batch.medicine, lot=batch.lot, store=storeroom())

        assert Batch.objects.count() == 1

    def test_costs_the_same_in_each(self):
        batch, store = stocked(10), storeroom()
        pack = {"lot": batch.lot, "expires_on": batch.expires_on, "quantity": 5, "unit_cost": "9.00"}

        receive_batch(medicine_id=batch.medicine_id, store=store, by=None, on=TODAY, **pack)
        assert {str(each.unit_cost) for each in Batch.objects.all()} == {"0.1000"}
        update_batch(batch_id=batch.pk, changes={"unit_cost": "0.3000"}, by=None)

        assert {str(each.unit_cost) for each in Batch.objects.all()} == {"0.3000"}


class TestTheDatabase:
    @pytest.fixture
    def pair(self):
        """A batch, and its lot in another store."""
        batch = stocked(10)
        return batch, transferred(batch, 4).target

    def write(self, source, target, *moves, quantity=2, on=TODAY):
        transfer = StockTransfer.objects.create(source=source, target=target, quantity=quantity, transferred_on=on, request_id=uuid4())
        for batch, units in moves:
            balance = Batch.objects.get(pk=batch.pk).on_hand + units
            Batch.objects.filter(pk=batch.pk).update(on_hand=balance)
            StockMovement.objects.create(batch=batch, kind="ADJUSTMENT", quantity=units, balance=balance, reason="test", transfer=transfer)

    def test_takes_a_transfer_whose_lines_sum_to_zero(self, pair):
        source, target = pair

        self.write(source, target, (source, -2), (target, 2))
        connection.check_constraints()

        assert StockTransfer.objects.count() == 2

    @pytest.mark.parametrize("units", [[], [-2], [-2, 3], [-1, 1], [2, -2]])
    def test_refuses_one_whose_lines_do_not(self, pair, units):
        source, target = pair

        rule = refused_by(lambda: self.write(source, target, *zip(pair, units, strict=False)))

        assert rule in {"stock_transfer_is_its_movements", "movement_is_of_its_transfer"}

    def test_refuses_a_third_line(self, pair):
        source, target = pair

        rule = refused_by(lambda: self.write(source, target, (source, -2), (target, 2), (target, 2)))

        assert rule in {"stock_transfer_is_its_movements", "movement_is_of_its_transfer"}

    def test_refuses_a_line_that_is_no_correction(self, pair):
        transfer = StockTransfer.objects.get()

        def receive():
            StockMovement.objects.create(batch=pair[0], kind="IN", quantity=1, balance=7, transfer=transfer)

        assert refused_by(receive) == "movement_of_a_transfer_adjusts"

    def test_refuses_another_lot(self, pair):
        other = stocked(5, medicine=pair[0].medicine, store=storeroom())

        assert refused_by(lambda: self.write(pair[0], other)) == "stock_transfer_fits_lot"

    def test_refuses_the_same_batch(self, pair):
        assert refused_by(lambda: self.write(pair[0], pair[0])) in {"stock_transfer_between_two_batches", "stock_transfer_fits_lot"}

    def test_refuses_nothing_carried(self, pair):
        assert refused_by(lambda: self.write(*pair, quantity=0)) == "stock_transfer_quantity_positive"

    @pytest.mark.parametrize("side", [0, 1])
    def test_refuses_what_is_set_aside_on_either_side(self, pair, side):
        put_aside(pair[side], "quarantined")

        assert refused_by(lambda: self.write(*pair)) == "stock_transfer_fits"

    def test_refuses_what_is_expired(self, pair):
        assert refused_by(lambda: self.write(*pair, on=pair[0].expires_on)) == "stock_transfer_fits"

    def test_refuses_a_line_that_goes_out_of_a_storeroom(self, pair):
        prescription = signed(line_of(pair[0].medicine, 2))
        made = dispensed(signed(line_of(pair[0].medicine, 1)))

        def give():
            DispenseLine.objects.create(dispense=made, item=made.prescription.items.get(), batch=pair[1], quantity=1)

        assert refused_by(give) == "dispense_line_fits_store"
        assert prescription.status == "signed"

    def test_refuses_a_treatment_from_a_storeroom(self, pair):
        visit, medicine = EncounterFactory(), Medicine.objects.get(pk=pair[0].medicine_id)
        treatment = give_treatment(
            encounter_id=visit.pk, treatment_type=TreatmentTypeFactory(), notes="", medicines=[{"medicine": medicine, "quantity": 1}],
            by=pharmacist(), on=TODAY, request_id=uuid4(),
        )  # fmt: skip

        def use():
            sql(
                "INSERT INTO pharmacy_treatmentline (public_id, encounter_id, treatment_id, batch_id, quantity, returned_quantity,"
                " unit_price, used_on) VALUES (gen_random_uuid(), %s, %s, %s, 1, 0, 0, %s)",
                visit.pk, treatment.pk, pair[1].pk, TODAY,
            )  # fmt: skip

        assert refused_by(use) == "treatment_line_fits_store"

    @pytest.mark.parametrize("change", ["store_id = 0", "lot = 'other'", "expires_on = expires_on + 1"])
    def test_keeps_a_batch_what_it_is(self, pair, change):
        assert refused_by(lambda: sql(f"UPDATE pharmacy_batch SET {change}")) == "batch_stays_what_it_is"

    def test_refuses_to_recall_a_part_of_a_lot(self, pair):
        rule = refused_by(lambda: sql("UPDATE pharmacy_batch SET state = 'recalled', state_reason = 'x' WHERE id = %s", pair[0].pk))

        assert rule == "batch_lot_is_recalled_as_one"

    def test_refuses_the_lot_twice_in_one_store(self, pair):
        copy = Batch.objects.get(pk=pair[1].pk)
        copy.pk, copy.public_id, copy.on_hand = None, uuid4(), 0

        assert refused_by(copy.save) == "batch_once_per_lot_expiry_and_store"


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    @pytest.fixture(autouse=True)
    def stores(self):
        Store.objects.default()

    def test_two_that_take_the_same_units_carry_them_once(self, at_once):
        batch, stores, who = stocked(5), [storeroom(), storeroom()], pharmacist()

        results = at_once(*(lambda s=s: transferred(batch, 4, to=s, by=who) for s in stores))

        assert sorted(type(result).__name__ for result in results) == ["NotOnHand", "StockTransfer"]
        assert sum(everywhere(batch.medicine).values()) == 5
        assert Batch.objects.get(pk=batch.pk).on_hand == 1

    def test_two_that_go_opposite_ways_both_arrive(self, at_once):
        batch, who = stocked(50), pharmacist()
        there = transferred(batch, 25).target

        results = at_once(
            lambda: [transferred(batch, 1, to=there.store, by=who) for _ in range(10)],
            lambda: [transferred(there, 2, to=batch.store, by=who) for _ in range(10)],
        )

        assert [type(result).__name__ for result in results] == ["list", "list"]
        assert [Batch.objects.get(pk=each.pk).on_hand for each in (batch, there)] == [25 - 10 + 20, 25 + 10 - 20]

    def test_a_transfer_and_a_dispense_share_what_is_there(self, at_once):
        batch, who, store = stocked(5), pharmacist(), storeroom()
        prescription = signed(line_of(batch.medicine, 4))

        results = at_once(lambda: transferred(batch, 4, to=store, by=who), lambda: dispensed(prescription, by=who))

        assert sum(isinstance(result, Exception) for result in results) == 1
        assert Batch.objects.get(pk=batch.pk).on_hand == 1

    def test_without_the_locks_the_ledger_stops_the_second(self, at_once, monkeypatch):
        """The negative control: both read 5, and the second movement does not follow from the last."""
        batch, stores, who = stocked(5), [storeroom(), storeroom()], pharmacist()
        both_have_read = threading.Barrier(2)

        def plain_read(batch_ids):
            found = list(Batch.objects.filter(pk__in=batch_ids).order_by("pk"))
            both_have_read.wait(10)
            return found

        monkeypatch.setattr("pharmacy.locks.lock_medicine", lambda pk: Medicine.objects.get(pk=pk))
        monkeypatch.setattr("pharmacy.locks.lock_batches", plain_read)

        results = at_once(*(lambda s=s: transferred(batch, 4, to=s, by=who) for s in stores))

        assert sorted(type(result).__name__ for result in results) == ["IntegrityError", "StockTransfer"]
        assert Batch.objects.get(pk=batch.pk).on_hand == 1

    def test_a_recall_meanwhile_takes_the_new_part_with_it(self, at_once):
        batch, who, store = stocked(5), pharmacist(), storeroom()

        at_once(lambda: transferred(batch, 4, to=store, by=who), lambda: put_aside(batch, "recalled"))

        assert set(Batch.objects.values_list("state", flat=True)) == {"recalled"}

    def test_two_returns_to_quarantine_of_one_batch_share_its_quarantine(self, at_once):
        batch, who = stocked(20), pharmacist()
        made = [dispensed(signed(line_of(batch.medicine, 4)), by=who) for _ in range(2)]

        def bring_back(dispense):
            return return_dispensed(dispense_id=dispense.pk, to="quarantine", reason="unopened", by=who, request_id=uuid4())

        results = at_once(*(lambda each=each: bring_back(each) for each in made))

        assert [type(result).__name__ for result in results] == ["DispenseReturn", "DispenseReturn"]
        assert Batch.objects.get(returned_from=batch).on_hand == 8
