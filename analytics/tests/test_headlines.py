"""The four headline figures against SQL of another make over the operational tables, and who may ask what."""

import random
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils import timezone

from analytics.etl import running
from analytics.headlines.rules import GRAINS, pieces_of
from analytics.tests.world import empty_views
from billing.models import Invoice
from billing.services.crediting import credit_invoice
from billing.services.invoicing import issue_invoice
from billing.tests.factories import cashier, draft, issued_for
from clinic.accounts.models import Doctor
from clinic.accounts.roles import Role
from clinic.accounts.tests.factories import DepartmentFactory, DoctorFactory, user
from clinic.audit.models import OutboxEvent
from patients.tests.factories import EncounterFactory, PatientFactory
from scheduling.models import Appointment, Queue, Token

URL = "/api/v1/analytics/{}/"
NAMES = ["top-doctors", "department-load", "monthly-visits", "doctor-workload"]
TODAY = date(2026, 6, 17)
PERIODS = [
    {},
    {"year": 2025},
    {"year": 2025, "month": 12},
    {"date_from": "2024-11-17"},
    {"date_to": "2026-02-03"},
    {"date_from": "2024-12-31", "date_to": "2026-01-01"},
    {"date_from": "2025-03-10", "date_to": "2025-03-10"},
    {"date_from": "2025-02-10", "date_to": "2025-05-20"},
    {"year": 2025, "date_from": "2025-06-15"},
    {"year": 1950},
]

# One row for each thing that counts, of the operational tables: when, who, and what it adds. Written without the product's SQL.
EVENTS = """
    WITH things AS (
        SELECT timezone(%(zone)s, lower(a.during))::date AS date, a.doctor_id, 1 AS appointments,
               (a.status = ANY('{booked,checked_in,in_consultation}'))::int AS booked, (a.status = 'completed')::int AS completed,
               (a.status = 'cancelled')::int AS cancelled, (a.status = 'no_show')::int AS no_shows, a.is_overbooked::int AS overbooked,
               CASE WHEN a.status <> 'cancelled' THEN extract(epoch FROM upper(a.during) - lower(a.during))::int / 60 ELSE 0 END AS minutes,
               0 AS visits, 0 AS walk_ins, NULL::numeric AS wait, NULL::numeric AS length, 0::numeric AS charge
          FROM scheduling_appointment a WHERE a.status <> 'rescheduled'
        UNION ALL
        SELECT timezone(%(zone)s, e.started_at)::date, e.doctor_id, 0, 0, 0, 0, 0, 0, 0, 1,
               (NOT EXISTS (SELECT FROM scheduling_appointment a WHERE a.encounter_id = e.id))::int,
               (SELECT date_part('minute', date_trunc('minute', t.called_at - t.issued_at))
                     + 60 * date_part('hour', t.called_at - t.issued_at) FROM scheduling_token t WHERE t.encounter_id = e.id),
               trunc(extract(epoch FROM e.signed_at - e.started_at) / 60),
               COALESCE((SELECT sum(l.total) - sum(l.credited) FROM billing_invoiceline l, billing_invoice i
                          WHERE i.id = l.invoice_id AND i.encounter_id = e.id AND i.state = 'issued'
                            AND l.kind IN ('consultation', 'treatment')), 0)
          FROM patients_encounter e WHERE e.status <> 'entered_in_error'
    )
    SELECT things.*, d.department_id, to_char(things.date, 'YYYY-MM') AS month
      FROM things JOIN accounts_doctor d ON d.id = things.doctor_id
"""
SHOWN = {
    "top-doctors": ("doctor_id", ["visits", "walk_ins", "completed", "charge"]),
    "department-load": (
        "department_id",
        ["appointments", "completed", "cancelled", "no_shows", "visits", "walk_ins", "charge", "average_wait_minutes"],
    ),
    "monthly-visits": ("month", ["appointments", "no_shows", "visits", "walk_ins", "charge", "average_consult_minutes"]),
    "doctor-workload": (
        "doctor_id",
        [
            "appointments",
            "booked",
            "completed",
            "cancelled",
            "no_shows",
            "overbooked",
            "minutes",
            "visits",
            "average_consult_minutes",
        ],
    ),
}
_AVERAGES = {"average_wait_minutes": "round(avg(wait)::numeric, 1)::float8", "average_consult_minutes": "round(avg(length), 1)::float8"}


def expected(name, *, start=None, until=None, doctor=None, department=None) -> dict:
    """{public id or month: its figures}"""
    by, figures = SHOWN[name]
    sums = ", ".join(_AVERAGES.get(figure, f"sum({figure})") for figure in figures)
    key = {"doctor_id": "accounts_doctor", "department_id": "accounts_department"}.get(by)
    shown = f"(SELECT public_id::text FROM {key} named WHERE named.id = {by})" if key else by
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT {shown}, {sums} FROM ({EVENTS}) events
                 WHERE (%(start)s::date IS NULL OR date >= %(start)s) AND (%(until)s::date IS NULL OR date < %(until)s)
                   AND (%(doctor)s::bigint IS NULL OR doctor_id = %(doctor)s)
                   AND (%(department)s::bigint IS NULL OR department_id = %(department)s)
                 GROUP BY {by} {"HAVING sum(visits) > 0" if name == "top-doctors" else ""}""",
            {
                "zone": str(timezone.get_default_timezone()),
                "start": start,
                "until": until,
                "doctor": doctor and doctor.pk,
                "department": department and department.pk,
            },
        )
        return {
            row[0]: [f"{value:.2f}" if name == "charge" else value for name, value in zip(figures, row[1:], strict=True)]
            for row in cursor.fetchall()
        }


def days_of(period) -> dict:
    """The same stretch, worked out day by day."""
    every = [date(2023, 1, 1) + timedelta(days=number) for number in range(4 * 365 + 1)]
    kept = [
        day
        for day in every
        if period.get("year", day.year) == day.year
        and period.get("month", day.month) == day.month
        and period.get("date_from", "0") <= day.isoformat() <= period.get("date_to", "9")
    ]
    return {"start": kept[0], "until": kept[-1] + timedelta(days=1)} if kept else {"start": date(1, 1, 1), "until": date(1, 1, 2)}


def figures_in(answer, name) -> dict:
    by = {"doctor_id": "doctor", "department_id": "department", "month": "month"}[SHOWN[name][0]]
    return {row[by]: [row[figure] for figure in SHOWN[name][1]] for row in answer.json()["results"]}


@pytest.fixture
def manager():
    return user(Role.MANAGER)


@pytest.fixture
def clinic(db):
    """Three years of appointments, visits, waits and charges of four doctors in two departments, by dice that fall the same each time."""
    dice = random.Random("three years")
    departments = [DepartmentFactory(name="Surgery"), DepartmentFactory(name="Paediatrics")]
    doctors = [DoctorFactory(department=departments[number % 2]) for number in range(4)]
    queues = {doctor.pk: Queue.objects.create(doctor=doctor, code=f"H{number}") for number, doctor in enumerate(doctors)}
    patient, by, at = PatientFactory(), cashier(), iter(range(10_000))
    for number in range(120):
        doctor = dice.choice(doctors[:3])
        start = _moment(dice)
        encounter = None
        if number % 3:
            minutes = dice.choice([None, 7, 22])
            signed = {"signed": True, "signed_at": start + timedelta(minutes=minutes, seconds=59)} if minutes else {}
            if number % 17 == 1:
                signed = {"status": "entered_in_error", "entered_in_error_reason": "x"}
            encounter = EncounterFactory(patient=patient, doctor=doctor, started_at=start, **signed)
        if number % 5:
            _appointment(dice, patient, doctor, start, encounter)
        if encounter and number % 2:
            waited = timedelta(minutes=dice.randrange(90), seconds=30)
            give = {"number": next(at) + 1, "issued_at": start - waited, "called_at": start, "effective_at": start - waited}
            Token.objects.create(queue=queues[doctor.pk], on=start.date(), patient=patient, encounter=encounter, status="done", **give)
        if encounter and signed and encounter.status == "completed" and number % 4 == 0:
            invoice = issued_for(encounter, by)
            _bill_something_else(encounter, by)
            if number % 8 == 0 and invoice.total > 5:
                about = {"reason": "Goodwill", "on": TODAY, "request_id": encounter.public_id}
                credit_invoice(invoice_id=invoice.pk, by=user(Role.MANAGER), amount=Decimal(5), **about)
    running.run_etl()
    return doctors


def _bill_something_else(encounter, by):
    """Of the visit, and no charge of its consultation."""
    invoice = draft(by, total="9.00", patient=encounter.patient)
    Invoice.objects.filter(pk=invoice.pk).update(encounter=encounter)
    issue_invoice(invoice_id=invoice.pk, by=by, on=TODAY)


def _moment(dice):
    """Of the clinic's clock, often at the edge of a day, a month or a year."""
    day = dice.choice([date(2023, 12, 31) + timedelta(days=dice.randrange(900)), date(2024, 12, 31), date(2026, 1, 1), date(2025, 3, 10)])
    return timezone.make_aware(datetime.combine(day, datetime.min.time())).replace(hour=dice.choice([0, 10, 23]), minute=dice.randrange(20))


def _appointment(dice, patient, doctor, start, encounter):
    status = "completed" if encounter else dice.choice(["booked", "cancelled", "no_show", "rescheduled"])
    about = {"status": status, "encounter": encounter, "is_overbooked": True, "overbook_reason": "Often at once"}
    if status == "cancelled":
        about["closed_reason"] = "x"
    if status == "rescheduled":
        about["rescheduled_to"] = Appointment.objects.create(
            patient=patient,
            doctor=doctor,
            during=DateTimeTZRange(start, start + timedelta(minutes=15)),
            is_overbooked=True,
            overbook_reason="x",
        )
    Appointment.objects.create(patient=patient, doctor=doctor, during=DateTimeTZRange(start, start + timedelta(minutes=20)), **about)


@pytest.mark.parametrize("name", NAMES)
def test_each_figure_is_that_of_the_operational_tables(clinic, api_as, manager, name):
    api, told = api_as(manager), 0
    surgery = clinic[0].department
    for narrowed in ({}, {"doctor": clinic[1]}, {"department": surgery}, {"doctor": clinic[0], "department": surgery}):
        ids = {which: str(row.public_id) for which, row in narrowed.items()}
        for period in PERIODS:
            answer = api.get(URL.format(name), period | ids | {"page_size": 200})

            assert figures_in(answer, name) == expected(name, **days_of(period) if period else {}, **narrowed), (period, narrowed)
            told += answer.json()["count"]
    assert told > 30


@pytest.mark.parametrize("name", NAMES)
def test_a_doctor_sees_the_own_figures_only(clinic, api_as, name):
    doctor = clinic[2]
    for period in PERIODS:
        answer = api_as(doctor.user).get(URL.format(name), period)

        assert figures_in(answer, name) == expected(name, **days_of(period) if period else {}, doctor=doctor), period
    assert figures_in(api_as(doctor.user).get(URL.format(name), {"doctor": str(doctor.public_id)}), name) == expected(name, doctor=doctor)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("whose", ["another's", "nobody's"])
def test_another_doctors_id_is_refused_by_its_name_whether_or_not_there_is_one(clinic, api_as, name, whose):
    asked = clinic[0].public_id if whose == "another's" else "6c1f0a52-0a6f-4a0c-9a55-1f6f4a3f2d11"

    answer = api_as(clinic[1].user).get(URL.format(name), {"doctor": str(asked)})

    assert (answer.status_code, answer.json()["errors"]) == (400, {"doctor": ["You see your own figures only."]})


def test_a_doctor_who_is_also_a_manager_sees_all(clinic, api_as):
    doctor = clinic[0]
    doctor.user.groups.add(*user(Role.MANAGER).groups.all())

    answer = api_as(doctor.user).get(URL.format("top-doctors"))

    assert answer.json()["count"] == 3


def test_a_login_of_a_doctor_who_is_none_gets_nothing(clinic, api_as):
    assert api_as(user(Role.DOCTOR)).get(URL.format("top-doctors")).status_code == 403


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("role", [Role.RECEPTION, Role.NURSE, Role.PHARMACIST, Role.PATIENT])
def test_others_see_no_figures(db, api_as, name, role):
    assert api_as(user(role)).get(URL.format(name)).status_code == 403


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"colour": "red"}, "colour"),
        ({"year": "x"}, "year"),
        ({"year": "0"}, "year"),
        ({"year": "9" * 400}, "year"),
        ({"year": "2025\x00"}, "year"),
        ({"month": "3"}, "month"),
        ({"year": "2025", "month": "13"}, "month"),
        ({"year": "2025", "month": "1.5"}, "month"),
        ({"date_from": "2025-02-30"}, "date_from"),
        ({"date_from": "0001-01-01"}, "date_from"),
        ({"date_to": "9999-12-31"}, "date_to"),
        ({"date_from": "2025-02-02", "date_to": "2025-02-01"}, "date_to"),
        ({"year": "2024", "date_from": "2025-02-01"}, "year"),
        ({"year": "2025", "month": "3", "date_to": "2025-02-28"}, "year"),
        ({"doctor": "1 OR 1=1"}, "doctor"),
        ({"doctor": "6c1f0a52-0a6f-4a0c-9a55-1f6f4a3f2d11"}, "doctor"),
        ({"department": "\x00"}, "department"),
        ({"department": "6c1f0a52-0a6f-4a0c-9a55-1f6f4a3f2d11"}, "department"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_name(db, api_as, manager, name, asked, field):
    answer = api_as(manager).get(URL.format(name), asked)

    assert answer.status_code == 400
    assert field in answer.json()["errors"]


def test_the_ends_of_time_are_no_error(db, api_as, manager):
    empty_views()  # another test may have committed figures
    for asked in ({"year": 1900}, {"year": 8999, "month": 12}, {"date_from": "1900-01-01", "date_to": "9000-01-01"}):
        assert api_as(manager).get(URL.format("monthly-visits"), asked).json()["results"] == []


def test_lists_are_paged_in_one_order(clinic, api_as, manager):
    api, seen = api_as(manager), []
    for page in (1, 2, 3):
        answer = api.get(URL.format("top-doctors"), {"page_size": 1, "page": page}).json()
        seen += answer["results"]

    assert (answer["count"], answer["next"]) == (3, None)
    assert [row["visits"] for row in seen] == sorted((row["visits"] for row in seen), reverse=True)
    assert len({row["doctor"] for row in seen}) == 3
    assert api.get(URL.format("top-doctors"), {"page": 4}).status_code == 404


def test_rows_name_doctor_and_department(clinic, api_as, manager):
    answer = api_as(manager).get(URL.format("doctor-workload"), {"doctor": str(clinic[1].public_id)}).json()

    (row,) = answer["results"]
    named = (row["doctor_name"], row["department"], row["department_name"])
    assert named == (clinic[1].name, str(clinic[1].department.public_id), "Paediatrics")


def test_an_answer_says_as_of_when_it_is_and_is_not_ahead_of_it(clinic, api_as, manager):
    api = api_as(manager)
    before = api.get(URL.format("monthly-visits")).json()

    EncounterFactory(doctor=clinic[0])
    waiting = api.get(URL.format("monthly-visits")).json()
    refreshed = api.post(URL.format("refresh"))
    after = api.get(URL.format("monthly-visits")).json()

    assert waiting == before
    assert refreshed.json()["as_of"] == after["as_of"] > before["as_of"]
    assert refreshed.json()["changes"] > 0
    assert sum(row["visits"] for row in after["results"]) == sum(row["visits"] for row in before["results"]) + 1


def test_figures_that_were_never_made_say_so(db, api_as, manager):
    answer = api_as(manager).get(URL.format("top-doctors")).json()

    assert (answer["as_of"], answer["count"]) == (None, 0)


def test_a_refresh_is_a_managers_and_stands_in_the_log(db, api_as, manager):
    assert api_as(DoctorFactory().user).post(URL.format("refresh")).status_code == 403
    assert api_as(manager).post(URL.format("refresh")).status_code == 200
    assert api_as(manager).get(URL.format("refresh")).status_code == 405

    event = OutboxEvent.objects.get(action="analytics.figures.refreshed")
    assert event.actor == manager


def test_without_changes_the_views_are_left_alone(clinic, monkeypatch):
    calls = []
    monkeypatch.setattr(running, "refresh_views", lambda: calls.append(1))
    PatientFactory()  # of no sum

    running.run_etl()
    assert calls == []
    EncounterFactory(doctor=clinic[0])
    running.run_etl()

    assert calls == [1]


def test_the_queries_stay_as_many_however_many_rows(clinic, api_as, manager, django_assert_max_num_queries):
    for _ in range(30):
        EncounterFactory(doctor=DoctorFactory())
    running.run_etl()
    api = api_as(manager)
    for name in NAMES:
        with django_assert_max_num_queries(6):
            assert api.get(URL.format(name)).status_code == 200


def test_pieces_cover_each_day_once():
    dice = random.Random("pieces")
    for _ in range(300):
        start = date(2023, 1, 1) + timedelta(days=dice.randrange(800))
        until = start + timedelta(days=dice.choice([0, 1, 20, 31, 60, 365, 366, 800]))
        for grains in (GRAINS, GRAINS[1:], GRAINS[2:]):
            pieces = pieces_of(start, until, grains)

            edges = [start, *(piece.until for piece in pieces)]
            assert [piece.start for piece in pieces] == edges[:-1]
            assert edges[-1] == max(start, until)
            assert all(piece.start.day == piece.until.day == 1 for piece in pieces if piece.grain == "month")
            assert all((piece.start.month, piece.start.day) == (1, 1) for piece in pieces if piece.grain == "year")
            assert len(pieces) <= 5
            days = sum((piece.until - piece.start).days for piece in pieces if piece.grain == "day")
            assert grains[0] == "day" or days <= 60


def test_doctors_without_a_visit_are_no_top_doctors(clinic, api_as, manager):
    answer = api_as(manager).get(URL.format("top-doctors")).json()

    assert Doctor.objects.count() == 4
    assert str(clinic[3].public_id) not in {row["doctor"] for row in answer["results"]}
