"""Loading a large clinic beside the small demo: one transaction, so that it is there whole or not at all."""

from collections.abc import Callable, Iterable
from datetime import datetime

from django.contrib.auth.models import Group
from django.db import connection, transaction

from analytics.etl.running import forget_figures, rebuild
from analytics.etl.sources import SUMMED
from billing.models import InvoiceCounter
from clinic.accounts.models import Department, Doctor, Facility
from clinic.accounts.roles import Role
from clinic.audit.services.recording import record
from clinic.ops.seed.bulk import papers, people, visits
from clinic.ops.seed.bulk.copying import Sheet, copy_into, rules_set_aside, uuid_of
from clinic.ops.seed.bulk.diary import Diary
from clinic.ops.seed.bulk.papers import Papers
from clinic.ops.seed.bulk.scale import Scale
from clinic.ops.seed.data.ailments import AILMENTS
from clinic.ops.seed.demo import Demo
from patients.locks import lock_mrn_counter
from patients.models import MrnCounter

PEOPLE = [people.users, people.memberships, people.doctors, people.workplaces, people.sessions, people.patients]
VISITS = [visits.encounters, visits.appointments]
PAPERS = [
    visits.vitals,
    visits.diagnoses,
    papers.prescriptions,
    papers.items,
    papers.batches,
    papers.dispenses,
    papers.dispense_lines,
    papers.movements,
    papers.invoices,
    papers.lines,
    papers.payments,
]

# (title, rows so far, rows in all or None when they are not known before)
Say = Callable[[str, int, int | None], None]


def load_bulk(scale: Scale, demo: Demo, *, now: datetime, say: Say) -> bool:
    """Fill the tables up to the scale; False when a large clinic is there already. Raises what PostgreSQL refuses: then nothing is kept."""
    if Doctor.objects.filter(public_id=uuid_of("doctor", 0)).exists():
        return False
    sheets = PEOPLE + VISITS + (PAPERS if scale.with_papers else [])
    with transaction.atomic():
        with rules_set_aside([sheet.model._meta.db_table for sheet in sheets]):
            _load(scale, demo, now, say)
            say("checking all rules", 0, None)
        forget_figures()
        record(action="ops.seed.loaded", actor=demo.user("admin"), changes={"scale": scale.name})
    say("statistics", 0, None)
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("VACUUM ANALYZE")
    _make_figures(say)
    return True


def _make_figures(say: Say) -> None:
    """Cut off, it is made up for by the next run of the ETL."""
    with transaction.atomic(), rules_set_aside([source.derived.table for source in SUMMED]):
        rebuild(say=say)


def _load(scale: Scale, demo: Demo, now: datetime, say: Say) -> None:
    diary = Diary(scale, today=demo.today, zone=demo.zone)
    keys = _load_people(scale, demo, say)
    _copy("encounters", visits.encounters, visits.encounter_lines(diary, keys), say)
    _copy("appointments", visits.appointments, visits.appointment_lines(diary, keys, now), say, scale.appointments)
    if scale.with_papers:
        _copy("vitals", visits.vitals, visits.vitals_lines(diary, keys), say)
        _copy("diagnoses", visits.diagnoses, visits.diagnosis_lines(diary, keys), say)
        _load_papers(diary, keys, demo, say)


def _load_people(scale: Scale, demo: Demo, say: Say) -> visits.Keys:
    facility = Facility.objects.order_by("pk").first()
    departments = list(Department.objects.filter(name__in=AILMENTS).order_by("pk"))
    users, doctors, patients = (sheet.first_free_id() for sheet in (people.users, people.doctors, people.patients))
    group = Group.objects.get(name=Role.DOCTOR)
    counter = lock_mrn_counter()
    _copy("users", people.users, people.user_lines(scale, users, demo.today), say, scale.doctors)
    _copy("roles", people.memberships, people.membership_lines(scale, users, group.pk), say, scale.doctors)
    _copy("doctors", people.doctors, people.doctor_lines(scale, doctors, users, departments), say, scale.doctors)
    _copy("workplaces", people.workplaces, people.workplace_lines(scale, doctors, facility), say, scale.doctors)
    _copy("hours", people.sessions, people.session_lines(scale, doctors, facility, demo.today), say, scale.doctors * 5)
    mrn = counter.last_number + 1
    _copy("patients", people.patients, people.patient_lines(scale, patients, mrn, demo.today), say, scale.patients)
    MrnCounter.objects.filter(pk=counter.pk).update(last_number=counter.last_number + scale.patients)
    made = Doctor.objects.filter(pk__gte=doctors).select_related("user", "department").order_by("pk")
    return visits.Keys(patients, visits.appointments.first_free_id(), visits.encounters.first_free_id(), facility.pk, list(made))


def _load_papers(diary: Diary, keys: visits.Keys, demo: Demo, say: Say) -> None:
    first = {
        "prescription": papers.prescriptions,
        "item": papers.items,
        "batch": papers.batches,
        "dispense": papers.dispenses,
        "dispense_line": papers.dispense_lines,
        "invoice": papers.invoices,
        "line": papers.lines,
    }
    numbered = dict(InvoiceCounter.objects.values_list("year", "last_number"))
    staff = {login: demo.user(login) for login in ("pharmacist", "reception")}
    made = Papers(
        diary, keys, first={name: sheet.first_free_id() for name, sheet in first.items()}, staff=staff, numbered=numbered, today=demo.today
    )
    for title, sheet, lines in (
        ("prescriptions", papers.prescriptions, made.prescription_lines()),
        ("prescribed items", papers.items, made.item_lines()),
        ("batches", papers.batches, made.batch_lines()),
        ("dispenses", papers.dispenses, made.dispense_lines()),
        ("dispensed lines", papers.dispense_lines, made.dispensed_lines()),
        ("stock movements", papers.movements, made.movement_lines()),
        ("invoices", papers.invoices, made.invoice_lines()),
        ("charges", papers.lines, made.charge_lines()),
        ("payments", papers.payments, made.payment_lines()),
    ):
        _copy(title, sheet, lines, say)
    for year, last in numbered.items():
        InvoiceCounter.objects.update_or_create(year=year, defaults={"last_number": last})


def _copy(title: str, sheet: Sheet, lines: Iterable[str], say: Say, total: int | None = None) -> None:
    done = 0

    def tick(rows: int) -> None:
        nonlocal done
        done += rows
        say(title, done, total)

    copy_into(sheet, lines, tick=tick)
