"""All that happened to a patient, in one list: what each app knows, merged by time.

Read a page at a time from where the last one ended (a place in the order, not a number of rows), so
that what is added meanwhile neither repeats nor hides anything.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Least
from django.urls import reverse

from clinic.core.errors import InvalidInput
from clinic.core.together import Reader, read, together
from patients.models import Attachment, ClinicalNote, Diagnosis, Encounter, EncounterStatus, Patient, Vitals
from patients.permissions import VIEW_ENCOUNTER
from patients.selectors.charts import cells_of
from pharmacy.models import Dispense, Prescription
from pharmacy.permissions import VIEW_PRESCRIPTION
from pharmacy.rules.quantities import counted
from scheduling.models import Appointment
from scheduling.permissions import VIEW_APPOINTMENT

PAGE_SIZE = 25


@dataclass(frozen=True)
class Event:
    """One line. `visit` is the public id of the visit it belongs to, None where there is none."""

    kind: str
    id: UUID
    at: datetime
    title: str
    detail: str
    by: str
    visit: UUID | None
    url: str = ""


@dataclass(frozen=True)
class Source:
    """One kind of event. `rows` gives the patient's, with their time as `at`; `event` makes of one what is shown."""

    label: str
    codename: str
    rows: Callable[[Patient, Any], QuerySet]
    event: Callable[[Any], dict]


def _visits(patient: Patient, user) -> QuerySet:
    return Encounter.objects.visible_to(user).filter(patient=patient)


def _in_visits(model, at) -> Callable[[Patient, Any], QuerySet]:
    """Rows of the patient's visits that were not entered in error; `at` is their time, as an expression."""

    def rows(patient: Patient, user) -> QuerySet:
        visits = _visits(patient, user).exclude(status=EncounterStatus.ENTERED_IN_ERROR)
        return model.objects.filter(encounter__in=visits).select_related("encounter__patient").annotate(at=at)

    return rows


def _of_visit(row: Encounter) -> dict:
    title = "Visit" if row.status != EncounterStatus.ENTERED_IN_ERROR else "Visit, entered in error"
    return {"title": title, "detail": row.reason, "by": str(row.doctor), "visit": row.public_id}


def _of_vitals(row: Vitals) -> dict:
    taken = ", ".join(
        f"{cell.label} {cell.value} {cell.unit}{' (unusual)' if cell.is_unusual else ''}" for cell in cells_of(row) if cell.value
    )
    return {"title": "Vitals", "detail": taken, "by": str(row.recorded_by), "visit": row.encounter.public_id}


def _of_diagnosis(row: Diagnosis) -> dict:
    detail = f"{row.text} ({row.code})" if row.code else row.text
    return {"title": f"{row.get_rank_display()} diagnosis", "detail": detail, "by": str(row.recorded_by), "visit": row.encounter.public_id}


def _of_note(row: ClinicalNote) -> dict:
    detail = f"Version {row.number}" if row.number > 1 else ""
    return {"title": "Note", "detail": detail, "by": str(row.author), "visit": row.encounter.public_id}


def _of_document(row: Attachment) -> dict:
    visit = row.encounter.public_id
    url = reverse("patients:attachment", args=[visit, row.public_id])
    return {"title": "File", "detail": row.name, "by": str(row.uploaded_by), "visit": visit, "url": url}


def _of_prescription(row: Prescription) -> dict:
    names = ", ".join(item.medicine.name for item in row.items.all())
    title = "Prescription" if row.status != "cancelled" else "Prescription, cancelled since"
    return {"title": title, "detail": names, "by": row.prescriber.name, "visit": row.encounter.public_id}


def _of_dispensing(row: Dispense) -> dict:
    given = ", ".join(f"{line.batch.medicine.name}, {counted(line.quantity, line.batch.medicine.unit)}" for line in row.lines.all())
    return {"title": "Handed out", "detail": given, "by": str(row.dispensed_by), "visit": row.prescription.encounter.public_id}


def _of_appointment(row: Appointment) -> dict:
    detail = f"{row.get_status_display()}{f': {row.reason}' if row.reason else ''}"
    return {"title": "Appointment", "detail": detail, "by": str(row.doctor), "visit": None}


# A diagnosis of a signed visit is no younger than the signature, whenever its row was imported.
SOURCES = {
    "visit": Source(
        "Visits",
        VIEW_ENCOUNTER,
        lambda patient, user: _visits(patient, user).select_related("doctor__user").annotate(at=F("started_at")),
        _of_visit,
    ),
    "vitals": Source(
        "Vitals", VIEW_ENCOUNTER, lambda *of: _in_visits(Vitals, F("recorded_at"))(*of).select_related("recorded_by"), _of_vitals
    ),
    "diagnosis": Source(
        "Diagnoses",
        VIEW_ENCOUNTER,
        lambda *of: _in_visits(Diagnosis, Least("created_at", "encounter__signed_at"))(*of).select_related("recorded_by"),
        _of_diagnosis,
    ),
    "note": Source(
        "Notes", VIEW_ENCOUNTER, lambda *of: _in_visits(ClinicalNote, F("written_at"))(*of).current().select_related("author"), _of_note
    ),
    "document": Source(
        "Files",
        VIEW_ENCOUNTER,
        lambda *of: _in_visits(Attachment, F("uploaded_at"))(*of).headers().select_related("encounter"),
        _of_document,
    ),
    "prescription": Source(
        "Prescriptions",
        VIEW_PRESCRIPTION,
        lambda patient, user: (
            Prescription.objects.visible_to(user)
            .filter(patient=patient, signed_at__isnull=False)
            .with_details()
            .annotate(at=F("signed_at"))
        ),
        _of_prescription,
    ),
    "dispensing": Source(
        "Handed out",
        VIEW_PRESCRIPTION,
        lambda patient, user: (
            Dispense.objects.visible_to(user)
            .filter(prescription__patient=patient)
            .with_details()
            .select_related("prescription__encounter", "dispensed_by")
            .annotate(at=F("dispensed_at"))
        ),
        _of_dispensing,
    ),
    "appointment": Source(
        "Appointments",
        VIEW_APPOINTMENT,
        lambda patient, user: (
            Appointment.objects.visible_to(user).filter(patient=patient).select_related("doctor__user").annotate(at=F("during__startswith"))
        ),
        _of_appointment,
    ),
}


@dataclass(frozen=True)
class Asked:
    """What a request asks for: `kinds` (none: all), and the place in the order before which it goes on."""

    kinds: frozenset[str]
    before: tuple[datetime, UUID] | None


def asked_for(kinds: Iterable[str], before: str) -> Asked:
    """From a request's parameters. Raises InvalidInput."""
    errors = {}
    if unknown := sorted(set(kinds) - set(SOURCES)):
        errors["kind"] = [f"There is no kind '{name[:40]}'." for name in unknown]
    place = None
    if before:
        try:
            at, _, row = before.partition("~")
            place = (datetime.fromisoformat(at), UUID(row))
        except ValueError:
            errors["before"] = ["Give the place that the page before named."]
        else:
            if place[0].tzinfo is None:
                errors["before"] = ["Give the place that the page before named."]
    if errors:
        raise InvalidInput(errors=errors)
    return Asked(frozenset(kinds), place)


def kinds_for(user) -> dict[str, str]:
    """{kind: label} of what this person may see."""
    return {name: source.label for name, source in SOURCES.items() if user.has_perm(source.codename)}


def events_of(patient: Patient, user, asked: Asked) -> tuple[list[Event], str]:
    """(a page of events, the newest first; the place where the next one goes on, "" at the end).

    One query for all kinds, and one each for the lines of prescriptions and of what was handed out.
    """
    kinds = [name for name in kinds_for(user) if not asked.kinds or name in asked.kinds]
    found = together(*(_newest(name, patient, user, asked) for name in kinds))
    events = sorted((event for part in found for event in part), key=lambda event: (event.at, event.id), reverse=True)
    page = events[:PAGE_SIZE]
    return page, f"{page[-1].at.isoformat()}~{page[-1].id}" if len(events) > PAGE_SIZE else ""


def _newest(kind: str, patient: Patient, user, asked: Asked) -> Reader:
    source = SOURCES[kind]
    rows = source.rows(patient, user)
    if asked.before:
        at, row = asked.before
        rows = rows.filter(Q(at__lt=at) | Q(at=at, public_id__lt=row))
    rows = rows.order_by("-at", "-public_id")[: PAGE_SIZE + 1]
    yield from read(rows)
    return [Event(kind=kind, id=row.public_id, at=row.at, **source.event(row)) for row in rows]
