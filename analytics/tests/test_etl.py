"""The star schema after additions, corrections, merges, deletions and crashes: always what a rebuild makes of the same rows."""

import threading
from datetime import datetime, timedelta
from decimal import Decimal

import pgtrigger
import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils import timezone

from analytics.etl import running
from analytics.etl.derived import Derived
from analytics.etl.rollups import ROLLUPS
from analytics.etl.sources import SOURCES
from analytics.models import (
    Change,
    DepartmentMonth,
    DimDate,
    DimDoctor,
    DimPatient,
    DoctorDay,
    DoctorMonth,
    DoctorYear,
    EtlState,
    FactAppointment,
    FactDispense,
    FactPayment,
    FactVisit,
    Subject,
)
from billing.services.crediting import credit_invoice
from billing.services.invoicing import void_invoice
from billing.services.payments import refund_payment
from billing.tests.factories import cashier, issued, issued_for, pay
from clinic.accounts.models import User
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DepartmentFactory, DoctorFactory, FacilityFactory, user
from patients.services.merging import merge_patients, unmerge_patients
from patients.tests.factories import EncounterFactory, PatientFactory
from pharmacy.models import Batch
from pharmacy.tests.factories import dispensed, line_of, signed, stocked
from scheduling.models import Appointment, Queue, Token

pytestmark = pytest.mark.django_db


def run():
    return running.run_etl()


@pytest.fixture
def current(db):
    """A star schema that is up to date with what little there is: runs after it work the queue off."""
    run()


def at(hour, minute=0, *, days=0):
    """By the clinic's clock, on a day of the past month."""
    return timezone.make_aware(datetime.combine(timezone.localdate() - timedelta(days=20 + days), datetime.min.time())).replace(
        hour=hour, minute=minute
    )


def book(start=None, *, status="booked", **more):
    start = start or at(10)
    closed = {"closed_reason": "Asked to"} if status == "cancelled" else {}
    more = {"patient": PatientFactory(), "doctor": DoctorFactory()} | more
    return Appointment.objects.create(during=DateTimeTZRange(start, start + timedelta(minutes=20)), status=status, **closed, **more)


def seen(appointment=None, *, called_after=None, minutes=None, **more):
    """A visit; of an appointment, with a token, signed after some minutes."""
    if appointment:
        more = {"patient": appointment.patient, "doctor": appointment.doctor, "started_at": appointment.starts_at} | more
    more = {"started_at": at(11)} | more
    if minutes is not None:
        more |= {"signed": True, "signed_at": more["started_at"] + timedelta(minutes=minutes)}
    encounter = EncounterFactory(**more)
    if appointment:
        Appointment.objects.filter(pk=appointment.pk).update(encounter=encounter, status="completed")
    if called_after is not None:
        queue, _ = Queue.objects.get_or_create(doctor=encounter.doctor, defaults={"code": f"Q{encounter.doctor_id % 1000}"})
        issued_at = encounter.started_at - timedelta(hours=1)
        called_at = issued_at + timedelta(minutes=called_after)
        give = {"queue": queue, "on": issued_at.date(), "number": encounter.pk, "patient": encounter.patient, "encounter": encounter}
        Token.objects.create(issued_at=issued_at, called_at=called_at, effective_at=issued_at, status="done", **give)
    return encounter


def tables():
    return [each.derived.table for each in (*SOURCES, *ROLLUPS)]


def star():
    """Every row of the star schema, without numbers of its own."""
    found = {}
    with connection.cursor() as cursor:
        for table in dict.fromkeys(tables()):
            own = "" if table.startswith("dim") else " - 'id'"
            cursor.execute(f"SELECT to_jsonb(t){own} FROM {table} t")
            found[table] = sorted(str(row[0]) for row in cursor.fetchall())
    return found


def made_anew():
    """What a rebuild of empty tables makes."""
    with connection.cursor() as cursor:
        for table in reversed(list(dict.fromkeys(tables()))):
            cursor.execute(f"DELETE FROM {table}")
    running.rebuild()
    return star()


def assert_current():
    """Nothing waits, a second run changes nothing, and all is as if it were made anew."""
    assert Change.objects.count() == 0
    assert run() == running.Done(batches=1)
    incremental = star()
    assert running.rebuild().changed == 0
    assert made_anew() == incremental


def test_an_appointment_becomes_a_fact(current):
    facility = FacilityFactory()
    appointment = book(at(14, 30), status="no_show", is_overbooked=True, overbook_reason="Urgent", facility=facility)
    Appointment.objects.filter(pk=appointment.pk).update(created_at=appointment.starts_at - timedelta(days=3))

    run()

    fact = FactAppointment.objects.get()
    assert (fact.source_id, fact.public_id) == (appointment.pk, appointment.public_id)
    assert fact.date == timezone.localdate(appointment.starts_at)
    assert (fact.start, fact.minutes, fact.hour, fact.weekday) == (appointment.starts_at, 20, 14, fact.date.isoweekday())
    assert (fact.booked_on, fact.lead_days) == (fact.date - timedelta(days=3), 3)
    assert (fact.patient_id, fact.doctor_id, fact.facility_id) == (appointment.patient_id, appointment.doctor_id, facility.pk)
    assert fact.department_id == appointment.doctor.department_id
    assert (fact.status, fact.is_no_show, fact.is_overbooked) == ("no_show", True, True)
    assert_current()


def test_the_day_is_the_clinics_not_utcs(current, settings):
    settings.TIME_ZONE = "Pacific/Auckland"
    timezone.deactivate()
    appointment = book(datetime.fromisoformat("2026-03-01T22:30:00+00:00"))

    run()

    fact = FactAppointment.objects.get(source_id=appointment.pk)
    assert (fact.date.isoformat(), fact.hour, fact.weekday) == ("2026-03-02", 11, 1)


def test_a_visit_becomes_a_fact_with_its_wait_and_its_length(current):
    encounter = seen(book(), called_after=17, minutes=12)

    run()

    fact = FactVisit.objects.get()
    assert (fact.source_id, fact.public_id, fact.date) == (encounter.pk, encounter.public_id, timezone.localdate(encounter.started_at))
    assert (fact.wait_minutes, fact.consult_minutes, fact.is_walk_in, fact.status) == (17, 12, False, "completed")
    assert fact.facility_id == encounter.doctor.department.facility_id
    assert_current()


def test_what_nobody_knows_of_a_visit_stays_empty(current):
    seen()  # not signed, no token, no appointment, no invoice

    run()

    fact = FactVisit.objects.get()
    assert (fact.wait_minutes, fact.consult_minutes, fact.is_walk_in, fact.charge) == (None, None, True, Decimal(0))


def test_charge_is_what_is_billed_for_the_consultation_until_it_is_voided(current):
    by, encounter = cashier(), seen(minutes=10)
    invoice = issued_for(encounter, by)
    run()
    billed = FactVisit.objects.get().charge

    void_invoice(invoice_id=invoice.pk, reason="Wrong patient", by=user(Role.MANAGER))
    run()

    assert billed == invoice.total > 0
    assert FactVisit.objects.get().charge == 0
    assert DoctorDay.objects.get().charge == 0
    assert_current()


def test_dispensed_units_become_facts_less_what_came_back(current):
    batch = stocked(20)
    Batch.objects.filter(pk=batch.pk).update(unit_cost=Decimal("1.2500"))
    prescription = signed(line_of(batch.medicine, 6))
    line = dispensed(prescription).lines.get()

    run()

    fact = FactDispense.objects.get()
    assert (fact.source_id, fact.quantity, fact.value) == (line.pk, 6, Decimal("7.50"))
    assert (fact.medicine_id, fact.doctor_id, fact.patient_id) == (batch.medicine_id, prescription.prescriber_id, prescription.patient_id)

    Batch.objects.filter(pk=batch.pk).update(unit_cost=Decimal("2.0000"))  # a late correction of the cost
    run()

    assert FactDispense.objects.get().value == Decimal("12.00")
    assert_current()


def test_payments_count_up_and_refunds_down(current):
    by, encounter = cashier(), seen(minutes=5)
    payment = pay(issued_for(encounter, by), by)
    refund_payment(payment_id=payment.pk, amount=Decimal("4.00"), reason="Too much", by=by, request_id=encounter.public_id)
    pay(issued(by), by)  # an invoice of no visit

    run()

    of_visit = FactPayment.objects.filter(doctor=encounter.doctor_id).order_by("kind")
    assert [(fact.kind, fact.amount, fact.method) for fact in of_visit] == [
        ("payment", payment.amount, "cash"),
        ("refund", Decimal(-4), "cash"),
    ]
    assert FactPayment.objects.get(doctor=None).department_id is None
    assert_current()


def test_a_visit_of_another_doctor_takes_its_payment_and_its_refund_along(current):
    by, encounter, other = cashier(), seen(minutes=5), DoctorFactory()
    payment = pay(issued_for(encounter, by), by)
    refund_payment(payment_id=payment.pk, amount=Decimal("4.00"), reason="Too much", by=by, request_id=encounter.public_id)
    run()

    with pgtrigger.ignore():
        type(encounter).objects.filter(pk=encounter.pk).update(doctor=other)
    run()

    assert set(FactPayment.objects.values_list("kind", "doctor")) == {("payment", other.pk), ("refund", other.pk)}
    assert_current()


def test_a_credit_note_lowers_the_charge(current):
    by, encounter = cashier(), seen(minutes=5)
    invoice = issued_for(encounter, by)
    run()
    credit = {"amount": Decimal("10.00"), "reason": "Goodwill", "on": timezone.localdate(), "request_id": encounter.public_id}
    credit_invoice(invoice_id=invoice.pk, by=user(Role.MANAGER), **credit)
    run()

    assert FactVisit.objects.get().charge == invoice.total - 10
    assert_current()


def test_dimensions_hold_what_is_so_now_and_no_patients_name(current):
    patient = PatientFactory(first_name="Zebulon", last_name="Canary")
    doctor = DoctorFactory()
    run()

    User.objects.filter(pk=doctor.user_id).update(first_name="New", last_name="Name")
    run()

    there = DimPatient.objects.get(pk=patient.pk)
    assert (there.sex, there.birth_year, there.registered_on) == (patient.sex, 1984, patient.registered_on)
    assert "Canary" not in str(vars(there))
    assert DimDoctor.objects.get(pk=doctor.pk).name == "Dr New Name"
    assert_current()


def test_a_sign_in_is_no_change(current):
    User.objects.filter(pk=DoctorFactory().user_id).update(last_login=timezone.now())

    assert not Change.objects.filter(subject=Subject.USER).exists()


def test_late_corrections_move_facts_and_sums_to_where_they_belong(current):
    appointment = book(at(9))
    run()

    later = at(15, days=-5)
    Appointment.objects.filter(pk=appointment.pk).update(
        during=(later, later + timedelta(minutes=45)), doctor=DoctorFactory(), status="cancelled", closed_reason="x"
    )
    run()

    day = DoctorDay.objects.get()
    assert (day.date, day.appointments, day.cancelled, day.booked, day.minutes) == (timezone.localdate(later), 1, 1, 0, 0)
    assert DoctorMonth.objects.get().doctor_id == day.doctor_id
    assert_current()


def test_a_visit_that_loses_its_appointment_is_a_walk_in(current):
    appointment = book()
    seen(appointment)
    run()

    Appointment.objects.filter(pk=appointment.pk).update(encounter=None)
    run()

    assert FactVisit.objects.get().is_walk_in
    assert_current()


def test_a_doctor_who_moves_takes_the_figures_along(current):
    appointment, by = book(), cashier()
    encounter = seen(appointment, minutes=5)
    pay(issued_for(encounter, by), by)
    batch = stocked(20)
    dispensed(signed(line_of(batch.medicine, 6), encounter=EncounterFactory(doctor=appointment.doctor)))
    run()

    to = DepartmentFactory(name="Cardiology")
    doctor = appointment.doctor
    doctor.save_changes(department=to)
    run()

    for fact in (FactAppointment, FactVisit, FactPayment, FactDispense):
        assert set(fact.objects.values_list("department", flat=True)) == {to.pk}
    assert set(DepartmentMonth.objects.values_list("department", flat=True)) == {to.pk}
    assert_current()


def test_a_department_that_moves_takes_its_visits_along(current):
    encounter = seen()
    run()
    to, department = FacilityFactory(), encounter.doctor.department

    type(department).objects.filter(pk=department.pk).update(facility=to)
    run()

    assert FactVisit.objects.get().facility_id == DoctorDay.objects.get().facility_id == to.pk
    assert_current()


def test_a_merge_moves_the_facts_of_the_loser_and_its_undoing_moves_them_back(current):
    by, survivor = user(Role.RECEPTION), PatientFactory()
    appointment = book()
    loser = appointment.patient
    encounter = seen(appointment, minutes=4)
    pay(issued_for(encounter, drawer := cashier()), drawer)
    run()

    merge_patients(survivor_id=survivor.pk, loser_id=loser.pk, reason="Twice", by=by, now=timezone.now())
    run()
    merged = {fact: set(fact.objects.values_list("patient", flat=True)) for fact in (FactAppointment, FactVisit, FactPayment)}
    assert_current()
    unmerge_patients(patient_id=survivor.pk, by=by, now=timezone.now())
    run()

    assert set(map(frozenset, merged.values())) == {frozenset({survivor.pk})}
    assert set(FactPayment.objects.values_list("patient", flat=True)) == {loser.pk}
    assert_current()


def test_a_row_that_is_gone_leaves_no_fact_and_no_sum(current):
    appointment = book()
    run()

    with pgtrigger.ignore("scheduling.Appointment:appointment_kept"):
        appointment.delete()
    run()

    for model in (FactAppointment, DoctorDay, DoctorMonth, DoctorYear, DepartmentMonth):
        assert not model.objects.exists()


def test_sums_count_a_moved_appointment_once_and_a_visit_in_error_never(current):
    doctor = DoctorFactory()
    went_to = book(at(12), doctor=doctor)
    book(at(9), doctor=doctor, status="rescheduled", rescheduled_to=went_to)
    book(at(13), doctor=doctor, status="no_show")
    seen(book(at(14), doctor=doctor), called_after=10, minutes=8)
    seen(doctor=doctor, called_after=20)
    seen(doctor=doctor, status="entered_in_error", entered_in_error_reason="x")

    run()

    day = DoctorDay.objects.get()
    assert (day.appointments, day.booked, day.completed, day.no_shows, day.minutes) == (3, 1, 1, 1, 60)
    assert (day.visits, day.walk_ins, day.waits, day.wait_minutes) == (2, 1, 2, 30)
    assert (day.consultations, day.consult_minutes) == (1, 8)
    year = DoctorYear.objects.get()
    assert (year.appointments, year.visits, year.wait_minutes) == (3, 2, 30)
    assert_current()


def test_days_are_told_by_the_calendar(current):
    book(datetime.fromisoformat("2027-01-03T12:00:00+00:00"))

    run()

    day = DimDate.objects.get(date="2027-01-03")
    assert (day.year, day.quarter, day.month, day.month_start.isoformat()) == (2027, 1, 1, "2027-01-01")
    assert (day.iso_year, day.iso_week, day.weekday, day.is_weekend) == (2026, 53, 7, True)


def test_the_first_run_takes_what_was_there_before_the_queue():
    appointment = book()
    Change.objects.all().delete()

    done = run()

    assert done.changed > 0
    assert FactAppointment.objects.get().source_id == appointment.pk
    assert_current()


def test_a_change_that_is_rolled_back_leaves_nothing_in_the_queue(current):
    before = Change.objects.count()

    with pytest.raises(IntegrityError), transaction.atomic():
        book(status="booked", overbook_reason="", is_overbooked=True)

    assert Change.objects.filter(subject=Subject.APPOINTMENT).count() == 0
    assert Change.objects.count() >= before


def test_one_statement_on_many_rows_names_each_of_them(current):
    pks = {book(at(hour)).pk for hour in (9, 10, 11)}
    Change.objects.all().delete()

    Appointment.objects.filter(pk__in=pks).update(notes="x")

    assert set(Change.objects.filter(subject="appointment").values_list("source_id", flat=True)) == pks


def test_every_batch_is_whole(current, monkeypatch):
    """A crash between facts and sums leaves neither, and the changes still in the queue."""
    book()
    waiting, before = Change.objects.count(), star()

    def crash(cells):
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(running, "refresh_touched", crash)
        with pytest.raises(RuntimeError):
            run()

    assert (Change.objects.count(), star()) == (waiting, before)
    run()
    assert_current()


def test_small_batches_come_to_the_same(current):
    for hour in (9, 10, 11):
        seen(book(at(hour)), called_after=hour, minutes=hour)
    waiting = Change.objects.count()

    done = running.run_etl(batch=3)

    assert (done.taken, done.batches) == (waiting, waiting // 3 + 1)
    assert_current()


def test_a_batch_is_taken_in_one_pass_though_the_queue_is_believed_to_be_empty(current):
    fill = "INSERT INTO analytics_change (subject, source_id) SELECT 'patient', n FROM generate_series(1, 2000) n"
    with connection.cursor() as cursor:
        for statement in (fill, "DELETE FROM analytics_change", "ANALYZE analytics_change", fill):
            cursor.execute(statement)
        cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) {running._TAKE}", [1500])
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "Nested Loop" not in plan
    assert Change.objects.count() == 500


def test_as_of_moves_on_with_each_run_and_the_watermark_with_what_was_taken(current):
    first = EtlState.objects.get()
    book()
    last = Change.objects.order_by("-id").first().pk

    run()

    state = EtlState.objects.get()
    assert state.as_of > first.as_of
    assert state.watermark == last


def test_as_of_stays_while_changes_wait(current):
    before = EtlState.objects.get().as_of
    PatientFactory.create_batch(2)

    running._work_off(1)

    assert Change.objects.exists()
    assert EtlState.objects.get().as_of == before


def test_a_rebuild_mends_what_somebody_changed(current):
    book()
    run()
    good = star()
    FactAppointment.objects.update(minutes=999)
    DoctorMonth.objects.update(appointments=7)
    DoctorDay.objects.all().delete()

    done = running.rebuild()

    assert done.changed == 3
    assert star() == good


def test_rows_that_are_right_are_not_written(current, monkeypatch):
    """Told by PostgreSQL's own number of the writing transaction."""
    appointment = book()
    run()

    def written_by():
        with connection.cursor() as cursor:
            cursor.execute("SELECT ctid::text FROM fact_appointment UNION ALL SELECT ctid::text FROM doctor_day")
            return cursor.fetchall()

    before = written_by()
    Appointment.objects.filter(pk=appointment.pk).update(notes="nothing that is counted")
    run()

    assert written_by() == before


def test_command_tells_what_it_did(current, capsys):
    book()

    call_command("run_etl")
    call_command("run_etl", "--full")

    first, second = (line for line in capsys.readouterr().out.splitlines() if "changes taken" in line)
    assert "0 changes" not in first
    assert second == "0 changes taken, 0 rows written."


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_share_the_work(at_once):
    run()
    for hour in range(8, 18):
        book(at(hour))
    waiting = Change.objects.count()

    results = at_once(*[lambda: running.run_etl(batch=4)] * 2)

    assert [done for done in results if isinstance(done, Exception)] == []
    assert sum(done.taken for done in results) == waiting
    assert FactAppointment.objects.count() == 10
    assert_current()


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_two_runs_get_in_each_others_way(at_once, monkeypatch):
    """The lock is what keeps sums right: two batches that see different facts of one cell would each write its own sum."""
    run()
    doctor = DoctorFactory()
    for hour in range(8, 18):
        book(at(hour), doctor=doctor)
    both = threading.Barrier(2)
    refresh = Derived.refresh_cells
    monkeypatch.setattr(running, "lock_etl", lambda: None)
    monkeypatch.setattr(running, "_TAKE", running._TAKE.replace("LIMIT %s)", "LIMIT %s FOR UPDATE SKIP LOCKED)"))

    def together(derived, scope):
        if derived.table == "doctor_day":
            both.wait(20)
        return refresh(derived, scope)

    monkeypatch.setattr(Derived, "refresh_cells", together)
    at_once(*[lambda: running._work_off(20)] * 2)

    assert [day.appointments for day in DoctorDay.objects.all()] != [10]
