"""The day at a glance, straight from the operational tables: 7 queries however busy the day."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from django.db.models import Count, DecimalField, F, Sum, Value
from django.utils import timezone

from analytics.rules.waits import Waits, waits_of
from billing.models import CreditNote, Deposit, DepositRefund, Invoice, Payment, PaymentMethod, Refund
from billing.models.invoice import OWED_BY_INSURER, OWED_BY_PATIENT
from clinic.accounts.models import Doctor
from clinic.core.money import ZERO
from patients.models import Encounter
from patients.models.encounter import EncounterStatus
from pharmacy.models import DispenseLine, Prescription, PrescriptionStatus
from pharmacy.models.prescription import DISPENSABLE_STATUSES
from pharmacy.selectors.stock import medicines_in_stock
from scheduling.models import Appointment, AppointmentStatus, Token, TokenStatus


@dataclass
class DoctorDay:
    name: str
    appointments: int = 0
    signed: int = 0
    in_progress: int = 0
    prescriptions: int = 0
    billed: Decimal = ZERO


@dataclass(frozen=True)
class MethodDay:
    method: str
    label: str
    taken: Decimal
    given: Decimal

    @property
    def net(self) -> Decimal:
        return self.taken - self.given


@dataclass
class DayFigures:
    """What happened on one day of the clinic; `open_*` and `low_stock` are as of now."""

    on: date
    as_of: datetime
    appointments: dict[str, int] = field(default_factory=dict)
    tokens: dict[str, int] = field(default_factory=dict)
    waits: Waits | None = None
    encounters: dict[str, int] = field(default_factory=dict)
    prescriptions: dict[str, int] = field(default_factory=dict)
    units_dispensed: int = 0
    invoices_issued: int = 0
    billed: Decimal = ZERO  # less what was voided or credited that day
    methods: list[MethodDay] = field(default_factory=list)
    open_invoices: int = 0
    open_balance: Decimal = ZERO
    low_stock: int = 0
    doctors: list[DoctorDay] = field(default_factory=list)

    @property
    def revenue(self) -> Decimal:
        """Money received less money given back."""
        return sum((method.net for method in self.methods), ZERO)

    @property
    def prescriptions_waiting(self) -> int:
        return sum(self.prescriptions.get(status, 0) for status in DISPENSABLE_STATUSES)

    @property
    def visits_signed(self) -> int:
        return self.encounters.get(EncounterStatus.COMPLETED, 0)

    @property
    def visits_open(self) -> int:
        return self.encounters.get(EncounterStatus.IN_PROGRESS, 0)


def day_figures(*, on: date, now: datetime) -> DayFigures:
    """Appointments by their start, visits by their begin, prescriptions by their signature, invoices by their issue,
    money by the time it moved; a day is the clinic's, midnight to midnight."""
    start = timezone.make_aware(datetime.combine(on, time.min))
    end = timezone.make_aware(datetime.combine(on + timedelta(days=1), time.min))
    figures = DayFigures(on=on, as_of=now)
    _count_by_doctor(figures, start, end)
    _count_tokens(figures, now)
    _sum_money(figures, start, end)
    units = DispenseLine.objects.filter(dispense__dispensed_on=on).aggregate(units=Sum("quantity"))
    figures.units_dispensed = units["units"] or 0
    owed = Invoice.objects.unpaid().aggregate(count=Count("pk"), amount=Sum(OWED_BY_PATIENT + OWED_BY_INSURER))
    figures.open_invoices, figures.open_balance = owed["count"], owed["amount"] or ZERO
    figures.low_stock = medicines_in_stock(on=timezone.localdate(now), only="low").count()
    return figures


# --- Counts by status and doctor: one query ---------------------------------------------------


def _grouped(rows, kind: str, doctor: str, status: str, amount: str = ""):
    """(kind, doctor's key, status, number, amount) for each doctor and status."""
    money = DecimalField(max_digits=20, decimal_places=2)
    total = Sum(amount, output_field=money) if amount else Value(ZERO, output_field=money)
    keyed = rows.order_by().annotate(kind=Value(kind), of_doctor=F(doctor), in_status=F(status))
    return keyed.values_list("kind", "of_doctor", "in_status").annotate(number=Count("pk"), amount=total)


def _count_by_doctor(figures: DayFigures, start: datetime, end: datetime) -> None:
    days_appointments = Appointment.objects.filter(during__overlap=(start, end), during__startswith__gte=start, during__startswith__lt=end)
    within = {"gte": start, "lt": end}
    days_invoices = Invoice.objects.filter(**{f"issued_at__{bound}": at for bound, at in within.items()})
    days_voids = Invoice.objects.filter(issued_at__isnull=False, **{f"voided_at__{bound}": at for bound, at in within.items()})
    days_credits = CreditNote.objects.filter(**{f"issued_at__{bound}": at for bound, at in within.items()})
    rows = _grouped(days_appointments, "appointments", "doctor", "status").union(
        _grouped(Encounter.objects.filter(started_at__gte=start, started_at__lt=end), "encounters", "doctor", "status"),
        _grouped(Prescription.objects.filter(signed_at__gte=start, signed_at__lt=end), "prescriptions", "prescriber", "status"),
        _grouped(days_invoices, "invoices", "encounter__doctor", "state", "total"),
        _grouped(days_voids, "taken back", "encounter__doctor", "state", "total"),
        _grouped(days_credits, "taken back", "invoice__encounter__doctor", "invoice__state", "amount"),
        all=True,
    )
    by_doctor: dict[int, DoctorDay] = defaultdict(lambda: DoctorDay(name=""))
    counts = {"appointments": figures.appointments, "encounters": figures.encounters, "prescriptions": figures.prescriptions}
    for kind, doctor, status, number, amount in rows:
        if kind == "invoices":
            figures.invoices_issued += number
            figures.billed += amount
        elif kind == "taken back":
            figures.billed -= amount
        else:
            counts[kind][status] = counts[kind].get(status, 0) + number
        if doctor is not None:
            _add(by_doctor[doctor], kind, status, number, amount)
    for doctor in Doctor.objects.filter(pk__in=by_doctor).select_related("user"):
        by_doctor[doctor.pk].name = doctor.name
    figures.doctors = sorted(by_doctor.values(), key=lambda row: row.name)


def _add(row: DoctorDay, kind: str, status: str, number: int, amount: Decimal) -> None:
    if kind == "appointments" and status not in {AppointmentStatus.CANCELLED, AppointmentStatus.RESCHEDULED}:
        row.appointments += number
    elif kind == "encounters" and status == EncounterStatus.COMPLETED:
        row.signed += number
    elif kind == "encounters" and status == EncounterStatus.IN_PROGRESS:
        row.in_progress += number
    elif kind == "prescriptions" and status != PrescriptionStatus.CANCELLED:
        row.prescriptions += number
    elif kind == "invoices":
        row.billed += amount
    elif kind == "taken back":
        row.billed -= amount


# --- The queue, and the money: one query each ------------------------------------------------------


def _count_tokens(figures: DayFigures, now: datetime) -> None:
    rows = Token.objects.filter(on=figures.on).order_by().values_list("status", "issued_at", "called_at")
    for status, _, _ in rows:
        figures.tokens[status] = figures.tokens.get(status, 0) + 1
    figures.waits = waits_of(((issued, called, status == TokenStatus.WAITING) for status, issued, called in rows), now=now)


def _sum_money(figures: DayFigures, start: datetime, end: datetime) -> None:
    """Money by the way it came, as in billing's day report: a refund counts on the day on which it was given, and what is paid from an
    advance came before."""
    moved = [
        ("taken", Payment.objects.exclude(method=PaymentMethod.DEPOSIT), "received_at", "method"),
        ("taken", Deposit.objects, "received_at", "method"),
        ("given", Refund.objects.exclude(payment__method=PaymentMethod.DEPOSIT), "refunded_at", "payment__method"),
        ("given", DepositRefund.objects, "refunded_at", "deposit__method"),
    ]
    sums = [
        rows.filter(**{f"{at}__gte": start, f"{at}__lt": end})
        .order_by()
        .annotate(kind=Value(kind), by=F(method))
        .values_list("kind", "by")
        .annotate(amount=Sum("amount"))
        for kind, rows, at, method in moved
    ]
    found: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
    for kind, method, amount in sums[0].union(*sums[1:], all=True):
        found[kind, method] += amount
    figures.methods = [
        MethodDay(
            method=method.value,
            label=method.label,
            taken=found["taken", method.value],
            given=found["given", method.value],
        )
        for method in PaymentMethod
        if method != PaymentMethod.DEPOSIT
    ]
