"""What to order, what the stock is worth, and what went out by week."""

import random
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from django.urls import reverse
from django.utils import timezone

from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import user
from pharmacy.models import Batch, MovementKind, StockMovement, Store
from pharmacy.rules.reordering import advise
from pharmacy.selectors.demand import days_in_stock, dispensed_units, reorder_lines, stock_value, weekly_consumption
from pharmacy.services.returning import return_dispensed
from pharmacy.services.stock import change_batch_state
from pharmacy.tests.factories import TODAY, MedicineFactory, dispensed, line_of, pharmacist, signed, soon, stocked

pytestmark = pytest.mark.django_db
V1 = "/api/v1/"
RETURN = "6f3c2f0e-7d58-4a0c-8a8e-1f1f5b0c7a02"


def advice(**changes):
    return advise(**({"dispensed": 90, "days_in_stock": 90, "on_hand": 5, "reorder_level": 0, "lead_days": 7, "cover_days": 30} | changes))


def test_an_order_covers_the_wait_and_the_time_after_it():
    assert advice().quantity == 37 - 5


def test_days_without_stock_do_not_lower_the_demand():
    assert advice(dispensed=90, days_in_stock=30).daily == Fraction(3)


@pytest.mark.parametrize(("on_hand", "is_due"), [(7, True), (8, False)])
def test_it_is_due_when_what_is_there_lasts_no_longer_than_a_delivery(on_hand, is_due):
    assert bool(advice(on_hand=on_hand).quantity) is is_due


def test_the_reorder_level_counts_where_demand_is_low():
    assert advice(dispensed=0, on_hand=20, reorder_level=20).quantity == 1
    assert advice(dispensed=0, on_hand=21, reorder_level=20).quantity == 0


def test_what_never_went_out_and_has_no_level_is_not_ordered():
    nothing = advice(dispensed=0, days_in_stock=0, on_hand=0)

    assert (nothing.quantity, nothing.days_left) == (0, None)


def at(day: date, hour: int = 12) -> datetime:
    return timezone.make_aware(datetime.combine(day, time(hour)))


def ledger(medicine, *moves: tuple[date, int], expires_on: date = date(2030, 1, 1)) -> Batch:
    """A batch whose ledger says on which days how many units came (+) or were thrown away (-)."""
    batch = Batch.objects.create(
        medicine=medicine, lot=f"L{Batch.objects.count()}", store=Store.objects.default(), expires_on=expires_on,
        received_on=moves[0][0], unit_cost="1.00", received_quantity=moves[0][1], on_hand=sum(units for _, units in moves),
    )  # fmt: skip
    balance = 0
    for day, units in moves:
        balance += units
        kind = MovementKind.IN if units > 0 else MovementKind.WASTE
        StockMovement.objects.create(batch=batch, kind=kind, quantity=units, balance=balance, reason="test", at=at(day))
    return batch


def test_a_day_counts_when_something_was_there_at_some_time_of_it():
    medicine = MedicineFactory()
    ledger(medicine, (soon(-10), 5), (soon(-8), -5))
    ledger(medicine, (soon(-8), 5), (soon(-7), -5))
    ledger(medicine, (soon(-3), 5), expires_on=soon(-1))

    assert days_in_stock(first=soon(-90), until=TODAY) == {medicine.pk: 4 + 2}


def test_days_in_stock_agree_with_looking_at_each_day():
    dice = random.Random(7)
    expected = {}
    for _ in range(12):
        medicine, held = MedicineFactory(), set()
        for _ in range(dice.randint(1, 3)):
            day, moves, left = soon(-dice.randint(10, 60)), [], 0
            expires_on = day + timedelta(days=dice.randint(5, 60))
            for _ in range(dice.randint(1, 4)):
                units = dice.randint(1, 5) if not left or dice.random() < 0.3 else -dice.choice([left, max(left // 2, 1)])
                moves.append((day, units))
                left += units
                day += timedelta(days=dice.randint(0, 12))
            ledger(medicine, *moves, expires_on=expires_on)
            held |= {day for day in (soon(-40 + n) for n in range(40)) if _was_there(moves, day) and day < expires_on}
        if held:
            expected[medicine.pk] = len(held)

    assert expected
    assert days_in_stock(first=soon(-40), until=TODAY) == expected


def _was_there(moves, day) -> bool:
    before = sum(units for when, units in moves if when < day)
    balances, left = [before], before
    for when, units in moves:
        if when == day:
            left += units
            balances.append(left)
    return any(balances)


def test_demand_is_what_patients_kept():
    medicine = MedicineFactory()
    stocked(100, medicine=medicine, on=soon(-30))
    made = dispensed(signed(line_of(medicine, 10)), on=soon(-5))
    dispensed(signed(line_of(medicine, 7)), on=TODAY)
    return_dispensed(
        dispense_id=made.pk, to="batch", reason="wrong", by=pharmacist(), request_id=RETURN,
        lines=[{"line": made.lines.get().public_id, "quantity": 4}],
    )  # fmt: skip

    assert dispensed_units(first=soon(-90), until=TODAY) == {medicine.pk: 6}
    assert dict(weekly_consumption(medicine, on=TODAY))[soon(-7)] == 6  # 1 March 2027 is a Monday


def test_what_runs_out_first_is_ordered_first():
    today = timezone.localdate()
    slow, fast, enough = MedicineFactory(), MedicineFactory(), MedicineFactory()
    for medicine, there, quantity in ((slow, 30, 24), (fast, 30, 28), (enough, 500, 5)):
        ledger(medicine, (soon(-10, today), there))
        dispensed(signed(line_of(medicine, quantity)), on=soon(-2, today))

    lines = reorder_lines(on=today)

    assert [line.medicine for line in lines] == [fast, slow]
    assert (lines[0].days_in_stock, lines[0].daily, lines[0].advice.days_left) == (10, Decimal("2.80"), 0)
    assert lines[0].advice.quantity == 104 - 2  # 2.8 a day for 37 days is 103.6
    assert enough in [line.medicine for line in reorder_lines(on=today, only_due=False)]


def test_the_stock_is_worth_what_was_paid_for_it():
    stocked(10)
    aside = stocked(20)
    change_batch_state(batch_id=aside.pk, to="quarantined", reason="damp", by=None)
    stocked(30, expires_on=soon(1))

    value = stock_value(on=soon(1))

    assert (value.usable, value.set_aside, value.expired, value.total) == (Decimal(1), Decimal(2), Decimal(3), Decimal(6))


def test_the_api_advises_and_values(api_as):
    medicine = MedicineFactory(reorder_level=50)
    stocked(40, medicine=medicine, on=timezone.localdate(), expires_on=soon(900))
    client = api_as(user(Role.PHARMACIST))

    [row] = client.get(V1 + "inventory/reorder/").data["results"]

    assert (row["medicine"], row["on_hand"], row["order_quantity"], row["days_left"]) == (str(medicine.public_id), 40, 11, None)
    value = client.get(V1 + "inventory/value/").data
    assert [value.pop("stores")[0]["name"], value] == [
        "Dispensary",
        {"usable": "4.00", "set_aside": "0.00", "expired": "0.00", "total": "4.00"},
    ]
    assert api_as(user(Role.RECEPTION)).get(V1 + "inventory/reorder/").status_code == 403
    assert api_as(user(Role.RECEPTION)).get(V1 + "inventory/value/").status_code == 403


@pytest.mark.parametrize("rows", [3, 30])
def test_the_advice_costs_the_same_for_many_medicines(rows, client_as, django_assert_max_num_queries):
    for _ in range(rows):
        stocked(1, medicine=MedicineFactory(reorder_level=5), on=timezone.localdate(), expires_on=soon(900))
    client = client_as(user(Role.PHARMACIST))

    with django_assert_max_num_queries(8):
        page = client.get(reverse("pharmacy:reorder"))

    assert page.content.decode().count("5 tablets") == rows


def test_the_stock_pages_show_value_and_consumption(client_as):
    batch = stocked(10, on=timezone.localdate(), expires_on=soon(900))
    client = client_as(user(Role.MANAGER))

    assert "1.00" in client.get(reverse("pharmacy:stock")).content.decode()
    assert 'data-chart-of="weeks"' in client.get(reverse("pharmacy:medicine", args=[batch.medicine.public_id])).content.decode()


def test_every_scheduled_task_is_there():
    from clinic.celery import app

    app.loader.import_default_modules()

    assert {entry["task"] for entry in app.conf.beat_schedule.values()} <= set(app.tasks)
    assert "pharmacy.tasks.expire_prescriptions" in {entry["task"] for entry in app.conf.beat_schedule.values()}
