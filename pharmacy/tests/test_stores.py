"""Stores and transfers, in the API and on the pages."""

from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from clinic.accounts.models import Facility
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.audit.models import OutboxEvent
from clinic.core.db import constraint_of
from clinic.core.errors import InvalidInput
from pharmacy.models import Batch, StockTransfer, Store
from pharmacy.services.stores import add_store, remove_store
from pharmacy.tests.factories import MedicineFactory, pharmacist, soon, stocked, storeroom, transferred
from pharmacy.tests.test_bad_stock import NO_BODIES, NO_QUANTITIES, NO_ROWS, NOBODY, fields

pytestmark = pytest.mark.django_db
V1 = "/api/v1/"


def today():
    return timezone.localdate()


@pytest.fixture
def batch():
    return stocked(50, on=today(), expires_on=soon(400, today()))


@pytest.fixture
def store():
    return storeroom(name="Reserve")


class TestStores:
    def test_begin_with_the_default_dispensary(self, api_as):
        Store.objects.default()

        [row] = api_as(pharmacist()).get(f"{V1}stores/").data["results"]

        assert (row["name"], row["kind"], row["is_default"]) == ("Dispensary", "dispensary", True)

    def test_are_added_renamed_and_removed(self, api_as):
        client, place = api_as(pharmacist()), Facility.objects.create(name="North")

        made = client.post(f"{V1}stores/", {"name": "Reserve", "kind": "storeroom", "facility": str(place.public_id)}, format="json")
        changed = client.patch(f"{V1}stores/{made.data['id']}/", {"name": "Cellar", "kind": "ward"}, format="json")
        gone = client.delete(f"{V1}stores/{made.data['id']}/")

        assert (made.status_code, made.data["facility"], made.data["is_default"]) == (201, place.public_id, False)
        assert (changed.status_code, changed.data["name"], changed.data["kind"]) == (200, "Cellar", "storeroom")
        assert (gone.status_code, Store.objects.filter(name="Cellar").exists()) == (204, False)

    @pytest.mark.parametrize(
        "body",
        [
            {}, {"name": "x"}, {"name": "", "kind": "ward"}, {"name": "x" * 81, "kind": "ward"}, {"name": "a\0", "kind": "ward"},
            {"name": None, "kind": "ward"}, {"name": [], "kind": "ward"}, {"name": "x", "kind": "shelf"}, {"name": "x", "kind": None},
            {"name": "x", "kind": 1}, {"name": "x", "kind": []}, {"name": "x", "kind": "ward", "facility": "x"},
            {"name": "x", "kind": "ward", "facility": NOBODY}, {"name": "x", "kind": "ward", "facility": 10**30}, [], "x", 7, None,
        ],
        ids=str,
    )  # fmt: skip
    def test_a_bad_one_is_refused(self, refused, body):
        refused("stores/", body)

    def test_a_name_stands_once(self, refused, store):
        refused("stores/", {"name": "RESERVE", "kind": "ward"}, status=409, code="store_exists")

    def test_what_was_used_and_the_default_one_stay(self, api_as, batch, store):
        client = api_as(pharmacist())
        transferred(batch, 1, to=store, on=today())
        used = [client.delete(f"{V1}stores/{each.public_id}/") for each in (store, batch.store)]

        assert [(answer.status_code, answer.data["code"]) for answer in used] == [(409, "store_in_use")] * 2
        assert Store.objects.count() == 2

    def test_one_removed_meanwhile_takes_no_stock(self, batch, store):
        remove_store(store_id=store.pk, by=None)

        with pytest.raises(InvalidInput):
            transferred(batch, 1, to=store, on=today())

        assert Batch.objects.count() == 1

    @pytest.mark.parametrize(
        ("statement", "rule"),
        [
            ("UPDATE pharmacy_store SET kind = 'storeroom' WHERE NOT is_default", "store_kind_is_final"),
            ("UPDATE pharmacy_store SET is_default = false", "store_kind_is_final"),
            ("DELETE FROM pharmacy_store WHERE is_default", "store_default_kept"),
            ("UPDATE pharmacy_store SET name = ''", "store_has_name"),
            ("UPDATE pharmacy_store SET name = 'Dispensary'", "store_name_once"),
        ],
    )
    def test_the_database_keeps_what_they_are(self, batch, statement, rule):
        storeroom(kind="ward")

        with pytest.raises(IntegrityError) as error, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)

        assert constraint_of(error.value) == rule

    @pytest.mark.parametrize(
        ("attributes", "rule"),
        [
            ({"kind": "dispensary", "is_default": True}, "store_one_default"),
            ({"kind": "ward", "is_default": True}, "store_default_is_a_dispensary"),
            ({"kind": "cupboard"}, "store_kind_known"),
        ],
    )
    def test_the_database_refuses_a_second_default_and_unknown_kinds(self, batch, attributes, rule):
        with pytest.raises(IntegrityError) as error, transaction.atomic():
            storeroom(**attributes)

        assert constraint_of(error.value) == rule


class TestTransfersByTheApi:
    def body(self, batch, store, **changes):
        return {"batch": str(batch.public_id), "store": str(store.public_id), "quantity": 5} | changes

    def test_one_is_made_shown_and_listed(self, api_as, batch, store):
        client = api_as(pharmacist())

        made = client.post(f"{V1}stock-transfers/", self.body(batch, store), format="json")

        assert made.status_code == 201
        assert (made.data["from_store_name"], made.data["to_store_name"], made.data["quantity"]) == ("Dispensary", "Reserve", 5)
        assert made.data["lot"] == batch.lot
        [row] = client.get(f"{V1}stock-transfers/", {"store": made.data["to_store"], "medicine": made.data["medicine"]}).data["results"]
        assert row == made.data == client.get(f"{V1}stock-transfers/{made.data['id']}/").data
        movements = client.get(f"{V1}stock-movements/", {"kind": "ADJUSTMENT"}).data["results"]
        assert {each["transfer"] and str(each["transfer"]) for each in movements} == {made.data["id"]}
        [there] = client.get(f"{V1}batches/", {"store": made.data["to_store"]}).data["results"]
        assert (there["id"], there["store_name"], there["on_hand"]) == (made.data["to_batch"], "Reserve", 5)

    def test_the_same_key_has_one_effect(self, api_as, batch, store):
        client, key = api_as(pharmacist()), {"HTTP_IDEMPOTENCY_KEY": "carry-1"}

        answers = [client.post(f"{V1}stock-transfers/", self.body(batch, store), format="json", **key) for _ in range(2)]

        assert answers[0].json() == answers[1].json()
        assert StockTransfer.objects.count() == 1

    @fields(
        quantity=NO_QUANTITIES, batch=NO_ROWS, store=NO_ROWS, witness=("x", [], 7, {}, {"username": "x"}, {"username": [], "password": 1})
    )
    def test_a_bad_one_moves_nothing(self, refused, batch, store, bad):
        refused("stock-transfers/", self.body(batch, store) | bad)

    @pytest.mark.parametrize("body", NO_BODIES, ids=str)
    def test_a_body_that_is_no_object_moves_nothing(self, refused, body):
        refused("stock-transfers/", body)

    def test_more_than_is_there_and_the_same_store_are_refused(self, refused, batch, store):
        refused("stock-transfers/", self.body(batch, store, quantity=51), status=409, code="not_on_hand")
        refused("stock-transfers/", self.body(batch, batch.store))

    @pytest.mark.parametrize("query", ["store=x", "medicine=%00", "date_from=2027-02-30", "date_to=99999-01-01", "store=1"])
    def test_bad_filters_are_named(self, api_as, query):
        answer = api_as(pharmacist()).get(f"{V1}stock-transfers/?{query}")

        assert (answer.status_code, list(answer.json()["errors"])) == (400, [query.split("=")[0]])

    def test_a_list_is_flat(self, api_as, batch, store, django_assert_max_num_queries):
        client = api_as(pharmacist())
        for _ in range(3):
            transferred(batch, 1, to=store, on=today())
        with django_assert_max_num_queries(10) as few:
            client.get(f"{V1}stock-transfers/")
        for _ in range(20):
            transferred(stocked(5, on=today(), expires_on=soon(400, today())), 1, to=store, on=today())

        with django_assert_max_num_queries(len(few.captured_queries)):
            assert client.get(f"{V1}stock-transfers/").data["results"][22]

    @pytest.mark.parametrize(("role", "status"), [(Role.MANAGER, 403), (Role.DOCTOR, 403), (Role.PATIENT, 403), (Role.PHARMACIST, 201)])
    def test_is_for_who_manages_stock(self, api_as, batch, store, role, status):
        who = pharmacist() if role == Role.PHARMACIST else user(role)

        answer = api_as(who).post(f"{V1}stock-transfers/", self.body(batch, store), format="json")

        assert (answer.status_code, StockTransfer.objects.exists()) == (status, status == 201)

    def test_expiring_stock_and_worth_are_shown_by_store(self, api_as, store):
        client = api_as(pharmacist())
        old = stocked(10, on=today(), expires_on=soon(20, today()))
        transferred(old, 4, to=store, on=today())

        expiring = client.get(f"{V1}inventory/expiring/", {"days": 30, "store": str(store.public_id)}).data["results"]
        value = client.get(f"{V1}inventory/value/").data

        assert [(row["store_name"], row["on_hand"]) for row in expiring] == [("Reserve", 4)]
        assert {row["name"]: row["usable"] for row in value["stores"]} == {"Dispensary": "0.60", "Reserve": "0.40"}
        assert value["usable"] == "1.00"

    def test_a_delivery_goes_where_it_is_said(self, api_as, store):
        body = {"medicine": str(MedicineFactory().public_id), "lot": "A1", "expires_on": soon(300, today()).isoformat(), "quantity": 5}

        made = api_as(pharmacist()).post(f"{V1}batches/", body | {"unit_cost": "0.10", "store": str(store.public_id)}, format="json")

        assert (made.status_code, made.data["store_name"]) == (201, "Reserve")


class TestTransfersByThePages:
    def url(self, batch):
        return reverse("pharmacy:transfer", args=[batch.medicine.public_id])

    def form(self, batch, store, **changes):
        return {"batch": batch.public_id, "store": store.public_id, "quantity": 5, "request_id": uuid4()} | changes

    def test_the_medicines_page_carries_and_shows_both_stores(self, client_as, batch, store):
        client = client_as(pharmacist())

        answer = client.post(self.url(batch), self.form(batch, store), follow=True)

        assert "5 tablets of lot" in answer.content.decode()
        assert {each.store.name: each.on_hand for each in answer.context["batches"]} == {"Dispensary": 45, "Reserve": 5}
        assert (answer.context["medicine"].on_hand, answer.context["medicine"].in_stores) == (45, 50)

    def test_a_double_click_carries_once(self, client_as, batch, store):
        client, form = client_as(pharmacist()), self.form(batch, store)

        assert [client.post(self.url(batch), form).status_code for _ in range(2)] == [302, 302]
        assert StockTransfer.objects.count() == 1

    @pytest.mark.parametrize(
        "bad",
        [{"quantity": value} for value in ("", "0", "-1", "x", "1\0", "10" * 20, "51")]
        + [{"batch": value} for value in ("", "x", "\0", NOBODY)]
        + [{"store": value} for value in ("", "x", "\0", NOBODY)]
        + [{"request_id": value} for value in ("", "x", "\0")],
        ids=str,
    )
    def test_a_bad_form_is_shown_again(self, client_as, batch, store, bad):
        answer = client_as(pharmacist()).post(self.url(batch), self.form(batch, store) | bad)

        assert answer.status_code in (400, 409, 422)
        assert answer.context["transfer_form"].errors
        assert not StockTransfer.objects.exists()

    def test_a_lot_of_another_medicine_is_refused(self, client_as, batch, store):
        other = stocked(5, on=today(), expires_on=soon(400, today()))

        answer = client_as(pharmacist()).post(self.url(batch), self.form(other, store))

        assert answer.context["transfer_form"].errors["batch"]
        assert not StockTransfer.objects.exists()

    def test_the_list_names_what_went_where(self, client_as, batch, store, django_assert_max_num_queries):
        transferred(batch, 7, to=store, on=today())
        client = client_as(pharmacist())

        with django_assert_max_num_queries(10):
            page = client.get(reverse("pharmacy:transfers")).content.decode()

        assert batch.medicine.name in page
        assert "7 tablets" in page

    def test_a_store_is_added_there_and_a_name_twice_is_not(self, client_as, batch):
        client, url = client_as(pharmacist()), reverse("pharmacy:transfers")

        first = client.post(url, {"name": "Reserve", "kind": "storeroom"})
        second = client.post(url, {"name": "reserve", "kind": "ward"})

        assert (first.status_code, second.status_code) == (302, 409)
        assert Store.objects.filter(name__iexact="reserve").count() == 1

    def test_only_who_manages_stock_adds_one(self, client_as, batch):
        answer = client_as(user(Role.MANAGER)).post(reverse("pharmacy:transfers"), {"name": "Reserve", "kind": "storeroom"})

        assert (answer.status_code, Store.objects.count()) == (403, 1)

    def test_stock_that_is_only_elsewhere_is_said_to_be(self, client_as, store):
        medicine = MedicineFactory(reorder_level=2)
        stocked(5, medicine=medicine, on=today(), expires_on=soon(400, today()), store=store)
        client = client_as(pharmacist())

        assert "Only in other stores" in client.get(reverse("pharmacy:stock")).content.decode()
        assert medicine not in client.get(reverse("pharmacy:stock") + "?only=low").context["page_obj"].object_list


def test_who_adds_a_store_is_written_down(batch):
    who = pharmacist()
    store = add_store(data={"name": "Reserve", "kind": "ward"}, by=who)

    assert OutboxEvent.objects.get(action="pharmacy.store.added", actor=who).resource_id == store.public_id
