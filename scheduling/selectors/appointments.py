"""Appointments as dictionaries, straight from the database: lists of them are read all day."""

from datetime import date, datetime

from django.db.models import QuerySet
from django.utils import timezone

from scheduling.models import Appointment
from scheduling.rules.slots import day_bounds
from scheduling.selectors.hours import clinic_zone

_FIELDS = (
    "public_id", "patient__public_id", "patient__first_name", "patient__last_name", "doctor__public_id",
    "doctor__user__first_name", "doctor__user__last_name", "doctor__user__username", "during", "status", "reason", "notes",
    "is_overbooked", "rescheduled_to__public_id", "encounter__public_id", "created_at", "version",
)  # fmt: skip


def list_appointments(
    user,
    *,
    patient=None,
    doctor=None,
    status: str | None = None,
    date_from: date | None = None,
    date_to: date | None = None,
    ordering: str = "start",
) -> QuerySet:
    """What the user may see, filtered; `patient` and `doctor` are public ids, dates those of the clinic's calendar."""
    rows = Appointment.objects.visible_to(user)
    if patient:
        rows = rows.filter(patient__public_id=patient)
    if doctor:
        rows = rows.filter(doctor__public_id=doctor)
    if status:
        rows = rows.filter(status=status)
    tz = clinic_zone()
    if date_from:
        rows = rows.filter(during__startswith__gte=day_bounds(date_from, tz)[0])
    if date_to:
        rows = rows.filter(during__startswith__lt=day_bounds(date_to, tz)[1])
    return rows.order_by("during__startswith", "id") if ordering == "start" else rows.order_by("-during__startswith", "-id")


def as_json(appointments: QuerySet, user) -> list[dict]:
    """The appointments as the API shows them: 1 query. The desk's notes are not for the patient."""
    hide_notes = user.is_only_patient
    return [_json(row, hide_notes) for row in appointments.values(*_FIELDS)]


def appointment_json(appointment_id: int, user) -> dict:
    """One appointment as the API shows it, with its `version`."""
    [row] = Appointment.objects.filter(pk=appointment_id).values(*_FIELDS)
    return _json(row, user.is_only_patient) | {"version": row["version"]}


def _json(row: dict, hide_notes: bool) -> dict:
    return {
        "id": row["public_id"],
        "patient": row["patient__public_id"],
        "patient_name": f"{row['patient__first_name']} {row['patient__last_name']}",
        "doctor": row["doctor__public_id"],
        "doctor_name": doctor_name(row["doctor__user__first_name"], row["doctor__user__last_name"], row["doctor__user__username"]),
        "start": iso(row["during"].lower),
        "end": iso(row["during"].upper),
        "status": row["status"],
        "reason": row["reason"],
        "notes": "" if hide_notes else row["notes"],
        "is_overbooked": row["is_overbooked"],
        "rescheduled_to": row["rescheduled_to__public_id"],
        "visit": row["encounter__public_id"],
        "created_at": iso(row["created_at"]),
    }


def doctor_name(first: str, last: str, username: str) -> str:
    """As Doctor.name says it."""
    return f"Dr {f'{first} {last}'.strip() or username}"


def iso(at: datetime | None) -> str | None:
    """With the offset of the clinic's zone."""
    return timezone.localtime(at).isoformat() if at else None
