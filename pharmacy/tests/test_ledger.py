"""The ledger, whatever happens."""

from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from clinic.core.errors import DomainError
from patients.tests.factories import EncounterFactory, TreatmentTypeFactory
from pharmacy.models import Batch, Medicine, PurchaseOrderLine, StockMovement, StockTransfer, Store, Supplier
from pharmacy.services.purchasing import place_order, receive_order
from pharmacy.services.returning import return_dispensed
from pharmacy.services.stock import adjust_batch, change_batch_state
from pharmacy.services.stocktaking import approve_stock_take, open_stock_take, write_counts
from pharmacy.services.treating import give_treatment, take_back_treatment
from pharmacy.tests.factories import TODAY, MedicineFactory, dispensed, line_of, pharmacist, signed, soon, storeroom, transferred
from pharmacy.tests.test_stock import receive

pytestmark = pytest.mark.django_db


class LedgerMachine(RuleBasedStateMachine):
    """Receive, order, hand out, substitute, treat, take back, correct, count, carry, set aside, in any order.

    What is refused leaves no trace.
    """

    def __init__(self):
        super().__init__()
        self.who = pharmacist()
        self.dispenses, self.treatments, self.orders, self.takes = [], [], [], []
        self.same = MedicineFactory(generic_name="same", strength="5 mg")
        self.medicine = MedicineFactory(generic_name="same", strength="5 mg")
        self.stores = [Store.objects.default(), storeroom(), storeroom(kind="dispensary")]
        self.colleague, self.kind = pharmacist(), TreatmentTypeFactory()
        self.supplier = Supplier.objects.create(name=f"Supplier {uuid4()}")

    def try_to(self, do):
        before = list(StockMovement.objects.order_by("id").values_list("id", flat=True))
        try:
            return do()
        except DomainError:
            assert list(StockMovement.objects.order_by("id").values_list("id", flat=True)) == before
            return None

    def batch(self, data):
        batches = list(Batch.objects.filter(medicine=self.medicine).order_by("id"))
        return batches[data % len(batches)]

    def has_batches(self):
        return Batch.objects.filter(medicine=self.medicine).exists()

    @rule(quantity=st.integers(1, 20), lot=st.sampled_from("AB"), days=st.sampled_from([2, 90]))
    def receives(self, quantity, lot, days):
        self.try_to(lambda: receive(self.medicine, quantity, lot=lot, expires_on=soon(days), by=self.who))

    @rule(quantity=st.integers(1, 12), days=st.sampled_from([0, 3]))
    def hands_out(self, quantity, days):
        prescription = signed(line_of(self.medicine, quantity), reason="again")
        made = self.try_to(lambda: dispensed(prescription, by=self.who, on=soon(days), override_reason="again"))
        self.dispenses += [made] if made else []

    @precondition(lambda self: self.dispenses)
    @rule(which=st.integers(0, 99), quantity=st.none() | st.integers(1, 8), to=st.sampled_from(["batch", "quarantine"]))
    def takes_back(self, which, quantity, to):
        dispense = self.dispenses[which % len(self.dispenses)]
        line = dispense.lines.order_by("id").first()
        self.try_to(
            lambda: return_dispensed(
                dispense_id=dispense.pk,
                to=to,
                reason="unused",
                by=self.who,
                lines=[{"line": line.public_id, "quantity": quantity}] if quantity else None,
                request_id=Batch().public_id,
            )
        )

    @rule(quantity=st.integers(1, 12))
    def substitutes(self, quantity):
        prescription = signed(line_of(self.same, quantity), reason="again")
        item = prescription.items.get().public_id
        line = {"item": item, "quantity": quantity, "medicine": self.medicine.public_id, "substitution_reason": "none there"}
        made = self.try_to(lambda: dispensed(prescription, by=self.who, items=[line], override_reason="again"))
        self.dispenses += [made] if made else []

    @rule(quantity=st.integers(0, 12))
    def treats(self, quantity):
        visit = EncounterFactory()
        medicine = Medicine.objects.get(pk=self.medicine.pk)
        made = self.try_to(
            lambda: give_treatment(
                encounter_id=visit.pk,
                treatment_type=self.kind,
                notes="",
                medicines=[{"medicine": medicine, "quantity": quantity}],
                by=self.who,
                on=TODAY,
                request_id=uuid4(),
            )
        )
        self.treatments += [made] if made else []

    @precondition(lambda self: self.treatments)
    @rule(which=st.integers(0, 99))
    def takes_back_a_treatment(self, which):
        made = self.treatments.pop(which % len(self.treatments))
        take_back_treatment(encounter_id=made.encounter_id, treatment_id=made.public_id, by=self.who)

    @rule(quantity=st.integers(1, 20))
    def orders_some(self, quantity):
        lines = [{"medicine": self.medicine, "quantity": quantity, "unit_cost": Decimal(1)}]
        self.orders.append(place_order(supplier_id=self.supplier.pk, lines=lines, by=self.who, request_id=uuid4()))

    @precondition(lambda self: self.orders)
    @rule(which=st.integers(0, 99), quantity=st.integers(1, 15), lot=st.sampled_from("AB"))
    def receives_of_an_order(self, which, quantity, lot):
        order = self.orders[which % len(self.orders)]
        pack = {"lot": lot, "expires_on": soon(90), "quantity": quantity}
        line = order.lines.get().public_id
        self.try_to(lambda: receive_order(order_id=order.pk, line=line, by=self.who, on=TODAY, request_id=uuid4(), **pack))

    @precondition(has_batches)
    @rule(off=st.integers(-3, 3))
    def counts(self, off):
        take = self.try_to(lambda: open_stock_take(which="all", by=self.who, request_id=uuid4()))
        if take is None:
            return
        now = {line.public_id: max(line.batch.on_hand + off, 0) for line in take.lines.select_related("batch")}
        self.try_to(lambda: write_counts(take_id=take.pk, counts=now, by=self.who))
        self.takes.append(take)

    @precondition(lambda self: self.takes)
    @rule(which=st.integers(0, 99), alone=st.booleans())
    def approves(self, which, alone):
        take = self.takes[which % len(self.takes)]
        self.try_to(lambda: approve_stock_take(take_id=take.pk, by=self.who if alone else self.colleague))

    @precondition(has_batches)
    @rule(which=st.integers(0, 99), quantity=st.integers(-9, 9))
    def corrects(self, which, quantity):
        self.try_to(lambda: adjust_batch(batch_id=self.batch(which).pk, quantity=quantity, reason="count", by=self.who))

    @precondition(has_batches)
    @rule(which=st.integers(0, 99), to=st.integers(0, 2), quantity=st.integers(1, 9), days=st.sampled_from([0, 3]))
    def carries(self, which, to, quantity, days):
        self.try_to(lambda: transferred(self.batch(which), quantity, to=self.stores[to], on=soon(days), by=self.who))

    @precondition(has_batches)
    @rule(which=st.integers(0, 99), to=st.sampled_from(["quarantined", "available", "recalled"]))
    def sets_aside(self, which, to):
        self.try_to(lambda: change_batch_state(batch_id=self.batch(which).pk, to=to, reason="why", by=self.who))

    @invariant()
    def on_hand_is_the_sum_of_the_movements(self):
        connection.check_constraints()  # what would be checked at commit
        for batch in Batch.objects.filter(medicine=self.medicine):
            assert batch.on_hand == sum(batch.movements.values_list("quantity", flat=True)) >= 0

    @invariant()
    def a_transfer_moves_units_and_makes_none(self):
        for transfer in StockTransfer.objects.all():
            assert sorted(transfer.movements.values_list("batch", "quantity")) == sorted(
                [(transfer.source_id, -transfer.quantity), (transfer.target_id, transfer.quantity)]
            )

    @invariant()
    def a_lot_is_recalled_as_one_and_nothing_goes_out_of_a_storeroom(self):
        for batch in Batch.objects.filter(medicine=self.medicine):
            states = set(Batch.objects.of_lot(batch).values_list("state", flat=True))
            assert "recalled" not in states or states == {"recalled"}
        assert not StockMovement.objects.filter(kind="OUT", batch__store__kind="storeroom").exists()

    @invariant()
    def orders_and_treatments_are_what_the_ledger_says(self):
        for line in PurchaseOrderLine.objects.all():
            assert line.received_quantity == sum(line.receipts.values_list("quantity", flat=True)) <= line.ordered_quantity
        for made in self.treatments:
            used = StockMovement.objects.filter(treatment_line__treatment=made).values_list("quantity", flat=True)
            assert -sum(used) == sum(each["quantity"] for each in made.medicines)

    @invariant()
    def nobody_got_more_than_was_prescribed_or_gave_back_more_than_they_got(self):
        for dispense in self.dispenses:
            for item in dispense.prescription.items.all():
                lines = list(item.dispense_lines.all())
                assert item.dispensed_quantity == sum(line.quantity - line.returned_quantity for line in lines)
                assert 0 <= item.dispensed_quantity <= item.total_quantity


def test_the_ledger_holds_whatever_happens():
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(max_examples=8, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck), database=None),
    )
