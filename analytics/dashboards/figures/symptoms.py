"""How often each symptom was noted, from the notes in MongoDB."""

from analytics import stores
from analytics.api.filters import instants
from analytics.dashboards.asked import Asked
from analytics.dashboards.definition import ACROSS, COUNT, WORDS, Column, Figure, Row
from clinic.accounts.models import Doctor


def _authors(asked: Asked) -> dict:
    """Nothing where all are asked for; a doctor works in one department, and at its facility or others."""
    if asked.doctor:
        return {"author": str(asked.doctor.user.public_id)}
    if not asked.keys:
        return {}
    doctors = Doctor.objects.all()
    if asked.department:
        doctors = doctors.filter(department=asked.department)
    if asked.facility:
        doctors = doctors.filter(department__facility=asked.facility)
    return {"author": {"$in": [str(key) for key in doctors.values_list("user__public_id", flat=True)]}}


def _frequency(asked: Asked) -> list[Row]:
    match = _authors(asked) | instants({"date_from": asked.date_from, "date_to": asked.date_to}, "written_at")
    return [Row(found) for found in stores.symptoms(match)]


FREQUENCY = Figure(
    "frequency",
    "Symptoms noted",
    (Column("symptom", "Symptom", WORDS), Column("notes", "Notes", COUNT, drawn=True)),
    _frequency,
    chart=ACROSS,
    charted=20,
    note="Of a note that was amended only the last version counts. The 20 most frequent are drawn.",
    empty="No symptom was noted in these days.",
    live=True,
)
