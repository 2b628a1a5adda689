"""Appointments as dictionaries, straight from the database: lists of them are read all day."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db.models import F, QuerySet, Subquery
from django.utils import timezone

from clinic.accounts.models import Doctor
from patients.models import Patient
from scheduling.models import Appointment
from scheduling.rules.slots import day_bounds
from scheduling.selectors.hours import clinic_zone

_FIELDS = (
    "public_id", "patient__public_id", "patient__first_name", "patient__last_name", "doctor__public_id",
    "doctor__user__first_name", "doctor__user__last_name", "doctor__user__username", "status", "reason", "notes",
    "is_overbooked", "rescheduled_to__public_id", "encounter__public_id", "created_at", "version",
)  # fmt: skip
_SPAN = {"starts": F("during__startswith"), "ends": F("during__endswith")}  # two instants are read faster than a range


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
        rows = rows.filter(patient=_id_of(Patient, patient))
    if doctor:
        rows = rows.filter(doctor=_id_of(Doctor, doctor))
    if status:
        rows = rows.filter(status=status)
    tz = clinic_zone()
    if date_from:
        rows = rows.filter(during__startswith__gte=day_bounds(date_from, tz)[0])
    if date_to:
        rows = rows.filter(during__startswith__lt=day_bounds(date_to, tz)[1])
    return rows.order_by("during__startswith", "id") if ordering == "start" else rows.order_by("-during__startswith", "-id")


def _id_of(model, public_id) -> Subquery:
    """A scalar for the planner: joined instead, it walks the index of all starts until enough rows of one doctor came by."""
    return Subquery(model.objects.filter(public_id=public_id).order_by().values("pk")[:1])


def as_json(appointments: QuerySet, user) -> list[dict]:
    """The appointments as the API shows them: 1 query. The desk's notes are not for the patient."""
    hide_notes, tz = user.is_only_patient, clinic_zone()
    return [_json(row, hide_notes, tz) for row in appointments.values(*_FIELDS, **_SPAN)]


def appointment_json(appointment_id: int, user) -> dict:
    """One appointment as the API shows it, with its `version`."""
    [row] = Appointment.objects.filter(pk=appointment_id).values(*_FIELDS, **_SPAN)
    return _json(row, user.is_only_patient, clinic_zone()) | {"version": row["version"]}


def _json(row: dict, hide_notes: bool, tz: ZoneInfo) -> dict:
    return {
        "id": row["public_id"],
        "patient": row["patient__public_id"],
        "patient_name": f"{row['patient__first_name']} {row['patient__last_name']}",
        "doctor": row["doctor__public_id"],
        "doctor_name": doctor_name(row["doctor__user__first_name"], row["doctor__user__last_name"], row["doctor__user__username"]),
        "start": row["starts"].astimezone(tz).isoformat(),
        "end": row["ends"].astimezone(tz).isoformat(),
        "status": row["status"],
        "reason": row["reason"],
        "notes": "" if hide_notes else row["notes"],
        "is_overbooked": row["is_overbooked"],
        "rescheduled_to": row["rescheduled_to__public_id"],
        "visit": row["encounter__public_id"],
        "created_at": row["created_at"].astimezone(tz).isoformat(),
    }


def doctor_name(first: str, last: str, username: str) -> str:
    """As Doctor.name says it."""
    return f"Dr {f'{first} {last}'.strip() or username}"


def iso(at: datetime | None) -> str | None:
    """With the offset of the clinic's zone."""
    return timezone.localtime(at).isoformat() if at else None
