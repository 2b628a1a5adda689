"""Restricted charts, and opening one for a reason ('break-glass')."""

from datetime import datetime
from uuid import UUID

from django.utils import timezone

from clinic.audit.services.recording import record
from clinic.core.db import atomic_with_retry
from patients import locks
from patients.errors import BreakGlassRequired, ChartNotRestricted, ReasonMissing
from patients.models import BreakGlass, Encounter, Patient
from patients.models.access import LONGEST_OPENING
from patients.rules.identity import plain_words
from patients.selectors import GLASS_BROKEN


def is_chart_open(*, patient: Patient, by, now: datetime) -> bool:
    """Whether this person may read this chart now: it is not restricted or the own one, they treat the patient in a visit
    that is in progress, or they opened it for a reason less than an hour ago."""
    if not patient.is_restricted or patient.user_id == by.pk:
        return True
    if BreakGlass.objects.active(now).filter(patient=patient, user=by).exists():
        return True
    return Encounter.objects.in_progress().filter(patient=patient, doctor__user=by).exists()


def check_chart_open(*, patient: Patient, by, now: datetime | None = None) -> None:
    """Raises BreakGlassRequired for a restricted chart that is not open to this person."""
    if not is_chart_open(patient=patient, by=by, now=now or timezone.now()):
        raise BreakGlassRequired(patient=str(patient.public_id))


@atomic_with_retry
def break_glass(*, patient_id: int, reason: str, by, now: datetime, request_id: UUID | None = None) -> BreakGlass:
    """Open a restricted chart to one person for 60 minutes from now.

    Locks the patient. While an earlier opening lasts it is returned, and not made longer. Raises
    NotFound, ReasonMissing and ChartNotRestricted.
    """
    reason = plain_words(reason)
    if not reason:
        raise ReasonMissing
    patient = locks.lock_patient(patient_id)
    if earlier := BreakGlass.objects.active(now).filter(patient=patient, user=by).first():
        return earlier
    if not patient.is_restricted:
        raise ChartNotRestricted
    # One that has run out is not prolonged by its old form: a request_id opens a chart once.
    if request_id and BreakGlass.objects.filter(request_id=request_id).exists():
        request_id = None
    opening = BreakGlass.objects.create(
        patient=patient, user=by, reason=reason, granted_at=now, expires_at=now + LONGEST_OPENING, request_id=request_id
    )
    changes = {"opening": str(opening.public_id), "expires_at": opening.expires_at.isoformat()}
    record(action=GLASS_BROKEN, actor=by, subject=patient, patient=patient, changes=changes)
    return opening


@atomic_with_retry
def set_restricted(*, patient_id: int, is_restricted: bool, by) -> Patient:
    """Restrict a chart, or lift that. Locks the patient; what is so already stays. Raises NotFound and BreakGlassRequired."""
    patient = locks.lock_patient(patient_id)
    check_chart_open(patient=patient, by=by)
    if patient.is_restricted == is_restricted:
        return patient
    patient.save_changes(is_restricted=is_restricted)
    what = "restricted" if is_restricted else "unrestricted"
    record(action=f"patients.chart.{what}", actor=by, subject=patient, patient=patient, changes={"is_restricted": is_restricted})
    return patient
