"""Records as pages and endpoints show them."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import Count, OuterRef, Prefetch, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from clinic.accounts.roles import Role
from clinic.audit.models import OutboxEvent
from clinic.core.together import Reader, put_children, together
from patients.models import (
    Allergy,
    Attachment,
    BreakGlass,
    ClinicalNote,
    Diagnosis,
    Encounter,
    EncounterStatus,
    Patient,
    Problem,
    Treatment,
    Vitals,
)
from patients.models.encounter import VITALS_RANGES
from patients.rules.usual import Unusual, unusual_vitals

CHART_READ = "patients.chart.read"
GLASS_BROKEN = "patients.chart.glass_broken"
MOST_VISITS = 10
MOST_FILES = 20
_LISTS = {"allergies": ("substance", "id"), "problems": ("-is_active", "text", "id")}


def with_lists(patients: QuerySet) -> QuerySet:
    """Patients with their allergies and problems: 3 queries however many rows."""
    return patients.prefetch_related(
        Prefetch("allergies", Allergy.objects.order_by(*_LISTS["allergies"])),
        Prefetch("problems", Problem.objects.order_by(*_LISTS["problems"])),
    )


def with_content(encounters: QuerySet) -> QuerySet:
    """Encounters with what was recorded in them but notes: 4 queries however many rows."""
    return encounters.select_related("patient", "doctor__user", "signed_by").prefetch_related(
        Prefetch("vitals", Vitals.objects.select_related("recorded_by").order_by("-recorded_at", "-id")),
        Prefetch("diagnoses", Diagnosis.objects.order_by("rank", "id")),
        Prefetch("treatments", Treatment.objects.select_related("treatment_type").order_by("recorded_at", "id")),
    )


def access_log_of(patient: Patient) -> QuerySet:
    """Who read this patient's record, or opened it while it was restricted, the newest first."""
    ids = [patient.public_id, *patient.merged_from.values_list("public_id", flat=True)]
    return OutboxEvent.objects.filter(patient_id__in=ids, action__in=[CHART_READ, GLASS_BROKEN]).order_by("-occurred_at", "-id")


@dataclass(frozen=True)
class Reading:
    """One line of an access log."""

    at: datetime
    who: str
    roles: str
    what: str
    broke_glass: bool


_READ = {"patient": "Chart", "encounter": "Visit", "prescription": "Prescription", "dispense": "Handed-out medicines"}


def reading_of(event: OutboxEvent) -> Reading:
    person = event.document["user"] or {"name": "The clinic's system", "role": ""}
    roles = ", ".join(Role(name).label for name in person["role"].split(",") if name in Role)
    broke_glass = event.action == GLASS_BROKEN
    what = "Opened the restricted chart" if broke_glass else _READ.get(event.resource_type, "Chart")
    return Reading(event.occurred_at, person["name"], roles, what, broke_glass)


def openings() -> QuerySet:
    """Openings of restricted charts, with who and whose, the newest first."""
    return BreakGlass.objects.select_related("patient", "user").order_by("-granted_at", "-id")


def newest_patients(user) -> QuerySet:
    return Patient.objects.visible_to(user).unmerged().order_by("-id")[:20]


def encounter_of(public_id: UUID, user) -> Encounter:
    """One visit with whom it is about. Raises Encounter.DoesNotExist for what the user may not see."""
    visits = Encounter.objects.visible_to(user).select_related("patient", "doctor__user", "signed_by")
    return visits.get(public_id=public_id)


def last_visits(patient: Patient, user) -> Reader:
    """The newest visits with their doctors and diagnoses."""
    visits = Encounter.objects.visible_to(user).filter(patient=patient).select_related("doctor__user").order_by("-started_at", "-id")
    visits = visits[:MOST_VISITS]
    diagnoses = Diagnosis.objects.filter(encounter__in=visits).order_by("rank", "id")
    yield [visits, diagnoses]
    put_children(visits, "diagnoses", diagnoses)
    return list(visits)


def files_of(patient: Patient, user) -> Reader:
    """The newest files of the patient's visits that were not entered in error."""
    visits = Encounter.objects.visible_to(user).filter(patient=patient).exclude(status=EncounterStatus.ENTERED_IN_ERROR)
    files = (
        Attachment.objects.filter(encounter__in=visits).headers().select_related("encounter").order_by("-uploaded_at", "-id")[:MOST_FILES]
    )
    yield [files]
    return list(files)


def lists_of(patient: Patient) -> Reader:
    """Gives the patient the allergies and problems, in the order of with_lists."""
    allergies, problems = (getattr(patient, name).order_by(*order) for name, order in _LISTS.items())
    yield [allergies, problems]
    put_children([patient], "allergies", allergies)
    put_children([patient], "problems", problems)


def history_of(encounter: Encounter) -> dict:
    """The document of a completed visit for reports: ids, codes, times and counts, no clinical text and no patient's name."""
    doctor = encounter.doctor
    return {
        "visit_id": str(encounter.public_id),
        "patient_id": str(encounter.patient.public_id),
        "doctor": {"id": str(doctor.public_id), "name": doctor.name},
        "department": {"id": str(doctor.department.public_id), "name": doctor.department.name},
        "started_at": encounter.started_at.isoformat(),
        "completed_at": encounter.signed_at.isoformat(),
        "diagnoses": list(encounter.diagnoses.exclude(code="").order_by("rank", "id").values_list("code", flat=True)),
        "counts": {many.replace(" ", "_"): number for _, many, number in together(counts_of(encounter))[0]},
    }


def counts_of(encounter: Encounter) -> Reader:
    """[(one, many, number)] of what a signature would stand for."""
    named = (
        (Vitals, "id", "set of vitals", "sets of vitals"),
        (Diagnosis, "id", "diagnosis", "diagnoses"),
        (Treatment, "id", "treatment", "treatments"),
        (ClinicalNote, "thread", "note", "notes"),
        (Attachment, "id", "file", "files"),
    )
    # Each counted by itself: joined, they would multiply.
    own = [model.objects.filter(encounter=OuterRef("pk")).order_by().values("encounter") for model, *_ in named]
    counted = [rows.values(n=Count(name, distinct=True)) for rows, (_, name, *_) in zip(own, named, strict=True)]
    numbers = Encounter.objects.filter(pk=encounter.pk).values_list(*(Coalesce(Subquery(each), 0) for each in counted))
    yield [numbers]
    return [(one, many, number) for (*_, one, many), number in zip(named, numbers[0], strict=True)]


# --- Vitals as a page shows them ---------------------------------------------------------


@dataclass(frozen=True)
class Cell:
    label: str
    unit: str
    value: str
    is_unusual: bool


_COLUMNS = (
    ("Temp.", "°C", ("temperature_c",)),
    ("Pulse", "/min", ("pulse_bpm",)),
    ("BP", "mmHg", ("systolic_mmhg", "diastolic_mmhg")),
    ("Resp.", "/min", ("respiratory_rate_bpm",)),
    ("SpO₂", "%", ("spo2_percent",)),
    ("Glucose", "mmol/l", ("glucose_mmol_l",)),
    ("Pain", "of 10", ("pain",)),
    ("Weight", "kg", ("weight_kg",)),
    ("Height", "cm", ("height_cm",)),
    ("BMI", "kg/m²", ("bmi",)),
)


def unusual_of(vitals: Vitals) -> list[Unusual]:
    """The values of a set that its patient, at the age of that day, would not usually have. Encounter and patient are at hand."""
    values = {name: getattr(vitals, name) for name in VITALS_RANGES}
    return unusual_vitals(values, born=vitals.encounter.patient.date_of_birth, on=timezone.localdate(vitals.recorded_at))


def cells_of(vitals: Vitals) -> list[Cell]:
    """One cell for each kind of value, empty where none was taken."""
    unusual = {each.name for each in unusual_of(vitals)}
    return [_cell(vitals, label, unit, names, bool(unusual & set(names))) for label, unit, names in _COLUMNS]


def _cell(vitals: Vitals, label: str, unit: str, names: tuple[str, ...], is_unusual: bool) -> Cell:
    values = [getattr(vitals, name) for name in names]
    shown = "/".join("–" if value is None else f"{Decimal(value).normalize():f}" for value in values)
    return Cell(label, unit, "" if all(value is None for value in values) else shown, is_unusual)


def vitals_table(encounter: Encounter) -> Reader:
    """{columns, rows}, the newest set first, with only those columns that some set fills."""
    sets = encounter.vitals.select_related("recorded_by").order_by("-recorded_at", "-id")
    yield [sets]
    rows = [(vitals, cells_of(vitals)) for vitals in sets]
    used = [at for at in range(len(_COLUMNS)) if any(cells[at].value for _, cells in rows)]
    return {"columns": [_COLUMNS[at][:2] for at in used], "rows": [(vitals, [cells[at] for at in used]) for vitals, cells in rows]}
