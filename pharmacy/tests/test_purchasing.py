"""Orders from suppliers, and what comes of them."""

import threading
from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.audit.models import OutboxEvent
from clinic.core.db import constraint_of
from clinic.core.errors import InvalidInput, NotFound, RequestReused
from pharmacy import locks
from pharmacy.errors import NothingAwaited, OverReceived
from pharmacy.models import Batch, PurchaseOrder, PurchaseOrderLine, StockMovement, Supplier
from pharmacy.rules.barcodes import Pack, read_pack
from pharmacy.services.purchasing import cancel_rest, place_order, receive_order
from pharmacy.tests.factories import TODAY, MedicineFactory, line_of, pharmacist, signed, soon, stocked

pytestmark = pytest.mark.django_db


def ordered(*quantities: int, by=None) -> PurchaseOrder:
    lines = [{"medicine": MedicineFactory(), "quantity": units, "unit_cost": Decimal("0.20")} for units in quantities or (100,)]
    supplier = Supplier.objects.create(name=f"Supplier {uuid4().hex[:8]}")
    return place_order(supplier_id=supplier.pk, lines=lines, by=by or pharmacist(), request_id=uuid4())


def received(order: PurchaseOrder, quantity: int, *, by=None, line=None, **options) -> Batch:
    values = {"lot": "AB1", "expires_on": soon(400), "on": TODAY, "request_id": uuid4()}
    line = line or order.lines.first()
    return receive_order(order_id=order.pk, line=line.public_id, by=by or pharmacist(), quantity=quantity, **(values | options))


def status_of(order: PurchaseOrder) -> str:
    return PurchaseOrder.objects.with_details().get(pk=order.pk).status


def assert_nothing_came() -> None:
    assert not Batch.objects.exists()
    assert not StockMovement.objects.exists()
    assert not PurchaseOrderLine.objects.exclude(received_quantity=0).exists()


class TestOrdering:
    def test_order_stands_once_however_often_it_is_sent(self):
        wanted = {
            "supplier_id": Supplier.objects.create(name="Medsupply").pk,
            "lines": [{"medicine": MedicineFactory(), "quantity": 5, "unit_cost": Decimal(1)}],
            "by": pharmacist(),
            "request_id": uuid4(),
        }

        assert place_order(**wanted) == place_order(**wanted)
        assert (PurchaseOrder.objects.count(), PurchaseOrderLine.objects.count()) == (1, 1)

    @pytest.mark.parametrize(
        "change", [{"quantity": 0}, {"quantity": -5}, {"quantity": 2**31}, {"unit_cost": Decimal(-1)}, "twice", "none"]
    )
    def test_bad_lines_are_refused_whole(self, change):
        good = {"medicine": MedicineFactory(), "quantity": 5, "unit_cost": Decimal(1)}
        bad = {"twice": [good, good], "none": []}
        lines = bad[change] if isinstance(change, str) else [{**good, "medicine": MedicineFactory()}, good | change]

        with pytest.raises(InvalidInput):
            place_order(supplier_id=Supplier.objects.create(name="Medsupply").pk, lines=lines, by=pharmacist(), request_id=uuid4())

        assert not PurchaseOrder.objects.exists()


class TestReceiving:
    def test_parts_add_up_until_all_is_there(self):
        order = ordered(100)
        assert status_of(order) == "ordered"

        batch = received(order, 60)
        assert status_of(order) == "partly_received"
        received(order, 40)
        connection.check_constraints()

        batch.refresh_from_db()
        assert (batch.on_hand, batch.supplier, batch.unit_cost) == (100, order.supplier, Decimal("0.20"))
        assert status_of(order) == "received"
        assert not PurchaseOrder.objects.open().exists()

    def test_more_than_was_ordered_is_refused(self):
        order = ordered(100)
        received(order, 99)

        with pytest.raises(OverReceived) as refusal:
            received(order, 2)

        assert refusal.value.detail.endswith("of this order to come.")
        assert order.lines.get().received_quantity == 99
        assert StockMovement.objects.count() == 1

    def test_second_press_has_one_effect(self):
        order, request_id = ordered(100), uuid4()

        assert received(order, 60, request_id=request_id) == received(order, 60, request_id=request_id)
        assert order.lines.get().received_quantity == 60

    def test_request_of_another_receipt_is_refused(self):
        order, other, request_id = ordered(10), ordered(10), uuid4()
        received(order, 5, request_id=request_id)

        with pytest.raises(RequestReused):
            received(other, 5, request_id=request_id)
        with pytest.raises(RequestReused):
            received(order, 5, request_id=request_id, lot="AB2")

        assert StockMovement.objects.count() == 1

    @pytest.mark.parametrize("pack", [{"quantity": 0}, {"quantity": -3}, {"expires_on": TODAY}, {"lot": "  "}])
    def test_bad_pack_is_refused(self, pack):
        order = ordered(100)

        with pytest.raises(InvalidInput):
            received(order, **({"quantity": 5} | pack))

        assert_nothing_came()

    def test_line_of_another_order_is_not_found(self):
        order, other = ordered(10), ordered(10)

        with pytest.raises(NotFound):
            received(order, 5, line=other.lines.get())

        assert_nothing_came()

    def test_movement_goes_to_the_mirror_with_its_order(self):
        order = ordered(10)
        received(order, 5)

        document = OutboxEvent.objects.filter(topic="stock_movements").latest("id").document

        assert document["reference"] == {"type": "order", "id": str(order.public_id)}


class TestCancelling:
    def test_rest_is_no_longer_awaited(self):
        order = ordered(100)
        received(order, 60)

        cancel_rest(order_id=order.pk, reason="out of stock there", by=pharmacist())

        assert status_of(order) == "received"
        with pytest.raises(OverReceived):
            received(order, 1)
        with pytest.raises(NothingAwaited):
            cancel_rest(order_id=order.pk, reason="again", by=pharmacist())

    def test_order_of_which_nothing_came_is_cancelled(self):
        order = ordered(100)

        cancel_rest(order_id=order.pk, reason="wrong supplier", by=pharmacist())

        assert status_of(order) == "cancelled"


def refused_by(write) -> str:
    def attempt():
        write()
        connection.check_constraints()

    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        attempt()
    return constraint_of(refusal.value)


class TestRows:
    def test_a_line_holds_no_more_than_was_ordered(self):
        line = PurchaseOrderLine.objects.filter(pk=ordered(10).lines.get().pk)

        assert refused_by(lambda: line.update(received_quantity=11)) == "purchase_order_line_within_ordered"
        assert refused_by(lambda: line.update(cancelled_quantity=11)) == "purchase_order_line_within_ordered"
        assert refused_by(lambda: line.update(ordered_quantity=99)) == "purchase_order_line_unchanged"
        assert refused_by(line.get().delete) == "purchase_order_line_kept"

    def test_nothing_came_that_the_ledger_does_not_know(self):
        line = PurchaseOrderLine.objects.filter(pk=ordered(10).lines.get().pk)

        assert refused_by(lambda: line.update(received_quantity=5)) == "purchase_order_line_is_its_receipts"

    def test_what_came_is_not_taken_back(self):
        order = ordered(10)
        received(order, 5)

        assert refused_by(lambda: order.lines.update(received_quantity=4)) == "purchase_order_line_only_grows"

    def test_order_stays(self):
        order = ordered(10)

        assert refused_by(lambda: PurchaseOrder.objects.filter(pk=order.pk).update(ordered_by=pharmacist())) == "purchase_order_unchanged"
        assert refused_by(lambda: PurchaseOrder.objects.filter(pk=order.pk)._raw_delete("default")) == "purchase_order_kept"

    @pytest.mark.parametrize("table", ["pharmacy_purchaseorder", "pharmacy_purchaseorderline", "pharmacy_treatmentline"])
    def test_tables_are_not_emptied(self, table):
        def truncate():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL clinic.may_truncate = 'off'")
                cursor.execute(f"TRUNCATE {table} CASCADE")

        assert refused_by(truncate).endswith("_not_truncated")


@pytest.mark.django_db(transaction=True)
def test_two_receipts_at_once_take_in_no_more_than_was_ordered(at_once):
    order, ann, bob = ordered(10), pharmacist(), pharmacist()

    results = at_once(lambda: received(order, 7, by=ann, lot="A"), lambda: received(order, 7, by=bob, lot="B"))

    assert sorted(type(each).__name__ for each in results) == ["Batch", "OverReceived"]
    assert order.lines.get().received_quantity == 7


@pytest.mark.django_db(transaction=True)
def test_without_the_orders_lock_the_database_stops_the_second_receipt(at_once, monkeypatch):
    """The negative control: both find nothing received yet; the line then is not what the ledger took in."""
    order, ann, bob = ordered(10), pharmacist(), pharmacist()
    both_have_read = threading.Barrier(2)
    lock_medicine = locks.lock_medicine

    def wait_then_lock(medicine_id):
        both_have_read.wait(30)
        return lock_medicine(medicine_id)

    monkeypatch.setattr(locks, "lock_order", lambda pk: PurchaseOrder.objects.get(pk=pk))
    monkeypatch.setattr(locks, "lock_medicine", wait_then_lock)

    results = at_once(lambda: received(order, 7, by=ann, lot="A"), lambda: received(order, 7, by=bob, lot="B"))

    assert sorted(type(each).__name__ for each in results) == ["Batch", "IntegrityError"]
    assert order.lines.get().received_quantity == 7 == StockMovement.objects.get().quantity


@pytest.mark.parametrize(
    ("code", "pack"),
    [
        ("(01)09501101530003(17)280131(10)AB-123", Pack("AB-123", date(2028, 1, 31))),
        ("010950110153000317280131" + "10AB-123", Pack("AB-123", date(2028, 1, 31))),
        ("]d2010950110153000310AB-123\x1d17280200", Pack("AB-123", date(2028, 2, 29))),
        ("AB-123", Pack()),
        ("", Pack()),
        ("(17)289931(10)X", Pack("X")),
        ("(17)", Pack()),
        ("10" * 100, Pack("10" * 99)),
        ("17٢٨٠١٣١", Pack()),
    ],
)
def test_what_the_scanner_reads(code, pack):
    assert read_pack(code) == pack


class TestApi:
    def test_order_is_placed_received_in_parts_and_closed(self, api_as):
        client, medicine, supplier = api_as(pharmacist()), MedicineFactory(), Supplier.objects.create(name="Medsupply")
        lines = [{"medicine": str(medicine.public_id), "quantity": 10, "unit_cost": "0.5000"}]

        order = client.post("/api/v1/purchase-orders/", {"supplier": str(supplier.public_id), "lines": lines}).json()
        url = f"/api/v1/purchase-orders/{order['id']}/"
        expires = (timezone.localdate() + timedelta(days=400)).isoformat()
        pack = {"line": order["lines"][0]["id"], "lot": "A1", "expires_on": expires, "quantity": 6}
        part = client.post(f"{url}receive/", pack)
        over = client.post(f"{url}receive/", pack | {"quantity": 5})
        closed = client.post(f"{url}cancel/", {"reason": "enough"})

        assert (part.status_code, part.json()["status"], part.json()["lines"][0]["outstanding"]) == (201, "partly_received", 4)
        assert (over.status_code, over.json()["code"]) == (409, "over_received")
        assert closed.json()["status"] == "received"
        assert client.get("/api/v1/purchase-orders/?open=true").json()["results"] == []
        assert len(client.get("/api/v1/purchase-orders/").json()["results"]) == 1

    @pytest.mark.parametrize("quantity", [0, -1, 1.5, "x", 2**31, 10**30, None, True, "\0"])
    def test_bad_quantities_are_a_400_and_write_nothing(self, api_as, quantity):
        client, order = api_as(pharmacist()), ordered(10)
        pack = {"line": str(order.lines.get().public_id), "lot": "A", "expires_on": "2030-01-01", "quantity": quantity}
        lines = [{"medicine": str(MedicineFactory().public_id), "quantity": quantity, "unit_cost": "1"}]

        received_answer = client.post(f"/api/v1/purchase-orders/{order.public_id}/receive/", pack)
        placed = client.post("/api/v1/purchase-orders/", {"supplier": str(order.supplier.public_id), "lines": lines})

        assert (received_answer.status_code, placed.status_code) == (400, 400)
        assert PurchaseOrder.objects.count() == 1
        assert_nothing_came()

    def test_list_is_flat_in_queries(self, api_as, django_assert_max_num_queries):
        client = api_as(pharmacist())
        for _ in range(8):
            ordered(5, 6)

        with django_assert_max_num_queries(10):
            assert len(client.get("/api/v1/purchase-orders/").json()["results"]) == 8

    def test_managers_look_and_others_do_not(self, api_as):
        assert api_as(user(Role.MANAGER)).get("/api/v1/purchase-orders/").status_code == 200
        assert api_as(user(Role.MANAGER)).post("/api/v1/purchase-orders/", {}).status_code == 403
        assert api_as(user(Role.RECEPTION)).get("/api/v1/purchase-orders/").status_code == 403


class TestPages:
    def test_order_is_typed_and_its_packs_are_scanned(self, client_as):
        client, medicine, supplier = client_as(pharmacist()), MedicineFactory(name="Gauze"), Supplier.objects.create(name="Medsupply")
        form = {
            "supplier": str(supplier.public_id), "request_id": str(uuid4()), "medicine_1": "gauze", "quantity_1": "10", "cost_1": "0.5",
        }  # fmt: skip

        made = client.post(reverse("pharmacy:new_order"), form)
        order = PurchaseOrder.objects.get()
        assert made["Location"] == reverse("pharmacy:order", args=[order.public_id])
        url = reverse("pharmacy:receive_order", args=[order.public_id, order.lines.get().public_id])
        client.post(url, {"code": "(17)350131(10)AB-1", "quantity": "4", "request_id": str(uuid4())})

        batch = Batch.objects.get()
        assert (batch.medicine, batch.lot, batch.expires_on, batch.on_hand) == (medicine, "AB-1", date(2035, 1, 31), 4)
        assert b"AB-1" in client.get(reverse("pharmacy:order", args=[order.public_id]), follow=True).content
        assert b"Medsupply" in client.get(reverse("pharmacy:orders")).content

    @pytest.mark.parametrize(
        "typed",
        [
            {"quantity": "0"},
            {"quantity": "-1"},
            {"quantity": "1.5"},
            {"quantity": str(10**30)},
            {"quantity": "11"},
            {"quantity": "x\0"},
            {"lot": ""},
            {"lot": "\0"},
            {"expires_on": "2000-01-01"},
            {"expires_on": "99999-01-01"},
            {"unit_cost": "-1"},
        ],
    )
    def test_bad_receipts_are_refused_in_place(self, client_as, typed):
        order = ordered(10)
        url = reverse("pharmacy:receive_order", args=[order.public_id, order.lines.get().public_id])

        answer = client_as(pharmacist()).post(url, {"lot": "A", "expires_on": "2035-01-31", "quantity": "4"} | typed)

        assert 400 <= answer.status_code < 500
        assert b'role="alert"' in answer.content
        assert_nothing_came()

    def test_supplier_is_added_once(self, client_as):
        client = client_as(pharmacist())

        client.post(reverse("pharmacy:suppliers"), {"name": "Medsupply"})
        again = client.post(reverse("pharmacy:suppliers"), {"name": "medsupply"})

        assert again.status_code == 409
        assert Supplier.objects.count() == 1
        assert b"Medsupply" in client.get(reverse("pharmacy:suppliers")).content

    def test_pages_of_orders_are_flat_in_queries(self, client_as, django_assert_max_num_queries):
        client = client_as(pharmacist())
        for _ in range(6):
            last = ordered(5, 6)

        for url in (reverse("pharmacy:orders"), reverse("pharmacy:order", args=[last.public_id]), reverse("pharmacy:new_order")):
            with django_assert_max_num_queries(10):
                assert client.get(url).status_code == 200


class TestRestrictedCharts:
    """A restricted chart stays out of lists, and nothing is handed out of it before it was opened for a reason."""

    def restricted(self):
        batch = stocked(50, expires_on=timezone.localdate() + timedelta(days=400), on=timezone.localdate())
        prescription = signed(line_of(batch.medicine, 4))
        patient = prescription.patient
        patient.is_restricted = True
        patient.save(update_fields=["is_restricted"])
        return prescription

    def test_list_leaves_it_out(self, api_as):
        self.restricted()

        answer = api_as(pharmacist()).get("/api/v1/prescriptions/")

        assert (answer.status_code, answer.json()["results"]) == (200, [])
        assert api_as(pharmacist()).get("/api/v1/dispensings/").json()["results"] == []

    def test_handing_out_is_refused(self, api_as, client_as):
        prescription = self.restricted()

        api = api_as(pharmacist()).post("/api/v1/dispensings/", {"prescription": str(prescription.public_id)})
        page = client_as(pharmacist()).post(reverse("pharmacy:dispense", args=[prescription.public_id]), {})

        assert api.status_code == 403
        assert page.status_code in {302, 403}
        assert not StockMovement.objects.filter(kind="OUT").exists()
