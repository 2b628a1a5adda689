"""The figures of the storeroom equal plain SQL over the lines of the ledger, on months of made-up days."""

import random
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from uuid import uuid4

import pgtrigger
import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from clinic.core.errors import DomainError
from patients.tests.factories import EncounterFactory, TreatmentTypeFactory
from pharmacy.models import Batch, Medicine, MovementKind, StockMovement, Store
from pharmacy.selectors.demand import DEMAND_DAYS, dispensed_units, reorder_lines, stock_value, weekly_consumption
from pharmacy.services.returning import return_dispensed
from pharmacy.services.stock import adjust_batch, change_batch_state
from pharmacy.services.treating import give_treatment
from pharmacy.tests.factories import MedicineFactory, dispensed, line_of, pharmacist, signed, stocked, storeroom, transferred

pytestmark = pytest.mark.django_db
V1 = "/api/v1/"
DAYS = 100
STEPS = 130


class Clinic:
    """Days on which stock comes, is carried about, goes out, comes back, is corrected and set aside, by the services."""

    def __init__(self, seed: int, today: date):
        self.dice, self.today = random.Random(seed), today
        self.who, self.kind, self.visit = pharmacist(), TreatmentTypeFactory(), EncounterFactory()
        self.stores = [Store.objects.default(), storeroom(), storeroom(kind="dispensary")]
        self.medicines = [MedicineFactory(reorder_level=level) for level in (0, 5, 20, 60, 200)]
        self.given, self.written = [], 0
        deeds = [self.receive, self.give, self.give, self.treat, self.take_back, self.carry, self.correct, self.set_aside]
        for step in range(STEPS):
            self.day = today - timedelta(days=DAYS - DAYS * step // STEPS)
            self.do(self.dice.choice(deeds) if step > 8 else self.receive)

    def do(self, deed) -> None:
        """What is refused is no part of the day. What was written gets the time of that day."""
        before = StockMovement.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        try:
            deed()
        except DomainError:
            return
        self.written += 1
        at = timezone.make_aware(datetime.combine(self.day, time(8))) + timedelta(minutes=self.written)
        connection.check_constraints()
        with pgtrigger.ignore("pharmacy.StockMovement:movement_append_only"):
            StockMovement.objects.filter(pk__gt=before).update(at=at)

    def medicine(self) -> Medicine:
        return Medicine.objects.get(pk=self.dice.choice(self.medicines).pk)

    def batch(self) -> Batch:
        return self.dice.choice(list(Batch.objects.filter(on_hand__gt=0).order_by("pk")))

    def receive(self):
        expires_on, store = self.day + timedelta(days=self.dice.randint(3, 250)), self.dice.choice(self.stores)
        made = stocked(self.dice.randint(5, 60), medicine=self.medicine(), expires_on=expires_on, on=self.day, store=store)
        Batch.objects.filter(pk=made.pk).update(unit_cost=Decimal(self.dice.randint(1, 99_999)) / 10_000)

    def give(self):
        made = dispensed(signed(line_of(self.medicine(), self.dice.randint(1, 25)), reason="again"), on=self.day, by=self.who)
        self.given.append(made)

    def treat(self):
        medicines = [{"medicine": self.medicine(), "quantity": self.dice.randint(1, 6)}]
        give_treatment(
            encounter_id=self.visit.pk, treatment_type=self.kind, notes="", medicines=medicines, by=self.who, on=self.day,
            request_id=uuid4(),
        )  # fmt: skip

    def take_back(self):
        if self.given:
            dispense, to = self.dice.choice(self.given), self.dice.choice(["batch", "quarantine"])
            line = dispense.lines.order_by("pk").first()
            lines = [{"line": line.public_id, "quantity": self.dice.randint(1, line.quantity)}]
            return_dispensed(dispense_id=dispense.pk, to=to, reason="unused", by=self.who, lines=lines, request_id=uuid4())

    def carry(self):
        batch, store = self.batch(), self.dice.choice(self.stores)
        transferred(batch, self.dice.randint(1, batch.on_hand), to=store, on=self.day, by=self.who)

    def correct(self):
        kind, units = self.dice.choice([(MovementKind.WASTE, -3), (MovementKind.ADJUSTMENT, 2), (MovementKind.ADJUSTMENT, -2)])
        adjust_batch(batch_id=self.batch().pk, quantity=units, kind=kind, reason="count", by=self.who)

    def set_aside(self):
        if self.dice.random() < 0.4:
            to = self.dice.choice(["quarantined", "available", "available", "recalled"])
            change_batch_state(batch_id=self.batch().pk, to=to, reason="why", by=self.who)


@pytest.fixture(params=[1, 2])
def clinic(request):
    return Clinic(request.param, timezone.localdate())


def sql(statement: str, **values) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values | {"zone": settings.TIME_ZONE})
        return cursor.fetchall()


# What patients kept of each line that went out, on the day that it went out. Nothing but the ledger is read.
KEPT = """
WITH kept AS (
    SELECT MIN(batch_id) FILTER (WHERE kind = 'OUT') AS batch_id, -SUM(quantity) AS units,
           (MIN(at) FILTER (WHERE kind = 'OUT') AT TIME ZONE %(zone)s)::date AS day
      FROM pharmacy_stockmovement WHERE kind IN ('OUT', 'RETURN') GROUP BY dispense_line_id, treatment_line_id
)
"""
# What is there of each batch, by the ledger.
THERE = "WITH there AS (SELECT batch_id, SUM(quantity) AS units FROM pharmacy_stockmovement GROUP BY batch_id)"


def test_the_days_have_all_of_it(clinic):
    """Else the comparisons would hold for want of anything to compare."""
    kinds = set(StockMovement.objects.values_list("kind", flat=True))

    assert kinds == set(MovementKind.values)
    assert StockMovement.objects.filter(transfer__isnull=False).count() >= 6
    assert Batch.objects.filter(on_hand__gt=0, expires_on__lte=clinic.today).exists()
    assert Batch.objects.filter(on_hand__gt=0).exclude(state="available").exists()


def test_consumption_is_what_the_ledger_says_patients_kept(clinic):
    first, until = clinic.today - timedelta(days=60), clinic.today - timedelta(days=5)
    plain = KEPT + (
        "SELECT b.medicine_id, SUM(units) FROM kept JOIN pharmacy_batch b ON b.id = batch_id"
        " WHERE day >= %(first)s AND day < %(until)s GROUP BY 1"
    )

    assert dispensed_units(first=first, until=until) == dict(sql(plain, first=first, until=until))


def test_consumption_by_week_is_what_the_ledger_says(clinic):
    plain = KEPT + (
        "SELECT date_trunc('week', day)::date, SUM(units) FROM kept JOIN pharmacy_batch b ON b.id = batch_id"
        " WHERE b.medicine_id = %(medicine)s GROUP BY 1"
    )
    weeks = {medicine.pk: dict(sql(plain, medicine=medicine.pk)) for medicine in clinic.medicines}

    assert any(weeks.values())
    for medicine in clinic.medicines:
        shown = weekly_consumption(medicine, on=clinic.today)
        assert shown == [(week, weeks[medicine.pk].get(week, 0)) for week, _ in shown]


def test_what_expires_is_what_the_ledger_left_of_it(clinic, api_as):
    client = api_as(clinic.who)
    plain = THERE + (
        " SELECT b.public_id::text, units, s.name FROM there JOIN pharmacy_batch b ON b.id = batch_id"
        " JOIN pharmacy_store s ON s.id = b.store_id WHERE units > 0 AND b.expires_on <= %(before)s"
    )

    for days in (30, 60, 90):
        rows = client.get(f"{V1}inventory/expiring/", {"days": days, "page_size": 200}).json()["results"]
        expected = sql(plain, before=clinic.today + timedelta(days=days))
        assert sorted((row["id"], row["on_hand"], row["store_name"]) for row in rows) == sorted(expected)


def test_the_stock_is_worth_what_the_ledger_left_of_it(clinic):
    plain = (
        THERE
        + """
        SELECT s.name, COALESCE(SUM(units * unit_cost) FILTER (WHERE state = 'available' AND expires_on > %(on)s), 0),
               COALESCE(SUM(units * unit_cost) FILTER (WHERE state <> 'available'), 0),
               COALESCE(SUM(units * unit_cost) FILTER (WHERE state = 'available' AND expires_on <= %(on)s), 0)
          FROM there JOIN pharmacy_batch b ON b.id = batch_id JOIN pharmacy_store s ON s.id = b.store_id
         WHERE units > 0 GROUP BY s.name ORDER BY s.name"""
    )

    value, expected = stock_value(on=clinic.today), sql(plain, on=clinic.today)

    assert [(each.name, each.usable, each.set_aside, each.expired) for each in value.stores] == expected
    assert (value.usable, value.set_aside, value.expired) == tuple(sum(row[place] for row in expected) for place in (1, 2, 3))
    assert all((value.usable, value.set_aside, value.expired))


# A day counts when a batch that is not expired held something before it, or after one of its lines.
ADVICE = (
    KEPT
    + """, demand AS (
    SELECT b.medicine_id, SUM(units) AS units FROM kept JOIN pharmacy_batch b ON b.id = batch_id
     WHERE day >= %(first)s AND day < %(on)s GROUP BY 1
), running AS (
    SELECT batch_id, (at AT TIME ZONE %(zone)s)::date AS day, SUM(quantity) OVER (PARTITION BY batch_id ORDER BY id) AS left_over
      FROM pharmacy_stockmovement
), days AS (
    SELECT b.medicine_id, COUNT(DISTINCT day.day) AS days
      FROM pharmacy_batch b, generate_series(%(first)s::timestamp, %(on)s::timestamp - interval '1 day', '1 day') AS at,
           LATERAL (SELECT at::date AS day) AS day
     WHERE b.expires_on > day.day AND (
           EXISTS (SELECT FROM running r WHERE r.batch_id = b.id AND r.day = day.day AND r.left_over > 0)
        OR (SELECT SUM(quantity) FROM pharmacy_stockmovement m
             WHERE m.batch_id = b.id AND (m.at AT TIME ZONE %(zone)s)::date < day.day) > 0)
     GROUP BY 1
), held AS (
    SELECT b.medicine_id, SUM(quantity) AS units FROM pharmacy_stockmovement m JOIN pharmacy_batch b ON b.id = m.batch_id
     WHERE b.state = 'available' AND b.expires_on > %(on)s GROUP BY 1
), known AS (
    SELECT m.id, m.reorder_level AS level, COALESCE(demand.units, 0) AS demand, COALESCE(days.days, 0) AS days,
           COALESCE(held.units, 0) AS held
      FROM pharmacy_medicine m LEFT JOIN demand ON demand.medicine_id = m.id LEFT JOIN days ON days.medicine_id = m.id
      LEFT JOIN held ON held.medicine_id = m.id
), needs AS (
    SELECT *, CASE WHEN days = 0 THEN 0 ELSE ceil(demand * %(lead)s / days) END AS soon,
           CASE WHEN days = 0 THEN 0 ELSE ceil(demand * (%(lead)s + %(cover)s) / days) END AS whole FROM known
)
SELECT id, demand, days, held, CASE WHEN held > GREATEST(level, soon) THEN 0
       ELSE GREATEST(GREATEST(whole, CASE WHEN level > 0 THEN level + 1 ELSE 0 END) - held, 0) END FROM needs ORDER BY id
"""
)


def test_what_to_order_follows_from_the_ledger(clinic):
    first = clinic.today - timedelta(days=DEMAND_DAYS)
    values = {"first": first, "on": clinic.today, "lead": settings.STOCK_LEAD_DAYS, "cover": settings.STOCK_COVER_DAYS}

    lines = sorted(reorder_lines(on=clinic.today, only_due=False), key=lambda line: line.medicine.pk)

    shown = [(line.medicine.pk, line.dispensed, line.days_in_stock, line.medicine.in_stores, line.advice.quantity) for line in lines]
    assert shown == [tuple(map(int, row)) for row in sql(ADVICE, **values)]
    assert any(line.advice.quantity for line in lines)
    assert not all(line.advice.quantity for line in lines)
