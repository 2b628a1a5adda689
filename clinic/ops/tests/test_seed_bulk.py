"""The large clinics: their diary by arithmetic, and a small one loaded whole, with every rule back in its place."""

import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import IntegrityError, connection
from django.db.models import F, Sum

from analytics.checks import star
from analytics.etl.running import run_etl
from analytics.models import DoctorYear, EtlState, FactAppointment
from billing.models import Invoice, InvoiceCounter, InvoiceLine, Payment
from clinic.accounts.models import Doctor
from clinic.ops.management.commands import seed
from clinic.ops.prove.figures_sql import FACTS, SUMS, differing
from clinic.ops.seed import filling, ground, prices, shelf
from clinic.ops.seed.bulk import loading
from clinic.ops.seed.bulk.diary import BOOKED, COMPLETED, Diary
from clinic.ops.seed.bulk.people import patient_lines
from clinic.ops.seed.bulk.scale import SCALES, Scale, working_days
from patients.models import Encounter, MrnCounter, Patient
from patients.rules.notes import sha256_of
from patients.services.signed_content import content_of
from pharmacy.models import Batch, StockMovement
from scheduling.models import Appointment
from scheduling.selectors.hours import bookable_days

TODAY = date(2026, 3, 18)
ZONE = ZoneInfo("Europe/Berlin")
SMALL = Scale("tiny", patients=60, doctors=4, appointments=3_000, with_papers=True)


class TestDiary:
    def test_holds_as_many_as_the_scale_says_each_in_a_slot_of_its_own(self):
        visits = list(Diary(SMALL, today=TODAY, zone=ZONE))

        assert [visit.number for visit in visits] == list(range(3_000))
        assert len({(visit.doctor, visit.start) for visit in visits}) == 3_000
        assert len({(visit.patient, visit.start) for visit in visits}) == 3_000

    def test_keeps_to_the_hours_of_the_clinics_wall_clock_in_summer_and_winter(self):
        starts = [visit.start.astimezone(ZONE) for visit in Diary(SMALL, today=TODAY, zone=ZONE)]

        assert {start.utcoffset() for start in starts} == {timedelta(hours=1), timedelta(hours=2)}
        assert {start.hour for start in starts} <= set(range(9, 17))
        assert {start.minute for start in starts} <= {0, 20, 40}

    def test_is_booked_ahead_and_over_behind(self):
        statuses = Counter((visit.status == BOOKED, visit.start.date() > TODAY) for visit in Diary(SMALL, today=TODAY, zone=ZONE))

        assert set(statuses) == {(True, True), (False, False)}

    def test_is_the_same_in_every_run(self):
        assert list(Diary(SMALL, today=TODAY, zone=ZONE)) == list(Diary(SMALL, today=TODAY, zone=ZONE))
        assert list(patient_lines(SMALL, 1, 1, TODAY)) == list(patient_lines(SMALL, 1, 1, TODAY))

    @pytest.mark.parametrize("scale", SCALES.values(), ids=SCALES)
    def test_every_scale_fits_into_the_slots_there_are(self, scale):
        diary = Diary(scale, today=TODAY, zone=ZONE)

        assert next(iter(diary)).number == 0

    def test_more_than_the_slots_hold_is_refused(self):
        slots = len(working_days(TODAY)) * 24

        with pytest.raises(ValueError, match="more appointments than slots"):
            Diary(Scale("full", patients=10, doctors=1, appointments=slots + 1, with_papers=False), today=TODAY, zone=ZONE)


@pytest.fixture
def ground_only(monkeypatch):
    """The small demo as far as the large one builds on it: people, places, prices and the shelf."""
    steps = {
        "staff": ground.seed_staff,
        "places": ground.seed_places,
        "doctors": ground.seed_doctors,
        "prices": prices.seed_prices,
        "medicines": shelf.seed_medicines,
    }
    monkeypatch.setattr(filling, "STEPS", list(steps.items()))
    monkeypatch.setattr(seed, "SCALES", {"predecessor": SMALL})


def rules_of_the_database() -> set[tuple]:
    """Definitions without casts and brackets: PostgreSQL words these otherwise when it reads its own definition back."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), convalidated FROM pg_constraint WHERE conrelid <> 0"
        )
        found = set(cursor.fetchall())
        cursor.execute("SELECT tablename, indexname, indexdef, '' FROM pg_indexes WHERE schemaname = 'public'")
        found |= set(cursor.fetchall())
        cursor.execute("SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid), tgenabled FROM pg_trigger WHERE NOT tgisinternal")
        found |= set(cursor.fetchall())
    return {(table, name, re.sub(r"::[a-z ]+(\[\])?|[() ]", "", definition), state) for table, name, definition, state in found}


@pytest.mark.django_db(transaction=True)
class TestLoading:
    def test_a_loaded_clinic_ties_out(self, ground_only, capsys):
        run_etl()  # figures of an empty clinic, and what is loaded goes past their queue
        before = rules_of_the_database()

        call_command("seed", scale="predecessor")

        assert rules_of_the_database() == before
        assert (Patient.objects.count(), Appointment.objects.count()) == (60, 3_000)
        self.visits_are_signed_as_they_stand()
        self.stock_is_the_sum_of_its_movements()
        self.money_ties_out()
        self.figures_are_of_all_that_was_loaded()
        self.new_ones_follow_the_loaded_ones()
        self.a_doctors_day_is_read_by_the_product()
        self.a_second_run_changes_nothing(capsys)

    def visits_are_signed_as_they_stand(self):
        encounters = Encounter.objects.filter(status=COMPLETED)
        assert encounters.count() == Appointment.objects.filter(status=COMPLETED, encounter__patient=F("patient")).count() > 2_000
        for encounter in encounters.order_by("pk")[:20]:
            assert encounter.content_sha256 == sha256_of(content_of(encounter))
            assert encounter.signed_by_id == encounter.doctor.user_id

    def stock_is_the_sum_of_its_movements(self):
        moved = dict(StockMovement.objects.values_list("batch").annotate(Sum("quantity")))
        assert moved == dict(Batch.objects.values_list("pk", "on_hand"))
        assert StockMovement.objects.filter(kind="OUT").count() > 1_000

    def money_ties_out(self):
        for year, last in InvoiceCounter.objects.values_list("year", "last_number"):
            numbers = Invoice.objects.filter(number__startswith=f"INV-{year}-").values_list("number", flat=True)
            assert sorted(numbers) == [f"INV-{year}-{number:06}" for number in range(1, last + 1)]
        billed = dict(InvoiceLine.objects.values_list("invoice").annotate(Sum("total")))
        assert billed == dict(Invoice.objects.values_list("pk", "total")) == dict(Payment.objects.values_list("invoice", "amount"))

    def figures_are_of_all_that_was_loaded(self):
        assert EtlState.objects.get().as_of
        assert FactAppointment.objects.count() == 3_000
        assert DoctorYear.objects.aggregate(Sum("visits"))["visits__sum"] == Encounter.objects.count() > 2_000
        assert [*star.facts(60), *star.SUMS(60)] == []
        with connection.cursor() as cursor:
            for table in FACTS | SUMS:
                cursor.execute(differing(table, settings.TIME_ZONE))
                assert cursor.fetchone() == (0,), table

    def new_ones_follow_the_loaded_ones(self):
        numbers = [int(mrn.split("-")[0]) for mrn in Patient.objects.values_list("mrn", flat=True)]
        assert MrnCounter.objects.get().last_number == max(numbers)
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval(pg_get_serial_sequence('scheduling_appointment', 'id'))")
            assert cursor.fetchone()[0] > Appointment.objects.latest("pk").pk

    def a_doctors_day_is_read_by_the_product(self):
        booked = Appointment.objects.filter(status=BOOKED).earliest("during")
        start = booked.during.lower
        days = bookable_days(doctor_id=booked.doctor_id, first=start.date(), days=1, now=start - timedelta(days=1))
        assert start not in {slot.start for slot in days[0].slots if getattr(slot, "available", True)}

    def a_second_run_changes_nothing(self, capsys):
        capsys.readouterr()
        call_command("seed", scale="predecessor")
        assert "Nothing changed" in capsys.readouterr().out
        assert Appointment.objects.count() == 3_000

    def test_what_a_constraint_refuses_is_rolled_back_whole(self, ground_only, monkeypatch):
        """Every visit at the same moment: nobody can be in so many rooms."""
        before = rules_of_the_database()
        line = loading.visits.appointments.line
        moment = f"[{datetime(2027, 1, 4, 9, tzinfo=UTC)},{datetime(2027, 1, 4, 10, tzinfo=UTC)})"
        monkeypatch.setattr(loading.visits.appointments, "line", lambda *values: line(*values[:5], moment, *values[6:]))

        with pytest.raises(IntegrityError, match=r"appointment_(doctor|patient)_booked_once"):
            call_command("seed", scale="predecessor")

        assert rules_of_the_database() == before
        assert not Doctor.objects.filter(user__username__startswith="doctor.0").exists()
        assert not Appointment.objects.exists()
