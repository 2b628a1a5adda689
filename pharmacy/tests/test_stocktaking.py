"""Stock takes: counts, differences and the second person."""

import threading
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum
from django.urls import reverse

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from clinic.audit.models import OutboxEvent
from clinic.core.db import constraint_of
from clinic.core.errors import InvalidInput
from pharmacy import locks
from pharmacy.errors import CountOutdated, NotCounted, SecondPersonNeeded, StockTakeClosed
from pharmacy.models import Batch, CountLine, StockMovement, StockTake
from pharmacy.services import stocktaking
from pharmacy.services.stock import adjust_batch, change_batch_state
from pharmacy.services.stocktaking import approve_stock_take, drop_stock_take, open_stock_take, write_counts
from pharmacy.tests.factories import MedicineFactory, dispensed, line_of, pharmacist, signed, stocked

pytestmark = pytest.mark.django_db


def opened(by=None, **options) -> StockTake:
    return open_stock_take(by=by or pharmacist(), **({"which": "all", "request_id": uuid4()} | options))


def count(take: StockTake, units: int, *, by=None, batch: Batch | None = None) -> CountLine:
    line = take.lines.get(batch=batch) if batch else take.lines.get()
    write_counts(take_id=take.pk, counts={line.public_id: units}, by=by or pharmacist())
    line.refresh_from_db()
    return line


def corrections() -> list:
    return list(StockMovement.objects.filter(kind="ADJUSTMENT").values_list("batch", "quantity"))


class TestOpening:
    def test_sheet_lists_what_is_on_hand(self):
        held, controlled = stocked(5), stocked(3, medicine=MedicineFactory(is_controlled=True))
        empty = stocked(2)
        adjust_batch(batch_id=empty.pk, quantity=-2, reason="lost", by=pharmacist())

        assert {line.batch_id: line.expected for line in opened().lines.all()} == {held.pk: 5, controlled.pk: 3}
        assert [line.batch_id for line in opened(which="controlled").lines.all()] == [controlled.pk]
        assert [line.batch_id for line in opened(search=held.medicine.name.upper()).lines.all()] == [held.pk]

    def test_set_aside_list_is_of_what_may_not_go_out(self):
        stocked(5)
        aside = stocked(5)
        change_batch_state(batch_id=aside.pk, to="quarantined", reason="wet", by=None)

        assert [line.batch_id for line in opened(which="set_aside").lines.all()] == [aside.pk]

    def test_second_press_opens_no_second_sheet(self):
        stocked(5)
        by, request_id = pharmacist(), uuid4()

        assert opened(by, request_id=request_id) == opened(by, request_id=request_id)

    @pytest.mark.django_db(transaction=True)
    def test_two_presses_at_once_open_one_sheet(self, at_once, monkeypatch):
        batch, by, request_id, both_looked = stocked(5), pharmacist(), uuid4(), threading.Barrier(2, timeout=10)
        listed = stocktaking._listed

        def listed_together(*args):
            both_looked.wait()
            return listed(*args)

        monkeypatch.setattr(stocktaking, "_listed", listed_together)

        one, other = at_once(*[lambda: opened(by, request_id=request_id)] * 2)

        assert one == other == StockTake.objects.get()
        assert CountLine.objects.get().batch_id == batch.pk

    @pytest.mark.parametrize("options", [{"which": "nonsense"}, {"search": "no such medicine"}])
    def test_list_of_nothing_is_refused(self, options):
        stocked(5)

        with pytest.raises(InvalidInput):
            opened(**options)

        assert not StockTake.objects.exists()


class TestCounting:
    def test_approval_corrects_to_what_was_counted(self):
        batch = stocked(20)
        take = opened()
        count(take, 17)

        approve_stock_take(take_id=take.pk, by=pharmacist())
        connection.check_constraints()

        batch.refresh_from_db()
        assert batch.on_hand == 17
        assert corrections() == [(batch.pk, -3)]
        assert Batch.objects.aggregate(sum=Sum("movements__quantity"))["sum"] == 17

    def test_what_was_handed_out_before_the_count_is_no_difference(self):
        batch = stocked(20)
        take = opened()
        dispensed(signed(line_of(batch.medicine, 6)))

        line = count(take, 14)

        assert (line.expected, line.moved, line.variance) == (20, -6, 0)

    def test_what_is_handed_out_after_the_count_is_no_difference(self):
        batch = stocked(20)
        take = opened()
        count(take, 18)
        dispensed(signed(line_of(batch.medicine, 6)))

        approve_stock_take(take_id=take.pk, by=pharmacist())

        batch.refresh_from_db()
        assert batch.on_hand == 12

    def test_count_that_takes_away_more_than_is_left_has_to_be_counted_again(self):
        batch = stocked(20)
        take = opened()
        count(take, 5)
        dispensed(signed(line_of(batch.medicine, 6)))

        with pytest.raises(CountOutdated):
            approve_stock_take(take_id=take.pk, by=pharmacist())

        take.refresh_from_db()
        assert (take.state, corrections()) == ("counting", [])
        count(take, 0)
        approve_stock_take(take_id=take.pk, by=pharmacist())
        batch.refresh_from_db()
        assert batch.on_hand == 0

    def test_nobody_approves_the_own_count_or_sheet(self):
        stocked(20)
        opener, counter = pharmacist(), pharmacist()
        take = opened(opener)
        count(take, 19, by=counter)

        for person in (opener, counter):
            with pytest.raises(SecondPersonNeeded):
                approve_stock_take(take_id=take.pk, by=person)

        assert corrections() == []

    def test_sheet_that_is_not_counted_whole_is_not_approved(self):
        first, _second = stocked(5), stocked(5)
        take = opened()
        count(take, 4, batch=first)

        with pytest.raises(NotCounted):
            approve_stock_take(take_id=take.pk, by=pharmacist())

        assert corrections() == []

    def test_approving_twice_corrects_once(self):
        stocked(20)
        take, approver = opened(), pharmacist()
        count(take, 19)

        approve_stock_take(take_id=take.pk, by=approver)
        approve_stock_take(take_id=take.pk, by=approver)

        assert len(corrections()) == 1

    def test_dropped_sheet_takes_no_count_and_corrects_nothing(self):
        stocked(20)
        take = opened()
        drop_stock_take(take_id=take.pk, by=pharmacist())

        with pytest.raises(StockTakeClosed):
            count(take, 5)
        with pytest.raises(StockTakeClosed):
            approve_stock_take(take_id=take.pk, by=pharmacist())
        assert corrections() == []

    def test_controlled_medicine_is_corrected_with_the_counter_as_witness(self):
        stocked(20, medicine=MedicineFactory(is_controlled=True))
        take, counter, approver = opened(), pharmacist(), pharmacist()
        count(take, 19, by=counter)

        approve_stock_take(take_id=take.pk, by=approver)

        movement = StockMovement.objects.get(kind="ADJUSTMENT")
        assert (movement.by, movement.witness) == (approver, counter)

    def test_movement_goes_to_the_mirror_with_its_count(self):
        stocked(20)
        take = opened()
        count(take, 19)
        approve_stock_take(take_id=take.pk, by=pharmacist())

        document = OutboxEvent.objects.filter(topic="stock_movements").latest("id").document

        assert (document["movement_type"], document["reference"]) == ("ADJUSTMENT", {"type": "stock_take", "id": str(take.public_id)})

    @pytest.mark.parametrize("units", [-1, 2**31, 10**30])
    def test_units_out_of_range_are_refused(self, units):
        stocked(20)
        take = opened()

        with pytest.raises(InvalidInput):
            count(take, units)

        assert take.lines.get().counted is None

    def test_line_of_another_sheet_is_refused(self):
        stocked(20)
        take, other = opened(), opened()

        with pytest.raises(InvalidInput):
            write_counts(take_id=take.pk, counts={other.lines.get().public_id: 5}, by=pharmacist())


def refused_by(write) -> str:
    def attempt():
        write()
        connection.check_constraints()

    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        attempt()
    return constraint_of(refusal.value)


class TestRows:
    def test_approval_by_one_person_alone_is_refused(self):
        stocked(5)
        opener, counter = pharmacist(), pharmacist()
        take = opened(opener)
        count(take, 5, by=counter)
        rows = StockTake.objects.filter(pk=take.pk)
        closing = {"state": "approved", "closed_at": take.opened_at}

        assert refused_by(lambda: rows.update(closed_by=opener, **closing)) == "stock_take_approved_by_another"
        assert refused_by(lambda: rows.update(closed_by=counter, **closing)) == "stock_take_approved_by_who_did_not_count"
        assert refused_by(lambda: rows.update(state="approved")) == "stock_take_closed_by_someone"

    def test_approval_without_the_corrections_is_refused(self):
        stocked(5)
        take = opened()
        count(take, 4)
        rows = StockTake.objects.filter(pk=take.pk)

        refusal = refused_by(lambda: rows.update(state="approved", closed_by=pharmacist(), closed_at=take.opened_at))

        assert refusal == "stock_take_approved_by_who_did_not_count_corrected"

    def test_closed_sheet_stays(self):
        stocked(5)
        take = opened()
        line = count(take, 5)
        approve_stock_take(take_id=take.pk, by=pharmacist())

        assert refused_by(lambda: StockTake.objects.filter(pk=take.pk).update(state="counting")) == "stock_take_closed_is_final"
        assert refused_by(lambda: CountLine.objects.filter(pk=line.pk).update(counted=1)) == "count_line_frozen_when_closed"
        assert refused_by(line.delete) == "count_line_kept"
        assert refused_by(lambda: StockTake.objects.filter(pk=take.pk)._raw_delete("default")) == "stock_take_kept"

    def test_correction_is_what_was_counted(self):
        batch = stocked(5)
        take = opened()
        line = count(take, 4)

        def correct():
            Batch.objects.filter(pk=batch.pk).update(on_hand=2)
            StockMovement.objects.create(
                batch=batch, kind="ADJUSTMENT", quantity=-3, balance=2, reason="x", by=pharmacist(), count_line=line
            )

        assert refused_by(correct) == "movement_is_of_its_count"

    def test_count_says_who_and_against_what(self):
        stocked(5)
        line = CountLine.objects.filter(pk=opened().lines.get().pk)

        assert refused_by(lambda: line.update(counted=5)) == "count_line_counted_by_someone"
        assert refused_by(lambda: line.update(expected=9)) == "count_line_of_its_batch"

    @pytest.mark.parametrize("table", ["pharmacy_stocktake", "pharmacy_countline"])
    def test_tables_are_not_emptied(self, table):
        def truncate():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL clinic.may_truncate = 'off'")
                cursor.execute(f"TRUNCATE {table} CASCADE")

        assert refused_by(truncate).endswith("_not_truncated")


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_handing_out_while_it_is_approved_keeps_the_ledger_true(self, at_once):
        batch = stocked(20)
        take, approver, who = opened(), pharmacist(), [pharmacist() for _ in range(3)]
        count(take, 18)
        prescriptions = [signed(line_of(batch.medicine, 4)) for _ in who]

        results = at_once(
            lambda: approve_stock_take(take_id=take.pk, by=approver),
            *[lambda p=p, w=w: dispensed(p, by=w) for p, w in zip(prescriptions, who, strict=True)],
        )

        assert not [each for each in results if isinstance(each, Exception)]
        batch.refresh_from_db()
        assert batch.on_hand == 20 - 2 - 3 * 4 == batch.movements.aggregate(sum=Sum("quantity"))["sum"]

    def test_two_approvals_correct_once(self, at_once):
        batch = stocked(20)
        take, ann, bob = opened(), pharmacist(), pharmacist()
        count(take, 18)

        results = at_once(lambda: approve_stock_take(take_id=take.pk, by=ann), lambda: approve_stock_take(take_id=take.pk, by=bob))

        assert sorted(type(each).__name__ for each in results) == ["StockTake", "StockTakeClosed"]
        assert corrections() == [(batch.pk, -2)]

    def test_without_the_sheets_lock_the_database_stops_the_second_approval(self, at_once, monkeypatch):
        """The negative control: both find the sheet open; a difference is corrected by one movement only."""
        batch = stocked(20)
        take, ann, bob = opened(), pharmacist(), pharmacist()
        count(take, 18)
        both_have_read = threading.Barrier(2)
        lock_batches = locks.lock_batches

        def wait_then_lock(batch_ids):
            both_have_read.wait(30)
            return lock_batches(batch_ids)

        monkeypatch.setattr(locks, "lock_stock_take", lambda pk: StockTake.objects.get(pk=pk))
        monkeypatch.setattr(locks, "lock_batches", wait_then_lock)

        results = at_once(lambda: approve_stock_take(take_id=take.pk, by=ann), lambda: approve_stock_take(take_id=take.pk, by=bob))

        assert sorted(type(each).__name__ for each in results) == ["IntegrityError", "StockTake"]
        assert corrections() == [(batch.pk, -2)]


class TestApi:
    def test_sheet_is_opened_counted_and_approved(self, api_as):
        batch = stocked(20)
        counter, approver = api_as(pharmacist()), api_as(pharmacist())

        take = counter.post("/api/v1/stock-takes/", {"which": "all"}).json()
        url = f"/api/v1/stock-takes/{take['id']}/"
        counted = counter.post(f"{url}counts/", {"counts": [{"line": take["lines"][0]["id"], "counted": 18}]})
        alone = counter.post(f"{url}approve/")
        approved = approver.post(f"{url}approve/")

        assert counted.json()["lines"][0]["variance"] == -2
        assert (alone.status_code, alone.json()["code"]) == (409, "second_person_needed")
        assert (approved.status_code, approved.json()["state"]) == (200, "approved")
        batch.refresh_from_db()
        assert batch.on_hand == 18

    @pytest.mark.parametrize("counted", [-1, 1.5, "x", 2**31, 10**30, None, True, "\0"])
    def test_bad_counts_are_a_400_and_write_nothing(self, api_as, counted):
        stocked(20)
        take = opened()
        line = take.lines.get()

        answer = api_as(pharmacist()).post(
            f"/api/v1/stock-takes/{take.public_id}/counts/", {"counts": [{"line": str(line.public_id), "counted": counted}]}
        )

        assert answer.status_code == 400
        line.refresh_from_db()
        assert line.counted is None

    def test_others_do_not_count(self, api_as):
        assert api_as(user(Role.MANAGER)).post("/api/v1/stock-takes/", {"which": "all"}).status_code == 403
        assert api_as(user(Role.DOCTOR)).get("/api/v1/stock-takes/").status_code == 403


class TestPages:
    def test_sheet_is_worked_through_on_pages(self, client_as):
        batch = stocked(20)
        counter, approver = client_as(pharmacist()), client_as(pharmacist())

        counter.post(reverse("pharmacy:stock_takes"), {"which": "all", "request_id": str(uuid4())})
        take = StockTake.objects.get()
        line = take.lines.get()
        counter.post(reverse("pharmacy:write_counts", args=[take.public_id]), {f"counted-{line.public_id}": "18"})
        own = counter.post(reverse("pharmacy:approve_stock_take", args=[take.public_id]))
        assert own.status_code == 409
        approver.post(reverse("pharmacy:approve_stock_take", args=[take.public_id]))

        batch.refresh_from_db()
        assert batch.on_hand == 18
        assert b"Approved" in approver.get(reverse("pharmacy:stock_take", args=[take.public_id])).content

    @pytest.mark.parametrize("typed", ["-1", "1.5", "x", "1" * 30, "9999999999", "1\0", ""])
    def test_bad_counts_are_refused_in_place(self, client_as, typed):
        stocked(20)
        take = opened()
        line = take.lines.get()

        answer = client_as(pharmacist()).post(reverse("pharmacy:write_counts", args=[take.public_id]), {f"counted-{line.public_id}": typed})

        assert answer.status_code == 400
        assert b'role="alert"' in answer.content
        line.refresh_from_db()
        assert line.counted is None

    def test_sheet_is_flat_in_queries(self, client_as, django_assert_max_num_queries):
        for _ in range(8):
            stocked(5)
        take, client = opened(), client_as(pharmacist())

        with django_assert_max_num_queries(10):
            assert client.get(reverse("pharmacy:stock_take", args=[take.public_id])).status_code == 200
