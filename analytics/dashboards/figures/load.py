"""Who was seen, when, where and by whom: from the sums of a doctor's day."""

from django.db.models import Count

from analytics.dashboards.asked import Asked, who
from analytics.dashboards.definition import ACROSS, BARS, COUNT, LINE, MINUTES, MONEY, PERCENT, PERIOD, WORDS, Column, Figure, Row
from analytics.dashboards.figures import cells
from analytics.dashboards.figures.shares import mean, percent
from analytics.models import DimDepartment, FactAppointment
from scheduling.models import AppointmentStatus

TOP = 10


def _top_doctors(asked: Asked) -> list[Row]:
    busiest = sorted(asked.once(cells.by_doctor), key=lambda cell: -cell["visits"])[:TOP]
    return [Row(cell, who(cell["public_id"])) for cell in busiest if cell["visits"]]


def _workload(asked: Asked) -> list[Row]:
    return [
        Row({"consult": mean(cell["consult_minutes"], cell["consultations"]), **cell}, who(cell["public_id"]))
        for cell in sorted(asked.once(cells.by_doctor), key=lambda cell: (-cell["appointments"], -cell["visits"]))
        if cell["appointments"] or cell["visits"]
    ]


def _departments(asked: Asked) -> list[Row]:
    found = cells.by_department(asked)
    departments = DimDepartment.objects.filter(pk__in=found).order_by("name", "public_id")
    rows = ((department, found[department.pk]) for department in departments)
    return [
        Row(
            {"department": department.name, "missed": percent(cell["no_shows"], cell["no_shows"] + cell["completed"]), **cell},
            who(department=department.public_id),
        )
        for department, cell in rows
        if cell["appointments"] or cell["visits"]
    ]


def by_period(asked: Asked) -> list[Row]:
    """Every day or month up to today; of one without a visit all is 0. Empty where nothing happened at all."""
    found = cells.by_period(asked)
    nothing = dict.fromkeys(cells.MEASURES, 0)
    return [Row({"period": key, **found.get(key, nothing)}, days) for key, days in asked.periods()] if found else []


def _outcomes(asked: Asked) -> list[Row]:
    counts = dict(asked.narrowed(FactAppointment.objects).order_by().values_list("status").annotate(number=Count("pk")))
    return [
        Row({"status": choice.label, "number": counts[choice.value]}, {"status": choice.value})
        for choice in AppointmentStatus
        if counts.get(choice.value)
    ]


TOP_DOCTORS = Figure(
    "top-doctors",
    "Top doctors",
    (
        Column("doctor", "Doctor", WORDS),
        Column("department", "Department", WORDS),
        Column("visits", "Visits", COUNT, drawn=True),
        Column("completed", "Kept"),
        Column("charge", "Charged", MONEY),
    ),
    _top_doctors,
    chart=ACROSS,
    note=f"The {TOP} with the most visits. Kept: appointments that took place.",
    behind="visits",
    empty="No visits in these days.",
)
DEPARTMENTS = Figure(
    "department-load",
    "Load of the departments",
    (
        Column("department", "Department", WORDS),
        Column("appointments", "Appointments", COUNT, drawn=True),
        Column("visits", "Visits", COUNT, drawn=True),
        Column("walk_ins", "Walk-ins"),
        Column("missed", "Missed, %", PERCENT),
        Column("charge", "Charged", MONEY),
    ),
    _departments,
    chart=ACROSS,
    note="Appointments without those moved elsewhere. Missed: of those kept or missed.",
    behind="appointments",
    empty="No appointments and no visits in these days.",
)
VISITS = Figure(
    "monthly-visits",
    "Visits",
    (
        Column("period", "When", PERIOD),
        Column("visits", "Visits", COUNT, drawn=True),
        Column("walk_ins", "Walk-ins", COUNT, drawn=True),
        Column("charge", "Charged", MONEY),
    ),
    by_period,
    chart=LINE,
    note="By day, or by month where more than two months are shown. Walk-ins are among the visits.",
    behind="visits",
    empty="No visits in these days.",
)
WORKLOAD = Figure(
    "doctor-workload",
    "Workload of the doctors",
    (
        Column("doctor", "Doctor", WORDS),
        Column("appointments", "Appointments"),
        Column("completed", "Kept", COUNT, drawn=True),
        Column("booked", "To come", COUNT, drawn=True),
        Column("cancelled", "Cancelled"),
        Column("no_shows", "Missed", COUNT, drawn=True),
        Column("visits", "Visits"),
        Column("consult", "Minutes a visit", MINUTES),
    ),
    _workload,
    chart=ACROSS,
    stacked=True,
    charted=20,
    note="The 20 with the most appointments are drawn. Minutes from the begin of a visit to its signature, on average.",
    behind="appointments",
    empty="No appointments and no visits in these days.",
)
OUTCOMES = Figure(
    "outcomes",
    "What became of appointments",
    (Column("status", "Status", WORDS), Column("number", "Appointments", COUNT, drawn=True)),
    _outcomes,
    chart=BARS,
    behind="appointments",
    empty="No appointments in these days.",
)
